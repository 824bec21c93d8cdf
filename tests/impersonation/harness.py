"""Somebody who wants to be taken for Ada, step by step, over HTTP and by mail; and what came of it.

A script is data (scripts.yaml); each of its steps is a method here. What Eve gets to see is kept: every answer's status,
headers and body, and every mail to an address that she reads.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn

from avow.desk.interface import Taken
from avow.doors.centre import make_centre
from avow.errors import AvowError
from avow.wire import Client, serving
from tests.desk.beds import PASSWORD, Bed, desk
from tests.doors.centre.beds import SHOP, token_in

SITE: Final = "daminion"
ADA: Final = "ada@quill.example"
NEW: Final = "ada@new.example"
SECRETS: Final = ("Quillfeather", "RIDDLE-OF-ADAS")  # what is held on Ada and nobody has typed
EVES: Final = "eve's own password"
PAGES: Final = ("/overview", "/held", "/seen", "/choices", "/reach", "/copy", "/complain")


class Attempt:
    """One script's run. `held`: whether Ada is held in this world at all."""

    def __init__(self, bed: Bed, web: httpx.AsyncClient, reads: tuple[str, ...], *, held: bool) -> None:
        self.bed = bed
        self.web = web
        self.reads = ("eve@evil.example", *reads)
        self.held = held
        self.who = ""
        self.session = ""  # Ada's
        self.token = ""  # what Eve has in hand
        self.heard = "00000000"
        self.taken: Taken | None = None
        self.seen: list[tuple[int, str, str]] = []  # status, headers, body
        self.broken: list[str] = []  # what Eve did that nobody but Ada may

    # -- the world --------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Ada has an account and has written; somebody else has, too."""
        await self.bed.desk.collect("contact", {"email": "bea@other.example", "message": "Hello"})
        if self.held:
            given = {"name": "Ada Quillfeather", "email": ADA}
            await self.bed.desk.register("registration", given, password=PASSWORD)
            await self.bed.desk.collect("contact", {"email": ADA, "message": "RIDDLE-OF-ADAS: where is my order?"})
            self.who = (await self.bed.shop.find("email", ADA))[0]
            self.session = await self._entered(ADA)
        self.bed.clock.forward(minutes=1)

    async def _entered(self, address: str) -> str:
        return await self.bed.desk.enter("email", address, await self.bed.code(address))

    async def faults(self) -> list[str]:
        """What Eve achieved: something of Ada's that she saw, or that Ada is gone or about to go, or is reached elsewhere."""
        wrong = list(self.broken)
        told = [body for _, _, body in self.seen]
        told += [f"{one.subject} {one.text}" for one in self.bed.sent if one.to in self.reads]
        wrong += [f"Eve saw {secret}" for secret in SECRETS if any(secret in one for one in told)]
        if self.held:
            await self.bed.shop.sweep()
            standing, _ = await self.bed.shop.standing(self.who)
            if not standing:
                wrong.append("Ada was erased")
            elif await self.bed.shop.leaving(self.who) is not None:
                wrong.append("Ada is about to be erased")
        return wrong

    # -- what Eve does ----------------------------------------------------------------------------------------------

    async def _post(self, path: str, **fields: str) -> httpx.Response:
        answer = await self.web.post(path, data=fields)
        headers = "\n".join(f"{name}: {value}" for name, value in sorted(answer.headers.items()) if name != "date")
        text = re.sub(r'name="session" value="[^"]*"', "", answer.text)  # chance, and another every time
        self.seen.append((answer.status_code, headers, text))
        self.token = token_in(answer) or self.token
        return answer

    async def code(self, contact: str) -> None:
        await self._post("/code", contact=contact)
        await self.bed.desk.settle()

    async def enter(self, how: Mapping[str, str]) -> None:
        codes = {"mine": self._newest(self.reads), "heard": self.heard}
        said = how.get("code", "mine")
        await self._post("/enter", contact=how["contact"], code=codes.get(said, said))

    def _newest(self, addresses: tuple[str, ...]) -> str:
        for one in reversed(self.bed.sent):
            if one.to in addresses and (found := re.search(r"\b\d{8}\b", one.text)):
                return found[0]
        return "00000000"

    async def guess(self, how: Mapping[str, Any]) -> None:
        await asyncio.gather(
            *(self._post("/enter", contact=how["contact"], code=f"{n:08d}") for n in range(how["times"]))
        )
        self.seen.sort()  # at once: in no order

    async def guess_slowly(self, how: Mapping[str, Any]) -> None:
        for number in range(how["times"]):
            await self._post("/enter", contact=how["contact"], code=f"{number:08d}")

    async def guess_password(self, how: Mapping[str, Any]) -> None:
        tries = [
            self._post("/sign-in", contact=how["contact"], password=f"password{n:04d}") for n in range(how["times"])
        ]
        await asyncio.gather(*tries)
        self.seen.sort()

    async def sign_in(self, how: Mapping[str, str]) -> None:
        await self._post("/sign-in", contact=how["contact"], password=how["password"])

    async def token_(self, said: str) -> None:
        self.token = self.who if said == "her id" else said

    async def register(self, address: str) -> None:
        with suppress(AvowError):
            self.token = await self.bed.desk.register("registration", {"name": "Eve", "email": address}, password=EVES)

    async def submit(self, given: Mapping[str, str]) -> None:
        with suppress(AvowError):
            receipt = self.taken["receipt"] if self.taken and not self.token else None
            self.taken = await self.bed.desk.collect("contact", given, session=self.token or None, receipt=receipt)

    async def protect(self, password: str) -> None:
        assert self.taken
        with suppress(AvowError):
            await self.bed.desk.protect(password, receipt=self.taken["receipt"])

    async def take(self, _: str) -> None:
        self.token = self.session

    async def lose(self, _: str) -> None:
        self.token = ""

    async def change(self, how: Mapping[str, str]) -> None:
        await self._post("/correct", session=self.token, **how)

    async def set_password(self, password: str) -> None:
        await self._post("/password", session=self.token, password=password)

    async def erase(self, _: str) -> None:
        await self._post("/erase", session=self.token, answer="erase")

    async def wait(self, how: Mapping[str, float]) -> None:
        self.bed.clock.forward(**how)
        await self.bed.shop.sweep()

    async def overhear(self, _: str) -> None:
        """Eve looks over Ada's shoulder once."""
        self.heard = self._newest((ADA, NEW))

    async def inbox(self, how: Mapping[str, str]) -> None:
        with suppress(AvowError):
            await self.bed.desk.received("<1@evil.example>", how["from"], how["subject"], how["text"])
        await self.bed.desk.settle()

    async def link(self, which: str) -> None:
        """A link that undoes, used by who has no business with it."""
        texts = [one.text for one in self.bed.sent if (one.to in self.reads) or which == "altered"]
        tokens = [found[1] for text in texts if (found := re.search(r"/undo/(\S+)", text))]
        token = tokens[-1] if tokens and which != "made up" else "A" * 120
        if which == "altered":
            token = token[:-6] + "AAAAAA"
        await self._post(f"/undo/{token}", which="this")

    async def pressed(self, role: str) -> None:
        """A colleague who gives in: whatever they try for Ada without her proof comes to nothing."""
        session = await self.bed.staff("kim", role)
        self.token = session
        desk_, shop, by = self.bed.desk, self.bed.shop, self.bed.shop.staff("kim", role)
        for name, attempt in {
            "export": lambda: shop.export(self.who, by=by), "see": lambda: shop.seen(self.who, by=by),
            "correct": lambda: shop.correct(self.who, "email", "eve@evil.example", by=by), "held": lambda: desk_.held(session),
            "leave": lambda: shop.leave(self.who, after=timedelta(0), by=by),
            "erase": lambda: desk_.erase(session), "change": lambda: desk_.correct(session, "email", "eve@evil.example"),
            "password": lambda: desk_.protect(EVES, session=session),
        }.items():  # fmt: skip
            with suppress(AvowError):
                await attempt()
                self.broken.append(f"a colleague ({role}) could {name}")

    async def grab(self, whose: str) -> None:
        """Everything that a session could give or end. `others`: Eve's own is her own; her session ends nothing of Ada's."""
        for path in PAGES:
            await self._post(path, session=self.token)
        for kind in ("json", "html", "zip"):
            await self._post("/download", session=self.token, **{"as": kind})
        if whose == "all":
            await self._post("/correct", session=self.token, category="email", value="eve@evil.example")
            await self._post("/erase", session=self.token, answer="erase")

    # -- what Ada does ----------------------------------------------------------------------------------------------

    async def ada(self, does: str) -> None:
        act = self.bed.desk
        match does:
            case "enters":
                self.session = await self._entered(ADA)
            case "asks for a code":
                await self.bed.code(ADA)
            case "signs out":
                await act.sign_out(self.session)
            case "goes on":
                self.session = await act.renew(self.session)
            case "sets a password":
                self.session = await self._entered(ADA)
                await act.protect("a long one of Ada's own", session=self.session)
            case "changes her address":
                mine = await self._entered(ADA)
                self.bed.clock.forward(seconds=1)
                await act.correct(mine, "email", NEW)
            case "calls it off" | "takes the erasure back":
                word = "changed" if does == "calls it off" else "erased"
                text = next(one.text for one in reversed(self.bed.sent) if one.to == ADA and word in one.subject)
                found = re.search(r"/undo/(\S+)", text)
                assert found, text
                assert (await act.follow(found[1]))["done"]
            case _:
                raise AssertionError(does)

    async def run(self, steps: list[dict[str, Any]]) -> None:
        """One step after the other."""
        for step in steps:
            ((verb, said),) = step.items()
            await getattr(self, {"token": "token_"}.get(verb, verb.replace("-", "_")))(said)


@asynccontextmanager
async def attempt(folder: Path, reads: tuple[str, ...] = (), *, held: bool = True) -> AsyncIterator[Attempt]:
    """A world with or without Ada: a vault, a centre before it on a socket of its own, and a port where it is reached."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    address = str(folder / "run/desk.sock")
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # or asyncio leaves Nagle on: 40 ms a post
    listening.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    centre = "https://privacy.daminion.example"
    async with desk(folder, SITE, centre=centre) as bed, serving(bed.desk, address), Client(address) as client:
        app = make_centre(client, bed.policy, shop_url=SHOP)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with httpx.AsyncClient(base_url=base, timeout=30) as web:
                made = Attempt(bed, web, reads, held=held)
                await made.begin()
                yield made
        finally:
            server.should_exit = True
            await running
