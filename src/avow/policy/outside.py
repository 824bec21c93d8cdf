"""Where else somebody who complains can turn to, and how an answer says so. Pure."""

from collections.abc import Sequence

from avow.policy.model import Policy, Right


def outside(policy: Policy) -> tuple[str, ...]:
    """The offices outside that a complaint can go to as well, as the policy names them; else what there is by law."""
    complaining = (clause for _, clause in policy.clauses(Right) if "complain" in clause.rights)
    named = tuple(dict.fromkeys(office for clause in complaining for office in clause.offices))
    return named or ("the data protection or consumer protection authority where you live",)


def beside(words: str, offices: Sequence[str]) -> str:
    """An answer with what it ends with: who else there is to turn to."""
    listed = "".join(f"* {office}\n" for office in offices)
    return f"{words.strip()}\n" + (
        f"\n-- \nIf this answer does not settle it, you can also turn to\n{listed}" if listed else ""
    )
