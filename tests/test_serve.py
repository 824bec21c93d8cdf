"""`avow serve`: two processes that start, serve, stop and are killed as one, and what watches over them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest

from avow.demo.authority import certificates
from avow.desk.desk import Desk
from avow.errors import CallError, OperatorError, Unavailable
from avow.policy.parse import read
from avow.serve.doors import apps
from avow.serve.hosts import Hosts
from avow.serve.port import Names, Port
from avow.serve.sites import Whereabouts
from avow.serve.vault import keep
from avow.wire import Client, OperatorClient, Secret, serving
from tests.desk.beds import PASSWORD, desk
from tests.shops import dated

POLICIES = Path(str(resources.files("avow"))) / "policies"
NEXT = Path(__file__).parent / "next"
DAMINION, AITOC = POLICIES / "daminion.yaml", POLICIES / "aitoc.yaml"
ADA = {"name": "Ada Quill", "email": "ada@quill.example"}


class Running:
    """A started `avow`, whose lines are read as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, words: str) -> str:
        """The next line with these words; it must come."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while raw := await self.process.stdout.readline():
                self.lines.append(raw.decode().rstrip())
                if words in self.lines[-1]:
                    return self.lines[-1]
        raise AssertionError("\n".join(self.lines))

    async def ended(self) -> int:
        """Its exit status, once its last line is read."""
        with suppress(AssertionError):
            await self.until("\0")
        return await self.process.wait()


@asynccontextmanager
async def avow(folder: Path, *args: object) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "avow", *map(str, args), cwd=folder, stdout=-1, stderr=-2, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"},
    )  # fmt: skip
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()


async def get(line: str, path: str = "/healthz", host: str = "") -> httpx.Response:
    """From who said `listening on HOST:PORT; …`."""
    address = line.partition("listening on ")[2].partition(";")[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://{address}{path}", headers={"host": host} if host else {})


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sockets_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.sock"))


async def test_two_sites_are_served_and_stopped_and_the_operator_speaks_to_them(tmp_path: Path) -> None:
    async with avow(tmp_path, "serve", DAMINION, AITOC, "--listen", "127.0.0.1:0") as running:
        line = await running.until("listening")
        told = (await get(line)).json()
        assert told["ok"] is True
        assert set(told["sites"]) == {"daminion", "aitoc"}
        centre = next(one for one in running.lines if "aitoc  privacy centre" in one).partition("//")[2].rstrip("/")
        page = await get(line, "/", centre)
        assert (page.status_code, "Aitoc" in page.text) == (200, True)
        assert (await get(line, "/", "elsewhere.example")).status_code == 421
        site = ("--policy", AITOC, "--database", "sqlite:///data/aitoc.db")
        async with avow(tmp_path, "staff", "invite", "kim", "--role", "admin", *site, "--json") as inviting:
            assert await inviting.ended() == 0
        invitation = json.loads("".join(inviting.lines))["invitation"]
        async with Client(str(tmp_path / "data/aitoc.db.avow/desk.sock")) as client:
            session = await client.accept(invitation, PASSWORD)
            assert (await client.colleague(session))["role"] == "admin"
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert running.lines[-1].endswith("stopped")
    assert sockets_in(tmp_path) == []


async def test_from_its_day_on_a_published_version_is_what_the_site_shows_and_obeys(tmp_path: Path) -> None:
    """DAM-22, AUD-13, TOC-15: nothing is started anew by hand, nobody is sent away, and whoever is connected stays so."""
    site, files = ("--database", "sqlite:///data/daminion.db"), certificates(tmp_path / "tls", ["localhost"])
    mail = ("--smtp-listen=127.0.0.1:0", f"--smtp-cert={files.chain}", f"--smtp-key={files.key}")
    before, day = read(DAMINION).version.isoformat(), datetime.now(UTC).date() + timedelta(days=20)
    to_come = tmp_path / "next.yaml"
    to_come.write_text(dated((NEXT / "daminion.yaml").read_text(), day.isoformat()).source)
    async with avow(
        tmp_path, "serve", DAMINION, "--demo", "--listen=127.0.0.1:0", *mail, "--smarthost=smtp://127.0.0.1:9"
    ) as running:
        line = await running.until("listening")
        centre = next(one for one in running.lines if "privacy centre" in one).partition("//")[2].rstrip("/")
        smtp = next(one for one in running.lines if "mail gateway at" in one).partition(" at ")[2].partition(";")[0]
        assert "in force from" in (await ended(tmp_path, 0, "publish", to_come, *site, "--yes"))[-1]
        assert "published before" in " ".join(await ended(tmp_path, 2, "publish", to_come, *site, "--yes"))
        async with (
            OperatorClient(str(tmp_path / "data/daminion.db.avow/operator.sock")) as operator,
            visiting(line, centre, smtp) as answers,
        ):
            midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
            await operator.move_clock(midnight - 30_000 - int(time() * 1000))
            await asyncio.sleep(1)  # two looks
            assert await shown(line, centre) == before
            await operator.move_clock(60_000)
            async with asyncio.timeout(20):
                while (now := await shown(line, centre)) != day.isoformat():
                    assert now == before
                    await asyncio.sleep(0.1)
                while not (await get(line)).json()["ok"]:  # noqa: ASYNC110 - another process: nothing tells when
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1)
        assert {*answers["page"]} <= {200, 503}
        assert {*answers["mail"]} == {"250"}
        assert min(len(one) for one in answers.values()) > 10
        async with Client(str(tmp_path / "data/daminion.db.avow/desk.sock")) as client:
            assert [one["state"] for one in await client.versions()] == ["past", "in-force"]
            await client.collect("contact", {"email": "ada@quill.example", "message": "hello"})
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert sum("listening" in one for one in running.lines) == 1
    listed = await ended(tmp_path, 0, "versions", DAMINION, *site, "--json")  # the older file names the site as well
    assert [one["version"] for one in json.loads("".join(listed))["versions"]] == [before, day.isoformat()]


async def ended(folder: Path, status: int, *args: object) -> list[str]:
    """What a command said that had to end so."""
    async with avow(folder, *args) as ran:
        assert await ran.ended() == status, ran.lines
    return ran.lines


async def shown(line: str, centre: str) -> str:
    """The version whose page is shown."""
    page = (await get(line, "/policy", centre)).text
    return page.partition("This version: daminion, ")[2].partition(".")[0]


@asynccontextmanager
async def visiting(line: str, centre: str, smtp: str) -> AsyncIterator[dict[str, list[Any]]]:
    """Ask all the while over one connection and over new ones; what was answered. An error ends it, and shows."""
    answers: dict[str, list[Any]] = {"page": [], "mail": []}
    host, _, port = smtp.rpartition(":")
    address = line.partition("listening on ")[2].partition(";")[0]

    async def pages() -> None:
        async with httpx.AsyncClient(base_url=f"http://{address}", headers={"host": centre}, trust_env=False) as kept:
            while True:
                for path in ("/", "/policy"):
                    answers["page"].append((await kept.get(path)).status_code)
                answers["page"].append((await get(line, "/sign-in", centre)).status_code)
                await asyncio.sleep(0.05)

    async def mails() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        with closing(writer):
            await reader.readline()
            while True:
                writer.write(b"NOOP\r\n")
                answers["mail"].append((await reader.readline()).decode()[:3])
                (await asyncio.open_connection(host, int(port)))[1].close()
                await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pages()), group.create_task(mails())]
        yield answers
        for task in tasks:
            task.cancel()


async def test_without_a_vault_process_the_operator_opens_the_site_and_what_was_killed_is_finished(
    tmp_path: Path,
) -> None:
    site = ("--policy", DAMINION, "--database", "sqlite:///data/daminion.db")
    (tmp_path / "data").mkdir()
    (tmp_path / "agreement").write_text("What I see stays here.")
    async with avow(tmp_path, "staff", "agreement", "agreement", *site) as told:
        assert await told.ended() == 0
    async with avow(tmp_path, "serve", DAMINION, "--only", "vault") as running:
        await running.until("serving at")
        async with Client(str(tmp_path / "data/daminion.db.avow/desk.sock")) as client:
            await client.register("registration", ADA, password=PASSWORD)
            running.process.kill()
            await running.ended()
    assert (tmp_path / "data/daminion.db.avow/desk.sock").exists()  # left behind
    async with avow(tmp_path, "serve", DAMINION, "--only", "vault") as again:
        await again.until("serving at")
        async with Client(str(tmp_path / "data/daminion.db.avow/desk.sock")) as client:
            session = await client.sign_in("email", ADA["email"], PASSWORD)
            assert (await client.held(session))["data"]
        again.process.send_signal(signal.SIGINT)
        assert await again.ended() == 0


async def test_neither_process_goes_on_without_the_other(tmp_path: Path) -> None:
    async with avow(tmp_path, "serve", AITOC, "--listen", "127.0.0.1:0", "--json") as running:
        await running.until("listening")
        os.kill(children_of(running.process.pid)[0], signal.SIGKILL)  # the vault, which was started first
        assert await running.ended() == 2
        assert "the vault process ended" in running.lines[-1]


# -- where it may listen -------------------------------------------------------------------------------------------------


async def test_a_vault_at_a_public_address_does_not_start_and_names_the_promise(tmp_path: Path) -> None:
    sites = Whereabouts(tmp_path, private="9.9.9.9:7000").sites([read(DAMINION)])
    with pytest.raises(OperatorError, match="DAM-8"):
        await keep(sites, asyncio.Event(), lambda *_: None, secret=Secret(b"s" * 32, os.urandom))


async def test_what_a_killed_process_left_untold_is_told_before_the_vault_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = Whereabouts(tmp_path).sites([read(DAMINION)])
    address, serving_then = Path(sites[0].address), list[bool]()

    async def resumed(_: Desk) -> int:
        serving_then.append(await asyncio.to_thread(address.exists))
        raise OperatorError("far enough")

    monkeypatch.setattr(Desk, "resume", resumed)
    with pytest.raises(OperatorError, match="far enough"):
        await keep(sites, asyncio.Event(), lambda *_: None)
    assert serving_then == [False]


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "10.0.0.5:80", "shop.example:80"])
def test_doors_do_not_send_personal_data_over_a_network_in_clear(listen: str) -> None:
    with pytest.raises(CallError, match="read along"):
        Port.of(listen, None, None, proxy=False)
    assert Port.of(listen, None, None, proxy=True).origin("a.example") == "https://a.example"


@pytest.mark.parametrize("listen", ["", "8080", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"])
def test_what_is_no_address_is_said(listen: str) -> None:
    with pytest.raises(CallError, match="HOST:PORT"):
        Port.of(listen, None, None, proxy=False)


def test_a_port_that_is_taken_is_said() -> None:
    with Port("127.0.0.1", 0).opened() as taken, pytest.raises(OperatorError, match="another --listen"):
        Port("127.0.0.1", taken.getsockname()[1]).opened()


def test_what_is_meant_for_one_site_is_not_taken_for_two(tmp_path: Path) -> None:
    two = [read(DAMINION), read(AITOC)]
    for more in ({"database": "sqlite:///x.db"}, {"socket": "/run/x.sock"}, {"private": "10.0.0.5:7000"}):
        with pytest.raises(CallError, match=r"\{site\}"):
            Whereabouts(tmp_path, **more).sites(two)
    with pytest.raises(CallError, match="two of the policies"):
        Whereabouts(tmp_path).sites([two[0], two[0]])
    found = Whereabouts(tmp_path, "postgresql://h/x", socket="/run/avow/{site}.sock").sites(two)
    assert [one.address for one in found] == ["/run/avow/daminion.sock", "/run/avow/aitoc.sock"]
    assert [one.folder.name for one in found] == ["daminion.avow", "aitoc.avow"]


# -- health --------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def watched(folder: Path, policy: Path = DAMINION) -> AsyncIterator[tuple[Any, Callable[[], Any]]]:
    """A desk over a socket, and what `/healthz` says of it."""
    address = str(folder / "run/desk.sock")
    async with desk(folder, "daminion") as bed, serving(bed.desk, address) as server, Client(address) as client:
        chosen = read(policy)
        app = Hosts({}, {"daminion": (client, chosen)})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:

            async def health() -> tuple[int, dict[str, bool]]:
                answer = await http.get("/healthz")
                return answer.status_code, answer.json()["sites"]["daminion"]

            yield (bed, server), health


async def gone() -> None:
    raise Unavailable("the database did not answer; nothing was done")


async def test_health_says_what_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(tmp_path) as ((bed, server), health):
        assert await health() == (
            200,
            dict.fromkeys(("vault", "policy", "database", "sequencing", "sweep", "upkeep"), True),
        )
        await bed.desk.collect("contact", ADA | {"message": "Hello"})
        bed.clock.forward(hours=3)
        status, told = await health()
        assert (status, told["sweep"], told["database"]) == (503, False, True)
        await bed.shop.sweep()
        await bed.shop.sequence_all()
        assert (await health())[0] == 200
        with monkeypatch.context() as patch:
            patch.setattr(bed.shop, "health", gone)
            assert await health() == (503, {"vault": True, "policy": True, "database": False})
        bed.shop.upkeep.failing = 1
        assert (await health())[1]["upkeep"] is False
        await server.stop()
        bed.shop.upkeep.failing = 0
        await health()  # may meet the end of the old connection
        assert (await health())[0] == 200


async def test_health_says_when_the_vault_is_gone_or_keeps_another_policy(tmp_path: Path) -> None:
    async with Client(str(tmp_path / "nobody.sock")) as client:
        app = Hosts({}, {"daminion": (client, read(DAMINION))})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
            answer = await http.get("/healthz")
            assert (answer.status_code, answer.json()["sites"]) == (503, {"daminion": {"vault": False}})
    other = tmp_path / "daminion.yaml"
    other.write_text(DAMINION.read_text() + "\n# another version\n")
    async with watched(tmp_path, other) as (_, health):
        status, told = await health()
        assert (status, told["policy"]) == (503, False)


def test_each_door_has_a_name_and_an_empty_one_stays_shut(tmp_path: Path) -> None:
    port, policy = Port("127.0.0.1", 8080), read(DAMINION)
    made = apps(Client(str(tmp_path / "x.sock")), policy, Names(api=""), port)
    assert list(made) == ["privacy.daminion.localhost", "console.daminion.localhost"]
