"""What no sound policy can say of the companies it works with."""

from avow.policy import check
from avow.policy.parse import parse
from tests.policy.five import policy_of


def messages(site: str, old: str, new: str) -> list[str]:
    """The faults of a real policy after an edit."""
    source = policy_of(site).source
    assert source.count(old) == 1
    return [fault.message for fault in check.faults(parse(source.replace(old, new)))]


def test_a_processor_without_a_link_to_its_policy_is_a_fault() -> None:
    """AIM-10."""
    link = '    policy: "https://keyhouse.example/privacy"\n'
    assert any("`registration-company` has no link to its own policy" in one for one in messages("aimini", link, ""))


ADS = '  ads: {is: third-party, says: an advertiser, policy: "https://ads.example/privacy", origin: "https://ads.example"}\n'
COURT = "  court: {is: authority, says: a court}\n"


def test_an_advertising_server_cannot_be_declared_beside_the_promise_of_none() -> None:
    """AIT-16: neither as somewhere that pages load from, nor by its cookie."""
    assert messages("aitpro", COURT, ADS + COURT) == ["pages may load from `ads`, though no promise says what for"]


def test_an_advertisers_cookie_cannot_be_declared_beside_the_promise_of_none() -> None:
    """AIT-16."""
    source = policy_of("aitpro").source.replace(COURT, ADS + COURT)
    cookie = 'cookies: {name: seen, at: ads, for: marketing, paths: [/], lifetime: "1 day"}'
    promise = f"- id: AIT-99\n  says: An advertiser counts.\n  source: {{section: Ads, sentence: 1}}\n  {cookie}\n\n"
    found = check.faults(parse(source.replace("- id: AIT-16\n", f"{promise}- id: AIT-16\n")))
    assert any("`ads` sets the cookie `seen` for a purpose that line" in fault.message for fault in found)
