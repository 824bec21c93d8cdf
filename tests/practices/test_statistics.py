"""Releases of statistics: AUD-10, TOC-9, DAM-9, DAM-13; and AUD-2 and DAM-12 as far as they speak of figures."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import BadValue, CallError, Refused, UnknownWord
from avow.gate import Actor
from avow.ledger.entry import decode
from avow.policy.model import SITE
from avow.policy.parse import parse, read
from avow.practices.figures import BUDGET, stated
from avow.practices.statistics import Wish, offers
from tests.shops import Clock, dated, opened, publish

POLICIES = Path(__file__).parents[2] / "policies"
AUDIOMIDI, DAMINION, AITOC, AITPRO, AIMINI = (
    read(POLICIES / f"{name}.yaml") for name in ("audiomidi", "daminion", "aitoc", "aitpro", "aimini")
)
GOODS = ("Lark 49 keyboard", "Tern desk mixer", "Wren microphone")
OPERATOR = Actor(SITE, "operator", standing=True)
LARKS = Wish(("items",), ("items",), "2026-01", "2026-01", "trade-press", "statistics")


def january() -> Clock:
    return Clock(datetime(2026, 1, 10, 12, tzinfo=UTC))


def exactly(counts: Sequence[int], each: int, epsilon: int) -> list[int]:
    """No noise at all, to see what is counted."""
    return list(counts)


@asynccontextmanager
async def site(folder: Path, clock: Clock, policy: Any = AUDIOMIDI, **more: Any) -> AsyncIterator[Avow]:
    async with opened(folder, clock, policy=policy, private="attested", sequence_every=Clock.NEVER, **more) as shop:
        if "items" in policy.categories:
            await shop.statistics.declare("items", GOODS)
        yield shop


async def buys(shop: Avow, *items: str, who: str | None = None) -> str:
    form = "cart" if shop.policy.site == "audiomidi" else "basket"
    for each in items:
        who = await shop.collect(form, {"items": each}, who=who)
    assert who is not None
    return who


async def counted(shop: Avow, wish: Wish = LARKS, actor: Actor = OPERATOR) -> list[int]:
    """The true counts, without noise or suppression."""
    asked: list[list[int]] = []

    def noise(counts: Sequence[int], each: int, epsilon: int) -> list[int]:
        asked.append(list(counts))
        return list(counts)

    shop.statistics._noise = noise
    await shop.statistics.release(wish, actor)
    return asked[-1]


# -- what is counted --------------------------------------------------------------------------------------------------


async def test_each_person_counts_once_whatever_they_bought_and_however_often(tmp_path: Path) -> None:
    """AUD-10: clamped per person, in as many cells as stated."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        await buys(shop, "2 × Lark 49 keyboard at $219.00; 1 × Tern desk mixer at $349.00")
        clock.forward(hours=1)
        await buys(shop, *["1 × Wren microphone at $129.00"] * 30)
        clock.forward(days=40)
        assert await counted(shop) == [1, 0, 1]  # the first key of their newest order
        assert await counted(shop, LARKS._replace(each=2)) == [1, 1, 1]
        assert await counted(shop, LARKS._replace(by=())) == [2]


async def test_goods_are_found_as_whole_names_the_longest_first(tmp_path: Path) -> None:
    clock = january()
    async with site(tmp_path, clock) as shop:
        await shop.statistics.declare("items", ("Bolt", "Watch", "Bolt and Watch"))
        for items in ("1 × Bolt and Watch at $79.00", "1 x  BOLT", "Thunderbolt", "two Watches, one bolt-cutter"):
            await buys(shop, items)
        clock.forward(days=40)
        assert await counted(shop) == [2, 1, 0]


async def test_only_what_came_within_the_months_counts(tmp_path: Path) -> None:
    clock = Clock(datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC))
    async with site(tmp_path, clock) as shop:
        for _ in range(3):  # before, on the first moment of January, and on the first of February
            await buys(shop, GOODS[0])
            clock.now = datetime(2026, clock.now.month % 12 + 1, 1, tzinfo=UTC)
        clock.forward(days=60)
        assert await counted(shop) == [1, 0, 0]
        whole = LARKS._replace(by=("month",), first="2025-12", last="2026-02")
        assert await counted(shop, whole) == [1, 1, 1]


