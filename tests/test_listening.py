"""The process knows on which public addresses it listens."""

import socket
from pathlib import Path

import pytest

from avow.listening import public_addresses


@pytest.mark.parametrize(
    ("family", "host", "public"),
    [
        pytest.param(socket.AF_INET, "127.0.0.1", False, id="loopback-is-private"),
        pytest.param(socket.AF_INET, "0.0.0.0", True, id="every-address-is-public"),
        pytest.param(socket.AF_INET6, "::", True, id="every-address-of-six-is-public"),
        pytest.param(socket.AF_INET6, "::1", False, id="loopback-of-six-is-private"),
    ],
)
def test_listening_is_seen(family: int, host: str, public: bool) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.bind((host, 0))
        port = door.getsockname()[1]
        door.listen()
        found = public_addresses()
    assert found is not None
    assert any(address.endswith(f":{port}") for address in found) is public


def test_a_socket_that_does_not_listen_is_not_named() -> None:
    with socket.socket() as door:
        door.bind(("0.0.0.0", 0))
        assert public_addresses() == ()


def test_a_public_address_of_four_written_as_one_of_six_is_public(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "fd").mkdir()
    (tmp_path / "fd/3").symlink_to("socket:[77]")
    head = "  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
    (tmp_path / "net/tcp").write_text(head)
    mapped = "0000000000000000FFFF000008080808:0050"  # ::ffff:8.8.8.8
    (tmp_path / "net/tcp6").write_text(f"{head}   0: {mapped} {'0' * 32}:0000 0A 0:0 0:0 0 0 0 77\n")
    assert public_addresses(tmp_path) == ("8.8.8.8:80",)
