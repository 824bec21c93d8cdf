"""What a person agreed to, as a record and receipt by ISO/IEC TS 27560:2023, in the terms of DPV 2.3.

The structure is the DPV group's profile of it, https://w3id.org/dpv/schema/dpv-27560: which term stands for which field
is in docs/lists.md. What the policy does not say (where data lie, under which law) is said not to be stated. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from avow.policy.model import Policy, Right, Share, Use
from avow.policy.notice import words
from avow.policy.notice.linked import CONTEXT, PARTY, Node, duration, term_of
from avow.policy.retention import rule

SCHEMA: Final = "https://w3id.org/dpv/schema/dpv-27560"
NOT_STATED: Final = "not stated by the policy"
_STATES: Final = {"consent": "dpv:ConsentGiven", "confirm": "dpv:ConsentGiven", "withdraw": "dpv:ConsentWithdrawn"}


def receipt(
    policy: Policy, consent: Mapping[str, Any], events: Sequence[Mapping[str, Any]], *, subject: str, now: int,
    lapsed: int, verifier_key: str,
) -> Node:  # fmt: skip
    """The receipt of one agreement. `policy` is the version that it was given under.

    `consent` and `events` as `Avow.export` gives them. `lapsed` (ms): from when on one that was never confirmed counts
    as expired. `verifier_key`: of the site's log, in which each event of the history stands under its id.
    """
    history = list(_history(consent, events, now, lapsed))
    controller = _controller(policy)
    return {
        "@context": dict(CONTEXT),
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": f"{consent['id']}-{len(history)}",
        "dct:conformsTo": f"{SCHEMA}#receipt-record",
        "dct:created": _moment(now),
        "dct:publisher": controller["@id"],
        "dct:provenance": f"each status names its entry in the log of this site, whose key is {verifier_key}",
        "dpv:hasRecordOfActivity": _record(policy, consent, history, controller, subject),
    }


def _record(policy: Policy, consent: Mapping[str, Any], history: list[Node], controller: Node, subject: str) -> Node:
    return {
        "@type": "dpv:ConsentRecord",
        "dct:identifier": consent["id"],
        "dct:conformsTo": f"{SCHEMA}#record",
        "dct:created": _moment(consent["given"]),
        "dct:description": consent["words"],
        "dct:language": "en",
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": subject},
        "dpv:hasDataController": controller,
        "dpv:hasNotice": {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": consent["policy"],
            "dct:issued": {"@value": policy.version.isoformat(), "@type": "xsd:date"},
            "dct:title": f"Privacy policy of {policy.controller.name}",
        },
        "dpv:hasJurisdiction": NOT_STATED,
        "dpv:hasProcess": _process(policy, consent["about"]),
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent", "dct:description": words.listed(_ways(policy), "or"),
        },
        "dpv:hasRight": [
            {"@type": "dpv:DataSubjectRight", "dct:title": name}
            for name in dict.fromkeys(one for _, clause in policy.clauses(Right) for one in clause.rights)
        ],
        "dpv:hasConsentStatus": history,
    }  # fmt: skip


def _process(policy: Policy, about: str) -> Node:
    """What is agreed to, read off the fact token: to a purpose, or to a recipient's having a category."""
    recipients: list[str] = []
    word, *rest = about.split("/")
    if len(rest) == 1:
        purposes, categories = [rest[0]], _used_for(policy, rest[0])
        basis, processing = "dpv:ExpressedConsent", "dpv:Use"
    else:
        categories, recipients = [rest[-1]], [rest[-2]]
        way = "sell" if rest[0] == "sell" else "share"
        purposes = list(dict.fromkeys(
            purpose for _, clause in policy.clauses(Share) if clause.way == way and rest[-1] in clause.categories
            and rest[-2] in clause.recipients for purpose in clause.purposes
        ))  # fmt: skip
        basis = "dpv:ExplicitlyExpressedConsent" if word == "approval" else "dpv:ExpressedConsent"
        processing = "dpv:Disclose" if way == "sell" else "dpv:Share"
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": [
            {"@type": ["dpv:Purpose", f"dpv:{policy.purposes[one].term}"], "dct:title": words.purpose(policy, one)}
            for one in purposes
        ],
        "dpv:hasLegalBasis": {"@type": basis},
        "dpv:hasProcessing": {"@type": processing},
        "dpv:hasPersonalData": [_datum(policy, one) for one in categories],
        "dpv:hasRecipient": [_recipient(policy, one) for one in recipients],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": NOT_STATED},
            *(_kept(policy, one) for one in categories),
        ],
    }  # fmt: skip


