"""What may be done with data that came under older versions of the policy.

Pure. Rules: docs/policy-language.md, section 7. A newer version never widens what an older one limits for the data, and
the consents, that came under it or before it, until that older version is lifted for the person. The tokens that say so
stand in the facts line, and DIGEST is 32 hexadecimal digits, the first half of a version's name:

    agreed/DIGEST           the person agreed to the version
    declined/DIGEST         they declined it
    told/DIGEST             its notice reached them
    under/DIGEST/TOKEN      the consent or approval TOKEN was given under the version; without it, under the first one
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from avow.decide.decide import decide
from avow.decide.facts import (
    DISCLOSING,
    FOREVER,
    NO_DUE,
    NO_TOKENS,
    Circumstances,
    add,
    facts,
    named,
    standing,
    tokens,
)
from avow.decide.request import Answer, Refuse, Request
from avow.decide.table import Table
from avow.policy.retention import retention, rule

UNKNOWN: Final = Refuse((), "the data came under a policy version that is not known here")
NAME: Final = 16  # bytes of a version's digest that name it
Came = tuple[tuple[str, bytes], ...]  # category, and the version that a datum of it came under


class History:
    """The versions of one site's policy up to the one in force, oldest first. Immutable; equal to itself alone."""

    def __init__(self, tables: Mapping[bytes, Table]) -> None:
        """`tables` by the first 16 bytes of the digest, in the order of publication; the last one is in force."""
        self._places = {digest: place for place, digest in enumerate(tables)}
        self._tables = tuple(tables.values())
        self._last = len(self._tables) - 1
        self.current = list(tables)[-1]
        self.table = self._tables[-1]
        # those whose data no later version ends earlier than they would end anyway
        self.steady = frozenset(digest for digest, place in self._places.items() if not self._is_cut(place))

    def answer(
        self, ask: Request, line: str, *, at: int, circumstances: Circumstances, identity: str | None = None,
        came: Came = (), late: Collection[str] = (),
    ) -> Answer:  # fmt: skip
        """What the version in force says, and every older one that binds what is asked about: all must allow.

        `came`: which version each category's data came under; without it, the one in force. `late`: the categories
        whose data are past their time. The rest as in `facts`.
        """
        one = _Asking(self, at, circumstances, identity, dict.fromkeys(late, at - 1) if late else NO_DUE)
        answer = one.decide(self._last, ask, line)
        if isinstance(answer, Refuse) or not self._last:
            return answer if all(digest in self._places for _, digest in came) else UNKNOWN
        bases: dict[str, int] = {}
        for category, digest in came:
            place = self._places.get(digest)
            if place is None:
                return UNKNOWN
            bases[category] = min(place, bases.get(category, self._last))
        for (base, kept), categories in one.groups(ask, line, bases).items():
            for place in self.binding(line):
                if place >= base:
                    older = one.decide(place, ask._replace(categories=tuple(categories)), kept)
                    if isinstance(older, Refuse):
                        return older
        return answer

    def binding(self, line: str) -> tuple[int, ...]:
        """The places of the older versions that are not lifted for the person behind this line."""
        return _binding(self, line)

    def lifted(self, digest: bytes, line: str) -> bool:
        """Whether an older version, by the first 16 bytes of its digest, no longer limits what is held of the person."""
        return digest in self._places and self._places[digest] not in (*self.binding(line), self._last)

    def due(self, digest: bytes, category: str, form: str, collected: int, due: int | None) -> int | None:
        """The last moment at which a datum may be used that came under this version: the earliest that this or any later
        version promises, and never later than its own term, `due`.
        """
        return min(self.ends(digest, category, form, collected, due), default=None)

    def ends(self, digest: bytes, category: str, form: str, collected: int, due: int | None) -> list[int]:
        """Every last moment that such a datum may have: its own, `due`, and that of each version since it came."""
        since = self._tables[self._places.get(digest, 0) :]
        found = (due, *(retention(table.keeping, category, form, collected).due for table in since))
        return [end for end in found if end is not None]

    def cut(self) -> list[str]:
        """The categories of which some data end earlier than what they came under promised."""
        found: set[str] = set()
        for place, first in enumerate(self._tables):
            for later in self._tables[place + 1 :]:
                found.update(_cut(first, later))
        return sorted(found)

    def under(self, line: str, token: str, digest: bytes = b"") -> str:
        """The line with a consent or approval in it that is given under this version; by default the one in force."""
        place = self._places.get(digest, 0) if digest else self._last
        return given(line, token, digest or self.current if place else None)

    # -- parts ------------------------------------------------------------------------------------------------------

    def place_of(self, digest: str) -> int:
        """The place of a version named in a token; behind all others where it is not in force yet, or not known."""
        return self._places.get(_bytes(digest), self._last + 1)

    def old_consents(self, ask: Request, category: str, line: str, identity: str | None, at: int) -> dict[str, int]:
        """The consents and approvals that count for this category and stand since an older version -> its place."""
        known, found = standing(line), {}
        for token in _consents(self.table, ask, category, identity):
            if known.get(token, 0) > at:
                place = self._places.get(_bytes(_given_under(line).get(token, "")), 0)
                if place < self._last:
                    found[token] = place
        return found

    def table_at(self, place: int) -> Table:
        """The table of the version at this place."""
        return self._tables[place]

    @property
    def last(self) -> int:
        """The place of the version in force."""
        return self._last

    def _is_cut(self, place: int) -> bool:
        first = self._tables[place]
        return any(next(_cut(first, later), None) for later in self._tables[place + 1 :])


