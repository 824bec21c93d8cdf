"""What a person decides: what they agree to, how they are reached, what is put right, and whether they go."""

from typing import Any, Final

from starlette.responses import Response

from avow.cards import Suspicion, suspicion
from avow.desk.interface import HOLD, Stays
from avow.doors.centre import words
from avow.doors.centre.forms import text_fault
from avow.doors.centre.room import Visit
from avow.errors import BadValue, CallError, Refused
from avow.policy.model import CHANNELS

CARD: Final = "This holds a payment card number. Card numbers belong on the payment company's page only; take it out"
PERHAPS: Final = "This looks like a payment card number. Take it out, or tick below that it is none"
WAYS: Final = {"mail": "by e-mail", "post": "by letter", "phone": "by telephone"}


async def choices(visit: Visit) -> Response:
    """Each choice as a switch; agreeing and declining are one click each."""
    policy, asked, answer = visit.room.policy, visit.form.get("choice"), visit.form.get("answer")
    if asked is not None:
        one = next((c for c in await visit.desk.choices(visit.session) if c["id"] == asked), None)
        if one is None or answer not in {"yes", "no"}:
            return visit.room.wrong(400, session=visit.session)
        if answer == "yes":
            await visit.desk.agree(visit.session, asked, words.choice(policy, one))
        else:
            await visit.desk.withdraw(visit.session, asked)
    rows = [(one, words.choice(policy, one)) for one in await visit.desk.choices(visit.session)]
    given = {one["id"] for one, _ in rows if one["given"]}
    done = problem = ""
    if asked is not None and answer == "no":
        done = "You decline. It holds from this moment on."
    elif asked in given:
        done = "Your agreement is recorded, in exactly these words."
    elif asked is not None:
        problem = (
            "To count, this yes has to be confirmed from your mailbox: sign in by a code sent there, and agree again."
        )
    return visit.page("choices.html", rows=rows, done=done, problem=problem)


async def reach(visit: Visit) -> Response:
    """By which ways the person may be reached."""
    channel, answer, done = visit.form.get("channel"), visit.form.get("answer"), ""
    offered = [name for name in CHANNELS if any(c.channel == name for c in visit.room.policy.categories.values())]
    problem = ""
    if channel is not None:
        if channel not in offered or answer not in {"yes", "no"}:
            return visit.room.wrong(400, session=visit.session)
        if answer == "no":
            await visit.desk.opt_out(visit.session, channel)
            done = f"Nothing more {WAYS[channel]}, from this moment on."
        else:
            try:
                await visit.desk.opt_in(visit.session, channel)
                done = f"You may be reached {WAYS[channel]} again."
            except CallError:
                problem = "The address must be shown to be yours first: sign in by a code sent to it, then try again."
    stopped = await visit.desk.opted_out(visit.session)
    rows = [(name, WAYS[name], name not in stopped) for name in offered]
    return visit.page("reach.html", rows=rows, done=done, problem=problem)


async def correct(visit: Visit) -> Response:
    """Put a right value in place of the newest one. Without a value: the form for it."""
    category, value = visit.form.get("category", ""), visit.form.get("value")
    policy = visit.room.policy
    export = await visit.desk.held(visit.session)
    now = [one["value"] for one in export["data"] if one["category"] == category]
    if not now:
        return visit.room.wrong(400, session=visit.session, says="Nothing of that kind is held. Nothing was changed.")
    label = words.label(policy, category)
    shown: dict[str, Any] = {
        "category": category,
        "label": label,
        "value": now[-1] if value is None else value,
        "doubt": False,
    }
    if value is None:
        return visit.page("correct.html", **shown)
    no_card = visit.form.get("no_card") == "yes"
    if fault := text_fault(value, "the right value") or card_fault(value, confirmed=no_card):
        shown["doubt"] = fault == PERHAPS
        return visit.page("correct.html", status=400, errors={"value": fault}, **shown)
    try:
        await visit.desk.correct(visit.session, category, value, no_card=no_card)
    except BadValue:
        fault = "This value cannot be held; look at it again"
        return visit.page("correct.html", status=400, errors={"value": fault}, **shown)
    return visit.page("done.html", done=f"{label}: put right. The wrong value is overwritten, not kept.", to="/held",
                      words="Back to what is held")  # fmt: skip


async def erase(visit: Visit) -> Response:
    """Everything goes after a while, in which it can be taken back."""
    answer, done = visit.form.get("answer"), ""
    if answer == "erase":
        await visit.desk.erase(visit.session)
    elif answer == "keep":
        await visit.desk.keep(visit.session)
        done = "You stay. Nothing will be erased."
    elif answer is not None:
        return visit.room.wrong(400, session=visit.session)
    leaving = await visit.desk.leaving(visit.session)
    try:
        stays: list[Stays] = await visit.desk.staying(visit.session)
    except Refused:  # on hold: a wish can be taken back all the same
        stays = []
    return visit.page(
        "erase.html", leaving=leaving, done=done, days=HOLD // 86_400_000,
        stays=words.stays(visit.room.policy, stays),
    )  # fmt: skip


async def complain(visit: Visit) -> Response:
    """A complaint becomes a service request; outside offices are named beside it."""
    within, offices, ids = words.answering(visit.room.policy, "complain", "ask")
    shown: dict[str, Any] = {
        "within": within,
        "offices": offices,
        "ids": ids,
        "text": visit.form.get("text", ""),
        "request": "",
    }
    if "text" in visit.form:
        text = visit.form["text"]
        if fault := text_fault(text, "your complaint") or card_fault(text, confirmed=True):
            return visit.page("complain.html", status=400, errors={"text": fault}, **shown)
        try:
            shown["request"] = await visit.desk.complain(visit.session, text)
        except BadValue:
            fault = "This text cannot be taken in; is there a card number in it?"
            return visit.page("complain.html", status=400, errors={"text": fault}, **shown)
        except CallError:
            fault = "We hold no e-mail address of yours to answer to. Use the contact page, where you can give one."
            return visit.page("complain.html", status=400, errors={"text": fault}, **shown)
    return visit.page("complain.html", **shown)


async def password(visit: Visit) -> Response:
    """A new password, for coming back without a code."""
    if "password" not in visit.form:
        return visit.page("password.html")
    try:
        await visit.desk.protect(visit.form["password"], session=visit.session)
    except BadValue:
        fault = "Choose a longer or less common password: at least twelve characters that are in no list"
        return visit.page("password.html", status=400, errors={"password": fault})
    return visit.page("done.html", done="Your new password holds from now on.", to="/overview", words="To the overview")


def card_fault(value: str, *, confirmed: bool) -> str:
    """What is wrong where a card number is, or may be, in a text."""
    level = suspicion(value)
    if level is Suspicion.CERTAIN:
        return CARD
    return PERHAPS if level is Suspicion.DOUBTFUL and not confirmed else ""
