"""What comes in is read however it is written, and tells of a person's words no less than they wrote."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.mail.reading import LONGEST, read

ADA = "ada@quill.example"
PLAIN = f"From: Ada <{ADA}>\r\nSubject: Hours\r\nMessage-ID: <1@quill.example>\r\n\r\nWhen do you open?\r\n".encode()


def test_a_question_is_read_whole() -> None:
    came = read(PLAIN, ADA)
    assert not came.by_machine
    assert tuple(came) == ("<1@quill.example>", ADA, "Hours", "When do you open?", None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Yes.\r\n\r\nOn Monday, Shop wrote:\r\n> stop?\r\n> https://x/link/1\r\n", "Yes."),
        (
            "On Monday, 2 March 2026, Shop <a@b.example> wrote:\r\n> stop?\r\n\r\nNo, please go on.\r\n",
            "No, please go on.",
        ),
        ("Yes.\r\n-----Original Message-----\r\nFrom: Shop\r\nstop\r\n", "Yes."),
        ("Yes.\r\n________________________________\r\nFrom: Shop\r\nstop\r\n", "Yes."),
        ("One\r\n____________________________\r\nTwo\r\n", "One\n____________________________\nTwo"),
        ("Am Dienstag, 3. März 2026 schrieb Shop:\r\n> stop\r\nJa.\r\n", "Ja."),
        ("Am besten wäre folgendes:\r\nmorgen\r\n", "Am besten wäre folgendes:\nmorgen"),
        ("-- \r\nAda\r\n", "--\nAda"),
    ],
)
def test_the_mail_that_is_answered_is_not_taken_for_the_answer(content: str, words: str) -> None:
    raw = f"From: {ADA}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{content}".encode()
    assert read(raw, ADA).words == words


def test_a_page_is_read_as_a_person_reads_it() -> None:
    page = "<head><title>x</title></head><p>Stop &amp; go</p><blockquote>old</blockquote><script>evil</script><div>now</div>"
    raw = f"From: {ADA}\r\nContent-Type: text/html\r\n\r\n{page}\r\n".encode()
    assert read(raw, ADA).words == "Stop & go\nnow"


def test_encoded_words_and_old_charsets_are_read() -> None:
    raw = b"From: ada@quill.example\r\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nContent-Type: text/plain; charset=x\r\n\r\nGr\xfc\xdfe\r\n"
    came = read(raw, ADA)
    assert (came.subject, came.words) == ("Grüße", "Grüße")


@pytest.mark.parametrize("sender", ["", "<>"])
def test_what_has_no_sender_is_a_machines(sender: str) -> None:
    assert read(PLAIN, sender).by_machine


@pytest.mark.parametrize(
    "field", ["Auto-Submitted: auto-replied", "Auto-Submitted: Auto-Generated; x", "Precedence: bulk"]
)
def test_what_says_that_nobody_wrote_it_is_a_machines(field: str) -> None:
    assert read(f"{field}\r\n".encode() + PLAIN, ADA).by_machine
    assert not read(b"Auto-Submitted: no\r\n" + PLAIN, ADA).by_machine


def test_two_authors_are_none_and_the_envelopes_counts() -> None:
    raw = b"From: a@x.example, b@x.example\r\n\r\nHi\r\n"
    assert read(raw, ADA).sender == ADA
    assert read(b"From: nonsense\r\n\r\nHi\r\n", ADA).sender == ADA


def report(action: str, status: str) -> bytes:
    return (
        "From: mailer@mx.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {ADA}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: stop\r\n\r\nstop\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("action", "status", "returned"),
    [
        ("failed", "5.1.1", True), ("Failed", "5.1.1 (no such user)", True), ("failed", "nonsense", True),
        ("failed", "4.4.7", False), ("delayed", "4.4.1", False), ("delivered", "2.0.0", None), ("relayed", "2.0.0", None),
    ],
)  # fmt: skip
def test_a_report_says_whether_a_mail_comes_back_for_good(action: str, status: str, returned: bool | None) -> None:
    came = read(report(action, status), "<>")
    assert came.returned is returned
    assert came.words == "Sorry."


def test_exims_old_reports_count() -> None:
    assert read(f"X-Failed-Recipients: {ADA}\r\n".encode() + PLAIN, "<>").returned is True


def test_words_are_bounded() -> None:
    assert len(read(PLAIN + b"word \r\n" * 100_000, ADA).words) == LONGEST


@pytest.mark.parametrize(
    "rest",
    [
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300)),
        b"Content-Type: message/rfc822\r\n\r\n" * 500,
        b"Content-Type: multipart/mixed\r\n\r\nplease call me\r\n",
        b"\r\nplease\0 call me\r\n",
    ],
)
def test_what_cannot_be_read_is_somebodys_words_all_the_same(rest: bytes) -> None:
    came = read(b"From: ada@quill.example\r\n" + rest, ADA)
    assert came.sender == ADA
    assert came.words or b"rfc822" in rest


def page(content: bytes) -> bytes:
    return b"From: ada@quill.example\r\nContent-Type: text/html\r\n\r\n" + content


@pytest.mark.parametrize(
    "raw",
    [
        page(b"<!--" * 50_000), page(b"<a " * 66_000), page(b'<a x="' * 40_000), page(b"<?" * 100_000),
        b"From: ada@quill.example\r\n" + b"A: b\r\n" * 1_600_000 + b"\r\nhi",
        b"From: ada@quill.example\r\nSubject: " + b"=?utf-8?q?a?=\r\n " * 600_000 + b"b\r\n\r\nhi",
        b"From: ada@quill.example\r\nContent-Type: text/plain; " + b"a*0=b; " * 200_000 + b"\r\n\r\nhi",
        b'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; a="' + b'\\";' * 40_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(75))
        + b"a\r\n" * 2_000_000,
    ],
    ids=["comments", "tags", "quotes", "questions", "fields", "words", "parameters", "a part's parameters", "nested"],
)  # fmt: skip
def test_no_strangers_mail_takes_minutes_to_read(raw: bytes) -> None:
    start = perf_counter()
    read(raw, ADA)
    assert perf_counter() - start < 5


@given(st.binary(max_size=600))
def test_nothing_that_comes_in_breaks_the_reading(raw: bytes) -> None:
    came = read(raw, ADA)
    assert "\0" not in came.words + came.subject + came.sender + came.id
