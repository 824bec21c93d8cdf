"""DKIM signatures (RFC 6376), by dkimpy. RSA alone: the one algorithm that every receiver checks."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from avow.errors import OperatorError

LEAST: Final = 2048  # bits of a key
# RFC 6376, 5.4.1, and what RFC 8058, 4, wants covered: signed once for each time that it stands there, and once more,
# so that nothing of the kind can be added on the way
_SIGNED: Final = (
    "from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version",
    "content-type", "content-transfer-encoding", "auto-submitted", "list-help", "list-owner", "list-unsubscribe",
    "list-unsubscribe-post",
)  # fmt: skip
_ONCE_MORE: Final = frozenset({"from", "to", "subject", "date", "list-unsubscribe", "list-unsubscribe-post"})


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for a domain, whose DNS has the public key at `SELECTOR._domainkey.DOMAIN`."""

    domain: str
    selector: str
    _key: bytes = field(repr=False)

    @classmethod
    def of(cls, file: Path, domain: str, selector: str) -> Self:
        """With the key of a PEM file. Raises `OperatorError` for what is no RSA key of `LEAST` bits, or none to read."""
        try:
            key = load_pem_private_key(file.read_bytes(), None)
        except (OSError, ValueError, TypeError):
            raise OperatorError(
                f"`{file}` is no key to sign mail with; make one: openssl genrsa -out {file} {LEAST}"
            ) from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST:
            raise OperatorError(f"the key in `{file}` is no RSA key of {LEAST} bits or more, which DKIM wants")
        made = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return cls(domain, selector, made)

    def signed(self, message: bytes) -> bytes:
        """The message with its signature before it. `message` has lines that end in CRLF."""
        import dkim  # noqa: PLC0415 - it brings a DNS library, which only who signs waits for

        present = [line.partition(b":")[0].strip().lower().decode() for line in _lines(message)]
        names = [name for name in _SIGNED for _ in range(present.count(name) + (name in _ONCE_MORE))]
        made = dkim.sign(
            message, self.selector.encode(), self.domain.encode("idna"), self._key,
            canonicalize=(b"relaxed", b"relaxed"), include_headers=[name.encode() for name in names],
        )  # fmt: skip
        return bytes(made) + message


def _lines(message: bytes) -> list[bytes]:
    head = message.partition(b"\r\n\r\n")[0]
    return [line for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
