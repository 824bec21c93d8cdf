"""How a connection begins: both sides speak the same contract, and over TCP both hold the secret.

    server -> client   {"avow": 1, "contract": NAME, "version": DIGEST, "nonce": 64 hexadecimal digits, or ""}
    client -> server   {"nonce": ..., "proof": HMAC-SHA-256(secret, "client" nonces)}       with a secret only
    server -> client   {"proof": HMAC-SHA-256(secret, "server" nonces)}

Then every frame is sealed under a key for its direction, HKDF-SHA-256 of the secret and both nonces. Who learns the
secret later can read what was recorded before: it is for a private network, not for the Internet.
"""

import asyncio
import hmac
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avow.errors import OperatorError
from avow.wire.address import Secret
from avow.wire.contract import digest
from avow.wire.frames import BadFrame, Pipe

WIRE: Final = 1
PATIENCE: Final = 5  # seconds for each step


async def greet(pipe: Pipe, contract: type, secret: Secret | None) -> None:
    """The server's side. Raises `BadFrame` when the client does not hold the secret."""
    own = secret.dice(32).hex() if secret else ""
    await pipe.write({"avow": WIRE, "contract": contract.__name__, "version": digest(contract), "nonce": own})
    if secret is None:
        return
    answer = await _next(pipe)
    theirs, proof = answer.get("nonce"), answer.get("proof")
    if not (isinstance(theirs, str) and len(theirs) == 64 and isinstance(proof, str)):
        raise BadFrame("no proof")
    if not _same(proof, _proof(secret, "client", own, theirs)):
        raise BadFrame("another secret")
    await pipe.write({"proof": _proof(secret, "server", own, theirs)})
    pipe.seal(_key(secret, "client", own, theirs), _key(secret, "server", own, theirs))


async def meet(pipe: Pipe, contract: type, secret: Secret | None) -> None:
    """The client's side. Raises `OperatorError` when the other side is another version, or holds another secret."""
    hello = await _next(pipe)
    if hello.get("avow") != WIRE or hello.get("version") != digest(contract):
        raise OperatorError(
            f"the vault process speaks another version, or another contract than {contract.__name__}; "
            "run both processes with the same Avow, and see that the address is the right one"
        )
    theirs = hello.get("nonce")
    if secret is None:
        if theirs:
            raise OperatorError("the vault process wants the secret that guards its address; name its file")
        return
    if not (isinstance(theirs, str) and len(theirs) == 64):
        raise OperatorError("what answers at this address knows no secret; see that the address is the right one")
    own = secret.dice(32).hex()
    await pipe.write({"nonce": own, "proof": _proof(secret, "client", theirs, own)})
    try:
        proof = (await _next(pipe)).get("proof")
    except BadFrame:
        raise OperatorError("the vault process holds another secret; copy its file here") from None
    if not (isinstance(proof, str) and _same(proof, _proof(secret, "server", theirs, own))):
        raise OperatorError("what answers at this address does not hold the secret; see that the address is right")
    pipe.seal(_key(secret, "server", theirs, own), _key(secret, "client", theirs, own))


async def _next(pipe: Pipe) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        frame = await pipe.read()
    if frame is None:
        raise BadFrame("hung up")
    return frame


def _proof(secret: Secret, side: str, server: str, client: str) -> str:
    return hmac.digest(secret.key, f"avow wire {side} {server} {client}".encode(), sha256).hex()


def _key(secret: Secret, side: str, server: str, client: str) -> bytes:
    info = f"avow wire key of {side}".encode()
    return HKDF(SHA256(), 32, salt=f"{server}{client}".encode(), info=info).derive(secret.key)


def _same(proof: str, expected: str) -> bool:
    return hmac.compare_digest(proof.encode(), expected.encode())
