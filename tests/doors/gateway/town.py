"""`avow serve` as two processes that can be killed, before a smarthost that writes down what it took; for campaigns.

The smarthost is ours and knows everything that was delivered: it writes a message down before it says that it has it.
"""

import asyncio
import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from avow.demo.places import listen, port_of
from avow.wire import Client, OperatorClient
from tests.mail.offices import certificate, trusting

POLICY = Path(str(resources.files("avow"))) / "policies" / "daminion.yaml"
_MAIN = "from avow.cli import main\nmain()"
_ID = re.compile(rb"^Message-ID: *<([^>]*)>", re.MULTILINE | re.IGNORECASE)


class Sink:
    """A smarthost that takes everything. `got`: (recipient, Message-ID) -> how often. `delay`: seconds between having a
    message and saying so.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.got: Counter[tuple[str, str]] = Counter()
        self.count = 0
        self.keep = keep
        self.port = 0
        self.delay = 0.0
        self.closed = False  # takes nothing: as if it were down
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._serving: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))
        self._thread.start()
        self._ready.wait()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._began, "127.0.0.1", 0, limit=20_000_000)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for one in self._serving:
            one.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _began(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"421 down\r\n" if self.closed else b"220 sink\r\n")
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = ""
        while not self.closed and (line := await reader.readline()):
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go\r\n")
                self._took(to, await reader.readuntil(b"\r\n.\r\n"))
                await asyncio.sleep(self.delay)
            elif word == b"QUIT":
                break
            elif word == b"RCPT":
                to = line.partition(b"<")[2].partition(b">")[0].decode("utf-8", "replace")
            writer.write(b"250-sink\r\n250-SIZE\r\n250 8BITMIME\r\n" if word == b"EHLO" else b"250 2.0.0 OK\r\n")

    def _took(self, to: str, content: bytes) -> None:
        self.count += 1
        if self.keep:
            found = _ID.search(content)
            self.got[to, found[1].decode() if found else ""] += 1

    def close(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


class Town:
    """The two processes, on one data folder."""

    def __init__(self, folder: Path, smarthost: int, database: str | None = None) -> None:
        self.folder = folder
        self.file = certificate(folder)
        self.tls: ssl.SSLContext = trusting(self.file)
        with listen(0) as one, listen(0) as other:
            self.port, self._web = port_of(one), port_of(other)
        self._database = database
        self.smarthost = smarthost
        self.plant = ""  # what is run first in the doors' process
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.password = ""

    def start(self, *which: str) -> None:
        """Start `vault` and `doors`, or one of them."""
        where = ["--database", self._database, "--folder", str(self.folder / "kept")] if self._database else []
        more = {
            "vault": ["--data", str(self.folder), *where, "--operator", str(self.folder / "op.sock")],
            "doors": [
                f"--listen=127.0.0.1:{self._web}", f"--smtp-listen=127.0.0.1:{self.port}", f"--tls-cert={self.file}",
                f"--tls-key={self.file}", f"--smarthost=smtp://127.0.0.1:{self.smarthost}",
            ],
        }  # fmt: skip
        for one in which or ("vault", "doors"):
            with (self.folder / f"{one}.log").open("ab") as log:
                self._children[one] = subprocess.Popen(
                    [sys.executable, "-c", f"{self.plant if one == 'doors' else ''}\n{_MAIN}", "serve", str(POLICY), "--only", one, *more[one],
                     "--socket", str(self.folder / "desk.sock")],
                    cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1", "SSL_CERT_FILE": str(self.file)},
                )  # fmt: skip

    def kill(self, which: str) -> None:
        """kill -9."""
        self._children[which].send_signal(signal.SIGKILL)
        self._children[which].wait()

    def memory(self, which: str = "doors") -> int:
        """Resident bytes."""
        told = Path(f"/proc/{self._children[which].pid}/status").read_text()
        return int(told.partition("VmRSS:")[2].split()[0]) * 1024

    def wait(self, patience: float = 60.0) -> None:
        """Until the gateway answers."""
        until = monotonic() + patience
        while True:
            for name, child in self._children.items():
                if child.poll() is not None:
                    raise AssertionError(f"{name} ended: {(self.folder / f'{name}.log').read_text()[-2000:]}")
            try:
                with smtplib.SMTP("127.0.0.1", self.port, "town", timeout=5):
                    return
            except (OSError, smtplib.SMTPException):
                if monotonic() > until:
                    raise
                sleep(0.05)

    async def settle(self, people: Sequence[str], *purposes: str) -> None:
        """Let these people ask, and a sender `shop` answer them."""
        async with (
            OperatorClient(str(self.folder / "op.sock")) as operator,
            Client(str(self.folder / "desk.sock")) as desk,
        ):
            self.password = await operator.add_sender("shop", purposes or ("answer",))
            turns = asyncio.Semaphore(16)

            async def ask(one: str) -> None:
                async with turns:
                    await desk.collect("contact", {"name": "Somebody", "email": one, "message": "Do you ship?"})

            await asyncio.gather(*map(ask, people))

    def sender(self) -> smtplib.SMTP:
        """A mail program that is signed in."""
        smtp = smtplib.SMTP("127.0.0.1", self.port, "app.test", timeout=60)
        try:
            smtp.starttls(context=self.tls)
            smtp.login("shop", self.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def stop(self) -> None:
        """Both, at once."""
        for child in self._children.values():
            if child.poll() is None:
                child.kill()
            child.wait()


def message(ident: str, to: str = "", **more: Any) -> bytes:
    """A plain one."""
    lines = ["From: Shop <shop@daminion.example>", "Subject: Your question", f"Message-ID: <{ident}>", f"To: {to}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return ("\r\n".join([*lines, "", "Yes, we do.", "Come again.", ""])).encode()


def hand_in(smtp: smtplib.SMTP, content: bytes, *to: str) -> int:
    """One transaction; its last code."""
    code, _ = smtp.mail("shop@daminion.example")
    if code != 250:
        return code
    for one in to:
        code, _ = smtp.rcpt(one)
        if code != 250:
            smtp.rset()
            return code
    return smtp.data(content)[0]


@contextmanager
def town(
    folder: Path, people: Sequence[str], *, database: str | None = None, keep: bool = True, plant: str = ""
) -> Iterator[tuple[Town, Sink]]:  # fmt: skip
    """Both, with these people, stopped at the end."""
    sink = Sink(keep=keep)
    made = Town(folder, sink.port, database)
    made.plant = plant
    try:
        made.start()
        made.wait()
        asyncio.run(made.settle(people))
        yield made, sink
    finally:
        made.stop()
        sink.close()
