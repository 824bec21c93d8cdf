"""Generated hostile messages, and wanted ones among them, against the gateway over a real desk: who got what?

Unauthorised is what the smarthost took that nobody was let send: to another recipient than the vault allows and the
envelope names, a second message within a message, a card number, another recipient's address. Lost is a wanted message
that was refused, or accepted and not delivered once and whole.
"""

import asyncio
import random
import re
import smtplib
import tempfile
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, NamedTuple, Self

from avow.errors import Refused
from avow.mail.message import LINK
from tests.doors.gateway.stations import ADA, BOB, EVE, Station, station

FRIENDS = [ADA, BOB, *(f"friend{n}@reed.example" for n in range(8))]
STOPPED = "stop@wren.example"  # asked something, and then opted out
APART = -1  # there were more replies than messages
CARD = "4111 1111 1111 1111"
ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\n .\r\n",
    b"\r\r\n.\r\r\n",
]
VARIANTS = [
    STOPPED, STOPPED.upper(), "stop+shop@wren.example", '"stop"@wren.example', "stop@wren.example.", "ｓtop@wren.example",
    "ѕtop@wren.example", "stop@WREN.example", "s\u200btop@wren.example", "stop(x)@wren.example", "<stop@wren.example", "St.op@wren.example",
]  # fmt: skip


class Case(NamedTuple):
    """One message. `lines`: the content as it is sent, dots doubled. `wanted`: words that must arrive at all of `to`."""

    kind: str
    to: tuple[str, ...]
    content: bytes
    signed_in: bool = True
    wanted: str = ""
    card: bool = False


_LETTERS = str.maketrans(
    "0123456789", "abcdefghij"
)  # an id in figures may look like a card's number, and is refused as one


def _message(ident: str, body: str = "Hi", *more: str, start: str = "From: shop@daminion.example") -> bytes:
    return "\r\n".join([start, "Subject: Yes", f"Message-ID: <{ident}@daminion.example>", *more, "", body, ""]).encode()


def smuggled(dice: random.Random, ident: str) -> Case:
    second = f"MAIL FROM:<x@x.example>\r\nRCPT TO:<{BOB}>\r\nDATA\r\n".encode() + _message(f"smuggled-{ident}")
    return Case("smuggled", (ADA,), _message(ident) + dice.choice(ENDS) + second)


def injected(dice: random.Random, ident: str) -> Case:
    mark = dice.choice(["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\x00"])
    field = dice.choice(["Subject", "X-Note", "Avow-Purpose", "From", "Reply-To", "To"])
    return Case("injected", (ADA,), _message(ident, "Hi", f"{field}: x{mark}Bcc: {EVE}", f"Cc: {BOB}"))


def hidden(dice: random.Random, ident: str) -> Case:
    """Other recipients in every header there is; one of them refused."""
    names = dice.sample(
        ["To", "Cc", "Bcc", "Resent-To", "Resent-Bcc", "Apparently-To", "Delivered-To", "X-Original-To"], 3
    )
    said = dice.choice([f"All: {BOB}, {EVE};", f"=?utf-8?q?{EVE}?= <{BOB}>", f"{BOB},\r\n {EVE}", f'"{EVE}" <{BOB}>'])
    return Case("hidden", (ADA,), _message(ident, "Hi", *(f"{name}: {said}" for name in names)))


def suppressed(dice: random.Random, ident: str) -> Case:
    return Case("suppressed", (dice.choice(VARIANTS),), _message(ident))


def crowd(dice: random.Random, ident: str) -> Case:
    many = [*FRIENDS, *(f"n{n}@x.example" for n in range(dice.choice([1, 20, 1000])))]
    dice.shuffle(many)
    return Case("crowd", tuple(many), _message(ident))


def stranger(dice: random.Random, ident: str) -> Case:
    to = dice.choice([ADA, EVE, STOPPED, "privacy@daminion.example@x.example", '"privacy@daminion.example"@x.example'])
    return Case("stranger", (to,), _message(ident), signed_in=False)


def forged(dice: random.Random, ident: str) -> Case:
    token = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz234567-_ABC", k=dice.choice([1, 45, 110, 600])))
    to = dice.choice(["out@daminion.example", f"back+{token[:50]}@daminion.example"])
    content = f"From: {ADA}\r\nSubject: {token}\r\nX-Failed-Recipients: {ADA}\r\n\r\nstop\r\n"
    return Case("forged", (to,), content.encode(), signed_in=False)


def carded(dice: random.Random, ident: str) -> Case:
    number = dice.choice([CARD, CARD.replace(" ", "-"), "４１１１ １１１１ １１１１ １１１１", "4111&#49;11111111111"])
    kind = dice.choice(["text/plain", "text/html", "text/csv", "application/json"])
    attached = f"--b\r\n\r\nHi\r\n--b\r\nContent-Type: {kind}\r\n\r\nyour card: {number}\r\n--b--"
    if dice.random() < 0.5:
        return Case(
            "carded",
            (ADA,),
            _message(ident, f"your card: {number}", "Content-Type: text/html; charset=utf-8"),
            card=True,
        )
    return Case("carded", (ADA,), _message(ident, attached, "Content-Type: multipart/mixed; boundary=b"), card=True)


