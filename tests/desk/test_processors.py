"""A processor fetches by an instruction what its contract allows for the order at hand, and nothing after that ends."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from avow.desk.interface.outside import AT_ONCE, Fetched
from avow.desk.sealing import Seal
from avow.errors import BadValue, CallError, Denied, Refused, UnknownWord
from avow.vault.package import unpack
from tests.desk.beds import POLICIES, Bed, desk
from tests.shops import dated, publish

ORDER = {
    "name": "Ada Quillfeather", "email": "ada@quillfeather.example", "shipping-address": "7 Lantern Lane, Farwater",
    "billing-address": "7 Lantern Lane, Farwater", "phone": "+44 20 7946 0001",
}  # fmt: skip
PARCEL = ["name", "shipping-address", "phone"]
DAY = 86_400_000


class Carrier:
    """A processor with its key and its door."""

    def __init__(self, bed: Bed, filed: Any, session: str) -> None:
        self.bed = bed
        self.private = filed["private"]
        self.session = session

    @classmethod
    async def of(cls, bed: Bed) -> "Carrier":
        filed = await bed.desk.add_recipient("carrier")
        return cls(bed, filed, await bed.desk.processor_sign_in("carrier", filed["password"]))

    async def fetch(self, *instructions: str) -> list[Fetched]:
        return await self.bed.desk.fetch(self.session, list(instructions))

    async def one(self, instruction: str) -> dict[str, str] | tuple[str, ...]:
        """The data, or the promises that refuse."""
        (got,) = await self.fetch(instruction)
        if not got["package"]:
            return tuple(got["promises"])
        claims = unpack(got["package"], self.private, await self.bed.desk.package_key(), recipient="carrier")
        data: dict[str, str] = claims["avow"]["data"]
        return data


async def ordered(bed: Bed, **more: Any) -> tuple[str, str]:
    """An order, and the instruction for it: the receipt, the instruction."""
    taken = await bed.desk.collect("order", ORDER)
    told = await bed.desk.instruct(taken["receipt"], "carrier", PARCEL, "order", **more)
    return taken["receipt"], told["instruction"]


async def test_dam_10_a_processor_gets_what_its_contract_allows_for_the_order_at_hand(tmp_path: Path) -> None:
    """DAM-10: "Companies that work for us under contract may use your data for the one transaction at hand"."""
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        _, instruction = await ordered(bed)
        assert await carrier.one(instruction) == {name: ORDER[name] for name in PARCEL}
        assert not any(value in instruction for value in ORDER.values())
        (who,) = await bed.shop.find("email", ORDER["email"])
        assert who not in instruction
        told = await bed.shop.export(who)
        assert [one["recipient"] for one in told["disclosures"]] == ["carrier"]
        assert [one["action"] for one in told["events"] if one["recipient"]] == ["instruct", "share"]


async def test_dam_10_an_instruction_gives_five_packages_and_no_more(tmp_path: Path) -> None:
    """DAM-10: whoever loses a package comes again; nobody watches a person's data for as long as an instruction lasts."""
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        receipt, instruction = await ordered(bed)
        got = await carrier.fetch(*[instruction] * 4)
        assert all(one["package"] for one in got)
        at_once = [one for (one,) in await asyncio.gather(*[carrier.fetch(instruction) for _ in range(5)])]
        assert sum(bool(one["package"]) for one in at_once) == 1
        (refused,) = await carrier.fetch(instruction)
        assert (refused["promises"], refused["over"]) == (["DAM-10"], True)
        assert "gave 5 packages" in refused["reason"]
        (who,) = await bed.shop.find("email", ORDER["email"])
        told = await bed.shop.export(who)
        assert len(told["disclosures"]) == 5
        assert [one["outcome"] for one in told["events"] if one["action"] == "share"] == ["done"] * 5 + ["refused"] * 5
        another = await bed.desk.instruct(receipt, "carrier", PARCEL, "order")
        assert await carrier.one(another["instruction"]) == {name: ORDER[name] for name in PARCEL}