async def test_who_was_erased_or_is_past_their_term_does_not_count(tmp_path: Path) -> None:
    policy = parse(AUDIOMIDI.source.replace(
        "- id: AUD-8", "- id: AUD-99\n  says: Carts go.\n  source: {section: X, sentence: 1}\n"
        '  keep: {categories: [items], for: "60 days"}\n- id: AUD-8'), "audiomidi")  # fmt: skip
    clock = january()
    async with site(tmp_path, clock, policy) as shop:
        gone = await buys(shop, GOODS[0])
        await buys(shop, GOODS[0])
        clock.forward(days=40)
        assert await counted(shop) == [2, 0, 0]
        await shop.erase(gone)
        assert await counted(shop, LARKS._replace(epsilon=251)) == [1, 0, 0]
        clock.forward(days=21)
        assert await counted(shop, LARKS._replace(epsilon=252)) == [0, 0, 0]


async def test_data_that_came_under_an_older_policy_count_only_where_that_one_lets_them(tmp_path: Path) -> None:
    """TOC-2 in spirit: a wider version does not widen what was given before."""
    old = parse(AUDIOMIDI.source.replace("with: [trade-press, gear-makers]", "with: [gear-makers]"), "audiomidi")
    clock = january()
    async with site(tmp_path, clock, old) as shop:
        await buys(shop, GOODS[0])
        await publish(shop, new := dated(AUDIOMIDI.source, "2026-01-25"))
    clock.now = datetime(2026, 1, 25, tzinfo=UTC)
    async with site(tmp_path, clock, new) as shop:
        await buys(shop, GOODS[0])
        clock.forward(days=40)
        assert await counted(shop) == [1, 0, 0]
        assert await counted(shop, LARKS._replace(recipient="gear-makers")) == [2, 0, 0]


async def test_where_the_policy_asks_each_person_only_who_agreed_counts(tmp_path: Path) -> None:
    source = AUDIOMIDI.source.replace(
        "    for: [statistics]\n    by: [site, admin]\n",
        "    for: [statistics]\n    by: [site, admin]\n    needs: [consent]\n  choose:\n  - {for: [statistics], form: cart}\n"
        "  - {with: [trade-press, gear-makers], categories: [items], form: sharing-choice}\n",
    )
    clock = january()
    async with site(tmp_path, clock, parse(source, "audiomidi")) as shop:
        await buys(shop, GOODS[0])
        agreed = await buys(shop, GOODS[0])
        await shop.agree(agreed, "statistics", words="Count me.")
        clock.forward(days=40)
        assert await counted(shop) == [1, 0, 0]
        await shop.withdraw(agreed, "statistics")
        assert await counted(shop, LARKS._replace(epsilon=251)) == [0, 0, 0]


# -- who may have what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "wish", "promise"),
    [
        (AUDIOMIDI, LARKS._replace(of=("name",), by=()), "AUD-10"),
        (AUDIOMIDI, LARKS._replace(of=("email",), by=("email",)), "AUD-10"),
        (AUDIOMIDI, LARKS._replace(of=("name",), recipient=None), "AUD-10"),
        (AUDIOMIDI, LARKS._replace(purpose="marketing"), "AUD-10"),
        (AUDIOMIDI, LARKS._replace(recipient="third-party:somebody"), "AUD-10"),
        (DAMINION, LARKS._replace(recipient="list-company"), "DAM-12"),
        (DAMINION, LARKS._replace(recipient="list-broker:lists"), "DAM-12"),
        (DAMINION, LARKS._replace(of=("ip",), by=(), recipient="reseller"), "DAM-23"),
        (DAMINION, LARKS._replace(of=("name",), by=(), recipient=None, purpose="patterns"), "DAM-13"),
        (DAMINION, LARKS._replace(of=("message",), by=(), recipient="reseller"), "DAM-9"),
        (DAMINION, LARKS._replace(of=("payment-status",), by=(), recipient="reseller"), "DAM-18"),
        (AITOC, LARKS._replace(recipient="analysts"), "TOC-9"),
        (AITOC, LARKS._replace(of=("page-use",), by=(), recipient="agency"), "TOC-10"),
        (AITOC, LARKS._replace(of=("page-use",), by=(), recipient="agency", purpose="marketing"), "TOC-11"),
        (AITPRO, LARKS._replace(recipient="public:everybody", purpose="order"), "AIT-21"),
        (AIMINI, LARKS._replace(of=("order-state",), by=(), recipient="download-mirror"), "AIM-1"),
    ],
)  # fmt: skip
async def test_what_no_promise_lets_be_released_is_refused_with_its_id_before_anybody_is_counted(
    tmp_path: Path, policy: Any, wish: Wish, promise: str
) -> None:
    """AUD-2, AUD-10, TOC-9, DAM-9, DAM-12, DAM-13: statistics with names, for lists, for patterns of persons."""
    clock = january()
    async with site(tmp_path, clock, policy) as shop:
        clock.forward(days=60)
        shop.statistics._sources.clear()  # whoever counted would fail
        with pytest.raises(Refused) as refused:
            await shop.statistics.release(wish, OPERATOR)
        assert promise in refused.value.promises
        await shop.sequence_all()
        last = decode(shop.log.entry(shop.log.size - 1))
        assert (last.kind, last.outcome, promise in last.promises) == ("release", "refused", True)


