"""The matrix's table: of each route, who may use it, and what is sent to it. A route that is not here fails the test.

OPEN      anybody; it shows nothing of anybody, whatever token is shown
CUSTOMER  a customer, for themself
STAFF     any colleague; it shows nothing of any customer
ADMIN     colleagues in the role `admin`; it shows nothing of any customer
PROCESSOR a processor, who is none of those who ask here: everybody is turned away
WORK      a colleague whose role has business with the request that is named, and sees what the policy lets it see
"""

from enum import StrEnum, auto
from typing import Any, Final, NamedTuple

from tests.desk.beds import PASSWORD


class Kind(StrEnum):
    """Who may."""

    OPEN = auto()
    VISITOR = auto()
    CUSTOMER = auto()
    STAFF = auto()
    ADMIN = auto()
    PROCESSOR = auto()
    WORK = auto()


class Row(NamedTuple):
    """One route. In what is sent, `{session}`, `{request}`, `{purpose}` and `{task}` are filled in for each cell.

    `roles`: those of the roles with such business that may, if not all of them.
    `no`: even who may is told no to what is sent here, as it means nothing; that they are not turned away is what counts.
    """

    kind: Kind
    sent: dict[str, Any] = {}  # noqa: RUF012 - never changed
    no: bool = False
    roles: frozenset[str] = frozenset()


OPEN, VISITOR, CUSTOMER, STAFF, ADMIN, PROCESSOR, WORK = Kind
_S: Final = {"session": "{session}"}
_WORK: Final = _S | {"request": "{request}", "purpose": "{purpose}"}
_FIND: Final = {
    "category": "email",
    "value": "MAILADAQUILL@X.EXAMPLE",
}  # not as it is held, so that an echo is no finding
_MAIL: Final = frozenset({"support", "contest-desk"})  # roles that the policy lets write to people
_CALL: Final = frozenset({"contest-desk"})  # ... and that it lets call them
_NEW: Final = {"name": "Somebody New", "email": "new@x.example"}
_PASSKEY: Final = {"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA"}}

_NOBODY: Final = {"category": "phone", "value": "+1 805 555 0177"}  # whom nobody knows
_FOR_NOTHING: Final = _FIND | {"channel": "phone", "purpose": "marketing"}  # for which nobody is called
_FIGURES: Final = {
    "of": ["items"], "by": ["items"], "first": "2026-01", "last": "2026-01", "recipient": None, "purpose": "patterns",
}  # fmt: skip
_WISH: Final = {"what": "items||patterns", "split": "yes", "first": "2026-01", "last": "2026-01", "epsilon": "250"}
_CASE: Final = _FIND | {
    "recipient": "court", "purpose": "legal", "ground": "prevent", "reference": "Az. 1", "covers": "payment-status",
    "until": "2026-04-01",
}  # fmt: skip
_PROPOSAL: Final = _FIND | {
    "recipient": "court", "purpose": "legal", "ground": "prevent", "reference": "Az. 1", "categories": ["payment-status"],
    "until": 1_775_000_000_000,
}  # fmt: skip
_APPROVAL: Final = _FIND | {"case": "00" * 16}
_TOLD: Final = {"contact": "AAAAAAAAAA", "outcome": "reached"}

