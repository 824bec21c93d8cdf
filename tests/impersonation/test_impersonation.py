"""AIT-18, AUD-4: whoever is not Ada gets nothing of hers, ends nothing, and does not even learn whether she is held."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from argon2 import PasswordHasher

from avow.desk.passwords import Passwords
from avow.desk.visitors import Visitors
from avow.errors import BadValue, Denied
from tests.desk.beds import PASSWORD, desk
from tests.impersonation.harness import Attempt, attempt

DATA: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "scripts.yaml").read_text())


def scripts() -> list[dict[str, Any]]:
    """All of them: those written out, and two for each lookalike."""
    made = list(DATA["scripts"])
    for name, address in DATA["lookalikes"].items():
        asked = [{"code": address}, {"enter": {"contact": address}}, {"grab": "all"}]
        mine = [{"register": address}, {"code": address}, {"enter": {"contact": address}}, {"grab": "others"}]
        made.append({"name": f"lookalike, {name}", "outside": True, "reads": [address], "steps": asked})
        made.append({"name": f"an account at the lookalike, {name}", "reads": [address], "steps": mine})
    return made


ALL = {one["name"]: one for one in scripts()}


async def run(folder: Path, script: dict[str, Any], *, held: bool = True) -> tuple[list[str], Attempt]:
    """What Eve achieved, and the attempt with everything that she saw."""
    async with attempt(folder, tuple(script.get("reads", ())), held=held) as made:
        await made.run(script["steps"])
        return await made.faults(), made


def test_there_are_at_least_sixty() -> None:
    assert len(ALL) >= 60
    assert len(ALL) == len(scripts())


@pytest.mark.parametrize("name", ALL)
async def test_nobody_is_taken_for_ada(tmp_path: Path, name: str) -> None:
    """AIT-18: no export to an impostor. TOC-16, AIM-12, DAM-21: whoever asks in her name gets no answer about her."""
    script = ALL[name]
    both = [run(tmp_path / "held", script)]
    if script.get("outside"):
        both.append(run(tmp_path / "nowhere", script, held=False))
    (wrong, made), *others = await asyncio.gather(*both)  # each waits mostly for its disk
    assert wrong == []
    assert all(made.seen == nowhere.seen for _, nowhere in others), "the answers tell whether Ada is held"


async def test_a_code_that_went_to_a_changed_address_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anybody(_: Visitors, __: str) -> bool:
        return True

    monkeypatch.setattr(Visitors, "_may_enter", anybody)
    for room in ("rights", "leaving"):
        monkeypatch.setattr(f"avow.practices.{room}.bar", lambda *_: lambda *_: None)
    wrong, _ = await run(tmp_path, ALL["a stolen minute puts in Eve's address and a code goes for"])
    assert "Eve saw Quillfeather" in wrong
    assert "Ada is about to be erased" in wrong


async def test_an_answer_that_tells_who_is_held_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Visitors.send_code

    async def telling(self: Visitors, category: str, value: str) -> None:
        if not await self._people(category, value):
            raise BadValue("nobody is held there")
        await send(self, category, value)

    monkeypatch.setattr(Visitors, "send_code", telling)
    _, here = await run(tmp_path / "held", ALL["a wrong code"])
    _, nowhere = await run(tmp_path / "nowhere", ALL["a wrong code"], held=False)
    assert here.seen != nowhere.seen


# -- time ------------------------------------------------------------------------------------------------------------

Try = Callable[[str], Awaitable[object]]


async def ratio(folder: Path, site: str = "daminion", *, weak: bool = False) -> float:
    """How much longer a sign-in takes for who has an account than for who has none: medians, taken in turns."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # a cost that would show
    async with desk(folder, site, passwords=Passwords(hasher)) as bed:
        for number in range(9):
            given = {"name": "Somebody", "email": f"held{number}@quill.example"}
            await bed.desk.register("registration", given, password=PASSWORD)
        took: dict[str, list[float]] = {"held": [], "free": []}
        for number in range(9):
            for kind, times in took.items():
                began = time.perf_counter()
                if not (weak and kind == "free"):
                    with pytest.raises(Denied):
                        await bed.desk.sign_in("email", f"{kind}{number}@quill.example", "no such password here")
                times.append(time.perf_counter() - began)
        return statistics.median(took["held"]) / max(statistics.median(took["free"]), 1e-6)


async def test_a_sign_in_takes_as_long_for_nobody_as_for_somebody(tmp_path: Path) -> None:
    assert 0.5 < await ratio(tmp_path) < 2


async def test_a_sign_in_that_spared_the_work_for_nobody_would_be_noticed(tmp_path: Path) -> None:
    assert await ratio(tmp_path, weak=True) > 2
