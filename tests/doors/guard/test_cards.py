"""AIM-9, DAM-17: no card number comes in by any input of a request; nothing of it is told."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from avow.doors.guard import Report
from tests.doors.guard.sites import CARD, ECHO, kinds, named, visit

BARE = CARD.replace(" ", "")
BYTES = b"--x\r\nContent-Disposition: form-data; name="
ENTITIES = "".join(f"&#{ord(char)};" for char in CARD)
ESCAPED = "".join(f"\\u{ord(char):04x}" for char in CARD)
WIDE = CARD.translate({ord(str(n)): 0xFF10 + n for n in range(10)})
ARABIC = CARD.translate({ord(str(n)): 0x0660 + n for n in range(10)})
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
PARTS = "multipart/form-data; boundary=x"


def percent(text: str, times: int = 1) -> str:
    for _ in range(times):
        text = "".join(f"%{byte:02X}" for byte in text.encode()) if times == 1 else quote(text, safe="")
    return text


BODIES: list[Any] = [
    pytest.param(FORM, f"note=my+card+{BARE}", id="form"),
    pytest.param(FORM, f"card_number={BARE}", id="by-the-fields-name"),
    pytest.param(FORM, f"creditCard={BARE}", id="by-the-fields-name-in-camels"),
    pytest.param(FORM, f"note={quote(CARD)}", id="as-printed"),
    pytest.param(FORM, f"note={percent(CARD)}", id="all-percent"),
    pytest.param(FORM, f"note={quote(quote(CARD))}", id="percent-twice"),
    pytest.param(FORM, f"note={quote(quote(quote(CARD)))}", id="percent-thrice"),
    pytest.param(FORM, f"note={quote(ENTITIES)}", id="entities"),
    pytest.param(FORM, f"note={quote(WIDE)}", id="full-width-digits"),
    pytest.param(FORM, f"note={quote(ARABIC)}", id="arabic-digits"),
    pytest.param(FORM, "a=4111&b=1111&c=1111&d=1111", id="over-four-fields"),
    pytest.param(FORM, f"{quote(CARD)}=x", id="as-a-name"),
    pytest.param(FORM, f"a=1&a=2&a=card+{BARE}", id="doubled-name"),
    pytest.param(FORM, f"note={quote(CARD.replace(' ', '-'))}", id="dashes"),
    pytest.param(JSON, json.dumps({"note": CARD}), id="json"),
    pytest.param(JSON, json.dumps({"a": [{"b": {"card": BARE}}]}), id="json-deep"),
    pytest.param(JSON, json.dumps({"card": int(BARE)}), id="json-number"),
    pytest.param(JSON, f'{{"note": "{ESCAPED}"}}', id="json-escapes"),
    pytest.param(JSON, f'{{"card": "{BARE}", "card": "no"}}', id="json-doubled-key"),
    pytest.param(JSON, json.dumps({CARD: 1}), id="json-key"),
    pytest.param("application/vnd.api+json", json.dumps(["card " + BARE]), id="json-by-another-name"),
    pytest.param("text/plain", f"note={CARD}", id="wrong-type"),
    pytest.param("", CARD, id="no-type"),
    pytest.param("application/octet-stream", f"card {BARE}", id="octets"),
    pytest.param("image/png", f"<note>{CARD}</note>", id="xml-called-a-picture"),
    pytest.param(PARTS, f'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n{CARD}\r\n--x--', id="parts"),
    pytest.param(
        PARTS,
        f'--x\r\nContent-Disposition: form-data; name="f"; filename="card {BARE}.txt"\r\n\r\nhello\r\n--x--',
        id="file-name",
    ),
    pytest.param(
        PARTS,
        f'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nvisa {BARE}\r\n--x--',
        id="file",
    ),
    pytest.param(FORM, f"note={CARD}".encode("utf-16-le"), id="wide-characters"),
]


@pytest.mark.parametrize(("kind", "body"), BODIES)
@pytest.mark.parametrize(("site", "promise"), [("aimini", "AIM-9"), ("daminion", "DAM-17"), ("aitpro", "AIT-20")])
async def test_aim_9_dam_17_a_card_number_in_a_body_is_refused(
    kind: str, body: str | bytes, site: str, promise: str
) -> None:
    async with visit(ECHO, site) as (client, reports):
        raw = body.encode() if isinstance(body, str) else body
        answer = await client.post("/contact", content=raw, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 422
    assert promise in answer.text
    assert kinds(reports) == ["card"]
    assert promise in named(reports)
    nothing_told(answer.text, reports)


def nothing_told(text: str, reports: list[Report]) -> None:
    told = (text + str(reports)).replace(" ", "").replace("-", "")
    assert BARE not in told
    assert "4111" not in told


@pytest.mark.parametrize(
    "address",
    [
        f"/card/{BARE}", f"/x?card={BARE}", f"/x?q={quote(CARD)}", f"/x?q={percent(CARD)}", f"/x?q={quote(quote(CARD))}",
        f"/{quote(WIDE)}", f"/pay/visa-{BARE}", "/x?q=4111-1111-1111-1111",
    ],
)  # fmt: skip
async def test_aim_9_a_card_number_in_an_address_is_refused(address: str) -> None:
    async with visit(ECHO, "aimini") as (client, reports):
        answer = await client.get(address)
    assert answer.status_code == 400
    assert named(reports) == {"AIM-9"}
    assert reports[0].place == "an address"
    nothing_told(answer.text, reports)


async def test_aim_9_a_card_number_in_a_header_is_refused() -> None:
    async with visit(ECHO, "aimini") as (client, reports):
        for name in ("X-Note", "Referer", "Authorization"):
            answer = await client.get("/", headers={name: f"https://x.example/?card={BARE}"})
            assert answer.status_code == 422
            nothing_told(answer.text, reports)
    assert named(reports) == {"AIM-9"}


async def test_a_body_in_small_chunks_is_put_together_first() -> None:
    async def chunks() -> Any:
        for char in f"note={quote(CARD)}":
            yield char.encode()

    async with visit(ECHO, "aimini") as (client, _):
        answer = await client.post("/contact", content=chunks(), headers={"Content-Type": FORM})
    assert answer.status_code == 422


async def test_a_get_with_a_body_is_looked_at_as_well() -> None:
    async with visit(ECHO, "aimini") as (client, _):
        assert (await client.request("GET", "/x", content=f"note={CARD}")).status_code == 422


@pytest.mark.parametrize(
    ("kind", "body", "encoding"),
    [
        (JSON, b'{"a": 123456789012', ""), (JSON, b"[" * 100_000 + b"123456789012", ""), (PARTS.replace("; boundary=x", ""), b"--x 123456789012", ""),
        (FORM, gzip.compress(f"note={CARD}".encode(), mtime=0), "gzip"), ("text/plain; charset=utf-7", b"a 123456789012", ""),
        (PARTS, BYTES + b"a\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(BARE.encode()), ""),
    ],
)  # fmt: skip
async def test_what_cannot_be_looked_at_is_refused(kind: str, body: bytes, encoding: str) -> None:
    async with visit(ECHO, "aimini") as (client, reports):
        headers = {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
        answer = await client.post("/contact", content=body, headers=headers)
    assert (answer.status_code, kinds(reports)) == (415, ["body"])


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused(declared: bool) -> None:
    async def chunks() -> Any:
        for _ in range(5):
            yield b"x" * 300

    async with visit(ECHO, max_body=1000) as (client, reports):
        answer = await client.post("/contact", content=b"x" * 1500 if declared else chunks())
    assert (answer.status_code, kinds(reports)) == (413, ["body"])


async def test_what_may_be_a_card_number_passes_and_the_application_is_told_where() -> None:
    async with visit(ECHO, "aimini") as (client, reports):
        answer = await client.post("/contact", data={"order": f"order {BARE}", "note": "hello"})
    assert answer.json()["doubtful"] == ["order"]
    assert "4111" in answer.json()["body"]
    assert reports == []


@pytest.mark.parametrize(
    "body",
    [
        "note=call+me+at+%2B44+131+496+0000&size=12", "n=2026-11-26+12%3A00%3A00&price=1234.56", "iban=DE89370400440532013000",
        "token=" + "A1b2" * 100, "a=1234567890123456",
    ],
)  # fmt: skip
async def test_other_numbers_pass_unchanged(body: str) -> None:
    async with visit(ECHO, "aimini") as (client, reports):
        answer = await client.post("/contact", content=body, headers={"Content-Type": FORM})
    assert answer.json()["body"] == body
    assert reports == []


async def test_a_person_gets_a_page_and_a_program_a_problem() -> None:
    async with visit(ECHO, "aimini") as (client, _):
        page = await client.post("/contact", data={"note": CARD}, headers={"Accept": "text/html"})
        problem = await client.post("/contact", json={"note": CARD})
    assert "remove the number" in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["promises"] == ["AIM-9"]