API: Final[dict[str, Row]] = {
    "about": Row(OPEN), "well": Row(OPEN),
    "collect": Row(OPEN, {"form": "contact", "given": _NEW | {"message": "Hello"}}),
    "register": Row(OPEN, {"form": "registration", "given": _NEW, "password": PASSWORD}),
    "versions": Row(OPEN), "my_changes": Row(CUSTOMER, _S),
    "answer_change": Row(CUSTOMER, _S | {"digest": "00" * 32, "agree": False, "words": "No"}, no=True),  # no such version
    "change_progress": Row(STAFF, _S), "change_answers": Row(STAFF, _S), "releases": Row(OPEN), "budgets": Row(OPEN), "offers": Row(STAFF, _S),
    "release": Row(ADMIN, _S | _FIGURES, no=True),  # nobody has declared the goods
    "package_key": Row(OPEN), "revoke": Row(OPEN, {"instruction": "x"}),
    "instruct": Row(OPEN, {"receipt": "x", "recipient": "carrier", "categories": ["name"], "purpose": "order"}),
    "processor_sign_in": Row(OPEN, {"name": "carrier", "password": PASSWORD}),
    "fetch": Row(PROCESSOR, _S | {"instructions": ["x"]}),
    "disclose": Row(
        WORK, _S | {"task": "{task}", "recipient": "reseller", "categories": ["name"], "purpose": "partner-offers"}, no=True
    ),  # without the person's approval
    "cases": Row(STAFF, _S), "case_propose": Row(STAFF, _S | _PROPOSAL, no=True),  # a ground that goes with no such purpose
    "case_approve": Row(STAFF, _S | _APPROVAL, no=True),
    "case_close": Row(STAFF, _S | {"case": "00" * 16}, no=True),
    "case_disclose": Row(STAFF, _S | {"case": "00" * 16}, no=True),
    "contests": Row(OPEN), "draw": Row(OPEN, {"contest": "00" * 16}, no=True),
    "entered": Row(OPEN, {"receipt": "x"}),
    "protect": Row(CUSTOMER, _S | {"password": PASSWORD}),
    "sign_in": Row(OPEN, {"category": "email", "value": "nobody@x.example", "password": PASSWORD}),
    "send_code": Row(OPEN, {"category": "email", "value": "nobody@x.example"}),
    "enter": Row(OPEN, {"category": "email", "value": "nobody@x.example", "code": "12345678"}),
    "renew": Row(OPEN, _S), "sign_out": Row(OPEN, _S),
    "credit": Row(OPEN, {"receipt": "x", "commission": 1}), "shaping": Row(CUSTOMER, _S),
    "payouts": Row(ADMIN, _S, no=True),  # this policy has no affiliates
    "prefill": Row(CUSTOMER, _S | {"form": "registration"}),
    "held": Row(CUSTOMER, _S), "seen": Row(CUSTOMER, _S), "choices": Row(CUSTOMER, _S),
    "agree": Row(CUSTOMER, _S | {"choice": "none", "words": "Yes"}, no=True),
    "withdraw": Row(CUSTOMER, _S | {"choice": "none"}, no=True),
    # before anybody opts out of mail
    "answer": Row(WORK, _S | {"request": "{request}", "text": "It is done."}, roles=_MAIL),
    "consent_receipts": Row(CUSTOMER, _S), "opted_out": Row(CUSTOMER, _S), "opt_out": Row(CUSTOMER, _S | {"channel": "mail"}),
    "opt_in": Row(CUSTOMER, _S | {"channel": "phone"}),
    "correct": Row(CUSTOMER, _S | {"category": "name", "value": "NameAdaquill"}),
    "erase": Row(CUSTOMER, _S), "keep": Row(CUSTOMER, _S), "leaving": Row(CUSTOMER, _S),
    "held_back": Row(CUSTOMER, _S), "staying": Row(CUSTOMER, _S),
    "complain": Row(CUSTOMER, _S | {"text": "This was not right."}),
    "accept": Row(OPEN, {"invitation": "x", "password": PASSWORD}),
    "staff_sign_in": Row(OPEN, {"name": "nobody", "password": PASSWORD}),
    "colleague": Row(STAFF, _S), "sign": Row(STAFF, _S | {"agreement": "none"}, no=True),
    "queue": Row(STAFF, _S), "find": Row(STAFF, _S | _FIND), "record": Row(STAFF, _S),
    "messages": Row(STAFF, _S), "link": Row(OPEN, {"token": "none"}), "follow": Row(OPEN, {"token": "none"}),
    "task": Row(WORK, _WORK), "close": Row(WORK, _S | {"request": "{request}"}),
    "look": Row(WORK, _S | {"task": "{task}", "categories": "{categories}"}),
    "may_reach": Row(WORK, _S | {"task": "{task}", "channel": "phone"}, roles=_CALL),
    "may_reach_found": Row(STAFF, _S | _FOR_NOTHING, no=True),
    "letter_address": Row(STAFF, _S | {"contact": "AAAAAAAAAA"}, no=True), "came_of_it": Row(STAFF, _S | _TOLD, no=True),
    "take_down": Row(STAFF, _S | {"through": "phone", "form": "contact", "given": _NEW}, no=True),  # no route of theirs
    "send_code_for": Row(WORK, _S | {"request": "{request}"}, no=True),  # which is about no right of theirs
    "ask_for": Row(STAFF, _S | _FIND | {"through": "letter", "right": "access"}),
    "stop": Row(STAFF, _S | _NOBODY | {"through": "phone", "channels": ["phone"]}),
    "invite": Row(ADMIN, _S | {"name": "newcomer", "role": "support"}),
    "dismiss": Row(ADMIN, _S | {"name": "nobody"}),
    "passkey_wanted": Row(STAFF, _S | {"origin": "https://console.x.example"}),
    "passkey_made": Row(STAFF, _S | {"origin": "https://console.x.example", "answer": _PASSKEY}, no=True),
    "passkey_asked": Row(OPEN, {"name": "nobody", "origin": "https://console.x.example"}),
    "passkey_sign_in": Row(OPEN, {"name": "nobody", "origin": "https://console.x.example", "answer": _PASSKEY}),
}  # fmt: skip
API_PAGES: Final = frozenset(("/docs", "/openapi.json"))  # for anybody; they know nobody