async def test_dam_10_nothing_that_the_contract_does_not_allow_is_even_instructed(tmp_path: Path) -> None:
    """DAM-10: broken: extra field, second purpose."""
    async with desk(tmp_path, "daminion") as bed:
        receipt = (await bed.desk.collect("order", ORDER))["receipt"]
        for names, purpose in ((["email"], "order"), ([*PARCEL, "billing-address"], "order"), (PARCEL, "marketing")):
            with pytest.raises(Refused) as refused:
                await bed.desk.instruct(receipt, "carrier", names, purpose)
            assert "DAM-10" in refused.value.promises
        for recipient in ("reseller", "court", "list-company"):
            with pytest.raises(CallError, match="only a processor"):
                await bed.desk.instruct(receipt, recipient, PARCEL, "order")
        with pytest.raises(UnknownWord):
            await bed.desk.instruct(receipt, "nobody", PARCEL, "order")
        with pytest.raises(CallError):
            await bed.desk.instruct(receipt, "carrier", PARCEL, "order", bed.shop.now())
        with pytest.raises(Denied):
            await bed.desk.instruct("x" * 80, "carrier", PARCEL, "order")


async def test_an_instruction_ends_with_its_time_its_order_or_its_contract(tmp_path: Path) -> None:
    """DAM-10: broken: expired contract."""
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        _, closed = await ordered(bed)
        (who,) = await bed.shop.find("email", ORDER["email"])
        (request,) = (await bed.shop.export(who))["requests"]
        await bed.shop.close_request(who, request["id"])
        assert await carrier.one(closed) == ("DAM-10",)
        _, short = await ordered(bed, until=bed.shop.now() + DAY)
        bed.clock.forward(days=1)
        carrier.session = await bed.desk.processor_sign_in("carrier", await _password(bed, carrier))
        assert await carrier.one(short) == ()
        bed.clock.now = datetime(2030, 12, 31, 23, 59, tzinfo=UTC)
        carrier.session = await bed.desk.processor_sign_in("carrier", await _password(bed, carrier))
        _, last = await ordered(bed)
        assert isinstance(await carrier.one(last), dict)
        bed.clock.now = datetime(2031, 1, 1, tzinfo=UTC)
        assert await carrier.one(last) == ()
        with pytest.raises(Refused) as refused:
            await ordered(bed)
        assert refused.value.promises == ("DAM-10",)


async def _password(bed: Bed, carrier: Carrier) -> str:
    """A new password and key: the old ones are void from then on."""
    await bed.desk.remove_recipient("carrier")
    filed = await bed.desk.add_recipient("carrier")
    carrier.private = filed["private"]
    return filed["password"]


