"""The notice says all that the policy says, in three forms, and nothing in it can act."""

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import pytest

from avow.policy import dpv, notice
from avow.policy.model import (
    CHANGE_DUTIES,
    CHANNELS,
    CONDITIONS,
    MEASURES,
    RECIPIENT_KINDS,
    RIGHTS,
    ROUTES,
    TOPICS,
    Choose,
    Cookies,
    Keep,
    Never,
    Place,
    Policy,
)
from avow.policy.notice import linked, outline, words
from avow.policy.parse import read
from tests.policy.five import FOLDER, SITES, policy_of

HERE = Place(1, 1)
EVIL = '<script>alert("x")</script>'


def without_last(policy: Policy) -> Policy:
    return replace(policy, promises=policy.promises[:-1])


@cache
def text_of(site: str) -> str:
    return notice.text(policy_of(site))


@cache
def html_of(site: str) -> str:
    return notice.html(policy_of(site))


@pytest.mark.parametrize("site", SITES)
def test_all_three_forms_name_every_promise(site: str) -> None:
    policy = policy_of(site)
    assert notice.names_every_promise(policy, text_of(site)) == ()
    assert notice.names_every_promise(policy, html_of(site)) == ()
    assert notice.names_every_promise(policy, notice.jsonld(policy)) == ()


@pytest.mark.parametrize("site", SITES)
def test_a_dropped_promise_is_caught_in_all_three_forms(site: str) -> None:
    policy = policy_of(site)
    poorer, dropped = without_last(policy), (policy.promises[-1].id,)
    assert notice.names_every_promise(policy, notice.text(poorer)) == dropped
    assert notice.names_every_promise(policy, notice.html(poorer)) == dropped
    assert notice.names_every_promise(policy, notice.jsonld(poorer)) == dropped


def test_a_promise_whose_words_were_changed_is_caught_though_its_id_stands() -> None:
    policy = policy_of("daminion")
    edited = html_of("daminion").replace("Nobody buys your name from us", "Somebody buys your name from us")
    assert notice.names_every_promise(policy, edited) == ("DAM-1",)


def test_an_id_inside_a_longer_one_names_nothing() -> None:
    policy = policy_of("aimini")
    said = " ".join(promise.says for promise in policy.promises)
    others = " ".join(promise.id for promise in policy.promises if promise.id != "AIM-1")
    assert notice.names_every_promise(policy, f"{said} {others} AIM-1x xAIM-1") == ("AIM-1",)


@pytest.mark.parametrize("site", SITES)
def test_the_same_policy_gives_the_same_bytes(site: str) -> None:
    first, second = policy_of(site), read(FOLDER / f"{site}.yaml")
    assert text_of(site) == notice.text(second)
    assert html_of(site) == notice.html(second)
    assert json.dumps(notice.jsonld(first)) == json.dumps(notice.jsonld(second))


@pytest.mark.parametrize("site", SITES)
def test_the_text_fits_eighty_columns(site: str) -> None:
    assert [line for line in text_of(site).splitlines() if len(line) > 80] == []


# --- words --------------------------------------------------------------------------------------------------------


def test_every_closed_word_of_the_language_has_words() -> None:
    for closed, said in (
        (CONDITIONS, words.CONDITION),
        (RECIPIENT_KINDS, words.KIND),
        (MEASURES, words.MEASURE),
        (RIGHTS, words.RIGHT),
        (ROUTES, words.ROUTE),
        (CHANNELS, words.CHANNEL),
        (CHANNELS, words.REACH),
        (CHANGE_DUTIES, words.DUTY),
        (TOPICS, words.TOPIC),
        (MEASURES, linked.MEASURE),
        (RECIPIENT_KINDS, linked.PARTY),
    ):
        assert set(closed) == set(said)


@pytest.mark.parametrize("site", SITES)
def test_every_clause_is_said_in_whole_sentences_without_a_bare_name(site: str) -> None:
    policy = policy_of(site)
    bare = {name for named in (policy.categories, policy.purposes, policy.forms) for name in named if "-" in name}
    bare -= {clause.name for p in policy.promises for clause in p.clauses if isinstance(clause, Cookies)}
    for promise in policy.promises:
        for clause in promise.clauses:
            said = words.line(policy, clause).words
            assert re.fullmatch(r"[A-Z“].*\.", said), said
            assert not bare & set(re.findall(r"[a-z]+(?:-[a-z]+)+", said)) - {"e-mail"}, said
            assert "  " not in said
            assert ".." not in said


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        (
            Never(("sell",), (), (), (), (), (frozenset(("consent", "approval")),), False, HERE),
            ("We never sell anything about you, unless you agreed to it and still do and you approved it in writing,"
            " naming who and what."),
        ),
        (
            Never(("use", "mail"), ("email",), ("marketing",), (), ("marketing",), (), False, HERE),
            "People who advertise never use your e-mail address, and never e-mail you to advertise.",
        ),
        (
            Never(("share",), (), (), ("authority", "court"), (), (frozenset(("case",)),), False, HERE),
            ("We never pass on anything about you, where any public authority or a court or public authority would get"
            " it, unless an open legal case that two of us have approved covers it."),
        ),
        (Never((), (), (), (), (), (), True, HERE), "What no promise on this page allows, our system refuses."),
        (Keep(("ip",), (), timedelta(days=1), None, HERE), "The IP address of a visit: 1 day, then erased."),
        (Keep((), ("contest",), None, "winners-told", HERE), None),
        (
            Choose(("mailing-list",), (), (), "registration", None, False, HERE),
            ("You decide on the registration form whether you want us to send you the mailing list's offers and news."
            " Nothing is ticked beforehand."),
        ),
        (Cookies(None, None, (), None, None, frozenset(), HERE), "None. No page of ours leaves anything behind in your browser."),
    ],
)  # fmt: skip
def test_a_clause_reads_well(clause: Any, said: str | None) -> None:
    found = words.line(policy_of("daminion"), clause).words
    assert found == (
        said or "Anything without a term of its own, given on the contest form: until winners told, then erased."
    )


