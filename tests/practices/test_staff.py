"""Staff read only while they are staff, in their own role, with the agreement in force signed."""

from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import Refused, UnknownWord
from avow.policy.parse import parse
from avow.residue import scan
from tests.shops import ADA, POLICY, Clock, opened

SWORN = parse(
    POLICY
    + """- id: C-8
  says: Staff have promised to keep it to themselves.
  source: {section: Safety, sentence: 1}
  protect: {by: [confidentiality-agreement]}
""",
    "sworn",
)
TEXT = "I keep what I learn to myself."


async def test_without_the_agreement_in_force_nobody_reads(tmp_path: Path) -> None:
    """TOC-13."""
    async with opened(tmp_path, policy=SWORN) as shop:
        who = await shop.collect("order", ADA)
        kim = shop.staff("kim", role="fulfilment")
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=kim)
        await shop.staff_roll.set_agreement(TEXT)
        await shop.staff_roll.join("kim", "fulfilment", signs="something else")
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=kim)
        await shop.staff_roll.join("kim", "fulfilment", signs=TEXT)
        assert await shop.use(who, "name", purpose="order", by=kim) == ADA["name"]
        await shop.staff_roll.set_agreement(TEXT + " Always.")
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=kim)


@pytest.mark.parametrize("policy", [SWORN, parse(POLICY, "corner")], ids=["sworn", "unsworn"])
async def test_who_has_left_reads_nothing_and_nobody_reads_in_anothers_role(tmp_path: Path, policy: object) -> None:
    """TOC-13."""
    async with opened(tmp_path, policy=policy) as shop:
        who = await shop.collect("order", ADA)
        await shop.staff_roll.set_agreement(TEXT)
        await shop.staff_roll.join("pat", "marketing", signs=TEXT)
        await shop.staff_roll.join("kim", "fulfilment", signs=TEXT)
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=shop.staff("pat", role="fulfilment"))
        kim = shop.staff("kim", role="fulfilment")
        assert await shop.use(who, "name", purpose="order", by=kim) == ADA["name"]
        await shop.staff_roll.leave("kim")
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=kim)
    async with opened(tmp_path, policy=policy) as shop:
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=kim)


@pytest.mark.parametrize("typed", ["kim", "Kim", "kim ", "\tKIM", "\uff4bim"])
async def test_who_has_left_reads_nothing_however_the_name_is_typed(tmp_path: Path, typed: str) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.staff_roll.join("Kim", "fulfilment")
        assert await shop.use(who, "name", purpose="order", by=shop.staff(typed, role="fulfilment")) == ADA["name"]
        await shop.staff_roll.leave("kim")
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=shop.staff(typed, role="fulfilment"))


async def test_who_was_sent_away_while_they_waited_for_their_turn_gets_nothing(tmp_path: Path) -> None:
    """TOC-13: a look, several at once, and acts that a practice decides: all of them had been let in before."""
    async with opened(tmp_path) as shop:
        who = bytes.fromhex(await shop.collect("order", ADA))
        await shop.staff_roll.join("kim", "fulfilment")
        let_in = await shop._actor(shop.staff("kim", role="fulfilment"))
        look = shop._look(who.hex(), ("name",), "order", let_in)
        assert await shop._gate.look(look) == {"name": ADA["name"]}
        await shop.staff_roll.leave("kim")
        with pytest.raises(Refused, match="no standing any more"):
            await shop._gate.look(look)
        assert all(isinstance(one, Refused) for one in await shop._gate.read([look, look]))
        for act in (
            shop.reaching.reach(who, "mail", "order", let_in),
            shop.rights.correct(who, "name", "Mallory", let_in),
            shop._agreeing.ask(who, "order", let_in),
        ):
            with pytest.raises(Refused, match="no standing any more"):
                await act
        await shop._agreeing.opt_out(who, ("mail",), let_in)  # the wish of the person, whoever took it down
        assert "opt-out/mail" in (await shop.standing(who.hex()))[0]


async def test_the_caller_vouches_for_colleagues_only_until_there_is_a_roll(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        lou = shop.staff("lou", role="fulfilment")
        assert await shop.use(who, "name", purpose="order", by=lou) == ADA["name"]
        await shop.staff_roll.join("kim", "fulfilment")
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order", by=lou)


async def test_a_role_that_the_policy_does_not_name_is_nobodys(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        with pytest.raises(UnknownWord):
            await shop.staff_roll.join("kim", "king")


async def test_a_restored_backup_brings_nobody_back_and_no_agreement(tmp_path: Path) -> None:
    async with opened(tmp_path, policy=SWORN) as shop:
        who = await shop.collect("order", ADA)
        await shop.staff_roll.set_agreement(TEXT)
        await shop.staff_roll.join("kim", "fulfilment", signs=TEXT)
        await shop.staff_roll.join("lou", "fulfilment", signs=TEXT)
        await shop.backup(tmp_path / "backup")
        await shop.staff_roll.leave("kim")
        await shop.staff_roll.set_agreement(TEXT + " Always.")
    await Avow.restore(
        SWORN, f"sqlite:///{tmp_path}/shop.db", tmp_path / "backup", clock=Clock(), folder=tmp_path / "avow"
    )
    async with opened(tmp_path, policy=SWORN) as shop:
        for name in ("kim", "lou"):
            with pytest.raises(Refused):
                await shop.use(who, "name", purpose="order", by=shop.staff(name, role="fulfilment"))


async def test_no_name_of_staff_is_on_disk(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.staff_roll.join("kimberley-ashdown", "fulfilment")
        who = await shop.collect("order", ADA)
        await shop.use(who, "name", purpose="order", by=shop.staff("kimberley-ashdown", role="fulfilment"))
    found, _ = scan(tmp_path, {"name": b"kimberley-ashdown"})
    assert found == []
