"""Sealed state in forms: whoever carries it can neither read nor change it, nor keep or reuse it for longer than meant."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from avow.doors import tokens
from avow.doors.tokens import KEY, Tokens
from avow.errors import Denied, TooMany

MINUTE = 60_000


class Clock:
    """Stands still until it is told to go on."""

    now = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def made(site: str = "corner", key: bytes = b"k" * KEY, clock: Clock | None = None) -> Tokens:
    return Tokens(key, site, clock=clock or Clock(), random=os.urandom)


def test_a_token_says_what_was_sealed_and_shows_none_of_it() -> None:
    door = made()
    token = door.seal("cart", {"items": {"harp": 2}})
    assert door.open("cart", token, within=MINUTE).told == {"items": {"harp": 2}}
    assert "harp" not in token
    assert b"harp" not in urlsafe_b64decode(token)


def test_no_other_kind_site_or_key_opens_it() -> None:
    token = made().seal("cart", {})
    for door, kind in ((made(), "form"), (made("other"), "cart"), (made(key=b"j" * KEY), "cart")):
        with pytest.raises(Denied):
            door.open(kind, token, within=MINUTE)


def test_every_changed_bit_closes_it() -> None:
    door = made()
    data = bytearray(urlsafe_b64decode(door.seal("cart", {"n": 1})))
    for bit in range(len(data) * 8):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Denied):
            door.open("cart", urlsafe_b64encode(data).decode(), within=MINUTE)
        data[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("token", ["", "a", "=" * 40, "Zm9v", "é" * 30, "a" * 20_000, "\0" * 64])
def test_rubbish_is_denied(token: str) -> None:
    with pytest.raises(Denied):
        made().open("cart", token, within=MINUTE)


def test_its_time_ends_and_it_comes_not_from_the_future() -> None:
    clock = Clock()
    door = made(clock=clock)
    token = door.seal("cart", {})
    clock.now += timedelta(minutes=1)
    door.open("cart", token, within=MINUTE)
    clock.now += timedelta(milliseconds=1)
    with pytest.raises(Denied):
        door.open("cart", token, within=MINUTE)
    clock.now -= timedelta(minutes=2)
    with pytest.raises(Denied):
        door.open("cart", token, within=MINUTE)


def test_what_is_spent_is_spent_as_long_as_it_would_hold() -> None:
    clock = Clock()
    door = made(clock=clock)
    opened = door.open("cart", door.seal("cart", {}), within=MINUTE)
    door.spend(opened, within=MINUTE)
    for _ in range(2):
        with pytest.raises(Denied):
            door.spend(opened, within=MINUTE)
        clock.now += timedelta(minutes=1)


def test_a_full_memory_lets_nothing_be_spent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    clock = Clock()
    door = made(clock=clock)
    first, second, third = (door.open("cart", door.seal("cart", {}), within=MINUTE) for _ in range(3))
    door.spend(first, within=MINUTE)
    door.spend(second, within=MINUTE)
    with pytest.raises(TooMany):
        door.spend(third, within=MINUTE)
    clock.now += timedelta(minutes=1, milliseconds=1)
    door.spend(third, within=MINUTE)
