"""A card whose bank asks the buyer first: one page in between, nothing charged before a yes, nothing kept after a no."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.examples.processor.test_attacks import heading
from tests.examples.processor.test_processor import ADA, CARD, ORDER, Bed, company, on_disk

STEPPED = {"card": "4000 0025 0000 3155", "card-expiry": "09/31"}


class Step(NamedTuple):
    """The page in between: where its form goes, and what is sealed in it."""

    path: str
    token: str


def step_of(answer: httpx.Response) -> Step:
    ((path, token),) = re.findall(
        r'action="([^"]+/confirm)">\s*<input type="hidden" name="step" value="([^"]+)">', answer.text
    )
    return Step(path, unescape(token))


async def stepped(bed: Bed, path: str, **given: str) -> Step:
    """Up to the bank's question."""
    answer = await bed.client.post(path, data=given | STEPPED)
    assert (answer.status_code, heading(answer.text)) == (200, "One more step")
    return step_of(answer)


async def said(bed: Bed, step: Step, answer: str = "yes", **more: str) -> httpx.Response:
    return await bed.client.post(step.path, data={"step": step.token, "answer": answer} | more)


@pytest.mark.parametrize("brand", ["cardhouse", "keyhouse"])
async def test_only_a_yes_charges_and_until_then_nobody_hears_anything(
    tmp_path: Path,
    asked: list[str],
    brand: str,
) -> None:
    given = ADA if brand == "keyhouse" else {}
    async with company(tmp_path / "c", brand) as bed:
        step = await stepped(bed, await bed.start(), **given)
        assert (bed.notices, bed.mails, asked) == ([], [], ["confirm"])
        waiting = await bed.merchant.outcome("R-7")
        assert waiting is not None
        assert waiting.status == "open"
        if brand == "keyhouse":
            assert await bed.shop.find("email", ADA["email"]) == []  # nothing was ordered so far: nothing is kept
        assert heading((await said(bed, step)).text) == "Paid"
        assert [one.status for one in await bed.settled()] == ["paid"]
        if brand == "keyhouse":
            assert len(await bed.shop.find("email", ADA["email"])) == 1
            assert len(bed.mails) == 1


async def test_what_was_typed_travels_sealed_and_the_card_not_at_all(tmp_path: Path) -> None:
    """DAM-17, AIM-8."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        answer = await bed.client.post(await bed.start(), data=ADA | STEPPED)
        assert not any(value in answer.text for value in (*ADA.values(), *STEPPED.values(), "3155"))
        assert "set-cookie" not in answer.headers
        await said(bed, step_of(answer))
        await bed.shop.sequence_all()
        held = on_disk(bed.folder)
        assert not any(one.encode() in held for one in (*STEPPED.values(), "4000002500003155", *ADA.values()))


async def test_a_no_charges_nothing_keeps_nothing_and_another_card_pays(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "keyhouse") as bed:
        path = await bed.start()
        refused = await said(bed, await stepped(bed, path, **ADA), "no")
        assert (refused.status_code, "this is not you" in refused.text) == (402, True)
        assert ADA["postal-address"] in refused.text  # need not be typed again
        assert await bed.shop.find("email", ADA["email"]) == []
        assert heading((await bed.client.post(path, data=ADA | CARD)).text) == "Paid"


async def test_an_answer_counts_once_in_its_time_for_its_own_checkout(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        first, second = await bed.start(), await bed.start(ORDER._replace(reference="R-8"))
        one = await stepped(bed, first)
        elsewhere = await said(bed, one._replace(path=f"{second}/confirm"))
        assert (elsewhere.status_code, "waited too long" in elsewhere.text) == (422, True)
        assert (await said(bed, one, "no")).status_code == 402
        assert (await said(bed, one, "yes")).status_code == 422  # no was said; a second answer is none
        late = await stepped(bed, first)
        bed.clock.now += timedelta(minutes=11)
        assert (await said(bed, late)).status_code == 422
        assert bed.notices == []


@pytest.mark.parametrize(
    "given", [{"answer": ""}, {"answer": "YES"}, {"answer": "yes", "card": "4242"}, {"step": "x"}, {"step": ""}]
)
async def test_what_the_page_does_not_send_charges_nothing_and_the_page_can_still_be_answered(
    tmp_path: Path, given: dict[str, str]
) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        step = await stepped(bed, await bed.start())
        answer = await bed.client.post(step.path, data={"step": step.token, "answer": "yes"} | given)
        assert answer.status_code == 422
        assert bed.notices == []
        assert heading((await said(bed, step)).text) == "Paid"


async def test_an_order_paid_in_another_window_meanwhile_is_not_charged_again(
    tmp_path: Path,
    asked: list[str],
) -> None:
    """DAM-17."""
    async with company(tmp_path / "c", "cardhouse") as bed:
        first, second = await bed.start(), await bed.start()
        step = await stepped(bed, first)
        assert heading((await bed.client.post(second, data=CARD)).text) == "Paid"
        assert heading((await said(bed, step)).text) == "Paid"
        assert asked == ["confirm", "paid"]
        assert [one.status for one in await bed.settled()] == ["paid"]


async def test_a_bank_that_asks_again_and_again_ends_the_checkout(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start()
        headings = [heading((await bed.client.post(path, data=STEPPED)).text) for _ in range(6)]
        assert headings == ["One more step"] * 4 + ["Not paid"] * 2
        assert [one.status for one in await bed.settled()] == ["declined"]