_BY: Final = {"contact": "nobody@x.example"}
CENTRE: Final[dict[str, Row]] = {
    "/": Row(CUSTOMER, _S), "/code": Row(OPEN, _BY), "/enter": Row(OPEN, _BY | {"code": "12345678"}),
    "/sign-in": Row(OPEN, _BY | {"password": PASSWORD}), "/sign-out": Row(OPEN, _S),
    "/overview": Row(CUSTOMER, _S), "/held": Row(CUSTOMER, _S), "/seen": Row(CUSTOMER, _S),
    "/choices": Row(CUSTOMER, _S), "/reach": Row(CUSTOMER, _S), "/correct": Row(CUSTOMER, _S | {"category": "name"}),
    "/copy": Row(OPEN, _S),  # two buttons
    "/download": Row(CUSTOMER, _S | {"as": "json"}), "/erase": Row(CUSTOMER, _S),
    "/complain": Row(CUSTOMER, _S | {"text": "This was not right."}),
    "/password": Row(CUSTOMER, _S | {"password": PASSWORD}), "/your-changes": Row(CUSTOMER, _S),
    "/out/{token}": Row(OPEN, {"which": "this"}), "/confirm/{token}": Row(OPEN, {"which": "this"}),
    "/undo/{token}": Row(OPEN, {"which": "this"}, no=True),
    "/policy": Row(OPEN), "/promises": Row(OPEN), "/package-key.json": Row(OPEN), "/statistics": Row(OPEN),
    "/contests": Row(OPEN), "/contests/{contest}": Row(OPEN),
    "/changes": Row(OPEN), "/changes.atom": Row(OPEN), "/changes/{digest}": Row(OPEN), "/changes/{digest}/text": Row(OPEN),
    "/changes/{digest}/policy.yaml": Row(OPEN), "/changes/{digest}/statement.txt": Row(OPEN),
    "/changes/{digest}/notice.html": Row(OPEN),
    "/contact": Row(OPEN, _NEW | {"message": "Hello"}), "/complaint": Row(OPEN, _NEW | {"message": "Hello"}),
}  # fmt: skip

