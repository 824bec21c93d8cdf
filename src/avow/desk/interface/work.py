"""What the console asks for colleagues who write, call, and take down letters and calls. A part of the desk's contract.

`may_reach` is the one way to a number or postal address that somebody is to be reached by: it is asked for a task, or of
whoever gave a value; answered yes with the number, or no with the promises that say so; and on record either way, shown
to the person. A yes opens a contact, which stays open until `came_of_it` says what came of it: the message's state is
`handing` until then, and nothing forgets that somebody may have been called.

What people say by letter or telephone shows nobody who they are. `take_down` makes somebody new, as an open form does;
`ask_for` opens a request that waits until they have shown it; `stop` only narrows, and is effective when it returns.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypedDict

CameOfIt = Literal["reached", "not-reached", "posted", "returned", "dropped"]


class Reached(TypedDict):
    """Yes. `contact` names it in `came_of_it`; `value` is the number or address, `name` who it is, "" where the policy
    shows the colleague's role no name for this purpose.
    """

    contact: str
    channel: str
    purpose: str
    value: str
    name: str


class Work(Protocol):
    """See the module. `session` is a colleague's; each call raises `Denied` for another, and counts as a look."""

    async def may_reach(self, session: str, task: str, channel: str) -> Reached:
        """May I write (`post`) or call (`phone`), for this task? Raises `Refused`, `NotHeld`, `UnknownWord`."""

    async def may_reach_found(self, session: str, category: str, value: str, channel: str, purpose: str) -> Reached:
        """The same of whoever gave this value, whether they wait for anything or not. Raises `NotHeld` for nobody."""

    async def letter_address(self, session: str, contact: str) -> Reached:
        """The address of an open contact once more, for a label or a letter: decided and recorded anew."""

    async def came_of_it(self, session: str, contact: str, outcome: str, answers: str = "") -> None:
        """What came of a contact, a `CameOfIt`. A letter that went out may come back later: `returned`.

        `answers`: the number of the person's open request that was answered by it, or the first 8 digits; with `reached`
        or `posted` it is closed, a complaint too. That may be said later as well, with the same outcome once more. Raises
        `CallError` for a request that is not this person's, does not serve what the contact was for, or was opened after it.
        """

    async def take_down(
        self, session: str, through: str, form: str, given: Mapping[str, str], no_card: Sequence[str] = ()
    ) -> str:
        """What somebody asks for by letter or telephone, as a form of the policy would have it; the request's id.

        Less than the form asks for will do, but for a way to find or reach them. Raises `Refused` where the policy does
        not promise that one may ask by this route, `CallError`, `BadValue`.
        """

    async def ask_for(self, session: str, through: str, right: str, category: str, value: str) -> int:
        """A right (`access`, `correct`, `erase`, `complain`) asked for in the name of whoever gave this value; how many
        requests it opened. Raises `NotHeld` where nobody is found.
        """

    async def send_code_for(self, session: str, request: str) -> None:
        """Have a code sent to the mail address on file of who asks for their own data (`access`, `correct`, `erase`), so that
        they come into the privacy centre and do it themselves. Nobody is shown the address, or told the code. Recorded, and
        shown to the person. At most three a person and day, else `TooMany`. Raises `NotHeld` where there is no address,
        `CallError` for another request or while a change of contact is on hold, `Refused`, `Unavailable`.
        """

    async def stop(self, session: str, through: str, category: str, value: str, channels: Sequence[str]) -> list[str]:
        """No more by these channels to whoever gave this value; the channels by which it has stopped. An address that
        nobody is held under goes onto the do-not-contact list all the same.
        """
