"""What versions of the policy mean for who is signed in, and what they say to it: yes and no are one click each."""

from typing import Any, Final

from starlette.responses import Response

from avow.desk.interface.changing import Mine
from avow.doors.centre import words
from avow.doors.centre.room import Visit
from avow.policy.notice.words import category, listed

PATH: Final = "/your-changes"
_DONE: Final = {
    True: "You agreed. From the day on which that version is in force, what we hold on you may serve what it allows.",
    False: "You declined. What we hold on you keeps its older limits.",
}


async def meaning(visit: Visit) -> Response:
    """Each version that came after something of theirs, newest first."""
    await visit.room.known.look(again=True)
    day, answer = visit.form.get("version"), visit.form.get("answer")
    done = ""
    if day is not None or answer is not None:
        one = visit.room.known.of_day(day or "")
        if one is None or one["previous"] is None or answer not in {"yes", "no"}:
            return visit.room.wrong(400, session=visit.session)
        agree = answer == "yes"
        says = words.agreeing(visit.room.policy, one["version"], one["digest"])
        await visit.desk.answer_change(visit.session, one["digest"], agree=agree, words=says)
        done = _DONE[agree]
    rows = [await _row(visit, one) for one in await visit.desk.my_changes(visit.session)]
    return visit.page("your-changes.html", rows=rows, done=done)


async def _row(visit: Visit, one: Mine) -> dict[str, Any]:
    known, policy = visit.room.known, visit.room.policy
    version = known.find(one["digest"])
    change = await known.change_of(version) if version else None
    return {
        "one": one, "change": change, "before": version["previous"] if version else None,
        "what": listed(category(policy, name) for name in one["categories"]),
        "more": listed(category(policy, name) for name in one["more"]),
        "says": words.agreeing(policy, one["version"], one["digest"]),
        "given": {"agreed": True, "declined": False}.get(one["answer"]),
    }  # fmt: skip
