"""What goes out is for one recipient alone, can be stopped by anybody who gets it, and says nothing else of anybody."""

import random
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from html.parser import HTMLParser
from pathlib import Path
from time import perf_counter

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from avow.errors import BadValue, OperatorError
from avow.mail.address import is_address, returning, token_of
from avow.mail.message import Draft, House, finished
from avow.mail.signing import Signer

HOUSE = House("Corner & Söhne", "privacy@corner.example", "https://privacy.corner.example", "mail.corner.example")
WAYS = HOUSE.ways("OUTTOKEN", "BACKTOKEN")
PAGE = "https://privacy.corner.example/out/OUTTOKEN"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA, BOB, EVE = "ada@quill.example", "bob@reed.example", "eve@x.example"
HEAD = b"From: shop@corner.example\r\nSubject: Your order\r\nMessage-ID: <1@corner.example>\r\n"


def dice(count: int) -> bytes:
    return random.Random(7).randbytes(count)


def done(message: bytes | EmailMessage, to: str = ADA, *, house: House = HOUSE, automatic: bool = False) -> bytes:
    return finished(message, to, house, WAYS, now=NOW, random=dice, automatic=automatic)


def read(raw: bytes) -> EmailMessage:
    assert re.search(rb"[^\r]\n|\r[^\n]", raw) is None  # every line ends in CRLF
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return message_from_bytes(raw, policy=default)


