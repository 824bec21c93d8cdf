"""AIT-17: before data are used in a new way, the people whose data they are are told, each once, and it has to arrive."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from avow.desk.interface.changing import Progress
from avow.mail.smarthost import Answer
from avow.policy.parse import read
from avow.practices.owing import NoticeKind
from avow.practices.telling import owed
from tests.desk.beds import POLICIES, Bed, Kept, desk

NEXT = read(Path(__file__).parents[1] / "next" / "aitpro.yaml")
CAUSE = NEXT.digest.hex()[:32]
TOLD = f"told/{CAUSE}"
ADA, BEA, CID = "ada@quill.example", "bea@marrow.example", "cid@harbour.example"


async def ordered(bed: Bed, *addresses: str) -> list[str]:
    """People who ordered under the version in force; who they are."""
    for one in addresses:
        await bed.desk.collect("contact", {"name": "Somebody", "email": one, "message": "hello"})
    return [(await bed.shop.find("email", one))[-1] for one in addresses]


async def published(bed: Bed) -> None:
    await bed.desk.publish(NEXT.source, (await bed.desk.published())[-1]["digest"])


async def progress(bed: Bed) -> Progress:
    await bed.desk.new_versions.round()
    (one,) = await bed.desk.telling()
    return one


def name_of(bed: Bed, who: str) -> bytes:
    return bed.shop.owing.name(NoticeKind.NEW_USE, f"{CAUSE} {who}")


async def told(bed: Bed, who: str) -> bool:
    return TOLD in (await bed.shop.standing(who))[0]


def test_who_is_owed_a_notice_follows_from_the_promises_in_force_and_from_what_becomes_wider() -> None:
    now = {site: read(POLICIES / f"{site}.yaml") for site in ("aimini", "aitoc", "aitpro", "audiomidi", "daminion")}
    to_come = {site: read(Path(__file__).parents[1] / "next" / f"{site}.yaml") for site in now}
    for site, policy in now.items():
        found = owed([policy, to_come[site]])
        assert [one.promises for one in found] == ([("AIT-17",)] if site == "aitpro" else [])
    assert owed([now["aitpro"], now["aitpro"]]) == []


async def test_everybody_affected_is_told_once_and_nothing_is_new_for_them_before_it_has_arrived(
    tmp_path: Path,
) -> None:
    """AIT-17."""
    async with desk(tmp_path, "aitpro") as bed:
        ada, bea = await ordered(bed, ADA, BEA)
        assert await bed.desk.telling() == []
        await published(bed)
        one = await progress(bed)
        assert (one["people"], one["waiting"], one["told"]) == (2, 2, 0)
        assert sorted(mail.to for mail in bed.sent) == [ADA, BEA]
        text = " ".join(bed.sent[0].text.split())
        for part in ("15 February 2027", "to plan what we build next", "AIT-17", f"/changes/{NEXT.digest.hex()}"):
            assert part in text
        for _ in range(3):
            assert (await progress(bed))["waiting"] == 2
        assert len(bed.sent) == 2
        bed.clock.forward(days=7, milliseconds=-1)
        assert (await progress(bed))["told"] == 0
        assert not await told(bed, ada)
        bed.clock.forward(milliseconds=1)
        assert (await progress(bed))["told"] == 2
        assert await told(bed, ada)
        assert await told(bed, bea)
        tokens, _ = await bed.shop.standing(ada)
        assert "notified/planning" in tokens
        assert (await bed.shop.seen(ada))[-1]["action"] == "told-version"
        assert (await progress(bed))["told"] == 2
        assert [one["action"] for one in await bed.shop.seen(bea)].count("told-version") == 1
        assert len(bed.sent) == 2


async def test_whose_notice_came_back_is_not_told_neither_now_nor_later(tmp_path: Path) -> None:
    """AIT-17: broken: use for someone whose notice bounced."""
    async with desk(tmp_path, "aitpro") as bed:
        ada, bea = await ordered(bed, ADA, BEA)
        await published(bed)
        await progress(bed)
        await bed.shop.reaching._mark(bytes.fromhex(ada), name_of(bed, ada), "bounced", ("handing", "sent"))
        bed.clock.forward(days=8)
        one = await progress(bed)
        assert (one["told"], one["returned"]) == (1, 1)
        assert (await told(bed, ada), await told(bed, bea)) == (False, True)
        await bed.shop.reaching._mark(
            bytes.fromhex(bea), name_of(bed, bea), "bounced", ("handing", "sent")
        )  # late, and believed
        one = await progress(bed)
        assert (one["told"], one["returned"]) == (0, 2)
        assert not await told(bed, bea)
        assert "notified/planning" not in (await bed.shop.standing(bea))[0]
        assert len(bed.sent) == 2


async def test_while_the_mail_server_takes_nothing_everybody_waits_and_nobody_is_left_out(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await ordered(bed, ADA, BEA)
        bed.sent.down = True
        await published(bed)
        assert (await progress(bed))["left"] == 2
        bed.sent.down = False
        await ordered(bed, CID)  # came in before the new version took effect: it is owed to them as well
        one = await progress(bed)
        assert (one["people"], one["waiting"]) == (3, 3)
        assert sorted(mail.to for mail in bed.sent) == [ADA, BEA, CID]


async def test_an_opt_out_does_not_keep_back_what_a_promise_owes_and_the_erased_are_owed_nothing(
    tmp_path: Path,
) -> None:
    """AIT-17 says `despite-opt-out`."""
    async with desk(tmp_path, "aitpro") as bed:
        ada, bea = await ordered(bed, ADA, BEA)
        await bed.shop.opt_out(ada, "mail")
        await bed.shop.erase(bea)
        await published(bed)
        one = await progress(bed)
        assert (one["people"], one["waiting"]) == (1, 1)
        assert [mail.to for mail in bed.sent] == [ADA]


async def test_nobody_claims_a_delivery_without_one(tmp_path: Path) -> None:
    """AIT-17: broken: use before notice. The message itself is looked up, whoever asks."""
    async with desk(tmp_path, "aitpro") as bed:
        ada, bea = await ordered(bed, ADA, BEA)
        bed.sent.down = True
        await published(bed)
        await progress(bed)
        (one,) = owed(bed.shop.publishing.policies())
        bed.clock.forward(days=30)
        assert await bed.shop.telling.settle(one, bytes.fromhex(ada)) == "left"
        other = await bed.shop.owing.owe(bytes.fromhex(ada), NoticeKind.NEW_USE, "another version")
        await bed.shop.reaching.hand_over(other.given())
        await bed.shop.reaching.ended(other.given(), "sent")
        bed.clock.forward(days=8)
        assert await bed.shop.telling.settle(one, bytes.fromhex(ada)) == "left"
        begun = await bed.shop.owing.owe(bytes.fromhex(bea), NoticeKind.NEW_USE, f"{CAUSE} {bea}")
        bed.clock.forward(days=8)
        assert await bed.shop.telling.settle(one, bytes.fromhex(bea)) == "left"  # begun, and never handed over
        await bed.shop.reaching.hand_over(begun.given())
        bed.clock.forward(days=8)
        assert await bed.shop.telling.settle(one, bytes.fromhex(bea)) == "unknown"  # nobody knows whether it went
        assert not await told(bed, ada)
        assert not await told(bed, bea)


async def test_a_kill_in_the_middle_of_the_notices_leaves_nobody_out_and_tells_nobody_twice(tmp_path: Path) -> None:
    people = [f"person{number:02}@crowd.example" for number in range(20)]
    async with desk(tmp_path, "aitpro") as bed:
        await ordered(bed, *people)
    sent = killed(tmp_path)
    assert 0 < len(sent) < 20
    async with desk(tmp_path, "aitpro") as bed:
        one = await progress(bed)
        assert one["people"] == 20
        assert (one["unknown"], one["waiting"]) == (1, 19)  # the one under way when it died may have gone
        again = [mail.to for mail in bed.sent]
        assert not set(again) & set(sent)
        assert len(set(again) | set(sent)) in (19, 20)
        bed.clock.forward(days=8)
        assert ((await progress(bed))["told"], (await progress(bed))["unknown"]) == (19, 1)


def killed(folder: Path) -> list[str]:
    """To whom a process sent notices that was killed while it handed one over."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.desk.telling_dies", str(folder)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        sent = [line.split()[1] for line in iter(child.stdout.readline, "open\n")]
        child.send_signal(signal.SIGKILL)
    return sent


