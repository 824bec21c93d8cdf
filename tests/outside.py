"""Somebody outside with a key of their own, and what they read in what they get."""

from collections.abc import Sequence
from typing import Any

from avow.app import Avow
from avow.vault.package import Jwk, pair, unpack


async def on_file(shop: Avow, recipient: str) -> Jwk:
    """Put a recipient on file with a new key; the private half."""
    private, public = pair()
    await shop.recipients.remove(recipient)
    await shop.recipients.add(recipient, public)
    return private


async def gets(
    shop: Avow, who: str, categories: Sequence[str], recipient: str, purpose: str, **more: Any
) -> dict[str, str]:
    """What a recipient reads in a package that goes out to it."""
    private = await on_file(shop, recipient)
    package = await shop.disclose(who, categories, recipient=recipient, purpose=purpose, **more)
    data: dict[str, str] = unpack(package.sealed, private, shop.disclosing.verifier, recipient=recipient)["avow"][
        "data"
    ]
    return data
