"""Move sealed values to places that are not theirs, one field of the place at a time: none may open there."""

from random import Random
from typing import Any

from avow.errors import Tampered
from avow.vault import envelope
from avow.vault.binding import Binding
from avow.vault.keys import EpochKey, SubjectKey


def run(count: int, seed: int, forget: str | None = None) -> dict[str, Any]:
    """`count` transplants. `forget` plants a defect: the binding leaves this field out."""
    dice = Random(seed)
    opened = 0
    for tried in range(count):
        home = _place(dice)
        key = SubjectKey(dice.randbytes(16), dice.randbytes(32))
        message = envelope.seal(key, b"secret", _bytes(home, forget), dice.randbytes(12))
        if tried % 10 == 9:
            opened += _wrap_opens_elsewhere(dice)
            continue
        field = dice.choice(Binding._fields)
        away = home._replace(**{field: _other(getattr(home, field), dice)})
        opened += _opens(key, message, _bytes(away, forget))
    return {"tried": count, "opened": opened, "ok": opened == 0}


def _place(dice: Random) -> Binding:
    return Binding(
        dice.choice(["daminion", "aim", "audacity"]), dice.randbytes(16), dice.choice(["datum", "trace", "consent"]),
        dice.randbytes(16), dice.choice(["email", "name", ""]), dice.choice(["text", "json"]), dice.randrange(9),
        dice.choice(["ordinary", "record", "due-2026-01-31"]), dice.randrange(1, 4),
    )  # fmt: skip


def _other(value: Any, dice: Random) -> Any:
    """Another value of the same kind; for words also one that only shifts the border between two fields."""
    if isinstance(value, bytes):
        return dice.choice([dice.randbytes(16), value[1:] + value[:1] if value[1:] != value[:-1] else bytes(16)])
    if isinstance(value, int):
        return value + dice.choice([1, 256, 65_000])
    return dice.choice([value + "s", "s" + value, value + "\0", value.upper() + "x", value + value + "-"])


def _bytes(place: Binding, forget: str | None) -> bytes:
    if forget is not None:
        value = getattr(place, forget)
        blank: Any = bytes(16) if isinstance(value, bytes) else type(value)()
        place = place._replace(**{forget: blank})
    return place.encode()


def _opens(key: SubjectKey, message: bytes, binding: bytes) -> bool:
    try:
        envelope.open_(key, message, binding)
    except Tampered:
        return False
    return True


def _wrap_opens_elsewhere(dice: Random) -> bool:
    """A wrap moved to another key's name, another site, or another epoch."""
    secret, name = dice.randbytes(32), dice.randbytes(16)
    epoch = EpochKey("daminion", 3, secret)
    wrap = epoch.wrap(name, dice.randbytes(32), dice.randbytes(12))
    where, as_whom = dice.choice([
        (epoch, dice.randbytes(16)), (EpochKey("aim", 3, secret), name), (EpochKey("daminion", 4, secret), name),
        (EpochKey("daminion", 3, dice.randbytes(32)), name), (epoch, name + b"\0"),
    ])  # fmt: skip
    try:
        where.unwrap(as_whom, wrap)
    except Tampered:
        return False
    return True