async def test_a_pattern_is_released_and_no_person_of_it_is(tmp_path: Path) -> None:
    """DAM-13: patterns only in aggregate; a pattern query that returns a person is refused, whoever asks."""
    clock = january()
    async with site(tmp_path, clock, DAMINION) as shop:
        who = await buys(shop, GOODS[0])
        for by in (None, *(shop.staff("kim", role) for role in DAMINION.roles)):
            for act in (shop.use, lambda who, one, **more: shop.use_all(who, [one], **more)):
                with pytest.raises(Refused, match="DAM-13"):
                    await act(who, "items", purpose="patterns", by=by)
            (one,) = await shop.use_each([who], "items", purpose="patterns", by=by)
            assert isinstance(one, Refused)
        clock.forward(days=40)
        patterns = LARKS._replace(recipient=None, purpose="patterns")
        assert await counted(shop, patterns) == [1, 0, 0]
        admin = Actor("admin", "kim", standing=True)
        assert await counted(shop, patterns._replace(epsilon=251), admin) == [1, 0, 0]
        for actor in (Actor("support", "lee", standing=True), Actor("admin", "max", standing=False)):
            with pytest.raises(Refused):
                await shop.statistics.release(patterns, actor)


def test_each_role_is_offered_what_the_promises_grant_it() -> None:
    assert [(one.of, one.recipient, one.promise) for one in offers(AUDIOMIDI, "admin")] == [
        (("items",), "trade-press", "AUD-10"), (("items",), "gear-makers", "AUD-10"),
    ]  # fmt: skip
    assert ("patterns", "DAM-13") in [(one.purpose, one.promise) for one in offers(DAMINION, "admin")]
    assert [offers(policy, role) for policy in (AUDIOMIDI, DAMINION) for role in ("support", "fulfilment")] == [[]] * 4
    assert [one for policy in (AITPRO, AIMINI) for role in policy.roles for one in offers(policy, role)
            if one.recipient] == []  # fmt: skip


async def test_what_no_person_can_make_true_is_refused_and_not_a_table_of_nothing(tmp_path: Path) -> None:
    source = AUDIOMIDI.source.replace(
        "with: [trade-press, gear-makers]", "with: [trade-press, gear-makers]\n    needs: [notice-owed]"
    )
    clock = january()
    async with site(tmp_path, clock, parse(source, "audiomidi")) as shop:
        await buys(shop, GOODS[0])
        clock.forward(days=40)
        with pytest.raises(Refused, match="AUD-10"):
            await shop.statistics.release(LARKS, OPERATOR)
        assert await shop.statistics.budgets() == []


