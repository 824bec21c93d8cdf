"""Every version of the policy is public: what it changes, its text, its files, a feed; and nobody notes who looks."""

import hashlib
import os
import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from avow.decide.changed import changed
from avow.doors.centre.app import guarded
from avow.doors.centre.compared import Piece, pieces
from avow.doors.centre.feed import Entry, atom, named
from avow.ledger.checkpoint import read_key
from avow.ledger.published import read
from avow.policy import notice
from tests.desk.beds import SITES
from tests.doors.centre.beds import SHOP, Visitor, text_of
from tests.doors.centre.versions import State, third, versions
from tests.policy.five import next_of, policy_of

ATOM = "{http://www.w3.org/2005/Atom}"


def digest(site: str) -> str:
    return next_of(site).digest.hex()


def old(site: str) -> str:
    return policy_of(site).digest.hex()


@pytest.mark.parametrize("site", SITES)
async def test_the_log_has_every_version_newest_first_with_its_day_and_its_files(tmp_path: Path, site: str) -> None:
    """TOC-15, AUD-13."""
    async with versions(tmp_path, site, "three") as (bed, _, ada):
        page = await ada.get("/changes")
        told = [third(site), next_of(site), policy_of(site)]
        assert re.findall(r"<h2>Version of (\S+) <span[^>]*>([^<]*)", page.text) == [
            (one.version.isoformat(), state) for one, state in zip(told, ("to come", "in force", "past"), strict=True)
        ]
        key = read_key(bed.shop.verifier_key)
        for one in told:
            name = one.digest.hex()
            assert name in page.text
            file = await ada.web.get(f"/changes/{name}/policy.yaml")
            assert hashlib.sha256(file.content).hexdigest() == name
            note = await ada.web.get(f"/changes/{name}/statement.txt")
            assert read(note.text, key).digest == one.digest
            assert (await ada.web.get(f"/changes/{name}/notice.html")).text == notice.html(one)
            assert all("attachment" in answer.headers["content-disposition"] for answer in (file, note))


async def test_a_version_that_is_published_is_in_the_log_and_on_every_page_at_once(tmp_path: Path) -> None:
    async with versions(tmp_path, "audiomidi", "first") as here:
        assert "Nothing has changed yet" in (await here.ada.get("/changes")).text
        assert 'class="news"' not in (await here.ada.get("/contact")).text
        name = digest("audiomidi")
        assert (await here.ada.get(f"/changes/{name}")).status_code == 404
        await here.bed.desk.publish(next_of("audiomidi").source, old("audiomidi"))
        assert (await here.ada.get(f"/changes/{name}")).status_code == 200
        assert name in (await here.ada.get("/changes")).text
        assert name in (await here.ada.web.get("/changes.atom")).text
        assert name in (await here.ada.get("/contact")).text


@pytest.mark.parametrize("site", SITES)
async def test_what_changed_is_said_in_plain_words_with_old_and_new_beside_each_other(
    tmp_path: Path, site: str
) -> None:
    """AUD-13: with what it means for who gets data."""
    async with versions(tmp_path, site, "to-come") as here:
        answer = await here.ada.get(f"/changes/{digest(site)}")
        said = text_of(answer)
        change = changed(policy_of(site), next_of(site))
        for one in (*change.more, *change.less, *change.also):
            assert one.words in said
        for says in change.receiving:
            assert says in said
        for party in change.receivers:
            assert party.says in said
        plain = re.sub(r"</?(del|ins)>", "", answer.text)
        for pledge in change.promises:
            assert f"#{pledge.id}" in answer.text or f'id="{pledge.id}"' in answer.text
            if pledge.mark != "same":
                article = re.search(rf'<article[^>]*id="{pledge.id}".*?</article>', plain, re.DOTALL)
                assert article
                for words in (pledge.before, pledge.now, *pledge.gone, *pledge.come):
                    assert words in text_of(httpx.Response(200, text=article[0]))


