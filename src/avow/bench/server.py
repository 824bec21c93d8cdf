# ruff: noqa: S603, S607 - it starts the programs that it found, with arguments of its own
"""A PostgreSQL of one's own, in a temporary folder, on a Unix socket: to measure on, for tests and crash campaigns.

    with PostgresServer() as server:
        url = server.new_database()
        server.kill()      # kill -9 of the postmaster and all of its children
        server.start()

It runs as an unprivileged user (PostgreSQL refuses to be root), forces to disk as in earnest, and is gone with the
process that started it. Where no PostgreSQL is found, it fails and says what to install.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

import psycopg

OLDEST = 15
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
MISSING = f"""PostgreSQL {OLDEST} or newer is needed (its programs; no running server), and none was found.
  Debian, Ubuntu:  sudo apt-get install postgresql
  Fedora:          sudo dnf install postgresql-server
  macOS:           brew install postgresql@17"""
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "5s",
    "log_statement": "none",
    "deadlock_timeout": "200ms",
}


class NoServer(Exception):
    """No PostgreSQL can be started on this machine; the message says what to install."""


def programs() -> Path:
    """The folder of the newest PostgreSQL's programs. Raises `NoServer`."""
    found: list[tuple[int, Path]] = []
    places = [path for pattern in FOLDERS for path in Path("/").glob(pattern[1:])]
    if on_path := shutil.which("initdb"):
        places.append(Path(on_path).resolve().parent)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            told = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
            found.append((int(re.findall(r"\d+", told)[0]), place))
    newest = max(found, default=(0, Path()))
    if newest[0] < OLDEST:
        raise NoServer(MISSING)
    return newest[1]


def _identity() -> dict[str, Any]:
    """How `subprocess` becomes somebody unprivileged; nothing to do for who is not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoServer("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as")


class PostgresServer:
    """One server with its own data. `settings` are lines of postgresql.conf, beside those above."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = SETTINGS | dict(settings or {})
        self._bin = programs()
        self._as = _identity()
        self._names = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path()

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="avow-pg-"))
        if self._as:
            os.chown(self.folder, self._as["user"], self._as["group"])
        command = [str(self._bin / "initdb"), "-D", str(self.folder / "data"), "-U", "avow", "--auth=trust"]
        made = subprocess.run(
            [*command, "--encoding=UTF8", "--no-locale"],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            **self._as,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise NoServer("the server is not running")
        return self._process

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        return self._running.pid

    @property
    def log(self) -> str:
        """What the server has said."""
        return (self.folder / "log").read_text()

    def url(self, database: str = "postgres") -> str:
        """How to connect."""
        return f"postgresql://avow@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test{next(self._names)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self) -> None:
        """Start, and wait until it answers (recovery from a crash included)."""
        settings = self._settings | {"unix_socket_directories": str(self.folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        setpriv = shutil.which("setpriv")  # Linux: with it the server dies with the tests, whatever they die of
        before = [setpriv, "--pdeathsig", "QUIT"] if setpriv else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*before, self._bin / "postgres", "-D", self.folder / "data", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, **self._as,
            )  # fmt: skip
        patience = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > patience:
                    raise RuntimeError(f"PostgreSQL does not start: {self.log[-2000:]}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self, how: Literal["fast", "immediate"] = "immediate") -> None:
        """Stop: fast (clean), or immediate (as a crash: the next start recovers)."""
        if self._process is None:
            return
        self._process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])
        self._process.wait(30)
        self._process = None

    def restart(self, how: Literal["fast", "immediate"] = "immediate") -> None:
        """Stop and start."""
        self.stop(how)
        self.start()

    def kill(self) -> None:
        """kill -9 of the postmaster and of everything that it started. `start` recovers."""
        doomed = [self.pid, *self.children()]
        for pid in doomed:
            _kill(pid)
        self._running.wait(30)
        self._process = None
        while any(Path(f"/proc/{pid}").exists() for pid in doomed):
            time.sleep(0.005)

    def kill_backend(self, pid: int) -> None:
        """kill -9 of one backend: the postmaster then ends all others and recovers by itself."""
        if pid not in self.children():
            raise NoServer("not one of this server's processes")
        _kill(pid)

    def children(self) -> list[int]:
        """The pids of all processes that the postmaster started."""
        told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in told.splitlines()]
        return [child for child, parent in pairs if parent == self.pid]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # gone already, as asked
