"""What a process that answers the Internet may ask of the process that holds the keys. A contract.

Two implementations: `avow.desk.desk.Desk` beside the vault, and `avow.wire.Client`, which carries every call to it
over a socket. A caller never says for whom it acts: it hands back a token that the desk gave out after it had verified
somebody itself. So a web process that was taken over reads what the sessions that pass through it may read, `LOOKS`
times an hour for each customer's session and each colleague, and nothing else.

Tokens are text of letters, digits, `-` and `_`, never longer than 512, and say nothing to who has no key.
  session     somebody verified: a customer by password or code, a colleague by password or passkey. Ends by `sign_out`,
              after `IDLE` without a call or `SESSION` in all, when the person is erased, when the colleague leaves or has
              another role, when another session of theirs changes a password or makes a passkey, and with the desk's
              process. `renew` gives a new token in place of the old one, and makes the session no younger. What a code,
              a password or a passkey opened within `FRESH` is fresh.
  receipt     a person's submission was taken in. Good for further submissions of the same person for `RECEIPT`, and what
              it gives lasts no longer than itself; reads nothing. With another value of what people are found by, the
              submission is somebody new's. Agrees to something, and sets a password, within an hour only.
  task        a colleague's session, one service request, one purpose. Ends with the session, after `TASK`, and when the
              request is closed.
  invitation  whoever has it becomes staff, once, within `INVITATION`.

Everything that goes in or comes out is plain: texts, numbers, booleans, None, lists and dicts of them. Times are
milliseconds since 1970, UTC. Errors are those of `avow.errors`: `Refused` names promises; `Denied` says that a token or
proof of identity does not hold, and to somebody not verified never why; `TooMany` that the same was tried too often, or
that so much is asked at once that this was not begun. What is answered to somebody not verified, and how long it takes,
does not tell whether anybody is held.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypedDict

from avow.desk.interface.affiliates import Affiliates, Paying
from avow.desk.interface.changing import Changing, Publishing
from avow.desk.interface.contests import Contest, Entered
from avow.desk.interface.customising import Customising
from avow.desk.interface.mail import Mailroom, Message
from avow.desk.interface.newsletters import Mailing
from avow.desk.interface.outside import Filing, Outside
from avow.desk.interface.statistics import Releasing, Statistics
from avow.desk.interface.work import Work

IDLE: Final = 15 * 60_000  # ms
SESSION: Final = 8 * 3_600_000
TASK: Final = 15 * 60_000
RECEIPT: Final = 7 * 86_400_000
INVITATION: Final = 3 * 86_400_000
CODE: Final = 10 * 60_000
FRESH: Final = 10 * 60_000  # so long after somebody has shown who they are, their session may change what proves it
TRIES: Final = 5  # wrong passwords or codes for one account at once, then `TooMany`; one more each `CODE / TRIES`
LOOKS: Final = 120  # calls that read personal data, a customer's session (or a colleague) and hour, then `TooMany`
CONTESTS: Final = 20  # contests that a list has
WAIT: Final = 60_000
HOLD: Final = 3 * 86_400_000  # between a person's wish to be erased and the erasure; until then it can be taken back


class Taken(TypedDict):
    """A submission that was taken in. `request`: the id of the service request that it opened, or None."""

    receipt: str
    request: str | None


class Held(TypedDict):
    """One datum, as `Avow.export` words it."""

    category: str
    value: str
    purposes: list[str]
    form: str
    source: str
    collected: int
    due: int | None
    policy: str


class Stays(TypedDict):
    """What outlives an erasure. `what`: `data` of the categories `about`; `do-not-contact`, a mark for the channel
    `about`; `disclosures`, to whom data went out; `record`, that an erasure was. `promises` have it stay; `law` is named beside them, or in their place.
    """

    what: str
    about: list[str]
    promises: list[str]
    law: str


class Choice(TypedDict):
    """Something that the policy lets the person agree to. `id` names it in `agree` and `withdraw`."""

    id: str
    way: str  # `agree` to purposes; `share`, or `sell`: that a recipient has, or buys, the categories
    purposes: list[str]
    recipients: list[str]
    categories: list[str]
    promise: str
    written: bool
    confirm: bool  # the agreement counts only once confirmed by mail
    given: bool
    since: int | None


class Waiting(TypedDict):
    """An open service request in a queue. It says nothing about the person; `tasks` are the purposes that it serves
    and for which the colleague's role may see something. `right` and `through`: which right it asks for, by which
    route it came, where it is about a right. `due`: until when the policy promises an answer.
    """

    request: str
    kind: str
    right: str | None
    through: str | None
    opened: int
    due: int | None
    tasks: list[str]


class Task(TypedDict):
    """Leave to look. `categories`: those that the policy lets this role read for this purpose."""

    task: str
    request: str
    kind: str
    right: str | None
    purpose: str
    categories: list[str]


class Colleague(TypedDict):
    """Who a staff session is. Nothing but `sign` works before `signed`; `agreement` is the text to sign, "" if none."""

    name: str
    role: str
    signed: bool
    agreement: str
    passkeys: int


class Well(TypedDict):
    """What has to hold while a site serves; nothing of anybody."""

    database: bool  # it answered
    sequencing: bool  # no entry has waited for the log longer than `WAIT`
    sweep: bool  # what was due was erased within the last two hours
    upkeep: bool  # nothing that the site does by itself failed in its last turn


class Desk(Mailroom, Work, Statistics, Affiliates, Customising, Outside, Changing, Protocol):
    """See the module; `mail` has what the mail gateway may ask, `work` what letters and calls need, `statistics` what figures do. `session` is always
    a customer's in the second part and a colleague's in the third.
    """

    # -- anybody ----------------------------------------------------------------------------------------------------

    async def about(self) -> dict[str, Any]:
        """The site: `site`, `version` (a day), `policy` (digest, hexadecimal), `source` (the policy file's text),
        `verifier_key`, and `now`: the moment by the desk's clock, which a demo may have moved.
        """

    async def well(self) -> Well:
        """Whether the site fares well, for who watches over it. Raises `Unavailable` if the database does not answer."""

    async def collect(
        self, form: str, given: Mapping[str, str], *, session: str | None = None, receipt: str | None = None,
        no_card: Sequence[str] = (), affiliate_link: bool = False, referred: str | None = None,
        agreed: Mapping[str, str] | None = None,
    ) -> Taken:  # fmt: skip
        """Take in what somebody submitted through a form of the policy: somebody new, or who `session` or `receipt`
        stands for. `agreed`: choice id -> the words that were ticked on it. `referred`: the number of the affiliate's
        cookie that came with it; the receipt carries the click. In a session that is not
        fresh, a submission with another value of what people are found by is somebody new's. Raises as `Avow.collect`;
        what is wrong with the arguments is found before anything is kept.
        """

    async def register(
        self, form: str, given: Mapping[str, str], *, password: str, agreed: Mapping[str, str] | None = None
    ) -> str:
        """`collect`, and an account with it; a customer session. `agreed`: choice id -> the words that were ticked.

        Nobody is told that an address has an account: a second account is made beside it.
        """

    async def contests(self) -> list[Contest]:
        """Contests that were announced or closed, newest first, at most `CONTESTS`."""

    async def draw(self, contest: str) -> dict[str, Any]:
        """The file with which anybody checks a contest's draw (`avow verify`). Raises `NotHeld` where there is none."""

    async def entered(self, receipt: str) -> Entered:
        """The contest's entry that a receipt is for. Raises `Denied`, `NotHeld` where it is for none that is open."""

    async def protect(self, password: str, *, receipt: str | None = None, session: str | None = None) -> None:
        """Give the person of a receipt an account with this password, or a session's person a new password.

        Raises `BadValue` for a password that is too short, too common or too long, `Denied` for a session that is not
        fresh. By a session: all others of the person end. A receipt does so only once, within an hour of the submission,
        and only where there is no account yet.
        """

    async def sign_in(self, category: str, value: str, password: str) -> str:
        """A customer session for the account with this value of a look-up category. Raises `Denied`, `TooMany`.

        Of several accounts with the value two are tried: the newest whose password was set after a code had proved
        the address, then the oldest of the others.
        """

    async def send_code(self, category: str, value: str) -> None:
        """Send a code of eight digits to whoever is held under this contact, if somebody is. Says nothing either way."""

    async def enter(self, category: str, value: str, code: str) -> str:
        """A customer session for the newest code sent there. Single use. Raises `Denied`, `TooMany`."""

    async def renew(self, session: str) -> str:
        """A new token in place of this one, which is void from now on. For customers and staff. Raises `Denied`."""

    async def sign_out(self, session: str) -> None:
        """End it. One that has ended is no error."""

    # -- customers --------------------------------------------------------------------------------------------------

    async def prefill(self, session: str, form: str) -> dict[str, str]:
        """What the person may be spared typing into this form; empty where the policy lets nothing be pre-filled."""

    async def held(self, session: str) -> dict[str, Any]:
        """Everything held on the person, as `Avow.export` gives it."""

    async def seen(self, session: str) -> list[dict[str, Any]]:
        """Every event that concerns the person, oldest first, as `Avow.seen` gives it."""

    async def choices(self, session: str) -> list[Choice]:
        """What the person can agree to, in the order of the policy."""

    async def agree(self, session: str, choice: str, words: str) -> None:
        """Agree to a choice in these words. Where it has to be confirmed by mail, a session opened by a code sent there
        does so at once; else the agreement waits.
        """

    async def withdraw(self, session: str, choice: str) -> None:
        """Take an agreement back. Effective when it returns."""

    async def consent_receipts(self, session: str) -> list[dict[str, Any]]:
        """A receipt of each agreement, ended ones too, oldest first: ISO/IEC TS 27560:2023 as JSON-LD. See docs/lists.md."""

    async def opted_out(self, session: str) -> list[str]:
        """The channels by which the person is not to be reached."""

    async def opt_out(self, session: str, channel: str) -> None:
        """No more by this channel."""

    async def opt_in(self, session: str, channel: str) -> None:
        """Take an opt-out back. Raises `CallError` where the address must be proved first."""

    async def correct(self, session: str, category: str, value: str, *, no_card: bool = False) -> None:
        """Put a right value in place of the newest one. What people are found by, only in a fresh session: else `Denied`."""

    async def held_back(self, session: str) -> int | None:
        """Until when this session sees and ends nothing, as a contact was changed before it began; None if it does not.

        A new address is on hold for `HOLD`: no code goes there, and `held`, `seen`, `erase` and a further change of
        contact are `Refused` to who came in since. The notice to the old address calls the change off.
        """

    async def erase(self, session: str) -> int:
        """Erase everything after `HOLD`; when. Until then `keep` takes it back. Ends nothing by itself."""

    async def staying(self, session: str) -> list[Stays]:
        """What will outlive the erasure, of all ids together. Recorded as a look."""

    async def keep(self, session: str) -> None:
        """Take the wish to be erased back."""

    async def leaving(self, session: str) -> int | None:
        """When the person will be erased, or None."""

    async def complain(self, session: str, text: str) -> str:
        """A complaint, by the form for questions where the policy has none for complaints; its request id. Raises
        `CallError` where no address is held to answer to.
        """

    # -- staff ------------------------------------------------------------------------------------------------------

    async def accept(self, invitation: str, password: str) -> str:
        """Become staff by an invitation; a staff session, and the only one of that name. Raises `Denied`, `BadValue` for a
        weak password.
        """

    async def staff_sign_in(self, name: str, password: str) -> str:
        """A staff session. Raises `Denied`, `TooMany`."""

    async def colleague(self, session: str) -> Colleague:
        """Who it is."""

    async def sign(self, session: str, agreement: str) -> None:
        """Sign the confidentiality agreement in force, whose text is passed back. Raises `CallError` for another text."""

    async def queue(self, session: str) -> list[Waiting]:
        """Open service requests, oldest first: those that the colleague's role has to do with. At most 200."""

    async def task(self, session: str, request: str, purpose: str) -> Task:
        """Take a request up for one purpose. Raises `Refused` where the role has no business with it."""

    async def look(self, session: str, task: str, categories: Sequence[str]) -> dict[str, str]:
        """Values of the person behind the task, for its purpose; recorded, and shown to the person. Raises `Refused`."""

    async def find(self, session: str, category: str, value: str) -> list[Waiting]:
        """The open requests of whoever gave this value; recorded. Releases nothing."""

    async def close(self, session: str, request: str) -> None:
        """The request is answered. Raises `Refused` for a complaint that no answer went out to."""

    async def answer(self, session: str, request: str, text: str) -> None:
        """Write back to who made the request, by mail to the address on file, and close it. The answer to a complaint
        ends with the outside offices that the policy names. Raises `Refused`, `NotHeld`, `CallError`; `Unavailable`
        where the mail could not be sent: then the request stays open.
        """

    async def record(self, session: str) -> dict[str, Any]:
        """The ledger's state and the site's health: `size`, `root`, `checkpoint` (its text), `waiting`, `swept`,
        `overdue` (a sweep did not run), `faults` (list of texts).
        """

    async def messages(self, session: str, before: int | None = None) -> list[Message]:
        """What went out, came in or was refused, and why: the newest from before this moment, newest first. About 200."""

    async def invite(self, session: str, name: str, role: str) -> str:
        """An invitation for a new colleague; one that waits for the same name is void. Of the role `admin` alone. Raises
        `Refused`.
        """

    async def dismiss(self, session: str, name: str) -> None:
        """A colleague leaves: effective at once. Of the role `admin` alone. Raises `Refused`."""

    async def passkey_wanted(self, session: str, origin: str) -> dict[str, Any]:
        """Options for a browser to make a passkey for this colleague (WebAuthn Level 3, 5.4), as JSON. In a fresh session
        alone: else `Denied`.
        """

    async def passkey_made(self, session: str, origin: str, answer: Mapping[str, Any]) -> None:
        """What the browser answered; the colleague's other sessions end. Raises `Denied`."""

    async def passkey_asked(self, name: str, origin: str) -> dict[str, Any]:
        """Options for a browser to sign in by a passkey; alike for names that nobody has."""

    async def passkey_sign_in(self, name: str, origin: str, answer: Mapping[str, Any]) -> str:
        """A staff session. Wrong answers are not counted: nobody locks a passkey. Raises `Denied`."""


class Operator(Mailing, Releasing, Paying, Filing, Publishing, Protocol):
    """What the operator may ask, over a socket of its own that no web process is given."""

    async def contest_close(self, kind: str, winners: int, closes: int | None = None) -> Contest:
        """Nobody enters any more, at once or after `closes` (ms), and who takes part goes on record."""

    async def contest_draw(self, kind: str) -> Contest:
        """Draw the winners, put them on record, and close the requests of all others."""

    async def contest_told(self, kind: str, *, anyway: bool = False) -> Contest:
        """The winners have been told: every entry is closed and erased. `anyway`: though the record has no word to them."""

    async def contest_file(self, kind: str) -> dict[str, Any]:
        """As `Desk.draw`, of the newest contest of a kind."""

    async def contest_show(self, kind: str) -> dict[str, Any]:
        """A `Contest`, or `kind`, `phase` and `entered` while it is open; with `requests`: those of the winners."""

    async def invite_first(self, name: str, role: str) -> str:
        """An invitation, from the command line."""

    async def set_agreement(self, text: str) -> None:
        """Put a confidentiality agreement in force."""

    async def add_sender(self, name: str, purposes: Sequence[str], colleague: str | None = None) -> str:
        """Let an application hand mail in, for these purposes, in the site's name or a colleague's; its password, which
        is shown this once. Raises `CallError`.
        """

    async def remove_sender(self, name: str) -> None:
        """It hands in nothing any more. Raises `CallError` where there is none of that name."""

    async def move_clock(self, milliseconds: int) -> None:
        """Only in a demo, only forward."""

    async def sweep(self) -> dict[str, int]:
        """What is due for erasure, erased."""

    async def health(self) -> dict[str, Any]:
        """As `Desk.record`, and `serving`: True."""
