"""A small policy and a clock for the tests of what stands on the gate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from avow.app import Avow
from avow.policy.parse import parse

POLICY = """
avow: 1
site: corner
version: 2026-01-01
controller: {name: Corner Shop, contact: {email: privacy@corner.example}}
categories:
  name: {is: Name}
  email: {is: EmailAddress, look-up: true, channel: mail}
  postal-address: {is: PhysicalAddress, channel: post}
  phone: {is: TelephoneNumber, channel: phone}
  entry: {is: Communication}
  visit-code: {is: UID}
purposes:
  order: {is: FulfilmentOfContractualObligation, says: to fill your order}
  news: {is: DirectMarketing, says: to send news}
  contest: {is: Marketing, says: to run the contest}
  credit: {is: MemberPartnerManagement, says: to credit a sale}
  marketing: {is: Marketing, says: to advertise}
requests:
  order: {serves: [order]}
recipients:
  courier:
    is: processor
    says: Courier
    policy: "https://courier.example/privacy"
    contract: {from: 2020-01-01, to: 2027-01-01}
roles:
  fulfilment: {}
  marketing: {}
forms:
  order: {opens: order}
  contest: {}
  click: {}
promises:
- id: C-1
  says: An order asks for name, e-mail and address, and a phone number if you like.
  source: {section: Orders, sentence: 1}
  collect: {form: order, asks: [name, email, postal-address], optional: [phone], for: [order]}
  use: {categories: [name, email, postal-address, phone], for: [order], by: [fulfilment, site], needs: [request]}
  contact: {through: [mail, post, phone], for: [order], by: [site, fulfilment], needs: [request]}
- id: C-2
  says: News comes only to who agreed to it.
  source: {section: News, sentence: 1}
  choose: {for: [news], form: order}
  contact: {through: [mail], for: [news], needs: [consent]}
- id: C-3
  says: Nobody else gets your data without your word; the courier gets your address.
  source: {section: Sharing, sentence: 1}
  never: {do: [share, sell], with: [third-party, list-broker, authority, fraud-prevention, public], unless: [consent]}
  choose: {with: [third-party], categories: [email]}
  share:
  - {categories: [postal-address], with: [courier], for: [order], needs: [request]}
  - {categories: [email], with: [third-party], for: [marketing], needs: [consent]}
- id: C-4
  says: Contest entries go when the winner has been told.
  source: {section: Contest, sentence: 1}
  collect: {form: contest, asks: [entry, email], for: [contest]}
  use: {categories: [entry], for: [contest], by: [site]}
  keep: {forms: [contest], until: winner-told}
- id: C-5
  says: A click counts for 30 days.
  source: {section: Clicks, sentence: 1}
  collect: {form: click, asks: [visit-code], for: [credit]}
  use: {categories: [visit-code], for: [credit], by: [site]}
  keep: {categories: [visit-code], for: "30 days"}
- id: C-6
  says: You may see, correct and erase what we hold, and stop our mail.
  source: {section: Rights, sentence: 1}
  right: {to: [access, correct, erase, opt-out], through: [mail, centre]}
- id: C-7
  says: Nothing else.
  source: {section: Rights, sentence: 2}
  never: otherwise
"""
ADA = {"name": "Ada Quillfeather", "email": "ada@quillfeather.example", "postal-address": "7 Lantern Lane, Farwater"}
BEA = {"name": "Bea Marrowstone", "email": "bea@marrowstone.example", "postal-address": "9 Harbour Row, Farwater"}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    NEVER = timedelta(days=365)  # for `sequence_every`, where a test sequences by hand

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def elsewhere(folder: Path) -> str:
    """Where a folder's data are: in it, unless a fixture (`any_shop` in tests/conftest.py) puts them elsewhere."""
    return f"sqlite:///{folder}/shop.db"


@asynccontextmanager
async def opened(folder: Path, clock: Clock | None = None, **more: Any) -> AsyncIterator[Avow]:
    """The corner shop, in this folder. `url` and `policy` may be passed."""
    url = more.pop("url", "") or elsewhere(folder)
    policy = more.pop("policy", None) or parse(POLICY, "corner")
    async with Avow.open(policy, url, clock=clock or Clock(), folder=folder / "avow", **more) as shop:
        yield shop
