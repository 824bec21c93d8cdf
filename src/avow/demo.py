"""Five shops, five policies, one machine: each takes data in, uses them, refuses, erases, and proves its record.

Everything is real: files on disk, keys, a log that is verified, and a search for the erased person in every byte.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from avow.app import Avow
from avow.decide.decide import decide
from avow.decide.facts import Circumstances, facts, request
from avow.decide.request import Allow, Request
from avow.decide.table import Table, compile_policy
from avow.errors import Refused
from avow.ledger.folder import files
from avow.ledger.verify import verify_log
from avow.policy.model import Policy
from avow.policy.parse import read
from avow.practices.collecting import plan
from avow.residue import scan

_GIVEN: Final = {
    "Name": "Ada Quillfeather-{mark}",
    "EmailAddress": "ada.{mark}@quillfeather.example",
    "PhysicalAddress": "{mark} Lantern Lane, Farwater",
    "TelephoneNumber": "+1 555 01 {digits}",
}
_ANYTHING: Final = "{category} of {mark}"


@dataclass(slots=True)
class Shown:
    """What one shop showed. `wrong` lists whatever did not go as its policy says; empty is good."""

    site: str
    promises: int
    collected: str = ""
    used: str = ""
    refused: str = ""
    erased: str = ""
    log: str = ""
    residue: str = ""
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plot:
    """What to do in a shop, read off its policy: a form, a use that it allows, and one that it refuses."""

    form: str
    allowed: Request
    refused: Request


def plot(policy: Policy, table: Table) -> Plot:
    """Find the form with the most fields that opens a request, and uses that an open request allows and does not.

    Raises `LookupError` for a policy under which nothing can be shown.
    """
    forms = [form for form in policy.forms.values() if form.at is None and form.opens and plan(policy, form.name).asks]
    for form in sorted(forms, key=lambda form: -len(plan(policy, form.name).asks)):
        line = request(str(form.opens))
        circumstances = Circumstances(standing=True)
        answers = {}
        for category in plan(policy, form.name).asks:
            for role in policy.roles:
                for purpose in policy.purposes:
                    ask = Request("use", role, purpose, (category,))
                    held = facts(table, ask, line, at=0, circumstances=circumstances)
                    answers[ask] = decide(table, ask, held)
        allowed = [ask for ask, answer in answers.items() if isinstance(answer, Allow)]
        refused = [
            ask for ask, answer in answers.items() if not isinstance(answer, Allow) and answer.promises
            and "marketing" in ask.purpose
        ]  # fmt: skip
        if allowed and refused:
            return Plot(form.name, allowed[0], refused[0])
    raise LookupError(f"under the policy of {policy.site} no form leads to a use by staff")


async def shop(policy: Policy, folder: Path) -> Shown:
    """One shop from opening to proof, in a folder of its own."""
    shown = Shown(policy.site, len(policy.promises))
    todo = plot(policy, compile_policy(policy))
    gone, stays = _given(policy, todo.form, "4f9a71c2"), _given(policy, todo.form, "8b3d60e5")
    async with Avow.open(policy, f"sqlite:///{folder}/shop.db", private=True, demo=True) as site:
        await _employ(site)
        ada, bea = await site.collect(todo.form, gone), await site.collect(todo.form, stays)
        shown.collected = f"{', '.join(gone)} by the form `{todo.form}`"
        shown.used = await _use(site, todo.allowed, ada, gone, shown.wrong)
        shown.refused = await _refuse(site, todo.refused, ada, shown.wrong)
        await site.erase(ada)
        shown.erased = await _refuse(site, todo.allowed, ada, shown.wrong)
        await site.sweep()
        await _use(site, todo.allowed, bea, stays, shown.wrong)
        await site.sequence_all()
        held, key = site.log.checkpoint(), site.verifier_key
    report = verify_log(files(site.places.ledger), key, [held])
    shown.log = f"{report.size} entries, {report.claim}"
    shown.wrong += [str(fault) for fault in report.faults]
    found, size = scan(folder, {category: value.encode() for category, value in gone.items()})
    shown.residue = f"none in {size:,} bytes" if not found else f"{len(found)} values readable"
    shown.wrong += [f"`{one.label}` of an erased person is readable in {one.file.name}" for one in found]
    return shown


def _given(policy: Policy, form: str, mark: str) -> dict[str, str]:
    digits = f"{int(mark, 16) % 100000:05}"
    return {
        category: _GIVEN.get(policy.categories[category].term, _ANYTHING).format(
            mark=mark, digits=digits, category=category
        )
        for category in plan(policy, form).asks
    }


async def _employ(site: Avow) -> None:
    """A colleague for every role, who has signed what the policy asks them to sign."""
    agreement = "What I learn about customers stays in this house."
    await site.staff_roll.set_agreement(agreement)
    for role in site.policy.roles:
        await site.staff_roll.join(f"kim-{role}", role, signs=agreement)


async def _use(site: Avow, ask: Request, who: str, given: dict[str, str], wrong: list[str]) -> str:
    category = ask.categories[0]
    by = site.staff(f"kim-{ask.actor}", role=ask.actor)
    if await site.use(who, category, purpose=ask.purpose, by=by) != given[category]:
        wrong.append(f"`{category}` did not come back as it was given")
    return f"{category} by {ask.actor} for {ask.purpose}"


async def _refuse(site: Avow, ask: Request, who: str, wrong: list[str]) -> str:
    by = site.staff(f"kim-{ask.actor}", role=ask.actor)
    try:
        await site.use(who, ask.categories[0], purpose=ask.purpose, by=by)
    except Refused as refused:
        return f"{ask.categories[0]} by {ask.actor} for {ask.purpose}: {', '.join(refused.promises) or refused.reason}"
    wrong.append(f"`{ask.categories[0]}` was readable for `{ask.purpose}`")
    return "not refused"


def shipped() -> list[Path]:
    """The five policies that come with Avow."""
    return sorted(Path(str(resources.files("avow") / "policies")).glob("*.yaml"))


async def run(policies: Sequence[Path], console: Console) -> bool:
    """All shops one after the other, told as they go and summed up in a table; whether all was as promised."""
    start = perf_counter()
    shown: list[Shown] = []
    for path in policies:
        with tempfile.TemporaryDirectory(prefix="avow-demo-") as folder:
            one = await shop(read(path), Path(folder))
        shown.append(one)
        console.print(f"[bold cyan]{one.site}[/bold cyan] [dim]{one.promises} promises[/dim]")
        for word, told in (
            ("took", one.collected), ("used", one.used), ("refused", one.refused), ("erased", one.erased)
        ):  # fmt: skip
            console.print(f"  [dim]{word:8}[/dim]{escape(told)}", soft_wrap=True)
        for fault in one.wrong:
            console.print(f"  [red]wrong   {escape(fault)}[/red]", soft_wrap=True)
    console.print()
    console.print(_table(shown))
    console.print(f"{len(shown)} shops in {perf_counter() - start:.1f} s, each in files of its own that are gone again")
    return not any(one.wrong for one in shown)


def _table(shown: Sequence[Shown]) -> Grid:
    grid = Grid("shop", "promises", "record", "erased person's values on disk", "kept its word")
    for one in shown:
        verdict = "[red]no[/red]" if one.wrong else "[green]yes[/green]"
        grid.add_row(one.site, str(one.promises), one.log, one.residue, verdict)
    return grid
