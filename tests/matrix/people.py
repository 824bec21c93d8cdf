"""Who is there when the matrix is asked: two customers, one who was erased, one of another site, and staff in each role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.desk.beds import PASSWORD, Bed, desk

SITE, OTHER_SITE = "daminion", "aitpro"
STAFF: Final = ("fulfilment", "support", "contest-desk", "marketing", "admin")
ROLES: Final = ("nobody", "customer", *STAFF, "operator")  # the operator has a socket, and nothing to show over HTTP
TARGETS: Final = ("own", "other", "other site", "erased", "absent")
BUSINESS: Final = {  # role -> the kind of request that it answers, the purpose, and what the policy lets it see
    "support": ("question", "answer", frozenset({"name", "email", "message"})),
    "contest-desk": ("contest", "contest", frozenset({"name", "postal-address", "phone", "email"})),
    "fulfilment": ("order", "order", frozenset({"name", "phone", "shipping-address", "items"})),
}  # fmt: skip
HIDDEN: Final = {"contest-desk": frozenset({"phone", "postal-address"})}  # of that, what is to be asked for first
_FORMS: Final = {"question": "contact", "contest": "contest", "order": "order"}


class Person(NamedTuple):
    """Somebody, by what they give: each value holds a word that stands nowhere else."""

    word: str
    who: str
    session: str

    @property
    def values(self) -> dict[str, str]:
        """Category -> value."""
        return given(self.word)


def given(word: str) -> dict[str, str]:
    """What somebody of this word gives."""
    return {
        "name": f"Name{word}", "email": f"mail{word}@x.example", "phone": f"+44 20 7946 {1000 + sum(word.encode()) % 9000}",
        "postal-address": f"1 Post{word} Lane", "shipping-address": f"2 Ship{word} Lane",
        "billing-address": f"3 Bill{word} Lane", "items": f"2 Items{word}", "message": f"Message{word}",
    }  # fmt: skip


class Scene(NamedTuple):
    """The site, and who is there. Sessions are made anew for each cell: a page may use one up."""

    bed: Bed
    ada: Person
    bea: Person
    cy: Person  # erased, and still holding a session
    dee: Person  # of the other site
    foreign_staff: str  # a session of a colleague of the other site
    foreign_request: str
    erased_request: str

    async def session(self, role: str, target: str) -> str:
        """The token that somebody in this role shows."""
        if target == "absent":
            return "A" * 43
        if role == "customer":
            return {"erased": self.cy.session, "other site": self.dee.session}.get(target) or self._mint(self.ada.who)
        if role in STAFF:
            return self.foreign_staff if target == "other site" else await self.bed.desk.staff_sign_in(role, PASSWORD)
        return ""

    def _mint(self, who: str) -> str:
        return self.bed.desk._room.sessions.person((who,), self.bed.desk._room.now())

    async def request(self, role: str, target: str) -> str:
        """The open request that they name: for staff, `own` is one of the role's business."""
        if target == "other site":
            return self.foreign_request
        if target == "erased":
            return self.erased_request
        if target == "absent":
            return "0" * 32
        kind = BUSINESS.get(role, ("question", "", frozenset()))[0]
        if target == "other":
            kind = "contest" if kind != "contest" else "question"
        return await opened(self.bed, kind, self.ada)


async def opened(bed: Bed, kind: str, person: Person) -> str:
    """A new request of this kind; what it asks is the person's already."""
    form = _FORMS[kind]
    asks = {name for one in bed.policy.promises for name in _asked(one, form)}
    session = bed.desk._room.sessions.person((person.who,), bed.desk._room.now())
    told = {name: value for name, value in person.values.items() if name in asks}
    request = (await bed.desk.collect(form, told, session=session))["request"]
    assert request is not None
    return request


def _asked(promise: object, form: str) -> set[str]:
    clauses = getattr(promise, "clauses", ())
    return {name for one in clauses if getattr(one, "form", "") == form for name in getattr(one, "asks", ())}


async def person(bed: Bed, word: str, form: str = "registration") -> Person:
    """Somebody with an account."""
    values = given(word)
    session = await bed.desk.register(form, {name: values[name] for name in ("name", "email")}, password=PASSWORD)
    who = (await bed.desk.held(session))["subject"]
    return Person(word, str(who), session)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Everybody, on real files."""
    async with desk(folder / "here", SITE) as bed, desk(folder / "there", OTHER_SITE) as there:
        ada, bea, cy = [await person(bed, word) for word in ("Adaquill", "Beamarrow", "Cythistle")]
        for one in (ada, bea):
            for kind in _FORMS:
                await opened(bed, kind, one)
        erased = await opened(bed, "question", cy)
        await bed.shop.erase(cy.who)
        for role in STAFF:
            await bed.staff(role, role)
        dee_values = given("Deefoxglove")
        taken = await there.desk.collect("contact", {"email": dee_values["email"], "message": dee_values["message"]})
        who = (await there.shop.find("email", dee_values["email"]))[0]
        dee = Person("Deefoxglove", who, there.desk._room.sessions.person((who,), there.desk._room.now()))
        yield Scene(bed, ada, bea, cy, dee, await there.staff("kim", "support"), str(taken["request"]), erased)
