"""What is made of a browser's words, an address and a host's name: one of a closed list, whatever they are."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.visits.agents import BROWSERS, SYSTEMS, Agents
from avow.visits.merging import OTHER
from avow.visits.network import Domains, Names
from avow.visits.regions import REGIONS, Regions

AGENTS, PARTS_OF_THE_WORLD, DOMAINS = Agents(), Regions(), Domains()
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("words", "browser", "system"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/141.0.0.0 Safari/537.36", "Chrome", "Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "Edge", "Windows"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox", "Linux"),
        (
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
            " Mobile/15E148 Safari/604.1"),
            "Safari", "iOS",
        ),
        (f"Mozilla/5.0 (Linux; Android 14; SM-S911B) {WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
         "Samsung Internet", "Android"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", OTHER, OTHER),
        ("", OTHER, OTHER),
        ("jane.roe@example.com", OTHER, OTHER),
        ("jane-roe-bot/1.0 (card 4242 4242 4242 4242)", OTHER, OTHER),
    ],
)  # fmt: skip
def test_a_browser_is_one_of_a_few_kinds(words: str, browser: str, system: str) -> None:
    """TOC-7."""
    assert AGENTS.kinds(words) == (browser, system)


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z@.+/ -]{0,20}(bot|spider|Firefox|Chrome)/[0-9@a-z.]{0,20}"))
def test_no_words_of_a_browser_come_out_again(words: str) -> None:
    """TOC-7, TOC-8, AIT-2."""
    browser, system = AGENTS.kinds(words)
    assert browser in {*BROWSERS, OTHER}
    assert system in {*SYSTEMS, OTHER}


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("193.0.6.139", "Europe and around"), ("2001:67c:2e8:22::c100:68b", "Europe and around"),
        ("199.43.0.44", "North America"), ("2620:0:2d0:200::7", "North America"), ("200.3.14.184", "Latin America"),
        ("1.1.1.1", "Asia and the Pacific"), ("2400:cb00::1", "Asia and the Pacific"), ("196.216.2.6", "Africa"),
        ("2c0f:feb0::1", "Africa"), ("::ffff:193.0.6.139", "Europe and around"), ("127.0.0.1", OTHER), ("10.1.2.3", OTHER),
        ("fe80::1%eth0", OTHER), ("::1", OTHER), ("", OTHER), ("jane@example.com", OTHER),
    ],
)  # fmt: skip
def test_an_address_is_of_one_of_five_parts_of_the_world(address: str, region: str) -> None:
    """DAM-6."""
    assert PARTS_OF_THE_WORLD.of(address) == region


@given(st.ip_addresses().map(str) | st.text(max_size=30))
def test_nothing_finer_than_a_part_of_the_world_comes_out(address: str) -> None:
    """DAM-6, DAM-7."""
    assert PARTS_OF_THE_WORLD.of(address) in {*REGIONS.values(), OTHER}


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("p5b2a1f3.dip0.t-ipconnect.de", "t-ipconnect.de"), ("host86-140.range.btcentralplus.com", "btcentralplus.com"),
        ("jane.roe.dyndns.org", "dyndns.org"), ("a1-2.compute.amazonaws.com", "amazonaws.com"), ("x.bbc.co.uk", "bbc.co.uk"),
        ("x.bbc.co.uk.", "bbc.co.uk"), ("co.uk", OTHER), ("localhost", OTHER), ("router.lan", OTHER), ("1.2.0.192.in-addr.arpa", OTHER),
        ("jane@example.com", OTHER), ("jane roe.example.com", OTHER), ("192.0.2.1", OTHER), ("", OTHER), ("." * 300, OTHER),
        ("x\n.example.com", OTHER), ("a" * 70 + ".com", OTHER),
    ],
)  # fmt: skip
def test_of_a_host_the_registered_domain_is_left(host: str, domain: str) -> None:
    """AIT-2."""
    assert DOMAINS.of(host) == domain


@given(st.from_regex(r"\A[a-z0-9-]{1,20}(\.[a-z0-9-]{1,12}){0,4}\Z") | st.text(max_size=60))
def test_no_host_name_comes_out_whole_unless_it_is_the_domain(host: str) -> None:
    """AIT-2."""
    domain = DOMAINS.of(host)
    assert domain == OTHER or host.rstrip(".").lower().endswith(domain)
    assert domain == OTHER or DOMAINS.of(f"somebody.{domain}") == domain


async def test_a_name_is_asked_for_once_and_beside_the_request() -> None:
    """AIT-2, AIT-4."""
    asked, go = [], asyncio.Event()

    async def resolve(address: str) -> str:
        asked.append(address)
        await go.wait()
        return "cpe-1-2-3.example-isp.net"

    names = Names(DOMAINS, resolve)
    first, again = names.ask("198.51.100.7", 0), names.ask("198.51.100.7", 1)
    assert first is again
    assert first.domain == OTHER  # it waits for nothing
    go.set()
    await names.settled()
    assert (asked, first.domain) == (["198.51.100.7"], "example-isp.net")


@pytest.mark.parametrize("fault", [OSError("no such host"), UnicodeError("not a name"), TimeoutError()])
async def test_a_name_that_is_not_found_is_none(fault: Exception) -> None:
    async def resolve(_: str) -> str:
        raise fault

    names = Names(DOMAINS, resolve)
    answer = names.ask("198.51.100.7", 0)
    await names.settled()
    assert answer.domain == OTHER


@pytest.mark.parametrize("words", ["", "unknown", "a\0b", "jane@example.com", "203.0.113.9.example.com"])
async def test_what_is_no_address_is_asked_of_nobody(words: str) -> None:
    """A proxy hands on what it was sent."""
    asked = []

    async def resolve(address: str) -> str:
        asked.append(address)
        return "host.example-isp.net"

    names = Names(DOMAINS, resolve)
    answer = names.ask(words, 0)
    await names.settled()
    assert (asked, answer.domain) == ([], OTHER)