def _datum(policy: Policy, name: str) -> Node:
    kind = ["dpv:PersonalData", term_of(policy.categories[name].term)]
    return {"@type": kind, "dct:title": words.category(policy, name)}


def _recipient(policy: Policy, name: str) -> Node:
    known = policy.recipients.get(name)
    kind, _, called = (known.kind, "", known.says) if known else unquote(name).partition(":")
    return {
        "@type": ["dpv:Recipient", next((term for one, term in PARTY.items() if one == kind), "dpv:ThirdParty")],
        "dpv:hasName": called,
    }


def _kept(policy: Policy, category: str) -> Node:
    found = rule(policy, category, "")
    if found is not None and found[1].term is not None:
        ends = duration(found[1].term)
    else:
        until = "erasure" if found is None else words.plain(found[1].until or "")
        ends = {"@type": "dpv:UntilEventDuration", "dct:title": until}
    return {"@type": "dpv:StorageDeletion", "dpv:hasPersonalData": words.category(policy, category),
            "dpv:hasDuration": ends}  # fmt: skip


def _controller(policy: Policy) -> Node:
    contact = policy.controller.contact
    return {
        "@id": f"urn:avow:{policy.site}#controller",
        "@type": "dpv:DataController",
        "dct:identifier": policy.site,
        "dpv:hasName": policy.controller.name,
        "dpv:hasAddress": contact.get("post", NOT_STATED),
        "dpv:hasContact": [f"{way}: {at}" for way, at in sorted(contact.items()) if way != "post"],
        **({"dct:source": policy.controller.url} if policy.controller.url else {}),
    }


def _history(consent: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: int, lapsed: int) -> Iterator[Node]:
    """Given, confirmed, withdrawn: each with its moment, who did so, by what, and its entry in the log."""
    asked = "confirmed" in consent
    mark = f"{consent['id'][:8]}:"
    for event in events:
        if event["action"] in _STATES and any(one.startswith(mark) for one in event["changed"].split()):
            state = "dpv:ConsentRequested" if asked and event["action"] == "consent" else _STATES[event["action"]]
            yield _status(state, event["at"], consent["how"], event["event"])
    if asked and consent["confirmed"] is None and consent["withdrawn"] is None and now >= lapsed:
        yield _status("dpv:ConsentExpired", lapsed, "no confirmation came", None)


def _status(state: str, at: int, how: str, entry: str | None) -> Node:
    told: Node = {
        "@type": state, "dpv:isIndicatedAtTime": _moment(at), "dpv:isIndicatedBy": "dpv:DataSubject",
        "dpv:hasIndicationMethod": how,
        "dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "dct:title": "withdrawal"},
    }  # fmt: skip
    return told | ({"dct:identifier": entry} if entry else {})


def _used_for(policy: Policy, purpose: str) -> list[str]:
    """The categories that the purpose may use by this consent."""
    found = (
        name for _, clause in policy.clauses(Use) if purpose in clause.purposes and "consent" in clause.needs
        for name in clause.categories
    )  # fmt: skip
    return list(dict.fromkeys(found))


def _ways(policy: Policy) -> list[str]:
    """How it is taken back: by what the policy says, and in the centre whatever it says."""
    said = [route for _, clause in policy.clauses(Right) if "withdraw" in clause.rights for route in clause.routes]
    return [words.ROUTE[route] for route in dict.fromkeys((*said, "centre"))]


def _moment(milliseconds: int) -> Node:
    return {
        "@value": f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "@type": "xsd:dateTime",
    }