async def test_what_it_means_for_data_held_names_the_promise_that_keeps_the_older_limits(tmp_path: Path) -> None:
    async with versions(tmp_path / "a", "aitoc", "to-come") as here:
        said = text_of(await here.ada.get(f"/changes/{digest('aitoc')}"))
        assert (
            "keeps the limits under which it came, until you yourself agree. If you do nothing, it stays so. TOC-2"
            in said
        )
    async with versions(tmp_path / "b", "aitpro", "to-come") as here:
        said = text_of(await here.ada.get(f"/changes/{digest('aitpro')}"))
        assert "serves nothing new before that notice has reached you, nor if you decline. AIT-17" in said
        assert "until you yourself agree" not in said


@pytest.mark.parametrize("site", SITES)
async def test_a_version_not_in_force_is_shown_as_its_notice_under_a_mark_and_nothing_else(
    tmp_path: Path, site: str
) -> None:
    async with versions(tmp_path, site, "three") as here:
        for one, words in ((policy_of(site), "Not in force any more."), (third(site), "Not in force yet.")):
            answer = await here.ada.get(f"/changes/{one.digest.hex()}/text")
            aside = re.search(r'<aside class="standing.*?</aside>\n', answer.text, re.DOTALL)
            assert aside
            assert words in aside[0]
            assert 'href="/policy"' in aside[0]
            assert next_of(site).version.isoformat() in aside[0]
            assert answer.text.replace(aside[0], "") == notice.html(one)
        answer = await here.ada.web.get(f"/changes/{digest(site)}/text")
        assert (answer.status_code, answer.headers["location"]) == (303, "/policy")


@pytest.mark.parametrize(
    ("state", "says"),
    [("to-come", "changes on 1 March 2027"), ("new", "changed on 1 March 2027"), ("old", ""), ("first", "")],
)
async def test_a_version_to_come_or_newly_in_force_is_announced_on_every_page(
    tmp_path: Path, state: State, says: str
) -> None:
    """AUD-12, AUD-13, DAM-22: the policy page itself is that of the version in force."""
    async with versions(tmp_path, "audiomidi", state) as here:
        for path in ("/", "/promises", "/contact", "/nowhere", "/changes", "/changes?since=2026-02-01"):
            answer = await here.ada.get(path)
            head = re.search(r'<aside class="news".*?</aside>', answer.text, re.DOTALL)
            assert bool(head) is bool(says), path
            if head:
                assert says in text_of(httpx.Response(200, text=head[0]))
                assert f'class="unread" href="/changes/{digest("audiomidi")}"' in head[0]
        policy = await here.ada.get("/policy")
        in_force = policy_of("audiomidi") if state in ("first", "to-come") else next_of("audiomidi")
        assert re.sub(r"<aside.*?</aside>\n", "", policy.text, flags=re.DOTALL) == notice.html(in_force)
        assert (f"/changes/{digest('audiomidi')}" in policy.text) is bool(says)
        assert notice.edited(in_force, policy.text) is None


async def test_who_is_signed_in_is_told_too_without_losing_the_session(tmp_path: Path) -> None:
    async with versions(tmp_path, "aitpro", "to-come") as here:
        page = await here.ada.come_in()
        assert f'href="/changes/{digest("aitpro")}" target="_blank" rel="noopener"' in page.text
        held = text_of(await here.ada.go("/held"))
        assert "the policy of 2012-11-29" in held
    async with versions(tmp_path / "later", "aitpro", "new") as here:
        await here.ada.come_in()
        assert "the policy of 2012-11-29" in text_of(await here.ada.go("/held"))  # though another is in force


# -- since a day --------------------------------------------------------------------------------------------------------


