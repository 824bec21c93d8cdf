"""A person answers a new version of the policy, or its notice reaches them: what limits what is held of them, and what not.

Rules: docs/policy-language.md, section 7. Declining narrows, and is written to the journal before the database; agreeing
is written there once it is on record, so that a restore does not narrow again what they agreed to since.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from avow.decide import history
from avow.decide.facts import Circumstances, add, drop, notified
from avow.decide.request import Allow, Request
from avow.errors import BadValue, CallError, UnknownWord
from avow.gate import Act, Actor, Gate, Journal
from avow.policy.model import PERSON, RIGHTS_PURPOSE, SITE
from avow.policy.parse import parse
from avow.practices.agreeing import hold, put_consent, sealed
from avow.practices.words import quoted
from avow.store.interface import Consent, Transaction

T = TypeVar("T")
_SITE: Final = Actor(SITE, "site", standing=True)
_WORDS: Final = ("agreed", "declined")


class _Published(NamedTuple):
    """A version, in the midst of the others."""

    name: bytes  # 16 bytes of the digest
    later: Sequence[bytes]  # those published after it
    new: frozenset[str]  # purposes that it has, and the version before it has not


class Answering:
    """For one site."""

    def __init__(self, gate: Gate, journal: Journal) -> None:
        self._gate = gate
        self._journal = journal

    async def answer(self, subject: bytes, digest: bytes, actor: Actor, words: str, *, agree: bool) -> None:
        """The person agrees to a published version, in force or still to come, or declines it, on seeing these words.

        Never refused, and they may change their mind as often as they like. `digest`: 16 bytes or more. Raises
        `CallError` for anybody but the identified person, `BadValue` without words, `UnknownWord` for a version that was
        never published.
        """
        if actor.role != PERSON or not actor.identified:
            raise CallError("only the person, identified, answers a version of the policy")
        if not words.strip():
            raise BadValue("an answer needs the words that the person saw; pass them as `words`")
        row = self._gate.random(16)

        async def apply(act: Act) -> tuple[int, int]:
            one = await _published(act.tx, digest)
            if agree:
                act.facts = history.agree(act.facts, one.name)
                token = history.agreed(one.name)
            else:
                self._journal.append("declined", self._entry(subject, one, act.at))
                act.facts = history.decline(act.facts, one.name, one.later)
                token = history.declined(one.name)
            await _end(act, token)
            given = Consent(subject, row, token, act.at, None, self._gate.current, b"")
            await put_consent(act, given._replace(sealed=sealed(act, given, {"words": words, "how": "version"})))
            if agree:  # what dies before this is on disk narrows too much, never too little
                after.append(lambda: self._journal.append("agreed", self._entry(subject, one, act.at)))
            return act.row.version + (act.facts != act.row.facts), act.at

        after: list[Callable[[], object]] = []
        version, _ = await self._act(subject, actor, "agree-version" if agree else "decline-version", apply)
        for then in after:
            then()
        if not agree:
            hold(self._gate, self._journal, subject, version)

    async def told(
        self, subject: bytes, digest: bytes, promises: tuple[str, ...], arrived: Callable[[Act], Awaitable[None]]
    ) -> None:
        """The notice of a published version, which these promises have sent, reached this person. Again is harmless.

        Nobody's word for it: `arrived` looks at what became of it, in the transaction that writes this down, and raises
        where it did not.
        """

        async def apply(act: Act) -> None:
            await arrived(act)
            one = await _published(act.tx, digest)
            act.facts = add(act.facts, history.told(one.name))
            for purpose in sorted(one.new):
                act.facts = add(act.facts, notified(purpose))

        await self._act(subject, _SITE, "told-version", apply, promises)

    async def untold(self, subject: bytes, digest: bytes) -> None:
        """It came back after all: it counts as if it had never reached them. Journalled first; again is harmless."""

        async def apply(act: Act) -> int:
            one = await _published(act.tx, digest)
            self._journal.append("untold", self._entry(subject, one, act.at))
            act.facts = untold(act.facts, one.name, one.new)
            return act.row.version + (act.facts != act.row.facts)

        version = await self._act(subject, _SITE, "untold-version", apply)
        hold(self._gate, self._journal, subject, version)

    @staticmethod
    def _entry(subject: bytes, one: _Published, at: int) -> dict[str, str | int]:
        return {"subject": subject.hex(), "version": one.name.hex(), "at": at}

    async def _act(
        self,
        subject: bytes,
        actor: Actor,
        kind: str,
        apply: Callable[[Act], Awaitable[T]],
        promises: tuple[str, ...] = (),
    ) -> T:
        ask = Request("erase", actor.role, RIGHTS_PURPOSE, ())
        here = Circumstances(identified=actor.identified, standing=actor.standing)
        return await self._gate.change(subject, ask, actor, here, apply, rule=Allow(promises), kind=kind)


async def _published(tx: Transaction, digest: bytes) -> _Published:
    """A version that was published. Raises `UnknownWord`."""
    rows = await tx.policies()
    for place, (name, version, source, _) in enumerate(rows):
        if len(digest) >= len(name) and digest.startswith(name):
            mine = set(parse(source, version).purposes)
            before = set(parse(rows[place - 1][2], rows[place - 1][1]).purposes) if place else mine
            return _Published(name, [later for later, *_ in rows[place + 1 :]], frozenset(mine - before))
    raise UnknownWord(f"no version of the policy has the digest {quoted(digest.hex())}; take one of those published")


async def _end(act: Act, token: str) -> None:
    """The answers that this one takes back: to the same version, what was declined by agreeing, and the reverse."""
    kept = {*act.facts.split()} - {token}
    for one in await act.tx.consents(act.row.subject):
        if one.withdrawn is None and one.about.partition("/")[0] in _WORDS and one.about not in kept:
            await put_consent(act, one._replace(withdrawn=act.at))


def untold(line: str, name: bytes, purposes: frozenset[str]) -> str:
    """The facts line without the word that the notice of a version arrived, and without what that said of new purposes."""
    line = drop(line, history.told(name))
    for purpose in purposes:
        line = drop(line, notified(purpose))
    return line


async def decline_again(act: Act, digest: bytes) -> None:
    """After a restore: what was declined since the backup limits again."""
    one = await _published(act.tx, digest)
    act.facts = history.decline(act.facts, one.name, one.later)
    await _end(act, "")


async def untell_again(act: Act, digest: bytes) -> None:
    """After a restore: a notice that came back since the backup never arrived."""
    one = await _published(act.tx, digest)
    act.facts = untold(act.facts, one.name, one.new)


async def agreed_since(act: Act, digest: bytes) -> None:  # noqa: ARG001 - the backup has no words of theirs that agree
    """After a restore: whoever agreed since to any version declines none; that they agreed is for them to say again."""
    act.facts = " ".join(token for token in act.facts.split() if not token.startswith("declined/"))
    await _end(act, "")
