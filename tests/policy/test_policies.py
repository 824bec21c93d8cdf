"""The five policies: whole, free of faults, and refusing what each promise must refuse, in its own name."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product

import pytest

from avow.decide.decide import decide
from avow.decide.faults import faults
from avow.decide.request import Allow, Facts, Refuse, Request
from avow.policy import check
from avow.policy.model import (
    CHANNELS,
    CONDITIONS,
    CONTACT,
    PERSON,
    RECIPIENT_KINDS,
    SITE,
    Collect,
    Condition,
    Never,
    Use,
)
from tests.policy.five import SITES, policy_of, table_of

IDS = {
    "aimini": ("AIM", 13),
    "audiomidi": ("AUD", 15),
    "aitpro": ("AIT", 23),
    "aitoc": ("TOC", 16),
    "daminion": ("DAM", 25),
}
STAFF: tuple[Condition, ...] = ("standing", "in-time")


@pytest.mark.parametrize("site", SITES)
def test_a_policy_has_each_of_its_promises_once(site: str) -> None:
    prefix, number = IDS[site]
    assert sorted(promise.id for promise in policy_of(site).promises) == sorted(
        f"{prefix}-{n}" for n in range(1, number + 1)
    )


@pytest.mark.parametrize("site", SITES)
def test_a_policy_is_named_after_its_site(site: str) -> None:
    assert policy_of(site).site == site


@pytest.mark.parametrize("site", SITES)
def test_a_policy_is_free_of_faults(site: str) -> None:
    assert [*check.faults(policy_of(site)), *faults(policy_of(site), table_of(site))] == []


@pytest.mark.parametrize("site", SITES)
def test_every_contract_is_in_force_through_the_years_of_the_demonstrations(site: str) -> None:
    contracts = [r.contract for r in policy_of(site).recipients.values() if r.kind == "processor"]
    assert contracts
    assert all(c is not None and c.from_ <= date(2026, 1, 1) and c.to >= date(2031, 1, 1) for c in contracts)


@pytest.mark.parametrize("site", SITES)
def test_no_outside_address_is_a_real_one(site: str) -> None:
    policy = policy_of(site)
    for recipient in policy.recipients.values():
        for address in (recipient.policy, recipient.origin):
            assert address is None or address.split("/")[2].endswith(".example")
    assert policy.controller.contact["email"].endswith(".example")


# --- what each promise refuses, and allows ------------------------------------------------------------------------


def _asks(site: str, text: str) -> Iterator[Request]:
    """`use by marketing for a,b of name,email to x via form`; `*` is every declared value of its dimension.

    Who is not said is the site. `to` goes with passing on alone, `via` with collecting.
    """
    policy, words = policy_of(site), text.split()
    given = dict(zip(words[1::2], words[2::2], strict=True))
    every = {
        "by": (PERSON, SITE, *policy.roles),
        "for": tuple(policy.purposes),
        "of": tuple(policy.categories),
        "to": (*policy.recipients, *RECIPIENT_KINDS),
        "via": tuple(policy.forms),
    }
    values = {key: every[key] if given[key] == "*" else tuple(given[key].split(",")) for key in every if key in given}
    for action in words[0].split(","):
        to = values["to"] if action in ("share", "sell", "summarise") else (None,)
        via = values["via"] if action == "collect" else (None,)
        for by, purpose, category, recipient, form in product(
            values.get("by", (SITE,)), values["for"], values["of"], to, via
        ):
            yield Request(action, by, purpose, (category,), recipient, form)  # type: ignore[arg-type]  # a word below


# promise, request, and the conditions that do not hold; all others do: an attempt with everything else on its side
REFUSED: dict[str, Sequence[tuple[str, str, str]]] = {
    "aimini": (
        ("AIM-1", "share,sell,summarise by * for * of * to *", ""),
        ("AIM-2", "set-cookie by site for order,marketing,recognise of buyer,anything", ""),
        ("AIM-5", "collect by person,site for order,payment,answer of buyer-name,buyer-email,card via contact,order-notice", ""),
        ("AIM-5", "use by * for order,order-status of buyer-name,buyer-address,card", ""),
        ("AIM-5", "use by fulfilment,support for order-status of order-reference", "request"),
        ("AIM-6", "use,share by site for marketing,statistics of buyer-name,card to registration-company", ""),
        ("AIM-9", "collect by person,site for payment,answer of card,card-expiry via contact", ""),
        ("AIM-12", "use by support for answer of email,message", "request"),
        ("AIM-12", "mail by site,support for answer of email", "request"),
        ("AIM-12", "use by marketing for marketing of email,message", ""),
        ("AIM-13", "use by * for recognise,answer of buyer-mark", ""),
    ),
    "audiomidi": (
        ("AUD-1", "collect by person for order of card via order", ""),
        ("AUD-2", "use by marketing,support,site for marketing of name,email,postal-address,items", ""),
        ("AUD-2", "use by site for order,order-status of name,email", "request"),
        ("AUD-5", "use by fulfilment,support,marketing,admin for * of name,email,postal-address,items", "request consent"),
        ("AUD-5", "use by admin,marketing for order,order-status of name,items,postal-address", ""),
        ("AUD-5", "use by fulfilment for order of name", "standing"),
        ("AUD-6", "set-cookie by site for cart of cart", "on-path"),
        ("AUD-6", "set-cookie by site for marketing,cart of tracker", "on-path"),
        ("AUD-7", "set-cookie by site for marketing,statistics,tailoring of cart", ""),
        ("AUD-8", "use by person for pre-fill of name,email,postal-address", "identified"),
        ("AUD-9", "share,sell by * for * of name,email,postal-address,phone,company to *", "consent"),
        ("AUD-9", "share by site for partner-offers of name to trade-press,third-party", "consent"),
        ("AUD-10", "summarise by site for statistics of name,email,postal-address,message to trade-press", ""),
        ("AUD-10", "use by site,marketing for statistics of name,email", ""),
        ("AUD-11", "mail by site,marketing for interest-news of email", "consent"),
        ("AUD-11", "use by site,marketing for marketing,order of phone,company,interest", ""),
        ("AUD-14", "mail by support,site for answer of email", "request"),
        ("AUD-14", "call by support for answer of phone", "request"),
    ),
    "aitpro": (
        ("AIT-1", "use by support,site for answer of name,email,message", "request"),
        ("AIT-2", "link by * for * of network-domain", ""),
        ("AIT-3", "use by * for traffic,marketing,updates,order of affiliate-ip,affiliate-click", ""),
        ("AIT-3", "collect by person,site for commission of affiliate-ip,affiliate-click via affiliate-link", "affiliate-link"),
        ("AIT-3", "set-cookie by site for commission of affiliate", "affiliate-link"),
        ("AIT-4", "link,use by site,marketing,admin for marketing,order,commission of network-domain", ""),
        ("AIT-5", "mail by site,support for answer,order,marketing of email", "request consent notice-owed"),
        ("AIT-6", "mail by * for * of email", "request consent notice-owed"),
        ("AIT-7", "share,sell,summarise by * for answer,order,marketing of message,items,name to *", "case"),
        ("AIT-8", "use by site for commission of affiliate-ip,affiliate-click,affiliate-source", "in-time"),
        ("AIT-9", "share,sell,summarise by * for * of * to affiliate", ""),
        ("AIT-9", "use by site for commission of name,email", ""),
        ("AIT-10", "share,sell,summarise by * for * of affiliate-ip,affiliate-click,network-domain to *", "case"),
        ("AIT-11", "mail by site,support for answer,updates,order of email", "no-opt-out notice-owed"),
        ("AIT-12", "use,post by marketing,site for marketing,updates of postal-address", ""),
        ("AIT-12", "use by fulfilment for order of postal-address", "request"),
        ("AIT-13", "mail by * for * of email", "request consent notice-owed"),
        ("AIT-13", "post by * for * of postal-address", "request consent notice-owed"),
        ("AIT-13", "call by * for * of phone", "request consent notice-owed"),
        ("AIT-14", "call,use by * for * of phone", "request"),
        ("AIT-15", "call by support for answer,quote,order of phone", "no-opt-out"),
        ("AIT-16", "share,sell,summarise by * for marketing of * to *", ""),
        ("AIT-16", "set-cookie by site for marketing of affiliate,advert", ""),
        ("AIT-17", "use,mail by site,marketing for new-use of email", "notified"),
        ("AIT-17", "mail by site for notices of email", "notice-owed"),
        ("AIT-19", "use by marketing,admin for marketing,traffic,legal of name,message,items", ""),
        ("AIT-20", "collect by person,site for payment of card,card-expiry,bank-account via order,contact,card-page", ""),
        ("AIT-21", "share by * for * of name,email,message to *", "case"),
        ("AIT-21", "share,sell,summarise by * for * of * to public,third-party,list-broker", ""),
        ("AIT-21", "sell by * for * of * to *", ""),
        ("AIT-21", "share by fulfilment,marketing for legal of name to court", ""),
        ("AIT-23", "use by support for complaint of message", "request"),
    ),
    "aitoc": (
        ("TOC-5", "collect by person,site for order,answer of name,email via order,contact", "volunteered"),
        ("TOC-6", "mail by site,marketing for newsletter of email", "consent"),
        ("TOC-6", "use by * for * of name,postal-address,items", "request consent identified notice-owed"),
        ("TOC-6", "share,sell by * for * of * to payments,third-party,list-broker,public", ""),
        ("TOC-7", "use by * for marketing,newsletter,order of browser-type,page-use", ""),
        ("TOC-8", "link by * for * of browser-type,operating-system,page-use", "identified"),
        ("TOC-8", "use by person for customise of name,items", "identified"),
        ("TOC-8", "set-cookie by site for marketing of visit", ""),
        ("TOC-9", "summarise by * for statistics of name,email,items to *", ""),
        ("TOC-10", "share by * for * of name,email,items to agency,fraud-bureau,authority,fraud-prevention", "case"),
        ("TOC-10", "share by fraud-desk for fraud of message to fraud-bureau", "case"),
        ("TOC-10", "share by fraud-desk for legal of name to fraud-bureau", ""),
        ("TOC-11", "share,sell,summarise by * for marketing,newsletter of * to agency,fraud-bureau,authority", ""),
        ("TOC-13", "use,share by fulfilment,support,marketing,fraud-desk,admin for order,fraud of name to agency", "standing"),
        ("TOC-14", "mail by site,support for newsletter,order-status,answer of email", "no-opt-out notice-owed"),
    ),
    "daminion": (
        ("DAM-1", "sell by * for * of name,email to *", "approval"),
        ("DAM-1", "sell by * for * of name to *", "consent"),
        ("DAM-2", "collect by person,site for account,order of name,email via registration,order,contact", "volunteered"),
        ("DAM-3", "collect by person for order of card via order", ""),
        ("DAM-3", "use by fulfilment for order of name,shipping-address", "request"),
        ("DAM-4", "mail,post,call,use by * for contest of email", "request"),
        ("DAM-5", "use by marketing,support,fulfilment for diagnose,administer,marketing of ip", ""),
        ("DAM-5", "use by admin for diagnose of ip", "in-time"),
        ("DAM-6", "use by * for marketing,order,account of visit-region,visit-time", ""),
        ("DAM-7", "link by * for * of ip,visit-region,visit-time,visit-section", ""),
        ("DAM-9", "summarise by * for statistics of name,email,message to *", ""),
        ("DAM-10", "share by * for order of name,shipping-address to carrier,payments", "contract"),
        ("DAM-10", "share by site,fulfilment for order of name to carrier", "request"),
        ("DAM-10", "share by * for marketing,mailing-list,partner-offers of name,phone to carrier,payments", ""),
        ("DAM-11", "share by * for * of name,email to reseller,third-party,court", "approval case"),
        ("DAM-12", "share,sell,summarise by * for * of * to list-broker,list-company", ""),
        ("DAM-13", "use by * for patterns of name,email,ip,visit-region", ""),
        ("DAM-13", "mail,call by support for service-issue,accuracy of email", "request"),
        ("DAM-14", "mail by site,marketing for mailing-list of email", "consent"),
        ("DAM-14", "mail,use by * for marketing of email", ""),
        ("DAM-15", "use by person for account of name,items", "identified"),
        ("DAM-17", "collect by person,site for payment of card via order,card-page,contact", ""),
        ("DAM-17", "use by site for payment of payment-reference", "request"),
        ("DAM-18", "share,sell by * for * of payment-reference,payment-status to *", "case"),
        ("DAM-20", "set-cookie by site for marketing,account of visit,guest", ""),
        ("DAM-23", "use by * for fraud,marketing,order,patterns of ip", ""),
        ("DAM-23", "share,sell,summarise by * for * of ip to *", ""),
        ("DAM-24", "collect,use by person for payment of card via order", ""),
        ("DAM-24", "share by * for * of card to payments,third-party,carrier", ""),
    ),
}  # fmt: skip

# promise, request, and the only conditions that hold
ALLOWED: dict[str, Sequence[tuple[str, str, str]]] = {
    "aimini": (
        ("AIM-5", "collect by person,site for order-status of order-reference,order-state via order-notice", "volunteered"),
        ("AIM-5", "use by fulfilment,support for order-status of order-reference", "request standing in-time"),
        ("AIM-12", "collect by person for answer of email,message,name via contact", "volunteered"),
        ("AIM-12", "use by support for answer of email,message", "request standing in-time"),
        ("AIM-12", "mail by site for answer of email", "request no-opt-out in-time"),
    ),
    "audiomidi": (
        ("AUD-1", "collect by person for order of name,email,postal-address via order", "volunteered"),
        ("AUD-2", "mail by site for order-status of email", "request no-opt-out in-time"),
        ("AUD-5", "use by fulfilment for order of name,postal-address,items", "request standing in-time"),
        ("AUD-6", "set-cookie by site for cart of cart", "on-path"),
        ("AUD-8", "use by person for pre-fill of name,postal-address", "identified in-time"),
        ("AUD-9", "share by site for partner-offers of name,phone to gear-makers", "consent in-time"),
        ("AUD-9", "sell by site for partner-offers of name,email to gear-makers", "consent in-time"),
        ("AUD-10", "summarise by site for statistics of items,visits to trade-press", ""),
        ("AUD-11", "mail by site for interest-news of email", "consent no-opt-out in-time"),
        ("AUD-14", "call by support for answer of phone", "request standing no-opt-out in-time"),
    ),
    "aitpro": (
        ("AIT-3", "collect by person for commission of affiliate-ip,affiliate-click via affiliate-link", "volunteered affiliate-link"),
        ("AIT-4", "use by site,admin for traffic of network-domain", "in-time standing"),
        ("AIT-5", "mail by site for answer,order-status of email", "request no-opt-out in-time"),
        ("AIT-7", "use by fulfilment for order of name,items", "request standing in-time"),
        ("AIT-8", "set-cookie by site for commission of affiliate", "affiliate-link on-path"),
        ("AIT-9", "use by site for commission of affiliate-click", "in-time"),
        ("AIT-12", "post by fulfilment for order of postal-address", "request standing no-opt-out in-time"),
        ("AIT-13", "mail by site for updates of email", "consent no-opt-out in-time"),
        ("AIT-14", "call by support for quote of phone", "request standing no-opt-out in-time"),
        ("AIT-17", "mail by site for notices of email", "notice-owed in-time"),
        ("AIT-18", "access by person for rights of name,message,affiliate-ip", "identified in-time"),
        ("AIT-21", "share by site,admin for legal of name,affiliate-ip to court", "case standing in-time"),
        ("AIT-23", "mail by support for complaint of email", "request standing no-opt-out in-time"),
    ),
    "aitoc": (
        ("TOC-5", "collect by person for order of name,email,items via order", "volunteered"),
        ("TOC-6", "use by fulfilment for order of name,postal-address", "request standing in-time"),
        ("TOC-6", "mail by site for newsletter of email", "consent no-opt-out in-time"),
        ("TOC-7", "set-cookie by site for traffic of visit", "on-path"),
        ("TOC-7", "use by site for traffic of browser-type", "in-time"),
        ("TOC-8", "use by person for customise of name,items", "identified in-time"),
        ("TOC-9", "summarise by site for statistics of page-use to analysts", ""),
        ("TOC-10", "share by fraud-desk for fraud of name,email to fraud-bureau,agency", "case standing in-time"),
        ("TOC-10", "share by site for legal of name to agency", "case in-time"),
        ("TOC-10", "mail by site for notices of email", "notice-owed in-time"),
    ),
    "daminion": (
        ("DAM-1", "sell by site for partner-offers of name to reseller", "consent approval in-time"),
        ("DAM-2", "collect by person for account of name,email via registration", "volunteered"),
        ("DAM-3", "collect by person for order of name,shipping-address,phone via order", "volunteered"),
        ("DAM-3", "use by fulfilment for order of name,shipping-address", "request standing in-time"),
        ("DAM-4", "collect by person for contest of name,postal-address via contest", "volunteered"),
        ("DAM-4", "mail by contest-desk for contest of email", "request standing no-opt-out in-time"),
        ("DAM-5", "use by admin for diagnose,administer of ip", "standing in-time"),
        ("DAM-6", "use by site for visit-statistics of ip,visit-region", "in-time"),
        ("DAM-9", "summarise by site for statistics of items,visit-region to reseller", ""),
        ("DAM-10", "share by site,fulfilment for order of name,shipping-address to carrier", "request contract standing in-time"),
        ("DAM-11", "share by site for partner-offers of name,email to reseller", "approval in-time"),
        ("DAM-13", "use by site for patterns of items", "in-time aggregate"),
        ("DAM-13", "correct by person for rights of name", "identified in-time"),
        ("DAM-13", "call by support for service-issue of phone", "request standing no-opt-out in-time"),
        ("DAM-14", "mail by site for mailing-list of email", "consent no-opt-out in-time"),
        ("DAM-15", "use by person for account of name,items", "identified in-time"),
        ("DAM-17", "use by site for payment of payment-reference", "request in-time"),
        ("DAM-18", "share by site,admin for legal of payment-reference,payment-status to court", "case standing in-time"),
        ("DAM-20", "set-cookie by site for visit-statistics of visit", "on-path"),
        ("DAM-20", "set-cookie by site for returning-guest of guest", "on-path"),
        ("DAM-21", "use by support for answer of message", "request standing in-time"),
    ),
}  # fmt: skip


def _rows(rows: dict[str, Sequence[tuple[str, str, str]]]) -> list[object]:
    return [
        pytest.param(site, *row, id=f"{row[0]}-{row[1]}-{row[2]}".replace(" ", "_"))
        for site in SITES
        for row in rows[site]
    ]


@pytest.mark.parametrize(("site", "promise", "text", "without"), _rows(REFUSED))
def test_a_promise_refuses_in_its_own_name(site: str, promise: str, text: str, without: str) -> None:
    """DAM-14."""
    held = Facts.of(*(c for c in CONDITIONS if c not in without.split()))
    for ask in _asks(site, text):
        answer = decide(table_of(site), ask, held)
        assert isinstance(answer, Refuse), ask
        assert promise in answer.promises, (ask, answer)


@pytest.mark.parametrize(("site", "promise", "text", "needing"), _rows(ALLOWED))
def test_a_promise_allows_what_it_is_for(site: str, promise: str, text: str, needing: str) -> None:
    conditions = [c for c in CONDITIONS if c in needing.split()]
    assert len(conditions) == len(needing.split())
    for ask in _asks(site, text):
        answer = decide(table_of(site), ask, Facts.of(*conditions))
        assert isinstance(answer, Allow), (ask, answer)
        assert promise in answer.promises


@pytest.mark.parametrize("site", SITES)
def test_every_promise_that_a_decision_can_keep_is_tried(site: str) -> None:
    tried = {row[0] for row in (*REFUSED[site], *ALLOWED[site])}
    deciding = {
        promise.id
        for promise in policy_of(site).promises
        if any(isinstance(c, Never | Use) or (isinstance(c, Collect) and policy_of(site).forms[c.form].at is None)
               for c in promise.clauses)
    }  # fmt: skip
    assert deciding - tried == set()


@pytest.mark.parametrize("site", SITES)
def test_each_shop_can_take_a_request_work_on_it_refuse_marketing_and_erase(site: str) -> None:
    policy, table = policy_of(site), table_of(site)
    opening = [
        c
        for p in policy.promises
        for c in p.clauses
        if isinstance(c, Collect) and policy.forms[c.form].opens and not policy.forms[c.form].at
    ]
    served = {c.form: policy.requests[policy.forms[c.form].opens or ""].serves for c in opening}
    worked = [
        Request("use", role, purpose, (category,))
        for clause in opening
        for purpose in served[clause.form]
        for category in (*clause.asks, *clause.optional)
        for role in policy.roles
        if isinstance(decide(table, Request("use", role, purpose, (category,)), Facts.of("request", *STAFF)), Allow)
    ]
    assert {"fulfilment", "support"} <= {ask.actor for ask in worked}
    for ask in worked:
        for purpose in ("marketing", ask.purpose):
            refused = decide(table, Request("use", "marketing", purpose, ask.categories), Facts.of("request", *STAFF))
            assert isinstance(refused, Refuse)
            assert refused.promises
        erased = decide(table, Request("erase", PERSON, "rights", ask.categories), Facts.of("identified"))
        assert isinstance(erased, Allow)


@pytest.mark.parametrize("site", SITES)
def test_nobody_is_reached_after_opting_out_but_for_notices_owed(site: str) -> None:
    policy = policy_of(site)
    everything = Facts.of(*(c for c in CONDITIONS if c not in ("no-opt-out", "notice-owed")))
    for channel, category in product(CHANNELS, policy.categories.values()):
        if category.channel == channel:
            for actor, purpose in product((SITE, *policy.roles), policy.purposes):
                ask = Request(CONTACT[channel], actor, purpose, (category.name,))
                assert isinstance(decide(table_of(site), ask, everything), Refuse)
