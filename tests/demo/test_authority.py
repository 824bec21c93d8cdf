"""The demo's authority vouches for names below localhost, for a week, and for nothing else."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from avow.demo import authority
from avow.demo.authority import LIFE, Certificates, certificates

NOW = datetime.now(UTC)
NAMES = ["aimini.localhost", "privacy.aimini.localhost"]


def shake_hands(files: Certificates, name: str) -> None:
    """A whole TLS handshake in memory, in which the client checks everything. Raises what the client would."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.chain, files.key)
    client = ssl.create_default_context(cafile=str(files.authority))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(to_client, to_server, server_hostname=name),
            server.wrap_bio(to_server, to_client, server_side=True)]  # fmt: skip
    for _ in range(4):
        for end in tuple(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    assert not ends


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_authority_trusts_each_name(tmp_path: Path, name: str) -> None:
    shake_hands(certificates(tmp_path, NAMES), name)


def test_another_name_is_not_vouched_for(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(certificates(tmp_path, NAMES), "pay.localhost")
    with pytest.raises(ValueError, match="below localhost only"):
        certificates(tmp_path, [*NAMES, "shop.example"])


def test_even_with_its_key_the_authority_could_not_vouch_for_a_name_of_the_internet(tmp_path: Path) -> None:
    signer, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    made = authority._authority(signer, NOW)
    forged = authority._server(made, signer, key, ["bank.example"], NOW)
    files = Certificates(tmp_path / "authority.pem", tmp_path / "forged.pem", tmp_path / "forged.key")
    files.authority.write_bytes(made.public_bytes(Encoding.PEM))
    files.chain.write_bytes(forged.public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shake_hands(files, "bank.example")


def test_the_authoritys_key_is_nowhere_and_the_servers_key_is_its_owners_alone(tmp_path: Path) -> None:
    files = certificates(tmp_path / "made", NAMES)
    assert [path.name for path in (tmp_path / "made").iterdir() if b"PRIVATE" in path.read_bytes()] == ["server.key"]
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600


def test_kept_ones_serve_again_until_their_last_day_or_until_a_name_is_missing(tmp_path: Path) -> None:
    first = certificates(tmp_path, NAMES, NOW).fingerprint()
    assert certificates(tmp_path, NAMES, NOW + timedelta(days=5)).fingerprint() == first
    later = certificates(tmp_path, NAMES, NOW + LIFE - timedelta(hours=20)).fingerprint()
    assert later != first
    assert certificates(tmp_path, [*NAMES, "pay.localhost"], NOW + LIFE).fingerprint() != later
