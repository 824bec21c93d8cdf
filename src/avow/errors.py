"""Every error a caller may catch, grouped by whose fault it is.

    Refused          nobody's: the policy was kept
    Denied           nobody's: who it is was not shown
    TooMany          nobody's: the same was tried too often
    PolicyError      the policy's author: the text does not stand
    CallError        the developer: the call asked for something that cannot be meant
    OperatorError    the operator: keys, files or databases are not as they must be; nothing is served
    Tampered         somebody changed stored bytes or the record
    KeyGone          nobody's: it was erased
    Unavailable      the surroundings: try again, nothing was done

No message ever carries a personal value. Each says what was wrong, where, and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class AvowError(Exception):
    """The family of all of Avow's errors."""


class Refused(AvowError):
    """The policy does not allow it. The refusal is already on record.

    `promises` are the ids of the promises that refuse, in the policy's order; empty when no promise speaks of the
    matter at all (default deny). `reason` is one sentence for a developer.
    """

    def __init__(self, promises: Sequence[str], reason: str) -> None:
        self.promises = tuple(promises)
        self.reason = reason
        super().__init__(f"refused by {', '.join(self.promises) or 'default deny'}: {reason}")


class Denied(AvowError):
    """A token, password or code that does not hold. It never says which of them, nor whether anybody is held."""

    def __init__(self, message: str = "this does not show who you are, or it came too late; sign in again") -> None:
        super().__init__(message)


class TooMany(AvowError):
    """The same was tried too often. Nothing was done; it helps to wait."""

    def __init__(self, message: str = "this was tried too often; wait ten minutes and try again") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with a policy. `line` and `column` count from 1; `help` says what to do."""

    line: int
    column: int
    message: str
    help: str = ""

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}" + (f"; {self.help}" if self.help else "")


class PolicyError(AvowError):
    """A policy that does not stand. `faults` holds all of them at once, in the order of the file."""

    def __init__(self, faults: Sequence[Fault], name: str = "policy") -> None:
        self.faults = tuple(sorted(faults))
        self.name = name
        super().__init__("\n".join(f"{name}:{fault}" for fault in self.faults))


class CallError(AvowError):
    """The call cannot be meant: an unknown word, a naive datetime, an empty request, a value too long."""


class UnknownWord(CallError):
    """A site, category, purpose, recipient, role or form that the policy does not name."""


class BadValue(CallError):
    """A value that may not be held: too long, of the wrong type, or with a card number in it."""


class NotHeld(CallError):
    """The act is allowed, and nothing of the kind is held for this person."""


class OperatorError(AvowError):
    """Keys, files or databases are not as they must be. Avow refuses to start rather than serve unprotected."""


class KeyFault(OperatorError):
    """A root or epoch key is missing, wrong, or readable by others."""


class SecondWriter(OperatorError):
    """Another process already writes here."""


class RolledBack(OperatorError):
    """A database, log or checkpoint is older than what was already promised elsewhere."""


class Tampered(AvowError):
    """A ciphertext that does not open, or a record that does not verify."""


class KeyGone(AvowError):
    """The key was destroyed, because the person was erased or the datum's time is over: nothing opens it again."""


class Unavailable(AvowError):
    """The database or disk did not answer. Nothing was done, or it is unknown whether it was: see the message."""


class Superseded(Unavailable):
    """A newer version of the policy has taken effect since the site was opened. Nothing was done: open it again."""