def mangled(dice: random.Random, ident: str) -> Case:
    """A message of several parts with bytes cut out, doubled or changed."""
    kinds = ["multipart/mixed", "multipart/alternative", "multipart/signed", "multipart/report", "message/rfc822"]
    parts = "".join(
        f"--b\r\nContent-Type: {dice.choice([*kinds, 'text/html', 'text/plain'])}; boundary={dice.choice('bcd')}\r\n"
        f"Content-Transfer-Encoding: {dice.choice(['base64', '8bit', 'binary', 'x-uuencode', 'nonsense'])}\r\n\r\n<p>Hi =\r\n"
        for _ in range(dice.randint(1, 8))
    )
    raw = bytearray(_message(ident, parts + "--b--", f"Content-Type: {dice.choice(kinds)}; boundary=b"))
    for _ in range(dice.randint(1, 10)):
        at = dice.randrange(len(raw))
        raw[at : at + dice.randint(0, 5)] = bytes(dice.choices(range(256), k=dice.randint(0, 3)))
    return Case("mangled", (ADA,), bytes(raw))


def noise(dice: random.Random, ident: str) -> Case:
    return Case("noise", (ADA,), dice.randbytes(dice.randint(0, 400)))


def wanted(dice: random.Random, ident: str) -> Case:
    """What a merchant means to send, in one of the many ways in which programs write it."""
    word, to = f"word{ident}", tuple(dice.sample(FRIENDS, dice.randint(1, 4)))
    return Case("wanted", to, dice.choice(_WAYS)(ident, word), wanted=word)


_SIGNED = (
    "--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nsig\r\n--b--"
)
_WAYS: list[Callable[[str, str], bytes]] = [
    _message,
    lambda ident, word: _message(ident, f"{word} Grüße 你好", "Content-Type: text/plain; charset=utf-8", "X-A: Öl"),
    lambda ident, word: _message(ident, f"{word} " + "x" * 5000),
    lambda ident, word: _message(ident, f".{word}\r\n.\r\n..".replace("\r\n.\r\n", "\r\n..\r\n")),
    lambda ident, word: _message(ident, f"<p>{word}</p></body></html>", "Content-Type: text/html"),
    lambda ident, word: _message(ident, f"--b\r\n\r\n{word}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Hi\r\n--b--",
                                 "Content-Type: multipart/alternative; boundary=b"),
    lambda ident, word: _message(ident, f"--b\r\n\r\n{word}\r\n--b\r\nContent-Type: application/zip\r\n"
                                 "Content-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n--b--", "Content-Type: multipart/mixed; boundary=b"),
    lambda ident, word: _message(ident, _SIGNED.format(word), "Content-Type: multipart/signed; boundary=b"),
    lambda ident, word: _message(ident, word, start='From: "Shop; All: x@x.example" <shop@daminion.example>'),
    lambda ident, word: _message(ident, f"{word}=20\r\n=", "Content-Transfer-Encoding: quoted-printable"),
]  # fmt: skip
KINDS = [smuggled, injected, hidden, suppressed, crowd, stranger, forged, carded, mangled, noise, wanted, wanted]


class Judge:
    """Who may get what, and what they got."""

    def __init__(self) -> None:
        self.unauthorised: list[str] = []
        self.lost: list[str] = []
        self.answers: Counter[str] = Counter()

    def look(self, case: Case, code: int, taken: list[tuple[str, list[str], bytes, bool]]) -> None:
        """One case, its last code and what the smarthost took of it."""
        self.answers[f"{case.kind} {code}"] += 1
        if code == APART and case.kind not in ("noise", "mangled"):  # which may hold an end by chance
            self.unauthorised.append(f"{case.kind}: two replies, {case.content[:200]!r}")
        got = Counter(to[0] for _, to, _, _ in taken)
        allowed = (
            set(case.to) & set(FRIENDS) if case.signed_in and set(case.to) <= set(FRIENDS) and not case.card else set()
        )
        for _, (to,), raw, _ in taken:
            if to not in allowed or got[to] > 1 or b"<smuggled-" in raw.partition(b"\r\n\r\n")[0]:
                self.unauthorised.append(f"{case.kind}: {code}, {case.content[:200]!r}")
            self._sound(case, to, raw)
        if case.wanted and (code != 250 or set(got) != set(case.to)):
            self.lost.append(f"{code}: {case.content[:300]!r}")
        if code == 250 and case.signed_in and set(got) != set(case.to):
            self.lost.append(f"accepted: {case.content[:300]!r}")

    def _sound(self, case: Case, to: str, raw: bytes) -> None:
        head = raw.partition(b"\r\n\r\n")[0]
        others = {one.encode() for one in (*FRIENDS, EVE, STOPPED) if one != to}
        fields = [
            line
            for line in re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
            if line.lower().startswith((b"to:", b"cc:", b"bcc:", b"resent-"))
        ]
        if re.search(rb"\r(?!\n)|(?<!\r)\n", raw) or max(map(len, raw.split(b"\r\n"))) > 998:
            self.unauthorised.append(f"{case.kind}: a line that is none, {case.content[:200]!r}")
        if fields != [b"To: " + to.encode()] or (case.kind == "hidden" and any(one in head for one in others)):
            self.unauthorised.append(f"{case.kind}: other recipients, {case.content[:200]!r}")
        if LINK.encode() not in head or b"\r\navow-" in head.lower():
            self.unauthorised.append(f"{case.kind}: no way to stop it, {case.content[:200]!r}")
        if case.wanted:
            told = message_from_bytes(raw, policy=default)
            texts = [
                part.get_payload(decode=True) or b"" for part in told.walk() if part.get_content_maintype() == "text"
            ]
            if not any(case.wanted.encode() in text for text in texts if isinstance(text, bytes)):
                self.lost.append(f"words: {case.content[:300]!r}")