@pytest.mark.parametrize("site", ["aitoc", "daminion"])
async def test_where_no_promise_has_people_told_nobody_is_written_to(tmp_path: Path, site: str) -> None:
    async with desk(tmp_path, site) as bed:
        await bed.desk.collect("contact", {"email": ADA, "message": "hello"})
        source = (Path(__file__).parents[1] / "next" / f"{site}.yaml").read_text()
        await bed.desk.publish(source, (await bed.desk.published())[-1]["digest"])
        await bed.desk.new_versions.round()
        assert await bed.desk.telling() == []
        assert bed.sent == []


async def test_what_a_notice_came_to_is_not_forgotten_with_other_messages(tmp_path: Path) -> None:
    """AIT-17: broken: use for someone whose notice bounced. Messages are forgotten after 30 days; nobody is written to anew."""
    async with desk(tmp_path, "aitpro") as bed:
        ada, bea = await ordered(bed, ADA, BEA)
        await published(bed)
        await progress(bed)
        await bed.shop.reaching._mark(bytes.fromhex(ada), name_of(bed, ada), "bounced", ("handing", "sent"))
        bed.clock.forward(days=40)  # nothing was served meanwhile
        await bed.shop.sweep()
        one = await progress(bed)
        assert (one["told"], one["returned"]) == (1, 1)
        assert len(bed.sent) == 2
        assert (await told(bed, ada), await told(bed, bea)) == (False, True)


async def test_a_round_ends_soon_while_the_mail_server_takes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await ordered(bed, ADA)
        bed.sent.down = True
        await ordered(bed, *(f"person{number:02}@crowd.example" for number in range(30)))
        await published(bed)
        assert (await progress(bed))["left"] == 31
        tried = [one for one in await bed.shop.reaching.messages(100) if one.sender == "new-use"]
        assert len(tried) == 8  # then the rest waits for the next round
        bed.sent.down = False
        assert (await progress(bed))["waiting"] == 31


async def test_an_address_that_the_mail_server_refuses_for_good_is_tried_once_a_day_and_told_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        (ada,) = await ordered(bed, ADA)
        tries: list[str] = []

        async def refusing(_: Kept, to: str, *__: object, **___: object) -> Answer:
            tries.append(to)
            return Answer("never", "no such mailbox", "5.1.1", 550)

        monkeypatch.setattr(Kept, "send", refusing)
        await published(bed)
        await progress(bed)
        for _ in range(3):
            assert (await progress(bed))["refused"] == 1
        assert tries == [ADA]
        bed.clock.forward(days=1)
        await progress(bed)
        assert len(tries) == 2
        bed.clock.forward(days=9)
        assert not await told(bed, ada)
