"""How many messages a second go through, and how much memory that takes: two processes, PostgreSQL, a smarthost that
only accepts. Every message is decided, recorded, put on disk as handed over, and relayed.
"""

import smtplib
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from tests.doors.gateway.town import Town, hand_in, message, town
from tests.servers import PostgresServer

PEOPLE = 500
AT_ONCE = 12  # mail programs at once
_GROWTH = 24 * 1024 * 1024  # bytes that caches may take once they are warm


def run(count: int, seed: int, *, wanted: float = 200.0) -> dict[str, Any]:
    """Hand in `count` messages; figures, with `ok`."""
    people = [f"p{n}@quill{seed % 1000}.example" for n in range(PEOPLE)]
    base, server = TemporaryDirectory(prefix="avow-flow-"), PostgresServer()
    with base as folder, server, town(Path(folder), people, database=server.new_database(), keep=False) as (made, sink):
        _push(made, people, min(2000, count), "warm")
        before, memory, began = sink.count, made.memory(), monotonic()
        wrong = _push(made, people, count, "flow")
        took = monotonic() - began
        grown = made.memory() - memory
        rate = (sink.count - before) / took
        return {
            "messages": count, "a second": rate, "MiB before": memory / 2**20, "MiB more": grown / 2**20,
            "wrong": wrong, "ok": not wrong and sink.count - before == count and rate >= wanted and grown < _GROWTH,
        }  # fmt: skip


def _push(made: Town, people: list[str], count: int, name: str) -> int:
    """How many were not taken."""
    numbers, lock, wrong = iter(range(count)), threading.Lock(), [0]

    def work() -> None:
        smtp = made.sender()
        try:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                to = people[number % len(people)]
                if hand_in(smtp, message(f"{name}-{number}@daminion.example", to), to) != 250:
                    wrong[0] += 1
        except smtplib.SMTPException:
            wrong[0] += 1
        finally:
            smtp.close()

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return wrong[0]
