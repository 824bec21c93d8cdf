"""The process knows on which public addresses it listens."""

import socket

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
