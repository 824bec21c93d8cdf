"""What people say by letter or telephone, taken down by a colleague: a question or an order, a right asked for, a stop.

Nobody has shown who they are by it. So what is submitted makes somebody new, as an open form does; a right that is asked
for waits until they have; and a stop only ever narrows.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import CallError, NotHeld, Refused, UnknownWord
from avow.gate import Act, Actor, Gate
from avow.policy.model import CHANNELS, RIGHTS_PURPOSE, Channel
from avow.practices.agreeing import Agreeing
from avow.practices.collecting import Collecting, Submission, entries_of
from avow.practices.deadlines import RIGHTS_REQUEST, giving, kind_of
from avow.practices.finding import Finding
from avow.practices.words import unknown

Through = Literal["letter", "phone"]
THROUGH: Final[tuple[Through, ...]] = ("letter", "phone")


class ByHand:
    """For one site."""

    def __init__(self, gate: Gate, collecting: Collecting, agreeing: Agreeing, finding: Finding) -> None:
        self._gate = gate
        self._policy = gate.policy
        self._keys = gate.keys
        self._collecting = collecting
        self._agreeing = agreeing
        self._finding = finding

    async def submit(
        self, through: Through, form: str, given: Mapping[str, str], actor: Actor, no_card: frozenset[str] = frozenset()
    ) -> bytes:
        """Take in what would have come by a form of the policy; the subject, somebody new. Its request is open then.

        Less than the form asks for will do, but for a way to find or reach them. Refused, by the promises that people
        themselves give their data, where the policy does not promise that one may ask, or complain, by this route.
        """
        known = self._policy.forms.get(form)
        if known is None:
            raise unknown("form", form, self._policy.forms)
        if known.at is not None or known.opens is None:
            raise CallError(f"the form `{form}` opens no request here; take down what somebody asks for")
        kinds = self._policy.categories
        if not any(name in kinds and (kinds[name].look_up or kinds[name].channel) for name in given):
            raise CallError("nobody could be answered by that; take down an address or number with it")
        return (await self._collecting.collect((Submission(form, given, actor, through=through, no_card=no_card),)))[0]

    async def ask(self, through: Through, right: str, category: str, value: str, actor: Actor) -> list[bytes]:
        """A right is asked for in the name of whoever gave this value: an open request of each of them; their ids.

        Nothing of theirs is released by it. Raises `NotHeld` where nobody is found.
        """
        if RIGHTS_REQUEST not in self._policy.requests:
            raise CallError(f"the policy has no kind of request `{RIGHTS_REQUEST}` to open for it")
        kind = kind_of(right, through)
        people = await self._finding.find(category, value, actor)
        if not people:
            raise NotHeld("nobody is held under that; take it down as a question, and answer that nothing is held")
        return [await self._agreeing.ask(subject, kind, actor) for subject in people]

    async def code(self, subject: bytes, actor: Actor) -> None:
        """Put it on record that a colleague has a code sent to who asks for a right, at the address on file."""
        if not actor.standing:
            raise Refused((), "only colleagues who have standing have a code sent")

        async def apply(_: Act) -> None:
            return

        ask, here = Request("access", actor.role, RIGHTS_PURPOSE, ()), Circumstances(standing=True)
        await self._gate.change(
            subject, ask, actor, here, apply, rule=Allow(giving(self._policy, "access")), kind="code"
        )  # fmt: skip

    async def stop(
        self, through: Through, category: str, value: str, channels: Sequence[str], actor: Actor
    ) -> list[Channel]:
        """No more by these channels to whoever gave this value; the channels by which it has stopped.

        An address or number goes onto the do-not-contact list, whether anybody is held with it or not. Who is found by
        it hears no more by any of the channels. Effective when it returns.
        """
        known = self._policy.categories.get(category)
        if known is None:
            raise unknown("category", category, self._policy.categories)
        asked = [channel for channel in CHANNELS if channel in channels]
        if not asked or len(asked) != len(set(channels)):
            raise UnknownWord(f"say what is to stop; the channels are {', '.join(CHANNELS)}")
        if not known.look_up and known.channel not in asked:
            raise CallError(f"nobody is found by `{category}`, and it is no address of what is to stop")
        if not actor.standing:
            raise Refused((), "only colleagues who have standing take down what people ask for")
        people = await self._finding.find(category, value, actor) if known.look_up else []
        for subject in people:
            await self._agreeing.opt_out(subject, asked, actor)
        if known.channel in asked:
            await self._agreeing.list_entry(entries_of(self._policy, self._keys, category, value)[0], actor.name)
        for subject in people if RIGHTS_REQUEST in self._policy.requests else ():  # by which route it was asked for
            request = await self._agreeing.ask(subject, kind_of("opt-out", through), actor)
            await self._agreeing.close(subject, request, actor)
        return asked if people else [channel for channel in asked if channel == known.channel]