# -- what cannot be asked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (LARKS._replace(by=("name",)), "is none"),
        (LARKS._replace(by=("email", "items")), "is none"),
        (LARKS._replace(by=("items", "items")), "twice"),
        (LARKS._replace(first="2026-02"), "the first before the last"),
        (LARKS._replace(last="2026-03"), "not over"),
        (LARKS._replace(first="1900-01"), "120 months"),
        (LARKS._replace(first="soon"), "2026-03"),
        (LARKS._replace(epsilon=0), "epsilon"),
        (LARKS._replace(epsilon=1001), "epsilon"),
        (LARKS._replace(each=0), "cells"),
        (LARKS._replace(each=11), "cells"),
        (LARKS._replace(of=("items", "visits")), "not counted together"),
    ],
)
async def test_what_is_too_fine_or_not_over_yet_says_why(tmp_path: Path, wish: Wish, says: str) -> None:
    """AUD-10: a free-text column is no dimension."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        clock.forward(days=40)
        with pytest.raises(CallError, match=says):
            await shop.statistics.release(wish, OPERATOR)
        assert await shop.statistics.budgets() == []


async def test_a_table_of_a_billion_cells_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    clock = january()
    async with site(tmp_path, clock) as shop:
        await shop.statistics.declare("items", [f"Thing {chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)])
        clock.now = datetime(2036, 1, 2, tzinfo=UTC)
        with pytest.raises(CallError, match="24,000 cells"):
            await shop.statistics.release(
                LARKS._replace(by=("items", "month"), first="2026-01", last="2035-12"), OPERATOR
            )
        with pytest.raises(BadValue, match="200 keys"):
            await shop.statistics.declare("items", [f"Thing {chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(300)])


@pytest.mark.parametrize(
    "key", ["ada@example.com", "=cmd|calc", "@SUM(1)", "+44 20 7946 0000", "a" * 65, "a\x00b", "-1"]
)
async def test_a_key_that_is_an_address_a_number_or_a_formula_is_none(tmp_path: Path, key: str) -> None:
    async with site(tmp_path, january()) as shop:
        with pytest.raises(BadValue) as error:
            await shop.statistics.declare("items", ("Lark", key))
        assert key not in str(error.value)


async def test_no_keys_are_declared_for_what_names_people_or_is_typed_freely(tmp_path: Path) -> None:
    """AUD-10: neither identifying nor free-text columns are ever a dimension."""
    async with site(tmp_path, january()) as shop:
        for category in ("name", "email", "message", "phone", "postal-address", "payment-reference", "visits", "card"):
            with pytest.raises(CallError, match="no dimension"):
                await shop.statistics.declare(category, ("Ada",))
        with pytest.raises(UnknownWord):
            await shop.statistics.declare("shoes", ("Ada",))


# -- budget, answers, record ------------------------------------------------------------------------------------------


async def test_the_same_question_has_the_same_answer_at_no_cost_for_ever(tmp_path: Path) -> None:
    """AUD-10: averaging gains nothing."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        for _ in range(40):
            await buys(shop, GOODS[0])
        clock.forward(days=40)
        first = await shop.statistics.release(LARKS, OPERATOR)
        assert await shop.statistics.budgets() == [("people/2026", 250, BUDGET)]
    async with site(tmp_path, clock) as shop:
        for wish in (LARKS, LARKS._replace(of=("items", "items"))):
            assert await shop.statistics.release(wish, Actor("admin", "kim", standing=True)) == first
        assert await shop.statistics.budgets() == [("people/2026", 250, BUDGET)]


async def test_a_spent_budget_refuses_with_the_promise_and_pays_for_every_year_that_is_asked_about(
    tmp_path: Path,
) -> None:
    """AUD-10: exhausting the budget."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        await buys(shop, GOODS[0])
        clock.now = datetime(2028, 1, 1, tzinfo=UTC)
        both = LARKS._replace(last="2027-01", epsilon=1000)
        await shop.statistics.release(both, OPERATOR)
        await shop.statistics.release(LARKS._replace(epsilon=999), OPERATOR)
        assert await shop.statistics.budgets() == [("people/2026", 1999, BUDGET), ("people/2027", 1000, BUDGET)]
        for wish in (LARKS._replace(epsilon=2), both._replace(epsilon=2)):
            with pytest.raises(Refused, match=r"AUD-10.*people/2026"):
                await shop.statistics.release(wish, OPERATOR)
        assert await shop.statistics.budgets() == [("people/2026", 1999, BUDGET), ("people/2027", 1000, BUDGET)]
        await shop.statistics.release(LARKS._replace(epsilon=1), OPERATOR)
        assert await shop.statistics.release(both, OPERATOR)  # what was answered is still given


async def test_of_a_hundred_callers_at_once_as_many_are_answered_as_the_budget_pays_for(
    tmp_path: Path, any_shop: None
) -> None:
    """AUD-10: nobody overspends, on either database."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        clock.forward(days=40)
        wishes = [LARKS._replace(epsilon=300 + n) for n in range(100)]
        done = await asyncio.gather(
            *(shop.statistics.release(wish, OPERATOR) for wish in wishes), return_exceptions=True
        )
        assert [isinstance(one, Refused) for one in done].count(True) == 94
        ((_, spent, _),) = await shop.statistics.budgets()
        assert spent == sum(one["epsilon"] for one in done if isinstance(one, dict)) <= BUDGET