def _hand_in(smtp: smtplib.SMTP, case: Case) -> int:
    """The last code; the content byte by byte, with its right end."""
    smtp.rset()
    code = smtp.docmd("MAIL", "FROM:<x@x.example> SMTPUTF8")[0]
    for to in case.to:
        smtp.send(f"RCPT TO:<{to}>\r\n".encode())
        code = smtp.getreply()[0]
        if code != 250 and len(case.to) < 20:
            return code
    code = smtp.docmd("DATA")[0]
    if code != 354:
        return code
    smtp.send(case.content + (b".\r\n" if case.content.endswith(b"\r\n") else b"\r\n.\r\n"))
    code = smtp.getreply()[0]
    return code if smtp.docmd("VRFY", "x")[0] == 252 else APART


async def run(count: int, seed: int, *, plant: Callable[[Station], None] | None = None) -> dict[str, Any]:
    """`count` messages; figures, with `ok`. `plant` puts a defect in."""
    dice, judge = random.Random(seed), Judge()
    with tempfile.TemporaryDirectory(prefix="avow-hostile-") as base:
        async with station(Path(base)) as at:
            await at.asked(*FRIENDS, STOPPED)
            await _stop(at)
            if plant is not None:
                plant(at)
            async with _clients(at) as clients:
                for number in range(count):
                    case = dice.choice(KINDS)(dice, f"{seed}-{number}".translate(_LETTERS))
                    at.office.taken.clear()
                    code = await clients.hand_in(case)
                    judge.look(case, code, list(at.office.taken))
            for one in FRIENDS:  # no forged stop has stopped anybody
                if (await at.hand_in(_message("end-" + one.partition("@")[0]), one))[0] != 250:
                    judge.lost.append(f"stopped: {one}")
    return {
        "messages": count, "unauthorised": len(judge.unauthorised), "lost": len(judge.lost),
        "answers": dict(sorted(judge.answers.items())), "seen": (judge.lost + judge.unauthorised)[:10],
        "ok": not judge.unauthorised and not judge.lost,
    }  # fmt: skip


async def _stop(at: Station) -> None:
    assert (await at.hand_in(_message("first"), STOPPED))[0] == 250
    token = str(at.office.messages()[0]["List-Unsubscribe"]).partition("?subject=")[2].rstrip(">")
    await at.bed.desk.follow(token)
    try:
        await at.bed.desk.begin(await at.bed.desk.sender("shop", at.passwords["shop"]), "<x@x>", STOPPED)
    except Refused:
        return
    raise AssertionError("a stop that stops nothing")


class _clients:  # noqa: N801 - a context
    """Two mail programs, one that is signed in; connected anew when they were hung up on."""

    def __init__(self, at: Station) -> None:
        self._at = at
        self._open: dict[bool, smtplib.SMTP] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for one in self._open.values():
            one.close()

    async def hand_in(self, case: Case) -> int:
        return await asyncio.to_thread(self._work, case)

    def _work(self, case: Case) -> int:
        smtp = self._open.pop(case.signed_in, None) or self._connected(signed_in=case.signed_in)
        try:
            code = _hand_in(smtp, case)
        except smtplib.SMTPServerDisconnected:
            smtp.close()
            return 421
        if code == APART:
            smtp.close()
        else:
            self._open[case.signed_in] = smtp
        return code

    def _connected(self, *, signed_in: bool) -> smtplib.SMTP:
        smtp = smtplib.SMTP("127.0.0.1", self._at.port, "app.test", timeout=20)
        smtp.starttls(context=self._at.tls)
        smtp.ehlo()
        if signed_in:
            smtp.login("shop", self._at.passwords["shop"])
        return smtp
