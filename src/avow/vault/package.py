"""What goes out to a recipient: claims that the site signed, sealed so that this one recipient alone opens them.

A signature (JWS, RFC 7515, with Ed25519: RFC 9864) inside an encryption (JWE, RFC 7516, with ECDH-ES+A256KW and
A256GCM; X25519: RFC 8037), both in the compact form, so that any JOSE library opens it. The recipient's name stands
under the signature: who opens a package and sends it on under another lock cannot pass it off as the site's to somebody
else. Claims: docs/formats.md, 6. The library draws the ephemeral key and the nonce itself.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from avow.errors import CallError, Tampered

TYPE: Final = "avow-disclosure+jws"
_SIGNING: Final = "Ed25519"
_SEALING: Final = ("ECDH-ES+A256KW", "A256GCM")
_CURVES: Final = {"OKP": ("X25519",), "EC": ("P-256", "P-384", "P-521")}
LONGEST: Final = 4 << 20  # characters of a package: what is longer is neither made nor opened

Jwk = dict[str, Any]


class _Signing(JWSRegistry):
    """The library stops at 128 kB; a person may have given more than that, and a package is read by who asked for it."""

    max_payload_length = LONGEST


class _Encrypting(JWERegistry):
    """... and here at 64 kB."""

    max_ciphertext_length = LONGEST


_SIGNERS: Final = _Signing(algorithms=[_SIGNING])
_SEALERS: Final = _Encrypting(algorithms=list(_SEALING))


def signer(seed: bytes) -> OKPKey:
    """The site's key for packages, from 32 bytes that nobody else has."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": _b64(seed), "x": _b64(public)})


def published(key: OKPKey) -> Jwk:
    """The public half, as a JWK whose `kid` is its thumbprint (RFC 7638)."""
    return dict(key.as_dict(private=False)) | {"use": "sig", "alg": _SIGNING, "kid": key.thumbprint()}


def pair() -> tuple[Jwk, Jwk]:
    """A new key for a recipient that has none: the private half, which the site does not keep, and the public one."""
    made = OKPKey.generate_key("X25519", private=True)
    return dict(made.as_dict(private=True)), dict(made.as_dict(private=False))


def public_key(jwk: Mapping[str, Any]) -> Jwk:
    """A recipient's public key, with nothing else in it. Raises `CallError` for what is none that packages are sealed to."""
    kind = jwk.get("kty")
    if jwk.get("crv") not in _CURVES.get(str(kind), ()):
        raise CallError("a recipient's key is a JWK of the kind OKP with X25519, or EC with P-256, P-384 or P-521")
    try:
        imported = _key({name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk})
        jwe.encrypt_compact({"alg": _SEALING[0], "enc": _SEALING[1]}, b"", imported, registry=_SEALERS)  # it does seal
        return dict(imported.as_dict(private=False))
    except (JoseError, ValueError, TypeError, KeyError):
        raise CallError("the recipient's key is not a whole JWK; have them send it anew") from None


def pack(claims: Mapping[str, Any], key: OKPKey, recipient: Mapping[str, Any]) -> str:
    """The claims, signed by the site's key and sealed to the recipient's public one. Raises `CallError` for more than a
    package may hold.
    """
    told = json.dumps(claims, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    signed = jws.serialize_compact(
        {"alg": _SIGNING, "typ": TYPE, "kid": key.thumbprint()}, told, key, registry=_SIGNERS
    )
    sealing, content = _SEALING
    head = {"alg": sealing, "enc": content, "cty": TYPE}
    package = jwe.encrypt_compact(head, signed, _key(recipient), registry=_SEALERS)
    if len(package) > LONGEST:
        raise CallError("this is more than one package may hold; pass fewer categories on at once")
    return package


def unpack(package: str, private: Mapping[str, Any], site: Mapping[str, Any], *, recipient: str) -> dict[str, Any]:
    """The claims of a package that this site signed, for this recipient, opened with the recipient's private key.

    Raises `Tampered` for anything else. That it may still be used is the caller's to see: `exp`, seconds since 1970.
    """
    try:
        if len(package) > LONGEST:
            raise ValueError
        opened = jwe.decrypt_compact(package, _key(private), registry=_SEALERS)
        signed = jws.deserialize_compact(opened.plaintext or b"", OKPKey.import_key(dict(site)), registry=_SIGNERS)
        claims = json.loads(signed.payload)
        if signed.headers().get("typ") != TYPE or not isinstance(claims, dict) or claims.get("aud") != recipient:
            raise ValueError
    except (JoseError, ValueError, TypeError, KeyError):
        raise Tampered(
            "this is no package of that site for that recipient, or the key is another one; have it sent again"
        ) from None
    return claims


def _key(jwk: Mapping[str, Any]) -> ECKey | OKPKey:
    made = dict(jwk)
    return OKPKey.import_key(made) if made.get("kty") == "OKP" else ECKey.import_key(made)


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
