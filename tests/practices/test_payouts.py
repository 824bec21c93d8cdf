"""What an affiliate is told of sales: whole months that are over, and never fewer than `FEWEST` sales together."""

from hypothesis import given
from hypothesis import strategies as st

from avow.practices.payouts import FEWEST, Months, Payout, payouts

MONTHS = [f"2026-{number:02}" for number in range(1, 13)]
OWED = st.dictionaries(
    st.sampled_from(MONTHS),
    st.dictionaries(
        st.sampled_from(["harbourpress", "plainpages"]), st.tuples(st.integers(1, 9), st.integers(0, 10**6))
    ),
)


def test_few_sales_wait_until_there_are_enough_and_then_go_together() -> None:
    """AIT-9."""
    months = {"2026-01": {"harbourpress": (1, 1180)}, "2026-03": {"harbourpress": (4, 5000), "plainpages": (4, 900)}}
    assert payouts(months, "2026-03") == []
    assert payouts(months, "2026-04") == [Payout("harbourpress", None, "2026-03", 5, 6180)]
    more = months | {"2026-04": {"harbourpress": (7, 7000)}}
    assert payouts(more, "2026-05")[1] == Payout("harbourpress", "2026-03", "2026-04", 7, 7000)


@given(OWED, st.sampled_from(MONTHS))
def test_no_payout_is_of_fewer_sales_or_of_a_month_that_is_not_over(months: Months, now: str) -> None:
    """AIT-9: an affiliate who asks who bought is told of no single sale."""
    told = payouts(months, now)
    assert all(one.sales >= FEWEST and one.month < now for one in told)
    for name in {one.affiliate for one in told}:
        own = [one for one in told if one.affiliate == name]
        assert [one.after for one in own] == [None, *(one.month for one in own[:-1])]
        paid = [of.get(name, (0, 0)) for month, of in months.items() if month <= own[-1].month]
        assert sum(one.sales for one in own) == sum(sales for sales, _ in paid)
        assert sum(one.commission for one in own) == sum(amount for _, amount in paid)


@given(OWED, st.sampled_from(MONTHS), st.sampled_from(["harbourpress", "plainpages"]))
def test_one_sale_more_in_the_running_month_changes_no_word(months: Months, now: str, affiliate: str) -> None:
    """AIT-9: who looks every hour sees nothing move."""
    running = dict(months.get(now, {}))
    sales, amount = running.get(affiliate, (0, 0))
    running[affiliate] = sales + 1, amount + 4711
    assert payouts({**months, now: running}, now) == payouts(months, now)


@given(OWED, st.sampled_from(MONTHS))
def test_a_payout_that_was_told_is_told_again_in_the_same_words(months: Months, now: str) -> None:
    """AIT-9: nothing is learned by comparing an older report with a newer one but what the new payouts say."""
    before = payouts(months, now)
    later = [one for one in payouts(months, "2027-01") if one.month < now]
    assert before == later