def test_a_never_over_nearly_all_purposes_names_those_that_are_left() -> None:
    policy = policy_of("daminion")
    most = tuple(name for name in policy.purposes if name != "diagnose")
    never = Never(("use",), ("ip",), most, (), (), (), False, HERE)
    assert words.line(policy, never).words == (
        "We never use the IP address of a visit, for any purpose on this page but to find what is wrong with the server."
    )


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (timedelta(days=30), "30 days"),
        (timedelta(weeks=1), "7 days"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=36), "36 hours"),
    ],
)
def test_a_span_reads_as_it_was_written(term: timedelta, said: str) -> None:
    assert words.span(term) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "no"), (13, "thirteen"), (25, "twenty-five"), (80, "eighty"), (112, "112")]
)
def test_numbers_read_as_words(number: int, said: str) -> None:
    assert outline.counted(number) == said


# --- page ---------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page is made of: opening tags, and the tags that are open around each text."""

    VOID = frozenset(("meta", "link", "br", "hr", "img", "input"))

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


@cache
def page_of(site: str) -> Page:
    return Page(html_of(site))


@pytest.mark.parametrize("site", SITES)
def test_the_page_is_well_formed_and_every_promise_an_anchor(site: str) -> None:
    policy = policy_of(site)
    page = page_of(site)
    assert page.faults == []
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {promise.id for promise in policy.promises} <= set(ids)
    inner = {
        (attrs["href"] or "")[1:] for tag, attrs in page.tags if tag == "a" and (attrs["href"] or "").startswith("#")
    }
    assert inner <= set(ids)


@pytest.mark.parametrize("site", SITES)
def test_headings_have_no_gaps_and_tables_have_captions(site: str) -> None:
    page = page_of(site)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    names = [tag for tag, _ in page.tags]
    assert names.count("caption") == names.count("table") >= 4
    assert {"main", "header", "footer", "nav"} <= set(names)
    assert dict(page.tags)["html"] == {"lang": "en"}


@pytest.mark.parametrize("site", SITES)
def test_the_page_loads_nothing(site: str) -> None:
    source, page = html_of(site), page_of(site)
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "embed", "video", "audio"}
    assert not re.search(r"url\(|@import|@font-face|\bsrc=", source)
    assert {attrs["href"] for tag, attrs in page.tags if tag == "link"} == {"data:,"}


def test_the_style_in_the_page_is_the_one_that_its_source_hash_allows() -> None:
    style = html_of("aimini").split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert notice.style_source() == f"'sha256-{digest}'"


def hostile(policy: Policy) -> Policy:
    """The policy with a script wherever its author may write words."""

    def evil(things: Any, **more: str) -> Any:
        return MappingProxyType({name: replace(thing, says=f"to {EVIL}", **more) for name, thing in things.items()})

    promises = tuple(replace(p, says=EVIL, source=replace(p.source, section=f'"{EVIL}')) for p in policy.promises)
    return replace(
        policy,
        controller=replace(policy.controller, name=EVIL, url="javascript:alert(1)", contact={"email": f'a"{EVIL}', "form": "javascript:alert(2)", "post": EVIL}),
        categories=evil(policy.categories),
        purposes=evil(policy.purposes),
        recipients=evil(policy.recipients, policy="javascript:alert(3)"),
        roles=evil(policy.roles),
        forms=evil(policy.forms),
        promises=promises,
    )  # fmt: skip


@pytest.mark.parametrize("site", SITES)
def test_a_policy_with_a_script_in_all_its_words_stays_inert(site: str) -> None:
    bad = hostile(policy_of(site))
    source = notice.html(bad)
    tame, wild = page_of(site), Page(source)
    assert "script" not in {tag for tag, _ in wild.tags}
    assert wild.faults == []
    allowed = {attr for _, attrs in tame.tags for attr in attrs}
    assert {attr for _, attrs in wild.tags for attr in attrs} <= allowed
    assert not [value for _, attrs in wild.tags for value in attrs.values() if (value or "").startswith("javascript:")]
    assert notice.names_every_promise(bad, source) == ()


