"""Reading a policy: what each construct becomes, and that nothing but a PolicyError ever comes out of bad text."""

import hashlib
import pickle
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.errors import Fault, PolicyError
from avow.policy import dpv
from avow.policy.check import faults as check_faults
from avow.policy.clauses import CLAUSES
from avow.policy.model import Cookies, Keep, Never, Policy, Share, Use
from avow.policy.parse import parse, read
from avow.policy.starter import starter
from avow.policy.tree import MOST_BYTES
from tests.policy.cases import FILES, FOLDER, parsed

FULL: Final = (FOLDER / "good-every-construct.yaml").read_text()
POLICY: Final = parse(FULL)
WORDS: Final = sorted({*FULL.replace(":", " ").replace(",", " ").split()})


def faults_of(text: str | bytes) -> tuple[Fault, ...]:
    """The faults of a text, none if it is a policy. Anything but a PolicyError goes through."""
    try:
        parse(text)
    except PolicyError as error:
        found = error.faults
    else:
        return ()
    assert found
    return found


def test_the_full_policy_uses_every_kind_of_clause() -> None:
    used = {type(clause).__name__.lower() for promise in POLICY.promises for clause in promise.clauses}
    assert used == {kind.replace("-", "") for kind in CLAUSES}


def test_the_head_is_read() -> None:
    assert (POLICY.site, POLICY.version, POLICY.controller.name) == ("shop", date(2026, 1, 1), "Shop")
    assert POLICY.controller.contact["phone"] == "+1 555 0100"
    assert POLICY.digest == hashlib.sha256(FULL.encode()).digest()
    assert POLICY.source == FULL


def test_text_and_bytes_give_the_same_policy() -> None:
    assert parse(FULL) == parse(FULL.encode())


def test_a_byte_order_mark_changes_nothing_but_the_digest() -> None:
    marked = parse(b"\xef\xbb\xbf" + FULL.encode())
    assert (marked.promises, marked.source) == (POLICY.promises, FULL)
    assert marked.digest != POLICY.digest


def test_a_declaration_knows_its_line() -> None:
    line = FULL.splitlines().index("  phone: {is: TelephoneNumber, channel: phone}") + 1
    assert (POLICY.categories["phone"].place.line, POLICY.categories["phone"].place.column) == (line, 3)


def test_a_name_stands_in_for_the_words_that_are_left_out() -> None:
    assert POLICY.categories["address"].says == "address"
    assert POLICY.roles["support"].says == "support"


def test_any_is_every_declared_name_in_a_permission() -> None:
    uses = [clause for clause in POLICY.promises[0].clauses if isinstance(clause, Use)]
    assert uses[0].by == ("fulfilment", "support")
    assert uses[0].needs == {"request"}


def test_any_in_a_never_is_every_value_declared_or_not() -> None:
    nevers = [clause for clause in POLICY.promises[1].clauses if isinstance(clause, Never)]
    assert nevers[0].by == ()
    assert nevers[1].actions == ()
    assert nevers[1].unless == (frozenset({"case"}), frozenset({"consent", "approval"}))
    assert nevers[2].unless == (frozenset({"request"}),)
    assert [never.otherwise for never in nevers] == [False, False, False, True]


def test_each_way_to_share_is_an_action_of_its_own() -> None:
    shares = [clause for clause in POLICY.promises[0].clauses if isinstance(clause, Share)]
    assert [clause.way for clause in shares] == ["share", "sell", "summarise", "share"]
    assert shares[1].by == ("site",)


def test_times_and_cookies_are_read() -> None:
    clauses = POLICY.promises[1].clauses
    keeps = [clause for clause in clauses if isinstance(clause, Keep)]
    assert [(clause.term, clause.until) for clause in keeps] == [
        (timedelta(weeks=52), None),
        (timedelta(days=30), None),
        (None, "parcel-sent"),
    ]
    cookies = [clause for clause in clauses if isinstance(clause, Cookies)]
    assert [(one.name, one.lifetime, one.at) for one in cookies] == [
        ("__Host-cart", None, None),
        ("pay", timedelta(hours=1), "payments"),
        ("source", timedelta(days=30), None),
    ]
    assert cookies[1].paths == ("/",)


def test_clauses_keep_the_order_of_the_file() -> None:
    for promise in POLICY.promises:
        places = [(clause.place.line, clause.place.column) for clause in promise.clauses]
        assert places == sorted(places)


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        POLICY.categories["more"] = POLICY.categories["name"]  # type: ignore[index]  # that is what is tried


def test_a_policy_of_nothing_but_words_is_read_the_same_with_every_kind_of_line_end() -> None:
    assert parse(FULL.replace("\n", "\r\n")).promises == POLICY.promises