async def test_what_changed_since_a_day_is_shown_by_an_address_that_can_be_kept(tmp_path: Path) -> None:
    """TOC-3."""
    async with versions(tmp_path, "aitoc", "three") as here:
        whole = text_of(await here.ada.get("/changes?since=2026-03-01"))
        assert "the version of 2017-06-06 was in force. Now it is that of 2027-02-01" in whole
        assert "to decide which extensions we build next" in whole
        assert "It changes on 1 February 2028" in whole
        day_of_the_version = text_of(await here.ada.get("/changes?since=2027-02-01"))
        assert "Nothing changed" in day_of_the_version
        before_all = text_of(await here.ada.get("/changes?since=2001-01-01"))
        assert "There was no policy here on that day. The first one is the version of 2017-06-06." in before_all
        assert "to decide which extensions we build next" in before_all


@pytest.mark.parametrize("day", ["2031-01-01", "yesterday", "2026-13-01", "20260101", "2026-W01-1", "<b>2026-01-01"])
async def test_a_day_that_is_none_or_is_to_come_is_asked_for_again(tmp_path: Path, day: str) -> None:
    async with versions(tmp_path, "aimini", "first") as here:
        answer = await here.ada.web.get("/changes", params={"since": day})
        assert answer.status_code == 400
        assert 'href="#since"' in answer.text
        assert day not in answer.text


# -- the feed -----------------------------------------------------------------------------------------------------------


def atom_faults(body: bytes) -> list[str]:
    """What RFC 4287 demands of a feed (4.1.1, 4.1.2, 4.2.6, 4.2.7) and this one lacks."""
    feed = ET.fromstring(body)
    if feed.tag != f"{ATOM}feed":
        return ["the document is no feed"]
    parts = (feed, *feed.findall(f"{ATOM}entry"))
    found = [fault for one in parts for fault in part_faults(one)]
    ids = [one.findtext(f"{ATOM}id") for one in parts]
    lacks = {
        "an id twice": len(set(ids)) != len(ids),
        "no author": feed.find(f"{ATOM}author/{ATOM}name") is None,
        "no link to itself": all(link.get("rel") != "self" for link in feed.findall(f"{ATOM}link")),
    }
    return [*found, *(fault for fault, lacking in lacks.items() if lacking)]


def part_faults(one: ET.Element) -> list[str]:
    """The same, of the feed's head or one entry."""
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    links = [(link.get("rel"), link.get("type"), link.get("href") or "") for link in one.findall(f"{ATOM}link")]
    kinds = [kind for *kind, _ in links]
    names = ("id", "title", "updated")
    found = [f"not exactly one {name}" for name in names if len(one.findall(f"{ATOM}{name}")) != 1]
    moments = [*one.findall(f"{ATOM}updated"), *one.findall(f"{ATOM}published")]
    found += [f"{at.text} is no moment" for at in moments if not re.fullmatch(stamp, at.text or "")]
    lacks = {
        "not one alternate link of a type": kinds.count(["alternate", "text/html"]) != 1,
        "a link that is not absolute": not all(href.startswith("https://") for *_, href in links),
        "an id that is no absolute IRI": not re.match(r"[a-z][a-z0-9+.-]*:", one.findtext(f"{ATOM}id") or ""),
    }
    return [*found, *(fault for fault, lacking in lacks.items() if lacking)]


@pytest.mark.parametrize("site", SITES)
async def test_the_feed_is_an_atom_feed_with_an_entry_for_each_version(tmp_path: Path, site: str) -> None:
    """TOC-15."""
    async with versions(tmp_path, site, "three", origin="https://privacy.shop.example") as here:
        answer = await here.ada.web.get("/changes.atom")
        assert answer.headers["content-type"].startswith("application/atom+xml")
        assert atom_faults(answer.content) == []
        feed = ET.fromstring(answer.content)
        told = [third(site), next_of(site), policy_of(site)]
        links = [one.find(f"{ATOM}link") for one in feed.findall(f"{ATOM}entry")]
        assert [link is not None and link.get("href") for link in links] == [
            f"https://privacy.shop.example/changes/{one.digest.hex()}" for one in told
        ]
        assert all(one.version.isoformat() in answer.text for one in told)
        head = (await here.ada.get("/contact")).text
        assert '<link rel="alternate" type="application/atom+xml"' in head
        assert 'href="/changes.atom"' in head