def test_unescaped_words_would_be_noticed() -> None:
    planted = html_of("aimini").replace("We set no cookies", EVIL)
    assert "script" in {tag for tag, _ in Page(planted).tags}


# --- JSON-LD ------------------------------------------------------------------------------------------------------


def terms(value: Any) -> Iterator[str]:
    """Every dpv: and pd: name in a JSON-LD document, keys and values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "@context":
                yield from terms(key)
                yield from terms(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from terms(inner)
    elif isinstance(value, str) and re.match(r"(dpv|pd):", value):
        yield value


def unknown(document: Any) -> set[str]:
    """Those of them that DPV does not have, in that namespace."""
    known = {"dpv": set[str](), "pd": set[str]()}
    namespace = ""
    for line in files("avow.policy").joinpath("dpv.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            namespace = line.strip("[]").split()[0]
        elif not line.startswith("#"):
            known[namespace].update(line.split())
    return {term for term in terms(document) if term.split(":", 1)[1] not in known[term.split(":", 1)[0]]}


@pytest.mark.parametrize("site", SITES)
def test_every_term_of_the_json_ld_is_one_of_the_vocabulary(site: str) -> None:
    document = notice.jsonld(policy_of(site))
    assert len(set(terms(document))) > 20
    assert unknown(document) == set()


def test_a_term_that_the_vocabulary_lacks_is_caught() -> None:
    document = notice.jsonld(policy_of("aimini"))
    document["dpv:hasRule"][0]["dpv:hasProhibitoin"] = [{"@type": "pd:Purpose"}]
    assert unknown(document) == {"dpv:hasProhibitoin", "pd:Purpose"}


@pytest.mark.parametrize("site", SITES)
def test_every_reference_within_the_json_ld_leads_somewhere(site: str) -> None:
    policy = policy_of(site)
    document = notice.jsonld(policy)
    base = document["@id"] + "#"
    named = set(re.findall(rf'"@id": "({re.escape(base)}[^"]+)", "@type"', json.dumps(document)))
    used = set(re.findall(rf'"@id": "({re.escape(base)}[^"]+)"', json.dumps(document)))
    assert used == named
    assert {f"{base}{promise.id}" for promise in policy.promises} <= named


def test_the_json_ld_is_plain_json() -> None:
    document = notice.jsonld(policy_of("daminion"))
    assert json.loads(json.dumps(document)) == document
    assert document["@context"]["dpv"] == "https://w3id.org/dpv#"


def test_the_terms_used_by_the_notice_itself_are_known_with_the_meaning_they_are_used_for() -> None:
    for term in (*linked.PROCESSING.values(), *linked.PARTY.values(), *linked.BASIS.values(), *linked.MEASURE.values()):
        assert dpv.iri(term.removeprefix("dpv:")) == f"https://w3id.org/{term.replace(':', '#')}"


# -- a version among others ---------------------------------------------------------------------------------------------

MARKS = (
    notice.Standing("next", date(2027, 1, 15), "ab" * 32), notice.Standing("new", date(2027, 1, 15), "0" * 64),
    notice.Standing("past", date(2027, 1, 15), "cd" * 32, date(2027, 1, 15)),
    notice.Standing("to-come", date(2027, 2, 1), "ef" * 32, date(2027, 1, 15)),
)  # fmt: skip


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.state)
def test_a_mark_of_how_a_version_stands_is_put_before_its_page_and_changes_nothing_else(mark: notice.Standing) -> None:
    policy = policy_of("aitoc")
    marked = notice.html(policy, mark)
    assert re.sub(r'<aside class="standing.*?</aside>\n', "", marked, flags=re.DOTALL) == notice.html(policy)
    assert Page(marked).faults == []
    assert notice.standing_in(marked) == mark
    assert notice.standing_in(notice.html(policy)) is None


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.state)
def test_a_marked_page_counts_as_unedited_and_one_whose_mark_says_something_else_as_edited(
    mark: notice.Standing,
) -> None:
    policy = policy_of("aitoc")
    marked = notice.html(policy, mark)
    assert notice.edited(policy, marked) is None
    for was, now in (
        ("<p>", "<p>Nothing of importance. "), ("See what", "Do not see what"), ("</aside>", "<p>Trust us.</p></aside>"),
        ("15 January 2027", "15 January 2028") if mark.state != "to-come" else ("1 February", "2 February"),
        ("/changes/", "/chances/"), ("standing", "standing hidden"),
    ):  # fmt: skip
        head, aside, tail = marked.partition("<aside")
        changed = head + aside + tail.replace(was, now, 1)
        assert changed != marked
        assert notice.edited(policy, changed) is not None
    assert notice.edited(policy, marked.replace("</main>", "<p>Trust us.</p></main>")) is not None