async def test_a_small_cell_is_not_shown_and_the_rest_with_its_bounds(tmp_path: Path) -> None:
    """AUD-10: a group of one."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        for number in range(20):
            await buys(shop, GOODS[0] if number < 19 else GOODS[1])
        clock.forward(days=40)
        shop.statistics._noise = exactly
        told = await shop.statistics.release(LARKS, OPERATOR)
        assert (told["figures"], told["least"], told["margin"]) == ([19, None, None], 17, 12)
        assert told["axes"] == [list(GOODS)]


async def test_a_release_is_one_entry_of_the_log_that_commits_to_what_was_told(tmp_path: Path) -> None:
    """AUD-10: the release is recorded, and nobody's own events have it."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        who = await buys(shop, GOODS[0])
        await shop.sequence_all()
        before, seen = shop.log.size, len(await shop.seen(who))
        clock.forward(days=40)
        told = await shop.statistics.release(LARKS, OPERATOR)
        await shop.sequence_all()
        entries = [decode(shop.log.entry(n)) for n in range(before, shop.log.size)]
        (entry,) = [one for one in entries if one.kind == "release"]
        event = told.pop("event")
        assert (entry.event.hex(), entry.promises, entry.commitment) == (event, ("AUD-10",), stated(told))
        told["figures"][0] = 1
        assert entry.commitment != stated(told)
        assert len(await shop.seen(who)) == seen + 1  # the look at them, by the test


async def test_what_anybody_may_know_of_a_release_has_no_figures_unless_it_is_for_the_public(tmp_path: Path) -> None:
    clock = january()
    open_ = parse(
        AUDIOMIDI.source.replace("with: [trade-press, gear-makers]", "with: [trade-press, public]"), "audiomidi"
    )
    async with site(tmp_path, clock, open_) as shop:
        clock.forward(days=40)
        await shop.statistics.release(LARKS, OPERATOR)
        clock.forward(hours=1)
        await shop.statistics.release(LARKS._replace(recipient="public:everybody"), OPERATOR)
        newest, first = await shop.statistics.releases(9)
        assert (newest["figures"], newest["recipient"]) == ([None] * 3, "public:everybody")
        assert (first["figures"], first["opening"]) == (None, "")
        assert (first["epsilon"], first["promises"], first["recipient"]) == (250, ["AUD-10"], "trade-press")


async def test_a_restored_backup_gives_no_budget_back(tmp_path: Path) -> None:
    """AUD-10: what was spent stays spent."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        await buys(shop, GOODS[0])
        clock.forward(days=40)
        await shop.statistics.release(LARKS, OPERATOR)
        await shop.sequence_all()
        await shop.backup(tmp_path / "copy")
        await shop.statistics.release(LARKS._replace(epsilon=700), OPERATOR)
    url = f"sqlite:///{tmp_path}/shop.db"
    await Avow.restore(AUDIOMIDI, url, tmp_path / "copy", folder=tmp_path / "avow", clock=clock, private="attested")
    async with site(tmp_path, clock) as shop:
        assert await shop.statistics.budgets() == [("people/2026", 950, BUDGET)]
        assert dict(shop.statistics.catalogue) == {"items": tuple(sorted(GOODS))}


async def test_who_dies_before_the_commit_has_told_nothing_and_paid_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = january()
    async with site(tmp_path, clock) as shop:
        clock.forward(days=40)
        append = shop.keystore.journal.append

        def dies(kind: str, fields: Any) -> int:
            append(kind, fields)
            raise KeyboardInterrupt

        monkeypatch.setattr(shop.statistics, "_journal", SimpleNamespace(append=dies))
        with pytest.raises(KeyboardInterrupt):
            await shop.statistics.release(LARKS, OPERATOR)
        assert await shop.statistics.releases(9) == []
    async with site(tmp_path, clock) as shop:
        assert await shop.statistics.budgets() == [("people/2026", 250, BUDGET)]


async def test_a_person_whose_rows_were_changed_outside_does_not_count_and_holds_nobody_up(tmp_path: Path) -> None:
    clock = january()
    async with site(tmp_path, clock) as shop:
        spoilt = await buys(shop, GOODS[0])
        await buys(shop, GOODS[0])
        clock.forward(days=40)
        async with shop._gate.store.transaction() as tx:
            (one,) = await tx.held(bytes.fromhex(spoilt))
            await tx.put([one._replace(version=2, sealed=one.sealed[:-1] + bytes((one.sealed[-1] ^ 1,)))])
        assert await counted(shop) == [1, 0, 0]


async def test_what_is_kept_of_a_release_is_whole_numbers_alone(tmp_path: Path) -> None:
    """AUD-10: no low bit of a floating-point number is in anything that leaves."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        clock.forward(days=40)
        told = await shop.statistics.release(LARKS._replace(each=3, epsilon=333), OPERATOR)
        assert not [
            one for one in json.loads(json.dumps(told), parse_float=lambda _: "a float!").values() if one == "a float!"
        ]
        assert "." not in json.dumps(told["figures"]) + json.dumps(told["axes"][1:])
