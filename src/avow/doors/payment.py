"""Paying at somebody else's place: what a shop knows of a payment company, whichever it is.

The shop sends the customer away with an order's reference and amount, and gets back a reference and a status. Card
numbers never come this way. `Processor` is shaped after hosted checkouts: a session made by a signed call from server to
server, a redirect, a signed notice back (Stripe Checkout), and an answer to who asks how it stands (PayPal's orders).
`Sandbox` is the one of examples/processor.

A message is signed with HMAC-SHA-256 (RFC 2104) over moment, id and body, by a secret that only the two have. The
receiver compares in constant time, takes nothing older than `FRESH`, and no id twice.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol

import httpx

from avow.errors import CallError, Denied, Unavailable

SIGNATURE: Final = "avow-signature"  # the header; its value is `t=MOMENT,id=ID,v1=HEX`
FRESH: Final = 5 * 60_000  # ms that a signed message may be on its way, and clocks may differ
LONGEST: Final = 16 * 1024  # bytes of a message
Status = Literal["paid", "declined", "cancelled", "expired", "open"]
STATUSES: Final = ("paid", "declined", "cancelled", "expired", "open")


class Order(NamedTuple):
    """What is to be paid. `amount` in the currency's minor unit; `currency` as in ISO 4217. Nothing personal."""

    reference: str
    amount: int
    currency: str
    description: str  # what the payment company shows above the amount
    return_url: str  # where the customer comes back to, whatever came of it
    cancel_url: str


class Redirect(NamedTuple):
    """Where the customer goes: by a link, or by a form that posts `fields` where there are any."""

    url: str
    fields: Mapping[str, str]


class Notice(NamedTuple):
    """What became of a payment. `payment` is the company's own reference; `at` ms since 1970, UTC."""

    id: str
    reference: str
    payment: str
    status: Status
    amount: int
    currency: str
    at: int


class Seen(Protocol):
    """Remembers the ids of notices, so that none counts twice. On disk: a restart must not forget."""

    def first(self, id: str, until: int) -> bool:
        """Whether this id comes for the first time; it is remembered until then (ms) at least."""


class Processor(Protocol):
    """A payment company, as a shop knows it."""

    async def start(self, order: Order) -> Redirect:
        """Announce an order; where the customer goes to pay. Raises `Unavailable`, `CallError`."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """The notice in a request that claims to come from the company. Raises `Denied` for one that is forged, altered,
        late or was seen before. Headers by their lower-case names.
        """

    async def outcome(self, reference: str) -> Notice | None:
        """How a payment stands, asked of the company; None for an order that it does not know. Raises `Unavailable`."""


class Sandbox:
    """The payment company of examples/processor, by its server-to-server calls.

    `url` is its origin, `merchant` who we are there, `secret` at least 32 bytes that both have. `client` makes the calls
    and verifies the company's certificate. `clock` gives ms since 1970, UTC; `fresh_id` a new id for each message.
    """

    def __init__(
        self, url: str, merchant: str, secret: bytes, *, client: httpx.AsyncClient, clock: Callable[[], int],
        fresh_id: Callable[[], str], seen: Seen,
    ) -> None:  # fmt: skip
        if len(secret) < 32:
            raise CallError("the secret shared with the payment company needs at least 32 bytes")
        self._url = url.rstrip("/")
        self._merchant = merchant
        self._secret = secret
        self._client = client
        self._clock = clock
        self._fresh_id = fresh_id
        self._seen = seen

    async def start(self, order: Order) -> Redirect:
        """See `Processor`."""
        if order.amount <= 0:
            raise CallError("an order's amount is a positive number of the currency's minor units")
        told = await self._call("/api/sessions", order._asdict())
        return Redirect(str(told["url"]), {})

    def verify(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """See `Processor`."""
        now = self._clock()
        id_ = check(self._secret, headers.get(SIGNATURE, ""), body, now)
        notice = _read(id_, body)
        if not self._seen.first(id_, now + 2 * FRESH):
            raise Denied("this notice was taken in already")
        return notice

    async def outcome(self, reference: str) -> Notice | None:
        """See `Processor`."""
        told = await self._call("/api/outcome", {"reference": reference})
        return None if told.get("status") is None else _read("", json.dumps(told).encode())

    async def _call(self, path: str, told: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps({"merchant": self._merchant, **told}, sort_keys=True).encode()
        signature = sign(self._secret, self._clock(), self._fresh_id(), body)
        headers = {SIGNATURE: signature, "content-type": "application/json"}
        try:
            answer = await self._client.post(self._url + path, content=body, headers=headers)
            found = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            raise Unavailable("the payment company does not answer as it should; try again in a moment") from None
        if not isinstance(found, dict):
            raise Unavailable(f"the payment company answered {answer.status_code}; try again in a moment")
        return found


def sign(secret: bytes, at: int, id: str, body: bytes) -> str:
    """The value of the header `SIGNATURE` for a message. `at` in ms; an id is never used twice."""
    return f"t={at},id={id},v1={_mac(secret, str(at), id, body)}"


def check(secret: bytes, signature: str, body: bytes, now: int) -> str:
    """The id of a signed message. Raises `Denied` for one that is forged, altered, too old or too long."""
    parts = dict(part.partition("=")[::2] for part in signature.split(",", 3))
    at, id_ = parts.get("t", ""), parts.get("id", "")
    if not (at.isascii() and at.isdecimal() and len(at) < 16 and 0 < len(id_) <= 64 and len(body) <= LONGEST):
        raise Denied("this message is not signed")
    if not hmac.compare_digest(_mac(secret, at, id_, body).encode(), parts.get("v1", "").encode()):
        raise Denied("this message is not signed by who it claims to come from")
    if abs(now - int(at)) > FRESH:
        raise Denied("this message was too long on its way")
    return id_


def _mac(secret: bytes, at: str, id: str, body: bytes) -> str:
    return hmac.digest(secret, f"{at}.{id}.".encode() + body, "sha256").hex()


def _read(id_: str, body: bytes) -> Notice:
    """A notice from its JSON. Raises `Denied` for anything else: it was signed, and still it is none."""
    try:
        told = json.loads(body)
        notice = Notice(
            id_, told["reference"], told["payment"], told["status"], told["amount"], told["currency"], told["at"]
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Denied("this message is no notice of a payment") from None
    texts: tuple[Any, ...] = (notice.reference, notice.payment, notice.currency)
    counts: tuple[Any, ...] = (notice.amount, notice.at)
    whole = all(isinstance(one, str) and 0 < len(one) <= 64 for one in texts)
    counted = all(type(one) is int and one >= 0 for one in counts)
    if not whole or not counted or notice.status not in STATUSES:
        raise Denied("this message is no notice of a payment")
    return notice