def test_a_file_is_named_in_its_errors(tmp_path: Path) -> None:
    bad = tmp_path / "mine.yaml"
    bad.write_text("avow: 1\n")
    with pytest.raises(PolicyError, match=r"^mine\.yaml:1:1: the policy has no"):
        read(bad)


def test_the_starter_policy_is_free_of_faults() -> None:
    policy = parse(starter())
    assert check_faults(policy) == []
    assert len(policy.promises) >= 8


def test_the_five_policies_are_read() -> None:
    for path in sorted((Path(__file__).parents[2] / "policies").glob("*.yaml")):
        assert read(path).promises


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    (fault,) = faults_of(b"#" * (MOST_BYTES + 1))
    assert fault.message == "the file is larger than 1024 KiB"


def test_lone_surrogates_are_no_text() -> None:
    (fault,) = faults_of(FULL + "\n# \ud800")
    assert fault.message == "the text is not UTF-8"
    assert fault.line == FULL.count("\n") + 2


def test_many_unknown_words_are_told_in_reasonable_time() -> None:
    begun = datetime.now(UTC)
    found = faults_of(FULL + "".join(f"- {{id: X-{n}, nothing{n}: 1}}\n" for n in range(700)))
    assert len(found) == 2100
    assert datetime.now(UTC) - begun < timedelta(seconds=5)


def test_every_fault_says_where_and_what_in_the_style_of_the_house() -> None:
    for name in FILES:
        for fault in parsed(name)[1]:
            assert fault.line >= 1
            assert fault.column >= 1
            assert not fault.message.endswith(".")
            assert fault.message[0] == "`" or fault.message[0].islower()


def test_errors_are_the_same_every_time() -> None:
    text = (FOLDER / "many-at-once.yaml").read_text()
    assert faults_of(text) == faults_of(text) == tuple(sorted(faults_of(text)))


def test_an_error_survives_being_sent_to_another_process() -> None:
    with pytest.raises(PolicyError) as caught:
        parse("avow: 2")
    again = pickle.loads(pickle.dumps(caught.value.faults))
    assert again == caught.value.faults


def test_a_term_knows_its_namespace() -> None:
    assert dpv.iri("EmailAddress") == "https://w3id.org/dpv/pd#EmailAddress"
    assert dpv.iri("DirectMarketing") == "https://w3id.org/dpv#DirectMarketing"
    assert dpv.iri("Location") == "https://w3id.org/dpv/pd#Location"
    assert dpv.iri("hasPurpose") == "https://w3id.org/dpv#hasPurpose"
    with pytest.raises(KeyError):
        dpv.iri("EmailAdress")


# --- nothing but a PolicyError ---


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=200), st.text("-:{}[]&*!|>'\"%@`#,? \n\tab1", max_size=120), st.binary(max_size=200)))
def test_random_text_gives_a_policy_or_a_policy_error(text: str | bytes) -> None:
    faults_of(text)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """The full policy with a few pieces cut out, doubled, swapped for other words, or overwritten."""
    text = FULL
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        other = draw(
            st.one_of(st.sampled_from(WORDS), st.text(max_size=6), st.sampled_from(["[", "{}", "- ", ": ", "\n"]))
        )
        text = text[:start] + draw(st.sampled_from(["", other, text[start:end] * 2])) + text[end:]
    return text


@settings(max_examples=20, deadline=None)
@given(mutations())
def test_a_mutated_policy_gives_a_policy_or_a_policy_error(text: str) -> None:
    faults_of(text)


STRANGE: Final = st.recursive(
    st.sampled_from(["", "~", "x", "any", "none", "otherwise", "'1'", "2026-01-01", "30 days", "email", "request"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(["form", "asks", "for", "by", "is", "name"]), inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=6,
)
KEYED: Final = [line for line in FULL.splitlines() if line.rstrip().endswith("}") and ": {" in line]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KEYED), STRANGE)
def test_any_value_in_any_place_gives_a_policy_or_a_policy_error(line: str, value: str) -> None:
    small = (FOLDER / "good-smallest.yaml").read_text()
    head, _, _ = line.partition(": {")
    faults_of(small + f"{head}: {value}\n")
    faults_of(small.replace("{form: order, asks: [email], for: [order]}", value))
    faults_of(small.replace("{is: EmailAddress, channel: mail}", value))


def test_deep_or_long_text_neither_exhausts_the_stack_nor_the_clock() -> None:
    begun = datetime.now(UTC)
    for text in (
        "[" * 50_000,
        "{" * 50_000,
        "- " * 20_000,
        "? " * 20_000,
        "a: " * 20_000,
        "a" * 200_000,
        "&a " * 5_000,
    ):
        assert faults_of(text)
    assert datetime.now(UTC) - begun < timedelta(seconds=3)


def test_the_fuzzing_would_notice_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Policy:
        raise KeyError("planted")

    monkeypatch.setattr("avow.policy.parse.fields", broken)
    with pytest.raises(KeyError):
        faults_of(FULL)
