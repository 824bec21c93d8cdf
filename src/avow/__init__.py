"""Avow makes the privacy policy the program. Start at `Avow.open`; errors are in `avow.errors`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avow.app import Avow
    from avow.errors import AvowError, Refused

__all__ = ["Avow", "AvowError", "Refused"]


def __getattr__(name: str) -> Any:
    """Load on first use: the ledger's verifier must run with nothing else of Avow in memory."""
    if name == "Avow":
        from avow.app import Avow

        return Avow
    if name in ("AvowError", "Refused"):
        from avow import errors

        return getattr(errors, name)
    raise AttributeError(f"module `avow` has no attribute `{name}`")
