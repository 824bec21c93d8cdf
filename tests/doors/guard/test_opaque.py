"""AUD-7, DAM-20, AIM-4: a cookie's value says nothing by itself."""

import base64
import random
import uuid

import pytest

from avow.doors.guard.opaque import opaque

CHANCE = random.Random(20261126)


@pytest.mark.parametrize("length", [12, 16, 24, 32, 64, 96])
def test_random_tokens_pass(length: int) -> None:
    for _ in range(3000 if length < 40 else 500):
        raw = CHANCE.randbytes(length)
        assert opaque(base64.urlsafe_b64encode(raw).decode().rstrip("="))
        if length <= 64:
            assert opaque(raw.hex())


def test_random_uuids_pass() -> None:
    assert all(opaque(str(uuid.UUID(bytes=CHANCE.randbytes(16), version=4))) for _ in range(2000))


def packed(text: str, how: str) -> str:
    raw = text.encode()
    return {
        "base64": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "hex": raw.hex(),
        "shifted": "x" + base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "upper-hex": raw.hex().upper(),
    }[how]


@pytest.mark.parametrize("how", ["base64", "hex", "shifted", "upper-hex"])
@pytest.mark.parametrize(
    "text",
    [
        "ada.osei@example.com",
        '{"name":"Ada Osei","age":36}',
        "Ada Osei, 1 Quay Street, Leith",
        "4111111111111111",
        "+44 131 496 0000",
        "user=1234567;plan=gold",
    ],
)
def test_text_in_base64_or_hexadecimal_is_found(text: str, how: str) -> None:
    assert not opaque(packed(text, how))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "a" * 16,
        "ada-osei-1815-12-10-leith",
        "ada@example.com-and-more",
        "ada_osei_one_quay_street",
        "returning_customer_gold_member",
        "4111111111111111",
        "4111-1111-1111-1111",
        "12345678901234567890",
        "441314960000441314960000",
        "a b c d e f g h i j k l m n",
        '{"cart":["lamp","lamp"]}',
        "pJ3x%40Qm8rT-vZ0kLw9bYhg",
        "x" * 200,
        "2026-11-26-12-00-00-000",
    ],
)
def test_a_value_that_says_something_is_refused(value: str) -> None:
    """AIM-4, AUD-7, DAM-20."""
    assert not opaque(value)
