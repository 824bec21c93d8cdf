"""Read a request's body before the application does, within a limit, and hand it on unchanged."""

from avow.doors.guard.arrival import CARD_REFUSED, Arrival, Objection
from avow.doors.guard.asgi import Message, Receive
from avow.doors.guard.inputs import NOTHING, Looked, Unreadable, look
from avow.doors.guard.setting import Setting


class Gone(Exception):
    """Who sent the request went away before all of it was here."""


class TooLarge(Exception):
    """The body is over the limit. `messages` are what was read of it."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        super().__init__("body over the limit")


async def read(receive: Receive, limit: int, declared: bytes | None) -> tuple[bytes, list[Message]]:
    """The whole body, and the messages it came in. Raises `TooLarge`, `Gone`."""
    if declared is not None and declared.isdigit() and int(declared[:18]) > limit:
        raise TooLarge([])
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        messages.append(message)
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge(messages)
        if not message.get("more_body", False):
            return b"".join(one.get("body", b"") for one in messages), messages


def again(messages: list[Message], receive: Receive) -> Receive:
    """A `receive` that gives these messages first."""
    waiting = iter(messages)

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay


def object_to_body(setting: Setting, here: Arrival, body: bytes) -> tuple[Objection | None, Looked]:
    """What is wrong with a body, and the doubtful inputs in it."""
    if here.encoding not in (b"", b"identity"):
        return unreadable("a compressed body"), NOTHING
    if setting.rules.takes_cards or not body:
        return None, NOTHING
    try:
        looked = look(body, here.content_type)
    except Unreadable as error:
        return unreadable(str(error)), NOTHING
    if not looked.certain:
        return None, looked
    says = f"a card number in {', '.join(looked.certain)}; refused"
    return Objection("card", setting.rules.cards, says, *CARD_REFUSED), looked


def unreadable(why: str) -> Objection:
    """Nobody knows what it holds."""
    return Objection(
        "body", (), f"{why}; refused", 415, "We cannot read that",
        f"What was sent is {why}, and we take nothing that we cannot look at. Send it as a plain form, UTF-8, or JSON.",
    )  # fmt: skip


def too_large(limit: int) -> Objection:
    """More than the site takes."""
    return Objection(
        "body", (), "a body over the limit; refused", 413, "That is too much at once",
        f"We take at most {limit // 1024} KiB at a time. Send less, or in several parts.",
    )  # fmt: skip
