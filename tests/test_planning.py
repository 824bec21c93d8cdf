"""The plan of a version says whom it touches and what must happen first, and publishes nothing."""

from pathlib import Path

from avow.planning import addresses
from tests.planning import run
from tests.policy.five import next_of, policy_of
from tests.shops import ADA, BEA, POLICY, dated, opened, publish

WIDER = dated(
    POLICY.replace("categories: [entry], for: [contest], by: [site]", "categories: [entry], for: [contest], by: [site, marketing]"),
    "2026-03-03",
)  # fmt: skip
ENTRY = {"entry": "my picture", "email": ADA["email"]}


async def test_the_plan_counts_people_and_data_of_which_more_may_be_made_and_publishes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("contest", ENTRY)
        await shop.collect("contest", ENTRY, who=ada)
        await shop.collect("order", BEA)
        gone = await shop.collect("contest", ENTRY)
        await shop.erase(gone)
        plan = await shop.planning.plan(WIDER)
        assert (plan.people, plan.data, plan.unreachable) == (1, 2, 0)
        assert [tuple(one) for one in plan.touched] == [("entry", 1, 2)]
        assert (plan.previous, plan.faults) == (shop.policy.digest.hex(), [])
        assert [one.duty for one in plan.first] == ["ask"]
        assert len(shop.publishing.versions()) == 1


async def test_what_only_narrows_touches_nobody_and_the_plan_says_what_stops_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
        plan = await shop.planning.plan(
            dated(POLICY.replace(", by: [site, fulfilment], needs", ", by: [site], needs"), "2026-02-01")
        )
        assert (plan.people, plan.touched, plan.found.wider) == (0, [], False)
        (fault,) = plan.faults
        assert "has begun or is over" in fault


async def test_the_plan_is_made_against_the_newest_version_and_counts_what_came_under_any(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("contest", ENTRY)
        await publish(shop, dated(POLICY.replace("to send news", "to send you news"), "2026-03-02"))
        plan = await shop.planning.plan(WIDER)
        assert plan.previous == shop.publishing.versions()[-1].digest
        assert plan.people == 1


def test_a_notice_goes_where_the_policy_has_notices_go_or_by_mail_and_letter() -> None:
    assert addresses(policy_of("aitpro")) == addresses(next_of("aitpro")) == ("email", "postal-address")
    assert "phone" not in addresses(policy_of("daminion"))


async def test_few_people_are_counted_by_the_harness_that_counts_a_million() -> None:
    assert (await run(400, 1))["ok"]
