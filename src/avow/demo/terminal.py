"""Five shops, five policies, one machine: each takes data in, uses them, refuses, erases, and proves its record.

Everything is real: files on disk, keys, a log that is verified, and a search for the erased person in every byte. What
is done in a shop is read off its policy; how it is told is somebody else's (`avow.cli.telling`).
"""

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol

from avow.app import Avow
from avow.decide.decide import decide
from avow.decide.facts import Circumstances, facts, request
from avow.decide.request import Allow, Answer, Refuse, Request
from avow.decide.table import Table, compile_policy
from avow.errors import Refused
from avow.ledger.folder import files
from avow.ledger.verify import verify_log
from avow.policy.model import Policy
from avow.policy.parse import read
from avow.practices.collecting import plan
from avow.residue import scan
from avow.rows import unpack

_GIVEN: Final = {
    "Name": "Ada Quillfeather-{mark}",
    "EmailAddress": "ada.{mark}@quillfeather.example",
    "PhysicalAddress": "{mark} Lantern Lane, Farwater",
    "TelephoneNumber": "+1 555 01 {digits}",
}
_ANYTHING: Final = "{category} of {mark}"
_BROKER: Final = "list-broker"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a shop did: a word, a sentence, and of a refusal the promises that refused it, and why."""

    word: str
    told: str
    good: bool = True
    promises: tuple[str, ...] = ()
    why: str = ""


@dataclass(slots=True)
class Shown:
    """What one shop showed. `wrong` lists whatever did not go as its policy says; empty is good."""

    site: str
    promises: int
    taken: int = 0  # values of one person
    refused: int = 0
    keys: int = 0  # destroyed
    entries: int = 0
    claim: str = "none"
    files: int = 0  # searched
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)


class Told(Protocol):
    """Who tells people of it, as it happens."""

    def shop(self, number: int, of: int, policy: Policy) -> None:
        """A shop opens."""

    def step(self, policy: Policy, step: Step) -> None:
        """It did something."""

    def end(self, shown: Sequence[Shown], seconds: float, kept: Path | None) -> None:
        """All have closed."""


Meddle = Callable[[Path, Mapping[str, str]], None]  # what a test does to the files before the search


# -- what to do ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plot:
    """What to do in a shop, read off its policy: a form, a use that it allows, and wishes that it refuses."""

    form: str
    allowed: Request
    by: tuple[str, ...]  # the promises that allow it
    refused: tuple[Request, ...]


def plot(policy: Policy, table: Table) -> Plot:
    """Find the form with the most fields that opens a request, a use that an open request allows, and refusals.

    Raises `LookupError` for a policy under which nothing can be shown.
    """
    forms = [form for form in policy.forms.values() if form.at is None and form.opens and plan(policy, form.name).asks]
    for form in sorted(forms, key=lambda form: -len(plan(policy, form.name).asks)):
        answers = dict(_answers(policy, table, form.name, str(form.opens)))
        allowed = {ask: answer for ask, answer in answers.items() if isinstance(answer, Allow) and ask.action == "use"}
        refused = tuple(_telling(policy, answers))
        if allowed and refused:
            use = next(iter(allowed))
            return Plot(form.name, use, allowed[use].promises, refused)
    raise LookupError(
        f"under the policy of `{policy.site}` no form leads to a use by staff, so there is nothing to show"
    )


def _answers(policy: Policy, table: Table, form: str, opens: str) -> Iterator[tuple[Request, Answer]]:
    """What a colleague, and for messages the site itself, might want of who has just sent this form."""
    line = request(opens)
    for category in plan(policy, form).asks:
        reached = policy.categories[category].channel == "mail"
        for purpose in policy.purposes:
            for role in policy.roles:
                yield _answered(table, Request("use", role, purpose, (category,)), line)
                yield _answered(table, Request("sell", role, purpose, (category,), _BROKER), line)
            if reached:
                yield _answered(table, Request("mail", "site", purpose, (category,)), line)


def _answered(table: Table, ask: Request, line: str) -> tuple[Request, Answer]:
    held = facts(table, ask, line, at=0, circumstances=Circumstances(standing=True), identity="Hollow Lists")
    return ask, decide(table, ask, held)


def _telling(policy: Policy, answers: Mapping[Request, Answer]) -> Iterator[Request]:
    """One wish of each kind that is refused, if possible each by another promise."""
    heard: set[str] = set()
    for action in ("sell", "use", "mail"):
        wishes = [
            (answer.promises[0] in heard, *_rank(policy, ask, answer), number, ask, answer.promises[0])
            for number, (ask, answer) in enumerate(answers.items())
            if ask.action == action and isinstance(answer, Refuse) and answer.promises
        ]
        if wishes:
            *_, ask, promise = min(wishes)
            heard.add(promise)
            yield ask


def _rank(policy: Policy, ask: Request, refuse: Refuse) -> tuple[bool, bool, int, bool, bool]:
    """Smaller is more telling: a promise speaks of just this, about advertising, few promises, by who advertises."""
    elsewhere = "elsewhere" in refuse.reason
    about = "marketing" not in ask.purpose and "consent" not in refuse.missing
    reached = policy.categories[ask.categories[0]].channel is not None
    return elsewhere, about, len(refuse.promises), ask.actor != "marketing", not reached


# -- doing it ------------------------------------------------------------------------------------------------------


async def shop(policy: Policy, folder: Path, tell: Callable[[Step], None], meddle: Meddle | None = None) -> Shown:
    """One shop from opening to proof, in a folder of its own."""
    shown = Shown(policy.site, len(policy.promises))
    todo = plot(policy, compile_policy(policy))
    ada, bea = _given(policy, todo.form, "4f9a71c2"), _given(policy, todo.form, "8b3d60e5")
    act = _Acts(policy, shown, tell)
    with logged(folder / "everything.log"):
        async with Avow.open(policy, f"sqlite:///{folder}/shop.db", private="attested", demo=True) as site:
            await act.employ(site)
            who, other = await site.collect(todo.form, ada), await site.collect(todo.form, bea)
            shown.taken = len(ada)
            tell(Step("take", f"Ada and Bea send the form `{todo.form}`: {', '.join(ada)}"))
            secrets = await _keys(site, who)
            act.before(folder, ada, secrets)
            await act.use(site, todo, who, ada, "Ada")
            for ask in todo.refused:
                await act.refuse(site, ask, who)
            shown.keys = (await site.erase(who)).keys
            await site.sweep()
            await act.gone(site, todo.allowed, who)
            await act.use(site, todo, other, bea, "Bea")
            await site.sequence_all()
            held, key = site.log.checkpoint(), site.verifier_key
            if meddle:
                meddle(folder, ada)
            act.search(folder, ada, secrets, quiet=True)  # while it serves, with the WAL as it is
        act.search(folder, ada, secrets)
        act.verify(folder / "shop.db.avow" / "ledger", key, held)
    return shown


class _Acts:
    """The steps of one shop: each does something, holds it against what must be, and tells of it."""

    def __init__(self, policy: Policy, shown: Shown, tell: Callable[[Step], None]) -> None:
        self._policy = policy
        self._shown = shown
        self._tell = tell

    async def employ(self, site: Avow) -> None:
        """A colleague for every role, who has signed what the policy asks them to sign."""
        agreement = "What I learn about customers stays in this house."
        await site.staff_roll.set_agreement(agreement)
        for role in site.policy.roles:
            await site.staff_roll.join(f"kim-{role}", role, signs=agreement)

    async def use(self, site: Avow, todo: Plot, who: str, given: Mapping[str, str], name: str) -> None:
        ask, category = todo.allowed, todo.allowed.categories[0]
        by = site.staff(f"kim-{ask.actor}", role=ask.actor)
        value = await site.use(who, category, purpose=ask.purpose, by=by)
        good = value == given[category]
        if name == "Ada":
            told = f"{ask.actor} reads Ada's {category} for `{ask.purpose}`, by {todo.by[0]}: `{value}`"
            self._tell(Step("use", told, good))
        else:
            self._tell(Step("others", f"Bea's {category} still opens, for {ask.actor}, for `{ask.purpose}`", good))
        if not good:
            self._shown.wrong.append(f"the {category} of {name} did not come back as it was given")

    async def refuse(self, site: Avow, ask: Request, who: str) -> None:
        """Wish for what the policy does not allow. What is refused is on record, as what is done is."""
        category = ask.categories[0]
        wish, wanted = _wish(ask)
        by = None if ask.actor == "site" else site.staff(f"kim-{ask.actor}", role=ask.actor)
        try:
            if ask.action == "sell":
                await site.disclose(
                    who, [category], recipient=f"{_BROKER}:Hollow Lists", purpose=ask.purpose, way="sell", by=by
                )
            elif ask.action == "mail":
                await site.reach(who, "mail", purpose=ask.purpose, by=by)
            else:
                await site.use(who, category, purpose=ask.purpose, by=by)
        except Refused as refused:
            self._shown.refused += 1
            self._tell(Step("refuse", wanted, promises=refused.promises, why=refused.reason))
            return
        self._tell(Step("refuse", f"{wanted}: it was NOT refused", good=False))
        self._shown.wrong.append(f"{wish} of `{category}` for `{ask.purpose}` was not refused")

    async def gone(self, site: Avow, ask: Request, who: str) -> None:
        """What was allowed a moment ago finds nobody."""
        by = site.staff(f"kim-{ask.actor}", role=ask.actor)
        keys = f"{self._shown.keys} key{'s' * (self._shown.keys != 1)} destroyed"
        try:
            await site.use(who, ask.categories[0], purpose=ask.purpose, by=by)
        except Refused as refused:
            self._tell(Step("erase", f"Ada asks to be erased: {keys}. {ask.actor} asks again: {refused.reason}"))
            return
        self._tell(Step("erase", f"Ada asks to be erased: {keys}, and she is still there", good=False))
        self._shown.wrong.append(f"`{ask.categories[0]}` of an erased person was readable")

    def before(self, folder: Path, given: Mapping[str, str], secrets: "_Secrets") -> None:
        """The search must find what is there, or finding nothing says nothing: her wrapped keys, and no value."""
        found, _ = scan(folder, secrets.wraps, _exactly)
        clear, size = scan(folder, {name: value.encode() for name, value in given.items()})
        good = {one.label for one in found} == set(secrets.wraps) and not clear
        self._tell(Step("sealed", f"Ada's wrapped key is on disk, no value of hers is, in {size:,} bytes", good))
        if clear:
            self._shown.wrong += [f"`{one.label}` lies in the clear in {one.file.name}" for one in clear]
        elif not good:
            self._shown.wrong.append("the search did not find a key that is there, so it would find nothing")

    def search(self, folder: Path, given: Mapping[str, str], secrets: "_Secrets", *, quiet: bool = False) -> None:
        """Look for the erased person in every byte of every file: values in any writing, keys, wrapped keys."""
        found, size = scan(folder, {f"the {name} of Ada": value.encode() for name, value in given.items()})
        left, _ = scan(folder, secrets.keys | secrets.wraps, _exactly)
        wrong = [f"{one.label} is readable in {one.file.name}" for one in (*found, *left)]
        self._shown.wrong += [one for one in wrong if one not in self._shown.wrong]
        if quiet:
            return
        self._shown.files = sum(1 for path in folder.rglob("*") if path.is_file())
        self._shown.bytes = size
        values = f"{len(given)} values and {len(secrets.keys)} key{'s' * (len(secrets.keys) != 1)}"
        told = f"Ada's {values}, in {size:,} bytes of {self._shown.files} files: "
        self._tell(Step("search", told + ("; ".join(wrong) or "nowhere"), not wrong))

    def verify(self, ledger: Path, key: str, held: str) -> None:
        """Verify the whole log offline; then a copy of it in which one bit is flipped."""
        read = files(ledger)
        report = verify_log(read, key, [held])
        self._shown.entries, self._shown.claim = report.size, report.claim or "none"
        self._shown.wrong += [str(fault) for fault in report.faults]

        def flipped(path: str) -> bytes | None:
            data = read(path)
            if data is None or not path.startswith("tile/entries/"):
                return data
            middle = len(data) // 2
            return data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :]

        noticed = bool(verify_log(flipped, key, [held]).faults)
        told = f"{report.size} entries, {self._shown.claim}; one bit flipped in a copy: "
        good = noticed and not report.faults
        self._tell(Step("record", told + ("noticed" if noticed else "NOT noticed"), good))
        if not noticed:
            self._shown.wrong.append("a flipped bit in the log was not noticed")


@dataclass(frozen=True, slots=True)
class _Secrets:
    """Keys of a person as they are in memory, and as they lie wrapped in the keystore; labelled for people."""

    keys: dict[str, bytes]
    wraps: dict[str, bytes]

    def __post_init__(self) -> None:
        if not self.keys or len(self.keys) != len(self.wraps):
            raise LookupError("a person has a wrapped key for each key")


async def _keys(site: Avow, who: str) -> _Secrets:
    """Behind the door, on purpose: a thief would look there too."""
    keys, wraps = {}, {}
    async with site._gate.store.transaction() as tx:  # noqa: SLF001 - as above
        row = (await tx.subjects((bytes.fromhex(who),)))[0]
    for name, key_id in unpack(row.keys).items() if row else ():
        keys[f"the key `{name}` of Ada"] = site.keystore.get(key_id, site._gate.now())._secret  # noqa: SLF001 - as above
        wraps[f"the wrapped key `{name}` of Ada"] = site.keystore._wraps.get(key_id) or b""  # noqa: SLF001 - as above
    return _Secrets(keys, wraps)


def _exactly(value: bytes) -> Iterator[bytes]:
    yield value
    yield value.hex().encode()


def _wish(ask: Request) -> tuple[str, str]:
    category = ask.categories[0]
    if ask.action == "sell":
        return "a sale", f"{ask.actor} wants to sell Ada's {category} to Hollow Lists, for `{ask.purpose}`"
    if ask.action == "mail":
        return "a message", f"the shop wants to mail Ada, for `{ask.purpose}`"
    return "a use", f"{ask.actor} wants Ada's {category} for `{ask.purpose}`"


def _given(policy: Policy, form: str, mark: str) -> dict[str, str]:
    digits = f"{int(mark, 16) % 100000:05}"
    return {
        category: _GIVEN.get(policy.categories[category].term, _ANYTHING).format(
            mark=mark, digits=digits, category=category
        )
        for category in plan(policy, form).asks
    }


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Whatever any library logs, at any level, in a file that is searched as well."""
    handler, root = logging.FileHandler(path), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def shipped() -> list[Path]:
    """The five policies that come with Avow."""
    return sorted(Path(str(resources.files("avow") / "policies")).glob("*.yaml"))


async def run(
    policies: Sequence[Policy | Path], tell: Told, keep: Path | None = None, meddle: Meddle | None = None
) -> list[Shown]:
    """All shops one after the other, told as they go. The files stay in `keep`; without one they go."""
    start = perf_counter()
    shown: list[Shown] = []
    with tempfile.TemporaryDirectory(prefix="avow-demo-") if keep is None else nullcontext(keep) as base:
        for number, given in enumerate(policies, 1):
            policy = given if isinstance(given, Policy) else read(given)
            folder = Path(base) / f"{number}-{policy.site}"
            folder.mkdir(parents=True)
            tell.shop(number, len(policies), policy)

            def step(one: Step, policy: Policy = policy) -> None:
                tell.step(policy, one)

            shown.append(await shop(policy, folder, step, meddle))
    tell.end(shown, perf_counter() - start, keep)
    return shown
