"""Visits of the two weeks before a demo begins, so that there is something to look at: made up, and counted as any are.

Where they come from is drawn from whole blocks of addresses and kept in memory alone, as for every visit; what comes into
the operational log are addresses that are nobody's (RFC 5737).
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from avow.policy.model import Policy
from avow.visits import Counted
from avow.visits.network import Domains, Names

DAYS: Final = 14
HOUR: Final = 3_600_000  # ms
BUSY: Final = (1, 1, 0.5, 0.5, 0.5, 1, 2, 4, 7, 9, 10, 10, 9, 9, 10, 9, 8, 8, 9, 11, 11, 8, 5, 2)  # by hour of the day
BLOCKS: Final = (81, 193, 85, 24, 66, 98, 1, 119, 200, 41)  # first numbers of addresses, from all parts of the world
HOSTS: Final = ("example.net", "example.net", "example.com", "example.org", "localhost")
NOBODYS: Final = ("192.0.2", "198.51.100", "203.0.113")
_WEBKIT: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_MOBILE: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
AGENTS: Final = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_MOBILE} Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
)
WAYS: Final = (
    ("home",), ("home",), ("home", "goods"), ("home", "goods", "goods"), ("goods",), ("goods", "home", "goods", "cart"),
    ("home", "goods", "cart", "checkout", "order"), ("home", "policy"), ("home", "account"), ("writing to us",),
)  # fmt: skip


async def come(policy: Policy, folder: Path, now: float) -> None:
    """Let them come to this site, until the hour before `now` (seconds); as many in every new demo."""
    dice = Random(policy.site)  # noqa: S311 - they shall be the same in every demo
    until = int(now * 1000) // HOUR * HOUR

    async def resolve(address: str) -> str:
        return f"line-{address.replace('.', '-')}.{HOSTS[int(address.rpartition('.')[2]) % len(HOSTS)]}"

    names = Names(Domains(), resolve)
    counted = Counted.open(policy, folder, random=dice.randbytes, now=until, names=names)
    if not counted.nothing:
        for hour in range(until - DAYS * 24 * HOUR, until, HOUR):
            pages = [page for _ in range(_many(hour, dice)) for page in _visit(hour, dice)]
            for at, address, agent, part in sorted(pages):
                counted.answered(at, f"{NOBODYS[at % 3]}.{address.rpartition('.')[2]}", 200)
                counted.page(at, address, agent, part, "")
            await names.settled()
            if hour // HOUR % 24 == 0:
                counted.settle(hour + HOUR + HOUR // 2)
    counted.close()


def _many(hour: int, dice: Random) -> int:
    day = hour // HOUR // 24
    weekend = 0.6 if (day + 3) % 7 > 4 else 1.0  # 1 January 1970 was a Thursday
    return round(3 * BUSY[hour // HOUR % 24] * weekend * dice.uniform(0.7, 1.3))


def _visit(hour: int, dice: Random) -> Sequence[tuple[int, str, str, str]]:
    """The pages of one visitor: when, from where, with what, to which part."""
    at = hour + dice.randrange(HOUR)
    address = f"{dice.choice(BLOCKS)}.{dice.randrange(1, 224)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
    agent = dice.choices(AGENTS, (30, 22, 20, 12, 9, 7))[0]
    found = []
    for part in dice.choice(WAYS):
        found.append((at, address, agent, part))
        at += round(dice.expovariate(1 / 90_000))
    return found
