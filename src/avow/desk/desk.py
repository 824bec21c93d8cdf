# ruff: noqa: D102 - what each method does stands in the contract
"""The desk: `interface.Desk`, beside the vault. Every call is answered by one of its parts, which hold the rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from avow.app import Avow
from avow.desk.affiliates import Referring
from avow.desk.cases import Cases
from avow.desk.changes import AboutVersions, Changes
from avow.desk.confirming import Confirming
from avow.desk.contests import Contesting
from avow.desk.counter import Counter
from avow.desk.customers import Customers
from avow.desk.inbox import Inbox
from avow.desk.interface import WAIT, Choice, Colleague, Stays, Taken, Task, Waiting, Well
from avow.desk.interface.affiliates import Payout
from avow.desk.interface.contests import Contest, Entered
from avow.desk.interface.customising import Shaping
from avow.desk.interface.mail import Link, Message, Received, Sending
from avow.desk.interface.newsletters import Newsletter
from avow.desk.interface.outside import Case, Fetched, Instruction, Packed, Recipient
from avow.desk.interface.statistics import EPSILON, Budget, Figures, Offer
from avow.desk.interface.work import Reached
from avow.desk.links import Links
from avow.desk.mailroom import Mailroom
from avow.desk.newsletters import Newsletters
from avow.desk.notices import Notices
from avow.desk.passkeys import Passkeys
from avow.desk.passwords import Passwords
from avow.desk.processors import Processors
from avow.desk.room import Outlet, Room, text
from avow.desk.senders import Senders
from avow.desk.staff import SHOWN, Colleagues
from avow.desk.statistics import Figuring
from avow.desk.telling import NewVersions
from avow.desk.visitors import Visitors
from avow.desk.warnings import Warnings
from avow.practices.cases import Proposal
from avow.upkeep import Health


class Desk(AboutVersions):
    """See `interface.Desk`; each method here does what its contract says.

    `random` gives bytes of chance. By `outlet` mails go out; without it no code is ever sent. `passwords` is another
    hasher only where tests must be quick. `faults` tells what else is wrong around the site, for the health page.
    """

    def __init__(
        self,
        shop: Avow,
        random: Callable[[int], bytes],
        *,
        outlet: Outlet | None = None,
        passwords: Passwords | None = None,
        faults: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._shop = shop
        self._told = faults
        self._room = Room(shop, random, passwords or Passwords())
        self.links = Links(self._room)
        self.notices = Notices(self._room, self.links, outlet)
        self._confirming = Confirming(self._room, self.links, self.notices)
        self._visitors = Visitors(self._room, self.notices, self._confirming)
        self._customers = Customers(self._room, self._visitors, Warnings(self._room, self.notices, self.links))
        self._staff = Colleagues(self._room, self.notices)
        self._counter = Counter(self._room, self._staff, self._visitors)
        self._passkeys = Passkeys(self._room, self._staff)
        self._contests = Contesting(self._room)
        self._processors = Processors(self._room)
        self._cases = Cases(self._room, self._staff, self.notices)
        self._figures = Figuring(self._room, self._staff)
        self._referring = Referring(self._room, self._staff)
        self._senders = Senders(self._room, self._staff)
        self._newsletters = Newsletters(self._room, self.links, outlet)
        self._mailroom = Mailroom(self._room, self._senders, self.links)
        self._inbox = Inbox(self._room, self._visitors, self.links)
        self.new_versions = NewVersions(self._room, self.notices)
        self._changes = Changes(self._room, self._staff, self.new_versions)

    # -- anybody ----------------------------------------------------------------------------------------------------

    async def about(self) -> dict[str, Any]:
        policy = self._shop.policy
        return {
            "site": policy.site, "version": policy.version.isoformat(), "policy": policy.digest.hex(),
            "source": policy.source, "verifier_key": self._shop.verifier_key, "now": self._room.now(),
        }  # fmt: skip

    async def well(self) -> Well:
        health = await self._shop.health()
        behind = health.waiting > timedelta(milliseconds=WAIT)
        return {"database": True, "sequencing": not behind, "sweep": not health.late, "upkeep": not health.failing}

    async def collect(
        self, form: str, given: Mapping[str, str], *, session: str | None = None, receipt: str | None = None,
        no_card: Sequence[str] = (), affiliate_link: bool = False, referred: str | None = None,
        agreed: Mapping[str, str] | None = None,
    ) -> Taken:  # fmt: skip
        more: dict[str, Any] = {"affiliate_link": affiliate_link, "referred": referred, "agreed": agreed or {}}
        taken = await self._customers.submitted(
            session, given, lambda: self._visitors.collect(form, given, session, receipt, no_card, **more)
        )
        return taken[1]

    async def register(
        self, form: str, given: Mapping[str, str], *, password: str, agreed: Mapping[str, str] | None = None
    ) -> str:
        return await self._visitors.register(form, given, password, agreed or {})

    async def contests(self) -> list[Contest]:
        return await self._contests.contests()

    async def draw(self, contest: str) -> dict[str, Any]:
        return await self._contests.draw(contest)

    async def entered(self, receipt: str) -> Entered:
        return await self._contests.entered(receipt)

    async def protect(self, password: str, *, receipt: str | None = None, session: str | None = None) -> None:
        await self._visitors.protect(password, receipt, session)

    async def sign_in(self, category: str, value: str, password: str) -> str:
        return await self._visitors.sign_in(category, value, password)

    async def send_code(self, category: str, value: str) -> None:
        await self._visitors.send_code(category, value)

    async def enter(self, category: str, value: str, code: str) -> str:
        return await self._visitors.enter(category, value, code)

    async def renew(self, session: str) -> str:
        return self._room.sessions.renew(text(session, "a session"), self._room.now())

    async def sign_out(self, session: str) -> None:
        self._room.sessions.end(text(session, "a session"))

    # -- customers --------------------------------------------------------------------------------------------------

    async def prefill(self, session: str, form: str) -> dict[str, str]:
        return await self._customers.prefill(session, form)

    async def shaping(self, session: str) -> Shaping | None:
        return await self._customers.shaping(session)

    async def held(self, session: str) -> dict[str, Any]:
        return await self._customers.held(session)

    async def seen(self, session: str) -> list[dict[str, Any]]:
        return await self._customers.seen(session)

    async def choices(self, session: str) -> list[Choice]:
        return await self._customers.choices(session)

    async def agree(self, session: str, choice: str, words: str) -> None:
        await self._customers.agree(session, choice, words)

    async def withdraw(self, session: str, choice: str) -> None:
        await self._customers.withdraw(session, choice)

    async def consent_receipts(self, session: str) -> list[dict[str, Any]]:
        return await self._customers.consent_receipts(session)

    async def opted_out(self, session: str) -> list[str]:
        return await self._customers.opted_out(session)

    async def opt_out(self, session: str, channel: str) -> None:
        await self._customers.opt_out(session, channel)

    async def opt_in(self, session: str, channel: str) -> None:
        await self._customers.opt_in(session, channel)

    async def correct(self, session: str, category: str, value: str, *, no_card: bool = False) -> None:
        await self._customers.correct(session, category, value, no_card=no_card)

    async def held_back(self, session: str) -> int | None:
        return await self._customers.held_back(session)

    async def erase(self, session: str) -> int:
        return await self._customers.erase(session)

    async def staying(self, session: str) -> list[Stays]:
        return await self._customers.staying(session)

    async def keep(self, session: str) -> None:
        await self._customers.keep(session)

    async def leaving(self, session: str) -> int | None:
        return await self._customers.leaving(session)

    async def complain(self, session: str, text: str) -> str:
        return await self._customers.complain(session, text, self.collect)

    # -- staff ------------------------------------------------------------------------------------------------------

    async def accept(self, invitation: str, password: str) -> str:
        return await self._staff.accept(invitation, password)

    async def staff_sign_in(self, name: str, password: str) -> str:
        return await self._staff.sign_in(name, password)

    async def colleague(self, session: str) -> Colleague:
        return await self._staff.colleague(session)

    async def sign(self, session: str, agreement: str) -> None:
        await self._staff.sign(session, agreement)

    async def queue(self, session: str) -> list[Waiting]:
        return await self._staff.queue(session)

    async def task(self, session: str, request: str, purpose: str) -> Task:
        return await self._staff.task(session, request, purpose)

    async def look(self, session: str, task: str, categories: Sequence[str]) -> dict[str, str]:
        return await self._staff.look(session, task, categories)

    async def find(self, session: str, category: str, value: str) -> list[Waiting]:
        return await self._staff.find(session, category, value)

    async def close(self, session: str, request: str) -> None:
        await self._staff.close(session, request)

    async def answer(self, session: str, request: str, text: str) -> None:
        await self._staff.answer(session, request, text)

    async def record(self, session: str) -> dict[str, Any]:
        self._staff.member(session)
        return await self.health()

    async def invite(self, session: str, name: str, role: str) -> str:
        return await self._staff.invite_by(session, name, role)

    async def dismiss(self, session: str, name: str) -> None:
        await self._staff.dismiss(session, name)

    async def passkey_wanted(self, session: str, origin: str) -> dict[str, Any]:
        return await self._passkeys.wanted(session, origin)

    async def passkey_made(self, session: str, origin: str, answer: Mapping[str, Any]) -> None:
        await self._passkeys.made(session, origin, answer)

    async def passkey_asked(self, name: str, origin: str) -> dict[str, Any]:
        return await self._passkeys.asked(name, origin)

    async def passkey_sign_in(self, name: str, origin: str, answer: Mapping[str, Any]) -> str:
        return await self._passkeys.sign_in(name, origin, answer)

    async def messages(self, session: str, before: int | None = None) -> list[Message]:
        self._staff.member(session)
        return await self._mailroom.messages(before)

    async def credit(self, receipt: str, commission: int) -> None:
        await self._referring.credit(receipt, commission)

    async def payouts(self, session: str) -> list[Payout]:
        return await self._referring.payouts(session)

    # -- the mailroom: `interface.mail` ---------------------------------------------------------------------------------

    async def sender(self, name: str, password: str) -> str:
        return await self._senders.sign_in(name, password)

    async def begin(
        self, session: str, message: str, to: str, *, purpose: str | None = None, request: str | None = None
    ) -> Sending:
        return await self._mailroom.begin(session, message, to, purpose, request)

    async def hand_over(self, session: str, permit: str) -> None:
        await self._mailroom.hand_over(session, permit)

    async def ended(self, session: str, permit: str, outcome: str) -> None:
        await self._mailroom.ended(session, permit, outcome)

    async def link(self, token: str) -> Link:
        return await self.links.link(text(token, "a token"))

    async def follow(self, token: str, *, everything: bool = False) -> Link:
        return await self.links.follow(text(token, "a token"), everything=everything)

    async def returned(self, token: str, *, permanent: bool) -> Received:
        found = await self._inbox.returned(token, permanent=permanent)
        self.new_versions.wake()
        return found

    async def received(self, message: str, sender: str, subject: str, text: str) -> Received:
        return await self._inbox.received(message, sender, subject, text)

    # -- letters and calls: `interface.work.Work` ------------------------------------------------------------------

    async def may_reach(self, session: str, task: str, channel: str) -> Reached:
        return await self._counter.may_reach(session, task, channel)

    async def may_reach_found(self, session: str, category: str, value: str, channel: str, purpose: str) -> Reached:
        return await self._counter.may_reach_found(session, category, value, channel, purpose)

    async def letter_address(self, session: str, contact: str) -> Reached:
        return await self._counter.letter_address(session, contact)

    async def came_of_it(self, session: str, contact: str, outcome: str, answers: str = "") -> None:
        await self._counter.came_of_it(session, contact, outcome, answers)

    async def take_down(
        self, session: str, through: str, form: str, given: Mapping[str, str], no_card: Sequence[str] = ()
    ) -> str:
        return await self._counter.take_down(session, through, form, given, no_card)

    async def ask_for(self, session: str, through: str, right: str, category: str, value: str) -> int:
        return await self._counter.ask_for(session, through, right, category, value)

    async def send_code_for(self, session: str, request: str) -> None:
        await self._counter.send_code_for(session, request)

    async def stop(self, session: str, through: str, category: str, value: str, channels: Sequence[str]) -> list[str]:
        return await self._counter.stop(session, through, category, value, channels)

    # -- what goes out: `interface.outside` -----------------------------------------------------------------------------

    async def package_key(self) -> dict[str, Any]:
        return self._shop.disclosing.verifier

    async def instruct(
        self, receipt: str, recipient: str, categories: Sequence[str], purpose: str, until: int | None = None
    ) -> Instruction:
        return await self._processors.instruct(receipt, recipient, categories, purpose, until)

    async def revoke(self, instruction: str) -> None:
        await self._processors.revoke(instruction)

    async def processor_sign_in(self, name: str, password: str) -> str:
        return await self._processors.sign_in(name, password)

    async def fetch(self, session: str, instructions: Sequence[str]) -> list[Fetched]:
        return await self._processors.fetch(session, instructions)

    async def disclose(
        self, session: str, task: str, recipient: str, categories: Sequence[str], purpose: str, way: str = "share"
    ) -> Packed:
        return await self._cases.disclose(session, task, recipient, categories, purpose, way)

    async def cases(self, session: str) -> list[Case]:
        return await self._cases.known(session)

    async def case_propose(
        self, session: str, category: str, value: str, recipient: str, purpose: str, ground: str, reference: str,
        categories: Sequence[str], until: int, quiet: int | None = None,
    ) -> list[Case]:  # fmt: skip
        one = Proposal(recipient, purpose, ground, reference, tuple(categories), until, quiet)
        return await self._cases.propose(session, category, value, one)

    async def case_approve(self, session: str, case: str, category: str, value: str) -> Case:
        return await self._cases.approve(session, case, category, value)

    async def case_close(self, session: str, case: str) -> Case:
        return await self._cases.close(session, case)

    async def case_disclose(self, session: str, case: str) -> Packed:
        return await self._cases.disclose_case(session, case)

    # -- figures: `interface.statistics` ----------------------------------------------------------------------------

    async def releases(self) -> list[Figures]:
        return await self._figures.releases()

    async def budgets(self) -> list[Budget]:
        return await self._figures.budgets()

    async def offers(self, session: str) -> list[Offer]:
        return await self._figures.offers(session)

    async def release(
        self, session: str, of: Sequence[str], by: Sequence[str], first: str, last: str, recipient: str | None,
        purpose: str, each: int = 1, epsilon: int = EPSILON,
    ) -> Figures:  # fmt: skip
        return await self._figures.release(session, of, by, first, last, recipient, purpose, each, epsilon)

    async def declare_goods(self, category: str, goods: Sequence[str]) -> list[str]:
        return await self._figures.declare(category, goods)

    async def release_figures(
        self, of: Sequence[str], by: Sequence[str], first: str, last: str, recipient: str | None, purpose: str,
        each: int = 1, epsilon: int = EPSILON,
    ) -> Figures:  # fmt: skip
        return await self._figures.by_the_site(of, by, first, last, recipient, purpose, each, epsilon)

    async def figures_released(self) -> list[Figures]:
        return await self._figures.releases()

    async def budgets_spent(self) -> list[Budget]:
        return await self._figures.budgets()

    async def goods_declared(self) -> Mapping[str, Sequence[str]]:
        return self._figures.goods()

    # -- the operator: `interface.Operator` -----------------------------------------------------------------------------

    async def contest_close(self, kind: str, winners: int, closes: int | None = None) -> Contest:
        return await self._contests.close(kind, winners, closes)

    async def contest_draw(self, kind: str) -> Contest:
        return await self._contests.drawn(kind)

    async def contest_told(self, kind: str, *, anyway: bool = False) -> Contest:
        return await self._contests.told(kind, anyway=anyway)

    async def contest_file(self, kind: str) -> dict[str, Any]:
        return await self._contests.file(kind)

    async def contest_show(self, kind: str) -> dict[str, Any]:
        return await self._contests.show(kind)

    async def newsletter(self, content: str, purpose: str, *, interest: str | None = None) -> Newsletter:
        return await self._newsletters.begin(content, purpose, interest)

    async def newsletter_state(self, newsletter: str) -> Newsletter:
        return self._newsletters.state(text(newsletter, "a newsletter's id"))

    async def affiliates(self) -> list[Payout]:
        return await self._referring.owed()

    async def invite_first(self, name: str, role: str) -> str:
        return await self._staff.invite(name, role)

    async def set_agreement(self, text: str) -> None:
        await self._staff.set_agreement(text)

    async def add_recipient(self, name: str, key: Mapping[str, Any] | None = None) -> Recipient:
        return await self._processors.add(name, key)

    async def remove_recipient(self, name: str) -> None:
        await self._processors.remove(name)

    async def add_sender(self, name: str, purposes: Sequence[str], colleague: str | None = None) -> str:
        return await self._senders.add(name, purposes, colleague)

    async def remove_sender(self, name: str) -> None:
        await self._senders.remove(name)

    async def move_clock(self, milliseconds: int) -> None:
        await self._shop.move_clock(timedelta(milliseconds=milliseconds))
        self.new_versions.wake()  # days may be over that a notice had to come back in

    async def sweep(self) -> dict[str, int]:
        return asdict(await self._shop.sweep())

    async def health(self) -> dict[str, Any]:
        health = await self._shop.health()
        log = self._shop.log
        return {
            "size": log.size, "root": log.root.hex(), "checkpoint": log.checkpoint(),
            "waiting": health.waiting // timedelta(milliseconds=1),
            "swept": None if health.swept is None else int(health.swept.timestamp() * 1000),
            "overdue": health.late, "serving": True,
            "faults": [*_faults(health, await self._shop.queue.overdue(SHOWN)), *self._told()],
        }  # fmt: skip

    async def resume(self) -> int:
        """Finish what a process that died had begun and somebody must be told of; of how many people. Before serving."""
        return await self._customers.resume()

    async def settle(self) -> None:
        """Wait for messages that are on their way; before closing."""
        await self._visitors.settle()
        await self._confirming.settle()
        await self._newsletters.stop()


def _faults(health: Health, unanswered: int) -> list[str]:
    faults = []
    if unanswered:
        many = f"{unanswered} requests have" if unanswered > 1 else "a request has"
        faults.append(f"{many} waited longer for an answer than the policy promises; look at the queue")
    if health.late:
        faults.append("the hourly sweep did not run: what is due for erasure may still be there")
    if health.skipped:
        faults.append(f"{health.skipped} data past their term could not be erased: their rows were changed outside")
    if health.failing:
        faults.append(f"upkeep has failed {health.failing} times in a row: {health.error}")
    return faults
