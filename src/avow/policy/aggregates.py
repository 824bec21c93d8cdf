"""Which policies let statistics be made, and who may ask for them. Pure."""

from avow.policy.model import Policy, Share, Use


def summarises(policy: Policy) -> bool:
    """Whether a promise lets figures be made at all, for somebody outside or for the house itself."""
    return any(asks(policy, actor) for actor in ("site", *policy.roles))


def asks(policy: Policy, actor: str) -> bool:
    """Whether a promise lets this role, or the site, ask for figures."""
    outside = any(one.way == "summarise" and actor in one.by for _, one in policy.clauses(Share))
    return outside or any("aggregate" in one.needs and actor in one.by for _, one in policy.clauses(Use))


def recipient(policy: Policy, name: str | None) -> str:
    """Whom figures are for, in words."""
    if name is None:
        return policy.controller.name
    known = policy.recipients.get(name)
    return known.says if known else name.partition(":")[2]
