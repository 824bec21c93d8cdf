"""Each role asks for each category for each purpose of each open request: the console shows what the policy lets it."""

import re
from pathlib import Path

import pytest

from avow.app import Avow
from avow.decide.decide import decide
from avow.decide.request import Allow, Answer, Facts, Request
from avow.policy.model import CONTACT, Collect
from tests.desk.beds import SITES, Bed
from tests.doors.console.robot import Robot, Site, console
from tests.policy.five import table_of

NOT_ASKED = Facts.of("standing", "volunteered", "in-time", "no-opt-out")
ASKED = Facts.of("standing", "volunteered", "in-time", "no-opt-out", "request")
IDS = re.compile(r'class="badge brand">([^<]+)<')


async def person(bed: Bed, kind: str) -> str:
    """Somebody of whom everything is held that any form asks for, with one open request; its id."""
    who = None
    for name, form in bed.policy.forms.items():
        asked = {
            category
            for promise in bed.policy.promises
            for clause in promise.clauses
            if isinstance(clause, Collect) and clause.form == name
            for category in (*clause.asks, *clause.optional)
        }
        if asked and not form.at:
            given = {category: f"planted {category} 7" for category in asked}
            who = await bed.shop.collect(name, given, who=who, affiliate_link=name == "affiliate-link")
    assert who
    for one in await bed.shop.queue.of(bytes.fromhex(who)):
        await bed.shop.close_request(who, one.row.hex(), answered=True)
    return await bed.shop.ask(who, kind)


class Asking:
    """One colleague asks for everything, and the policy is asked beside."""

    def __init__(self, at: Site, kim: Robot, role: str) -> None:
        self.at, self.kim, self.role = at, kim, role
        self.shown = self.refused = 0

    async def all_of(self, kind: str, request: str) -> None:
        policy = self.at.bed.policy
        held = [name for name, each in policy.categories.items() if not each.apart and not each.held_by]
        for purpose in policy.purposes:
            serves = purpose in policy.requests[kind].serves
            await self.kim.send("/task", {"session": self.kim.session, "request": request, "purpose": purpose})
            taken = self.kim.status == 200
            for category in held:
                facts = ASKED if serves else NOT_ASKED
                answer = decide(table_of(policy.site), Request("use", self.role, purpose, (category,)), facts)
                if taken:
                    await self.one(request, purpose, category, answer)
                elif serves:
                    assert not isinstance(answer, Allow), (self.role, kind, purpose, category)
            if not taken:
                assert self.kim.status == 403
                assert "planted" not in self.kim.text
                if serves:  # and the refusal names the promises
                    why = decide(table_of(policy.site), Request("use", self.role, purpose, tuple(held)), ASKED).promises
                    assert tuple(IDS.findall(self.kim.text)) == why
                self.refused += len(held)

    async def one(self, request: str, purpose: str, category: str, answer: Answer) -> None:
        policy = self.at.bed.policy
        if policy.categories[category].channel in {"phone", "post"} and self.reaches(category, purpose):
            return await self.reached(request, purpose, category)
        asking = {"session": self.kim.session, "request": request, "purpose": purpose, "category": category}
        await self.kim.send("/look", asking)
        if self.kim.status == 429:  # as many looks as a session has in an hour: come in anew
            await self.kim.sign_in(self.role)
            return await self.one(request, purpose, category, answer)
        asked = (self.role, purpose, category)
        if isinstance(answer, Allow):
            assert self.kim.status == 200, (asked, self.kim.says)
            assert re.findall(r"planted [a-z-]+ 7", self.kim.text) == [f"planted {category} 7"], asked
            self.shown += 1
        else:
            assert self.kim.status == 403, asked
            assert "planted" not in self.kim.text
            assert tuple(IDS.findall(self.kim.text)) == answer.promises, asked
            assert answer.reason.replace("`", "") in self.kim.says, asked
            self.refused += 1
        return None

    def reaches(self, category: str, purpose: str) -> bool:
        """Whether the role may call or write for it while it is asked for: then that is how it gets the number."""
        channel = self.at.bed.policy.categories[category].channel
        ask = Request(CONTACT[channel or ""], self.role, purpose, (category,))
        return isinstance(decide(table_of(self.at.bed.policy.site), ask, ASKED), Allow)

    async def reached(self, request: str, purpose: str, category: str) -> None:
        asking = {"session": self.kim.session, "request": request, "purpose": purpose, "category": category}
        await self.kim.send("/look", asking)
        if self.kim.status != 429:
            assert self.kim.status == 400
            assert "planted" not in self.kim.text
            channel = self.at.bed.policy.categories[category].channel
            await self.kim.send("/reach", {**asking, "session": self.kim.session, "channel": channel})
        if self.kim.status == 429:
            await self.kim.sign_in(self.role)
            return await self.reached(request, purpose, category)
        assert f"planted {category} 7" in self.kim.text
        self.shown += 1
        return None


async def each_role_asks(at: Site) -> tuple[int, int]:
    """How many looks were shown, and how many refused."""
    requests = {kind: await person(at.bed, kind) for kind in at.bed.policy.requests}
    shown = refused = 0
    for role in at.bed.policy.roles:
        asking = Asking(at, await at.join(role, role), role)
        for kind, request in requests.items():
            await asking.all_of(kind, request)
        shown, refused = shown + asking.shown, refused + asking.refused
    return shown, refused


@pytest.mark.parametrize("site", SITES)
async def test_each_role_sees_of_each_request_what_the_policy_lets_it_and_is_told_why_not(
    tmp_path: Path, site: str
) -> None:
    """AUD-5."""
    async with console(tmp_path, site) as at:
        shown, refused = await each_role_asks(at)
        assert shown > 3
        assert refused > 10 * shown


async def test_a_desk_that_reads_whatever_the_site_may_read_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_all = Avow.use_all

    async def as_the_site(shop: Avow, who: str, categories: list[str], *, purpose: str, **_: object) -> dict[str, str]:
        return await use_all(shop, who, categories, purpose=purpose)

    monkeypatch.setattr(Avow, "use_all", as_the_site)
    async with console(tmp_path, "aitpro") as at:
        with pytest.raises(AssertionError):
            await each_role_asks(at)