class _Asking:
    """One request, put to several versions."""

    def __init__(
        self, history: History, at: int, circumstances: Circumstances, identity: str | None,
        due: Mapping[str, int | None],
    ) -> None:  # fmt: skip
        self._history = history
        self._at = at
        self._circumstances = circumstances
        self._identity = identity
        self._due = due

    def decide(self, place: int, ask: Request, line: str) -> Answer:
        """What the version at this place says by itself."""
        table = self._history.table_at(place)
        held = facts(
            table, ask, line, at=self._at, circumstances=self._circumstances, identity=self._identity, due=self._due
        )
        return decide(table, ask, held)

    def groups(self, ask: Request, line: str, bases: Mapping[str, int]) -> dict[tuple[int, str], list[str]]:
        """From which version on each category is limited, and the facts line that counts for it -> the categories.

        A consent permits no more than what it was given under: so either the versions since then are asked as well, or it
        does not count.
        """
        found: dict[tuple[int, str], list[str]] = {}
        for category in dict.fromkeys(ask.categories):
            base = bases.get(category, self._history.last)
            old = self._history.old_consents(ask, category, line, self._identity, self._at)
            found.setdefault(self._since(ask._replace(categories=(category,)), line, base, old), []).append(category)
        return found

    def _since(self, ask: Request, line: str, base: int, old: Mapping[str, int]) -> tuple[int, str]:
        choices = [(base, line)]
        if earlier := sorted({place for place in old.values() if place < base}, reverse=True):
            choices = [(first, _without(line, old, first)) for first in (base, *earlier)]
        for first, kept in choices[:-1]:
            asked = [place for place in self._history.binding(line) if place >= first]
            if not any(isinstance(self.decide(place, ask, kept), Refuse) for place in (*asked, self._history.last)):
                return first, kept
        return choices[-1]


@lru_cache(4096)
def _binding(history: History, line: str) -> tuple[int, ...]:
    agreed = told = declined = -1
    for token, until in standing(line).items():
        word, _, digest = token.partition("/")
        place = history.place_of(digest) if word in ("agreed", "told", "declined") else -1
        if word == "declined":
            declined = max(declined, place)
        elif until == FOREVER and place <= history.last:
            agreed = max(agreed, place if word == "agreed" else -1)
            told = max(told, place if word == "told" else -1)
    return tuple(
        place for place in range(history.last)
        if place >= agreed and not (history.table_at(place).by_notice and declined <= place < told)
    )  # fmt: skip


def _consents(table: Table, ask: Request, category: str, identity: str | None) -> Iterator[str]:
    """The tokens of agreements that could count for one category of a request."""
    if ask.action not in DISCLOSING:
        yield table.tokens.get(ask.purpose, NO_TOKENS).consent
    elif ask.recipient is not None:
        recipient = named(table, ask.recipient, identity)
        yield f"consent/{ask.action}/{recipient}/{category}"
        yield f"approval/{recipient}/{category}"


def _without(line: str, old: Mapping[str, int], first: int) -> str:
    """The line without those agreements that stand since before the version at place `first`."""
    gone = {token for token, place in old.items() if place < first}
    return " ".join(token for token in tokens(line) if token.partition("@")[0] not in gone)


def _cut(first: Table, later: Table) -> Iterator[str]:
    """The categories of the first one that a later version ends earlier, if they came through some form."""
    for category in first.words.categories:
        for form in ("", *first.words.forms):
            before, after = (rule(table.keeping, category, form) for table in (first, later))
            if after is not None and after[1].term is not None:
                term = None if before is None else before[1].term
                if term is None or after[1].term < term:
                    yield category


def _bytes(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest)
    except ValueError:
        return b""


# -- the tokens -----------------------------------------------------------------------------------------------------


def agreed(digest: bytes) -> str:
    """The token of an agreement to a version."""
    return f"agreed/{digest[:NAME].hex()}"


def declined(digest: bytes) -> str:
    """The token of a version that was declined."""
    return f"declined/{digest[:NAME].hex()}"


def told(digest: bytes) -> str:
    """The token of a version whose notice reached the person."""
    return f"told/{digest[:NAME].hex()}"


def agree(line: str, digest: bytes) -> str:
    """The line once the person has agreed to a version: what they declined before, they decline no more."""
    return add(" ".join(token for token in tokens(line) if not token.startswith("declined/")), agreed(digest))


def decline(line: str, digest: bytes, later: Sequence[bytes]) -> str:
    """The line once they have declined a version; `later`: those published after it."""
    undone = {agreed(one) for one in (digest, *later)}
    return add(" ".join(token for token in tokens(line) if token.partition("@")[0] not in undone), declined(digest))


def given(line: str, token: str, digest: bytes | None) -> str:
    """The line with a consent or approval in it, given under this version; None for the first one of all."""
    line = add(_no_version(line, token), token)
    return line if digest is None else add(line, f"under/{digest[:NAME].hex()}/{token}")


def ended(line: str, token: str) -> str:
    """The line without this consent or approval, whatever its expiry; what stands below it stays."""
    return " ".join(one for one in tokens(_no_version(line, token)) if one.partition("@")[0] != token)


def _no_version(line: str, token: str) -> str:
    return " ".join(one for one in tokens(line) if not (one.startswith("under/") and one.split("/", 2)[2:] == [token]))


@lru_cache(4096)
def _given_under(line: str) -> Mapping[str, str]:
    """Consent or approval -> the version that the line says it was given under."""
    parts = (token.split("/", 2) for token in tokens(line) if token.startswith("under/"))
    return {part[2]: part[1] for part in parts if len(part) == 3}