def letter(**fields: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in ({"From": "Shop <shop@corner.example>", "Subject": "Your order"} | fields).items():
        message[name.replace("_", "-")] = value
    message.set_content("It is on its way.\n")
    return message


def text(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


class Shown(HTMLParser):
    """A page's text and links, as a person comes by them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str | None] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs).get("href"))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("piece", [b"<meta ", b"<meta charset ", b"<a x='", b"<!--"], ids=str)
def test_no_page_takes_minutes_to_be_finished(piece: bytes) -> None:
    start = perf_counter()
    done(HEAD + b"Content-Type: text/html\r\n\r\n" + (piece * 80 + b"\r\n") * 250)
    assert perf_counter() - start < 5


def test_comments_nested_without_end_are_refused() -> None:
    with pytest.raises(BadValue, match="nested too deep"):
        done(b"From: " + b"(" * 60_000 + b"shop@corner.example\r\n\r\nHi\r\n")


def test_no_message_within_is_encoded_as_a_whole() -> None:
    within = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp4DQo=\r\n"
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\n" + within + b"--b--\r\n"
    with pytest.raises(BadValue, match="encoded as a whole"):
        done(raw)


@pytest.mark.parametrize("name", ["Mail-Followup-To", "X-To", "X-Cc", "X-Recipients", "Original-Recipient"])
def test_no_field_that_programs_make_tells_of_other_recipients(name: str) -> None:
    assert BOB.encode() not in done(f"{name}: {BOB}\r\n".encode() + HEAD + b"\r\nHi\r\n")


# -- the header ---------------------------------------------------------------------------------------------------------


def test_the_one_recipient_is_the_only_address_in_it() -> None:
    told = letter(To=f"Ada <{ADA}>, {BOB}", Cc=BOB, Bcc=EVE, Resent_To=EVE, Delivered_To=EVE, X_Original_To=EVE)
    raw = done(told)
    assert read(raw)["To"] == ADA
    assert not any(one.encode() in raw for one in (BOB, EVE))


def test_nothing_of_the_inner_network_and_no_header_of_ours_goes_out() -> None:
    told = letter(
        Received="from desk-of-kim (10.0.0.7) by inner", X_Originating_IP="10.0.0.7", Avow_Purpose="orders",
        Avow_Request="abc", Avow_No_Card="yes", Return_Path="<kim@corner.example>", X_PHP_Originating_Script="7:a.php",
    )  # fmt: skip
    raw = done(told)
    assert not any(one in raw for one in (b"10.0.0.7", b"kim", b"Avow-", b"a.php"))
    assert read(raw).get_all("Received") == ["by mail.corner.example (Avow); Sun, 01 Mar 2026 12:00:00 +0000"]


def test_every_mail_can_be_stopped_by_one_click_by_mail_and_by_whoever_reads_it() -> None:
    message = read(done(letter()))
    mail = "mailto:out@corner.example?subject=OUTTOKEN"
    assert message["List-Unsubscribe"].replace(" ", "") == f"<{PAGE}>,<{mail}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Help"] == "<https://privacy.corner.example/>"
    assert message["List-Owner"] == "<mailto:privacy@corner.example>"
    assert PAGE in text(message).splitlines()
    assert "Corner & Söhne" in text(message)


def test_one_click_is_offered_over_https_alone() -> None:
    plain = House("Corner", "privacy@corner.example", "http://privacy.corner.localhost:8080", "h")
    raw = finished(letter(), ADA, plain, plain.ways("A", "B"), now=NOW, random=dice)
    assert b"List-Unsubscribe-Post" not in raw
    assert b"List-Unsubscribe: <http://" in raw


def test_what_a_sender_says_about_stopping_is_not_believed() -> None:
    raw = done(letter(List_Unsubscribe="<https://tracker.example/?u=ada>", List_Help="<https://tracker.example/>"))
    assert b"tracker" not in raw


def test_identity_and_date_are_kept_and_where_there_are_none_made_of_what_is_handed_in() -> None:
    kept = read(done(letter(Message_ID="<a.1@corner.example>", Date="Mon, 02 Feb 2026 08:00:00 +0100")))
    assert (kept["Message-ID"], kept["Date"]) == ("<a.1@corner.example>", "Mon, 02 Feb 2026 08:00:00 +0100")
    fresh = read(done(letter()))
    assert fresh["Message-ID"] == f"<{dice(16).hex()}@corner.example>"
    assert fresh["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert Draft.read(letter()).id == ""
    assert Draft.read(letter(Message_ID="<a.1@corner.example>")).id == "<a.1@corner.example>"


def test_a_notice_says_that_no_machine_is_to_answer() -> None:
    assert read(done(letter(), automatic=True))["Auto-Submitted"] == "auto-generated"
    assert read(done(letter()))["Auto-Submitted"] is None


def test_the_return_address_is_for_this_message_alone() -> None:
    assert WAYS.back == "back+BACKTOKEN@corner.example"


def test_utf8_in_a_header_becomes_encoded_words_and_addresses_stay() -> None:
    raw = "From: Söhne <shop@corner.example>\r\nSubject: Grüße aus Köln\r\nX-Note: Öl\r\n\r\nHi\r\n".encode()
    out = done(raw)
    assert out.isascii()
    message = read(out)
    assert (message["From"], message["Subject"]) == ("Söhne <shop@corner.example>", "Grüße aus Köln")


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"From: a@b.example\r\nFrom: c@d.example\r\n", "more than one `from`"),
        (b"From: a@b.example\r\nSubject: x\r\nsubject : y\r\n", "more than one `subject`"),
        (b"From: a@b.example\r\nAvow-Purpose: x\r\nAVOW-PURPOSE: y\r\n", "more than one `avow-purpose`"),
        (b"Subject: x\r\n", "no `From`"),
        (b"From:\r\n", "no `From`"),
        (b"From: a@b.example\r\nSubject: x\nBcc: eve@x.example\r\n", "bare CR or LF"),
        (b"From: a@b.example\r\nSubject: x\rBcc: eve@x.example\r\n", "bare CR or LF"),
        (b"From: a@b.example\r\nSubject: x\x0cBcc: eve@x.example\r\n", "control character"),
        (b"From: a@b.example\r\nSubject: x\0\r\n", "control character"),
        ("From: a@b.example\r\nAvow-Purpose: x\u2028Bcc: eve@x.example\r\n".encode(), "control character"),
        ("From: a@b.example\r\nSubject: x\x85Bcc: eve@x.example\r\n".encode(), "control character"),
        (b"From: a@b.example\r\nSubject: \xff\xfe\r\n", "neither ASCII nor UTF-8"),
        (b"From: a@b.example\r\nno field\r\n", "is no field"),
        (b"From: a@b.example\r\n: x\r\n", "is no field"),
        (b" From: a@b.example\r\n", "is no field"),
        (b"\r\nFrom: a@b.example\r\n", "no header"),
        (b"From: a@b.example\r\nMessage-ID: x y\r\n", "Message-ID"),
        (b"From: a@b.example\r\nMessage-ID: <a@b> <c@d>\r\n", "Message-ID"),
        (b"From: a@b.example\r\n" + b"X-A: b\r\n" * 600, "more than 500"),
        (b"From: a@b.example\r\nX-A: " + b"b" * 70_000 + b"\r\n", "longer than 64 kB"),
        (b"From: a@b.example\r\nReceived: by x (Avow); y\r\n", "in a circle"),
    ],
)
def test_a_header_that_means_two_things_or_none_is_refused_and_not_repeated(head: bytes, says: str) -> None:
    with pytest.raises(BadValue, match=says) as refused:
        done(head + b"\r\nHi\r\n")
    assert "example" not in str(refused.value)


@pytest.mark.parametrize("mark", ["\x1c", "\x1d", "\x1e", "\x0b"])
def test_characters_that_some_take_for_line_ends_make_no_new_field(mark: str) -> None:
    with pytest.raises(BadValue):
        done(f"From: a@b.example\r\nSubject: x{mark}Bcc: eve@x.example\r\n\r\nHi\r\n".encode())


# -- the content --------------------------------------------------------------------------------------------------------


def test_both_forms_of_a_letter_carry_the_link_and_attachments_stay_as_they_are() -> None:
    message = letter()
    message.add_alternative("<html><body><p>It is on its way.</p></body></html>", subtype="html")
    message.add_attachment(b"%PDF-1.4 \0\xff" * 100, maintype="application", subtype="pdf", filename="bill.pdf")
    message.add_attachment("Terms\n", filename="terms.txt")
    out = read(done(message))
    assert PAGE in text(out)
    page = Shown(text(out, "html"))
    assert page.links == [PAGE]
    assert "Stop all mails from Corner & Söhne" in page.words
    pdf, terms = out.iter_attachments()
    assert pdf.get_content() == b"%PDF-1.4 \0\xff" * 100
    assert terms.get_content().strip() == "Terms"


@pytest.mark.parametrize(
    "page",
    [
        "<p>Hi", "<body><p>Hi</p></body>", "<BODY>Hi</BODY></HTML>", "Hi</html>", "<p>Hi</p></body></body>",
        "<body>Hi <!-- </body>", "<body>Hi<script>x</body>", "<body>Hi<style>p{}", "<body><template>Hi</body>",
        "<body>Hi<textarea>", "<!-- <body> -->Hi",
    ],
)  # fmt: skip
def test_whoever_reads_a_page_can_see_the_link_however_the_page_is_broken(page: str) -> None:
    raw = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + page.encode() + b"\r\n"
    shown = text(read(done(raw)), "html")
    assert PAGE in Shown(shown).links
    assert "Hi" in shown


@pytest.mark.parametrize("element", ["xmp", "plaintext", "iframe", "noframes", "object", "video", "svg", "details"])
def test_the_link_stands_in_nothing_that_shows_it_to_nobody(element: str) -> None:
    raw = HEAD + f"Content-Type: text/html\r\n\r\n<p>Hi<{element}>\r\n".encode()
    shown = text(read(done(raw)), "html")
    assert shown.index(PAGE) < shown.index(f"<{element}>")


def test_a_letter_in_an_old_charset_comes_in_utf8() -> None:
    raw = HEAD + b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n<meta charset=iso-8859-1>Gr\xfc\xdfe\r\n"
    page = text(read(done(raw)), "html")
    assert "Grüße" in page
    assert "charset=utf-8" in page


@pytest.mark.parametrize("charset", [b"x-unknown", b"utf-8", b"us-ascii"])
def test_a_letter_in_a_charset_that_cannot_be_read_keeps_its_bytes_and_gets_the_link(charset: bytes) -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\nGr\xfc\xdfe\r\n"
    whole = message_from_bytes(done(raw)).get_payload(decode=True)
    assert isinstance(whole, bytes)
    assert whole.startswith(b"Gr\xfc\xdfe")
    assert PAGE.encode() in whole


SIGNED = (
    HEAD + b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\r\n'
    b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt  is \t on its way. \r\n--b\r\nContent-Type: application/pgp-signature"
    b"\r\n\r\nsig\r\n--b--\r\n"
)


def test_what_is_signed_is_not_touched_and_the_line_stands_beside_it() -> None:
    raw = done(SIGNED)
    assert SIGNED.partition(b"\r\n\r\n")[2] in raw  # byte by byte
    first, second = read(raw).iter_parts()
    assert first.get_content_type() == "multipart/signed"
    assert PAGE in second.get_content()


@pytest.mark.parametrize("kind", ["application/pkcs7-mime; smime-type=enveloped-data", "text/calendar", "image/png"])
def test_what_has_no_text_gets_one_beside_it(kind: str) -> None:
    raw = HEAD + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n".encode()
    first, second = read(done(raw)).iter_parts()
    assert first.get_payload().strip() == "AAAA"  # type: ignore[union-attr]
    assert PAGE in second.get_content()


def test_inline_pgp_stays_whole() -> None:
    block = "-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nHi\r\n-----END PGP SIGNATURE-----"
    out = text(read(done(HEAD + b"\r\n" + block.encode() + b"\r\n"))).splitlines()
    assert "\n".join(block.splitlines()) in "\n".join(out)
    assert out.index("-----END PGP SIGNATURE-----") < out.index(PAGE)


def test_long_lines_and_eight_bits_are_encoded_so_that_any_server_takes_them() -> None:
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + b"x" * 5000 + b"\r\n--b\r\n"
        b"Content-Type: text/csv\r\n\r\n" + b"\xc3\xbc," * 3000 + b"\r\n--b--\r\n"
    )
    draft = Draft.read(raw)
    assert not draft.eight_bit
    message = read(draft.finished(ADA, HOUSE, WAYS, now=NOW, random=dice))
    assert "x" * 5000 in text(message)
    (csv,) = message.iter_attachments()
    assert csv.get_payload(decode=True).startswith(b"\xc3\xbc," * 3000)  # type: ignore[union-attr]


NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300))


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Type: multipart/mixed\r\n\r\nno boundary\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nnever starts\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\nLS1i\r\n",
        NESTED,
        b"Content-Type: message/rfc822\r\n\r\n" * 500 + b"x\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 300 + b"--b--\r\n",
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" + b"x" * 2000 + b"\r\n--b--\r\n",
    ],
)  # fmt: skip
def test_content_that_cannot_be_passed_on_as_it_was_meant_is_refused(rest: bytes) -> None:
    with pytest.raises(BadValue, match=r"MIME|parts|longer"):
        done(HEAD + rest)


@given(st.binary(max_size=400), st.sampled_from([b"text/plain", b"text/html", b"multipart/mixed; boundary=b", b"x"]))
def test_any_content_is_refused_or_comes_with_the_link_and_in_lines(content: bytes, kind: bytes) -> None:
    raw = HEAD + b"Content-Type: " + kind + b"\r\n\r\n" + re.sub(rb"\r|\n", b" ", content) + b"\r\n"
    try:
        out = done(raw)
    except BadValue:
        return
    message = read(out)
    assert [PAGE in str(message["List-Unsubscribe"]), message["To"]] == [True, ADA]
    shown = [part for part in message.walk() if part.get_content_type() in ("text/plain", "text/html")]
    assert any(PAGE.encode() in part.get_payload(decode=True) for part in shown)


def test_one_draft_serves_many_recipients_and_each_gets_only_their_own_link() -> None:
    draft = Draft.read(letter())
    made = [
        draft.finished(to, HOUSE, HOUSE.ways(f"T{n}", f"B{n}"), now=NOW, random=dice)
        for n, to in enumerate((ADA, BOB, EVE))
    ]
    for n, raw in enumerate(made):
        assert [f"/out/T{other}".encode() in raw for other in range(3)] == [other == n for other in range(3)]
        assert raw.count(f"/out/T{n}".encode()) == 2  # in the header and in the text, once


def test_every_text_of_a_message_can_be_looked_at() -> None:
    message = letter(Subject="=?utf-8?b?TnVtYmVyIDE=?=")
    message.add_alternative("<p>page &amp; all</p>", subtype="html")
    message.add_attachment("a,b\n", subtype="csv", filename="list.csv")
    message.add_attachment(b"deep", maintype="application", subtype="octet-stream", filename="x.bin")
    inner = letter(Subject="inside")
    message.add_attachment(inner)
    found = "\n".join(Draft.read(message).texts())
    for each in ("Number 1", "on its way", "page &amp; all", "list.csv", "a,b", "deep"):
        assert each in found


# -- signatures -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A file with a key, and what the DNS says of it."""
    made = rsa.generate_private_key(65537, 2048)
    file = tmp_path_factory.mktemp("dkim") / "key.pem"
    file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return file, b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])


