"""A caller who passes a value where a name is meant gets it back in no message."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import CallError
from avow.practices.words import quoted
from tests.shops import ADA, opened

SLIP = "ada@quillfeather.example"
Slip = Callable[[Avow, str], Awaitable[object]]

SLIPS: dict[str, Slip] = {
    "category in use": lambda shop, who: shop.use(who, SLIP, purpose="order"),
    "purpose in use": lambda shop, who: shop.use(who, "name", purpose=SLIP),
    "category in find": lambda shop, _: shop.find(SLIP, "email"),
    "category in correct": lambda shop, who: shop.correct(who, SLIP, "email"),
    "category in collect": lambda shop, _: shop.collect("order", {SLIP: "email"}),
    "form": lambda shop, _: shop.collect(SLIP, ADA),
    "purpose of a consent": lambda shop, who: shop.agree(who, SLIP, words="yes"),
    "recipient": lambda shop, who: shop.agree_to(who, "share", SLIP, ["email"], words="yes"),
    "shared category": lambda shop, who: shop.agree_to(who, "share", "third-party:Acme", [SLIP], words="yes"),
    "way": lambda shop, who: shop.agree_to(who, SLIP, "third-party:Acme", ["email"], words="yes"),  # type: ignore[arg-type]  # the slip
    "channel to reach": lambda shop, who: shop.reach(who, SLIP, purpose="order"),
    "channel to opt out": lambda shop, who: shop.opt_out(who, SLIP),
    "service request": lambda shop, who: shop.ask(who, SLIP),
    "column": lambda shop, _: shop.bring([(2, {SLIP: "Ada"})], form="order", source="old shop"),
}


@pytest.mark.parametrize("slip", SLIPS)
async def test_no_message_repeats_a_word_that_is_no_name(tmp_path: Path, slip: str) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(CallError) as raised:
            await SLIPS[slip](shop, who)
    assert SLIP not in str(raised.value)


async def test_a_file_without_a_header_is_refused_before_any_row(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        with pytest.raises(CallError):
            await shop.bring([(2, {"name": "Ada", "shoe-size": ""}), (3, {"name": "Bea"})], form="order", source="x")
        assert (await shop.census()) == []


@pytest.mark.parametrize(("word", "told"), [("e-mail2", "`e-mail2`"), ("Ada", "("), ("4111", "("), ("a" * 65, "(")])
def test_a_name_is_quoted_and_nothing_else(word: str, told: str) -> None:
    assert quoted(word).startswith(told)
