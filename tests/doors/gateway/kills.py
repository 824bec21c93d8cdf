"""Kill -9 of the gateway and of the vault at any moment, and a smarthost that comes and goes, while mail programs with
queues hand messages in: each message is delivered once, or its sender is told that it may not have been.
"""

import random
import smtplib
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

from tests.doors.gateway.town import Sink, Town, hand_in, message, town

PROGRAMS = 4
_PATIENCE = 240.0  # seconds until every queue is empty


class Program:
    """A mail program with a queue: what is not taken it tries again, what is refused it tells its user."""

    def __init__(self, made: Town, name: str, people: list[str]) -> None:
        self._made = made
        self._name = name
        self._people = people
        self.taken: list[tuple[str, str]] = []
        self.told: list[tuple[str, str]] = []
        self.left = 0  # under way when it ended
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._live)
        self._smtp: smtplib.SMTP | None = None

    def _live(self) -> None:
        number, until = 0, 0.0
        while not self.stop.is_set():
            one = self._people[number % len(self._people)], f"{self._name}-{number}@daminion.example"
            number += 1
            until = monotonic() + _PATIENCE
            while True:
                code = self._try(*one)
                if code == 250:
                    self.taken.append(one)
                    break
                if code >= 500:
                    self.told.append(one)
                    break
                if monotonic() > until:
                    self.left += 1
                    return
                sleep(0.05)

    def close(self) -> None:
        """Hang up."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _try(self, to: str, ident: str) -> int:
        """The reply; 400 where there was none."""
        try:
            self._smtp = self._smtp or self._made.sender()
            code = hand_in(self._smtp, message(ident, to), to)
            if code != 421:
                return code
        except smtplib.SMTPAuthenticationError as error:
            code = 400 if error.smtp_code == 454 else error.smtp_code
        except (OSError, smtplib.SMTPException):
            code = 400
        self.close()
        return code if code >= 500 else 400


def run(count: int, seed: int, *, plant: str = "") -> dict[str, Any]:
    """`count` kills and failures; figures, with `ok`. `plant`: a defect, as a program of the gateway's process."""
    dice = random.Random(seed)
    people = [f"p{n}@quill.example" for n in range(40)]
    hit = {"doors": 0, "vault": 0, "smarthost": 0}
    with TemporaryDirectory(prefix="avow-kills-") as base, town(Path(base), people, plant=plant) as (made, sink):
        sink.delay = 0.05  # or no kill would ever hit the moment in which the outcome is unknown
        programs = [Program(made, f"{seed}-{n}", people) for n in range(PROGRAMS)]
        for one in programs:
            one.thread.start()
        for _ in range(count):
            sleep(dice.uniform(0.3, 2.0))
            hit[_strike(dice, made, sink)] += 1
            made.wait()
        sleep(1)
        for one in programs:
            one.stop.set()
        for one in programs:
            one.thread.join()
            one.close()
        got = dict(sink.got)
    taken, told = [one for each in programs for one in each.taken], [one for each in programs for one in each.told]
    wrong = [f"accepted and delivered {got.get(one, 0)} times" for one in taken if got.get(one, 0) != 1]
    wrong += [f"told, and delivered {got[one]} times" for one in told if got.get(one, 0) > 1]
    left = sum(one.left for one in programs)
    return {
        "points": count, "killed": hit, "taken": len(taken), "told": len(told),
        "told and delivered": sum(one in got for one in told), "stuck": left, "wrong": wrong[:10],
        "ok": not wrong and not left and len(taken) > count,
    }  # fmt: skip


def _strike(dice: random.Random, made: Town, sink: Sink) -> str:
    what = dice.choice(["doors", "doors", "vault", "vault", "smarthost"])
    if what == "smarthost":
        sink.closed = True
        sleep(dice.uniform(0.1, 1.0))
        sink.closed = False
    else:
        made.kill(what)
        sleep(dice.uniform(0.0, 0.3))
        made.start(what)
    return what