CONSOLE: Final[dict[str, Row]] = {
    "/": Row(OPEN, {"name": "nobody", "password": PASSWORD}),
    "/accept": Row(OPEN, {"invitation": "x", "password": PASSWORD, "again": PASSWORD}),
    "/sign-out": Row(OPEN, _S), "/passkey": Row(OPEN, {"name": "nobody"}),
    "/passkey/answer": Row(OPEN, {"name": "nobody", "answer": "{}"}),
    "/agreement": Row(STAFF, _S, no=True), "/queue": Row(STAFF, _S), "/find": Row(STAFF, _S | _FIND),
    "/task": Row(WORK, _WORK), "/look": Row(WORK, _WORK | {"category": "{categories}"}),
    "/close": Row(WORK, _S | {"request": "{request}", "answered": "yes"}),
    "/answer": Row(WORK, _S | {"request": "{request}", "text": "It is done."}, roles=_MAIL),
    "/send-code": Row(WORK, _S | {"request": "{request}"}, no=True),
    "/reach": Row(WORK, _WORK | {"channel": "phone"}, roles=_CALL), "/reach-found": Row(STAFF, _S | _FOR_NOTHING, no=True),
    "/label": Row(STAFF, _S | {"contact": "AAAAAAAAAA"}, no=True),
    "/letter": Row(STAFF, _S | {"contact": "AAAAAAAAAA", "body": "Dear you"}, no=True),
    "/outcome": Row(STAFF, _S | _TOLD, no=True), "/sent": Row(STAFF, _S), "/incoming": Row(STAFF, _S),
    "/incoming/stop": Row(STAFF, _S | {"through": "phone", "category": "phone", "stop-value": "+1 805 555 0177", "channel": "phone"}),
    "/incoming/right": Row(STAFF, _S | {"through": "letter", "right": "access", "category": "email", "right-value": _FIND["value"]}),
    "/incoming/form": Row(STAFF, _S | {"through": "phone", "form": "contact"}),
    "/incoming/wish": Row(STAFF, _S | {"through": "phone", "form": "contact"} | _NEW, no=True),
    "/visits": Row(STAFF, _S, no=True), "/visits/addresses": Row(STAFF, _S, no=True),
    "/visits/live": Row(STAFF, _S, no=True),  # who may see what, and for what: tests/doors/console/test_visits.py
    "/statistics": Row(STAFF, _S), "/statistics/release": Row(ADMIN, _S | _WISH, no=True),
    "/statistics/file": Row(ADMIN, _S | _WISH | {"as": "csv"}, no=True),
    "/affiliates": Row(ADMIN, _S, no=True),
    "/cases": Row(STAFF, _S), "/cases/new": Row(ADMIN, _S | {"recipient": "court"}),
    "/cases/propose": Row(STAFF, _S | _CASE, no=True),  # a ground that goes with no such purpose
    "/cases/agree": Row(STAFF, _S | {"case": "00" * 16, "read": "yes"}, no=True),
    "/cases/close": Row(STAFF, _S | {"case": "00" * 16}, no=True),
    "/cases/package": Row(STAFF, _S | {"case": "00" * 16}, no=True),
    "/pass-on": Row(WORK, _WORK | {"recipient": "reseller", "why": "partner-offers", "category": "name"}, no=True),
    "/record": Row(STAFF, _S), "/account": Row(STAFF, _S), "/changes": Row(STAFF, _S),
    "/staff": Row(STAFF, _S),  # a form; that only an admin may send it is for the desk to say
    "/invite": Row(ADMIN, _S | {"name": "newcomer", "role": "support"}),
    "/dismiss": Row(ADMIN, _S | {"leaver": "nobody"}),
    "/passkeys/new": Row(STAFF, _S), "/passkeys": Row(STAFF, _S | {"answer": "{}"}, no=True),
}  # fmt: skip
CONSOLE_FILES: Final = frozenset(("/passkey.js", "/visits/live/{ticket}"))

_ORDER: Final = _S | {"cart": "{cart}"}
SHOP: Final[dict[str, Row]] = {
    "/": Row(VISITOR, _S), "/goods/{slug}": Row(VISITOR, _S), "/cart": Row(VISITOR, _ORDER),
    "/checkout": Row(VISITOR, _ORDER), "/checkout/order": Row(VISITOR, _ORDER), "/order": Row(VISITOR, _S),
    "/payments/notice": Row(OPEN, {"order": "x"}), "/account": Row(VISITOR, _S), "/privacy": Row(OPEN, _S),
    "/promises": Row(OPEN, _S),
    "/account/sign-in": Row(OPEN, _BY | {"password": PASSWORD}), "/account/code": Row(OPEN, {"code-contact": "no@x.example"}),
    "/account/enter": Row(OPEN, _BY | {"code": "12345678"}), "/account/sign-out": Row(OPEN, _S),
    "/checkout/sign-in": Row(OPEN, _BY | {"password": PASSWORD}), "/checkout/code": Row(OPEN, {"code-contact": "no@x.example"}),
    "/checkout/enter": Row(OPEN, _BY | {"code": "12345678"}),
    "/registration": Row(VISITOR, _S), "/contest": Row(VISITOR, _S), "/contact": Row(VISITOR, _S),
    "/service": Row(VISITOR, _S), "/approval": Row(VISITOR, _S), "/quote": Row(VISITOR, _S),
    "/complaint": Row(VISITOR, _S), "/newsletter": Row(VISITOR, _S), "/sharing-choice": Row(VISITOR, _S),
    "/cookies": Row(OPEN, _S), "/a/{code}": Row(OPEN),
}  # fmt: skip