def test_a_feed_stays_readable_whatever_a_policy_says_and_names_each_version_by_its_digest() -> None:
    evil = "\x00\x0b\ufffe]]><script>&amp;</summary>"
    body = atom("https://c.example", evil, evil, [Entry("ab" * 32, evil, 1_700_000_000_123, evil)])
    assert atom_faults(body) == []
    assert ET.fromstring(body).findtext(f"{ATOM}entry/{ATOM}summary") == "]]><script>&amp;</summary>"
    assert b"<updated>2023-11-14T22:13:20.123Z</updated>" in body
    hello = hashlib.sha256(b"Hello World!").hexdigest()  # the example of RFC 6920, 8.1
    assert named(hello) == "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"


@pytest.mark.parametrize(
    ("cut", "fault"),
    [
        (r"<updated>[^<]*</updated>", "not exactly one updated"), (r"<author>.*?</author>", "no author"),
        (r"https://c.example(?=/changes/)", "a link that is not absolute"), (r"<id>[^<]*</id>", "not exactly one id"),
        (r"<link rel=.self.[^>]*>", "no link to itself"),
    ],
)  # fmt: skip
def test_the_check_of_feeds_misses_nothing_that_is_cut_out(cut: str, fault: str) -> None:
    body = atom("https://c.example", "t", "a", [Entry("ab" * 32, "t", 0, "s")]).decode()
    assert fault in atom_faults(re.sub(cut, "", body, count=1).encode())


# -- behind the guard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("site", "kept"), [("daminion", True), ("aimini", False)])
async def test_behind_the_guard_files_may_be_kept_where_the_policy_lets_anything_stay_and_pages_never(
    tmp_path: Path, site: str, kept: bool
) -> None:
    async with versions(tmp_path, site, "to-come") as (bed, app, _):
        host = f"privacy.{site}.localhost"
        app_ = guarded(app, bed.policy, host=host, shop_url=SHOP, clock=bed.clock, random=os.urandom)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app_), base_url=f"https://{host}") as web:
            name = digest(site)
            for path in (f"/changes/{name}/policy.yaml", f"/changes/{name}/statement.txt", "/changes.atom"):
                answer = await web.get(path)
                assert answer.status_code == 200
                assert ("public" in answer.headers["cache-control"]) is kept
                assert "set-cookie" not in answer.headers
            ada = Visitor(bed, web)
            for path in ("/changes", "/changes?since=2026-02-01", f"/changes/{name}", f"/changes/{name}/text"):
                assert (await ada.get(path)).status_code == 200
            await ada.come_in()
            assert (await ada.go("/held")).headers["cache-control"] == "no-store"


# -- two wordings -------------------------------------------------------------------------------------------------------


def test_two_wordings_are_cut_where_they_part_and_lose_nothing() -> None:
    before, now = (
        "We keep your address for a year, and no longer.",
        "We keep your address for two years, and no longer.",
    )
    left, right = pieces(before, now)
    assert "".join(one.words for one in left) == before
    assert "".join(one.words for one in right) == now
    assert [one.words for one in left if one.odd] == [" a year,"]
    assert [one.words for one in right if one.odd] == [" two years,"]
    assert pieces("", now) == ([], [Piece(now, odd=False)])


async def test_a_clock_that_goes_on_ends_the_announcement_after_thirty_days(tmp_path: Path) -> None:
    async with versions(tmp_path, "aitoc", "new") as here:
        assert 'class="news"' in (await here.ada.get("/changes")).text
        here.bed.clock.now += timedelta(days=29)
        assert 'class="news"' not in (await here.ada.get("/changes")).text