def test_a_signature_holds_and_covers_how_mails_are_stopped(key: tuple[Path, bytes]) -> None:
    signer = Signer.of(key[0], "corner.example", "s1")
    raw = done(letter(), house=House(HOUSE.name, HOUSE.contact, HOUSE.centre, HOUSE.host, signer))

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.corner.example."
        return key[1]

    assert dkim.verify(raw, dnsfunc=dns)
    signed = re.sub(rb"\s", b"", raw.partition(b"h=")[2].partition(b";")[0]).split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"from", b"to"} <= set(signed)
    for changed in (
        raw.replace(b"OUTTOKEN>", b"XXXTOKEN>"),
        raw.replace(b"One-Click", b"Two-Click"),
        b"List-Unsubscribe: <https://x.example/>\r\n" + raw,
        raw.replace(b"on its way", b"on my way"),
    ):
        assert not dkim.verify(changed, dnsfunc=dns)
    assert "PRIVATE" not in repr(signer)


def test_a_key_that_signs_nothing_is_said(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    small = rsa.generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    for content in (
        b"", b"nonsense",
        small.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ):  # fmt: skip
        file.write_bytes(content)
        with pytest.raises(OperatorError, match="key"):
            Signer.of(file, "corner.example", "s1")


# -- addresses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "good",
    ["a@b", "ada@quill.example", "a.b+c@x-y.example", '"a b"@x.example', "ада@квилл.example", "o'neil@x.example"],
)
def test_a_mailbox_is_an_address(good: str) -> None:
    assert is_address(good)


