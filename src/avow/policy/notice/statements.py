"""What a choice says, as one sentence. What is shown beside a box is what goes on record, and what a mail confirms."""

from collections.abc import Sequence

from avow.policy.model import Policy
from avow.policy.notice import words


def statement(
    policy: Policy, way: str, purposes: Sequence[str], recipients: Sequence[str] = (), categories: Sequence[str] = ()
) -> str:
    """What is agreed to. `way`: agree (to purposes), share, or sell; the rest are names of the policy."""
    name = policy.controller.name
    why = words.listed(words.purpose(policy, one) for one in purposes)
    if not recipients:
        return words.sentence(f"{name} may use your data {why}")
    whom = words.listed(words.recipient(policy, one) for one in recipients)
    what = words.listed(words.category(policy, one) for one in categories)
    act = f"sell {what} to" if way == "sell" else f"pass {what} on to"
    return words.sentence(f"{name} may {act} {whom}, {why}")