async def test_an_instruction_that_is_revoked_is_over_after_a_restore_too(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        (_, one), (_, other) = await ordered(bed), await ordered(bed)
        await bed.shop.backup(tmp_path / "backup")
        await bed.desk.revoke(one)
        await bed.desk.revoke(one)
        assert await carrier.one(one) == ("DAM-10",)
        assert isinstance(await carrier.one(other), dict)
        policy, clock = bed.policy, bed.clock
    url = f"sqlite:///{tmp_path}/daminion.db"
    await bed.shop.restore(policy, url, tmp_path / "backup", folder=tmp_path / "daminion", clock=clock, private=True)
    async with desk(tmp_path, "daminion") as bed:
        carrier = Carrier(
            bed,
            {"private": carrier.private},
            await bed.desk.processor_sign_in("carrier", await _password(bed, carrier)),
        )
        assert await carrier.one(one) == ("DAM-10",)


async def test_a_processor_that_is_sent_away_in_the_middle_of_a_batch_gets_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        instructions = [(await ordered(bed))[1] for _ in range(6)]
        going, disclose = asyncio.Event(), bed.shop.disclosing.disclose
        done = 0

        async def third(*given: Any) -> Any:
            nonlocal done
            package = await disclose(*given)
            done += 1
            if done == 3:
                going.set()
                await asyncio.sleep(0.05)
            return package

        monkeypatch.setattr(bed.shop.disclosing, "disclose", third)

        async def send_away() -> None:
            await going.wait()
            await bed.desk.remove_recipient("carrier")

        got, _ = await asyncio.gather(carrier.fetch(*instructions), send_away())
        assert [bool(one["package"]) for one in got] == [True] * 3 + [False] * 3
        with pytest.raises(Denied):
            await carrier.fetch(instructions[0])


async def test_an_instruction_serves_the_processor_that_it_is_for_and_nobody_else(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await Carrier.of(bed)
        _, instruction = await ordered(bed)
        filed = await bed.desk.add_recipient("payments")
        other = Carrier(bed, filed, await bed.desk.processor_sign_in("payments", filed["password"]))
        assert await other.one(instruction) == ()
        assert "another processor's" in (await other.fetch(instruction))[0]["reason"]
        flipped = instruction[:40] + ("A" if instruction[40] != "A" else "B") + instruction[41:]
        elsewhere = Seal(bytes(32), "instruction", "daminion").make(b"{}", bytes(12))
        got = await other.fetch(flipped, elsewhere, "", "x")
        assert [one["package"] for one in got] == [""] * 4


async def test_nobody_comes_in_by_the_door_but_who_is_on_file(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        filed = await bed.desk.add_recipient("carrier")
        reseller = await bed.desk.add_recipient("reseller")
        assert reseller["password"] == ""
        for name, password in (("carrier", "wrong"), ("carrier", ""), ("reseller", ""), ("nobody", filed["password"])):
            with pytest.raises(Denied):
                await bed.desk.processor_sign_in(name, password)
        session = await bed.desk.processor_sign_in("carrier", filed["password"])
        customer = await bed.desk.register(
            "registration", {"name": "Ada", "email": "a@b.example"}, password="a long password of mine"
        )
        for wrong in (customer, await bed.staff("ann", "admin"), "x"):
            with pytest.raises(Denied):
                await bed.desk.fetch(wrong, [])
        for call in (
            bed.desk.held(session),
            bed.desk.queue(session),
            bed.desk.messages(session),
            bed.desk.cases(session),
        ):
            with pytest.raises(Denied):
                await call
        with pytest.raises(CallError, match=str(AT_ONCE)):
            await bed.desk.fetch(session, ["x"] * (AT_ONCE + 1))
        with pytest.raises(CallError, match="on file; remove it first"):
            await bed.desk.add_recipient("carrier")
        with pytest.raises(CallError):
            await bed.desk.remove_recipient("court")


async def test_what_went_out_is_not_lost_with_the_rest_of_its_batch(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        _, instruction = await ordered(bed)
        got = await carrier.fetch(instruction, "x" * 9000, "\0", "\ud800", "\u00fc", instruction)
        assert [bool(one["package"]) for one in got] == [True, False, False, False, False, True]


async def test_an_instruction_in_words_that_the_policy_no_longer_has_is_over(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        _, instruction = await ordered(bed)
        text = (POLICIES / "daminion.yaml").read_text().replace("shipping-address", "parcel-address")
        await publish(bed.shop, dated(text, "2026-03-02"))
    bed.clock.forward(days=1)
    async with desk(tmp_path, "daminion", clock=bed.clock) as bed:
        carrier.bed, carrier.session = bed, await bed.desk.processor_sign_in("carrier", await _password(bed, carrier))
        (got,) = await carrier.fetch(instruction)
        assert (got["package"], got["over"]) == ("", True)
        assert "category" in got["reason"]


async def test_who_revokes_the_same_again_and_again_fills_no_journal_and_no_standing(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await Carrier.of(bed)
        _, instruction = await ordered(bed)
        await bed.desk.revoke(instruction)
        before = bed.shop.keystore.journal.last
        for _ in range(5):
            await bed.desk.revoke(instruction)
        assert bed.shop.keystore.journal.last == before
        bed.clock.forward(days=31)
        _, other = await ordered(bed)
        await bed.desk.revoke(other)
        for who in await bed.shop.find("email", ORDER["email"]):
            standing = (await bed.shop.export(who))["standing"]
            assert sum(one.startswith("revoked/") for one in standing) <= 1


async def test_an_older_row_of_the_person_brings_no_revoked_instruction_back(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        _, instruction = await ordered(bed)
        (who,) = await bed.shop.find("email", ORDER["email"])
        async with bed.shop._gate.store.transaction() as tx:
            (older,) = await tx.subjects([bytes.fromhex(who)])
        assert older is not None
        await bed.desk.revoke(instruction)
    thief = apsw.Connection(str(tmp_path / "daminion.db"))
    values = older.facts, older.version, older.subject
    thief.execute("UPDATE subject SET facts = ?, version = ? WHERE subject = ?", values)
    assert thief.changes() == 1
    thief.close()
    async with desk(tmp_path, "daminion") as bed:
        carrier.session = await bed.desk.processor_sign_in("carrier", await _password(bed, carrier))
        (got,) = await bed.desk.fetch(carrier.session, [instruction])
        assert got["package"] == ""


async def test_half_a_letter_in_a_name_or_password_is_no_text(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for name, password in (("\ud800", "x"), ("carrier", "\udfff")):
            with pytest.raises(BadValue):
                await bed.desk.processor_sign_in(name, password)


async def test_a_session_ends_when_the_processor_is_put_on_file_anew_in_the_same_millisecond(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        carrier = await Carrier.of(bed)
        _, instruction = await ordered(bed)
        await _password(bed, carrier)  # whoever had the old one is out
        with pytest.raises(Denied):
            await carrier.fetch(instruction)