@pytest.mark.parametrize(
    "bad",
    [
        "", "a", "a@", "@b", "a b@c", "a@b c", "a@b,c@d", "<a@b>", "a@b>", "a@[127.0.0.1]", "a..b@c", ".a@b", "a.@b",
        "@x:a@b", "a@b\r\nBcc: c@d", "a@b\n", "a@-b", "a@b-", "a@b..c", "group: a@b;", "a(c)@b", '"a\r\n"@b',
        "a\u2028@b", "a\u200b@b", "a@b\u00a0", "a\x00@b", "x" * 65 + "@b", "a@" + "b." * 150 + "c", "a@b@c", "a@b%c",
    ],
)  # fmt: skip
def test_what_could_mean_more_than_a_mailbox_is_none(bad: str) -> None:
    assert not is_address(bad)
    with pytest.raises(BadValue):
        done(letter(), bad)


def test_tokens_come_back_as_they_went_out() -> None:
    assert returning("privacy@corner.example", "a7x") == "back+a7x@corner.example"
    assert token_of("back+a7x@corner.example") == token_of("BACK+a7x@corner.example") == "a7x"
    assert not any(map(token_of, ("privacy@corner.example", "in+x@corner.example", "back@corner.example")))


def test_a_message_of_the_library_is_read_as_its_bytes_are() -> None:
    message = letter()
    assert done(message) == done(message.as_bytes(policy=SMTP))
