"""The policy as JSON-LD in the W3C Data Privacy Vocabulary 2.3: https://w3id.org/dpv/2.3.

Pure. Every `dpv:` and `pd:` name used is one of the vocabulary's; `dct:` is Dublin Core Terms, `rdf:` and `xsd:` are
what everybody means by them. Conditions that DPV has no word for stand in words, in `dct:description`.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, assert_never

from avow.policy import dpv
from avow.policy.model import (
    Action,
    Change,
    Choose,
    Clause,
    Collect,
    Condition,
    Contact,
    Cookies,
    Inform,
    Keep,
    KeepApart,
    Measure,
    Never,
    Policy,
    Promise,
    Protect,
    RecipientKind,
    Right,
    Share,
    Use,
)
from avow.policy.notice import words

Node = dict[str, Any]  # JSON: the values are as mixed as JSON's are

CONTEXT: Final[Mapping[str, str]] = MappingProxyType({
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
})  # fmt: skip

PROCESSING: Final[Mapping[Action, str]] = MappingProxyType({
    "collect": "dpv:Collect",
    "use": "dpv:Use",
    "share": "dpv:Share",
    "sell": "dpv:Disclose",
    "summarise": "dpv:Aggregate",
    "mail": "dpv:Use",
    "post": "dpv:Use",
    "call": "dpv:Use",
    "link": "dpv:Combine",
    "set-cookie": "dpv:Store",
    "access": "dpv:MakeAvailable",
    "correct": "dpv:Modify",
    "erase": "dpv:Erase",
})  # fmt: skip

PARTY: Final[Mapping[RecipientKind, str]] = MappingProxyType({
    "processor": "dpv:DataProcessor",
    "third-party": "dpv:ThirdParty",
    "list-broker": "dpv:ThirdParty",
    "authority": "dpv:Authority",
    "fraud-prevention": "dpv:ThirdParty",
    "public": "dpv:Recipient",
})  # fmt: skip

BASIS: Final[Mapping[Condition, str]] = MappingProxyType({
    "consent": "dpv:Consent",
    "approval": "dpv:ExplicitlyExpressedConsent",
    "contract": "dpv:DataProcessorContract",
    "case": "dpv:LegalObligation",
})  # fmt: skip

MEASURE: Final[Mapping[Measure, str]] = MappingProxyType({
    "tls": "dpv:EncryptionInTransfer",
    "mail-tls": "dpv:EncryptionInTransfer",
    "encryption-at-rest": "dpv:EncryptionAtRest",
    "authentication": "dpv:AuthenticationProtocols",
    "limited-access": "dpv:AccessControlMethod",
    "confidentiality-agreement": "dpv:ConfidentialityAgreement",
    "private-server": "dpv:NetworkSecurityProtocols",
    "tamper-evidence": "dpv:DigitalSignatures",
    "backup": "dpv:DataBackupProtocols",
    "no-payment-data": "dpv:InformationFlowControl",
    "content-security-policy": "dpv:WebBrowserSecurity",
    "no-bulk-export": "dpv:UsageControl",
    "site-boundary": "dpv:DataReusePolicy",
    "hosted-checkout": "dpv:ThirdPartySecurityProcedures",
})  # fmt: skip


def jsonld(policy: Policy) -> Node:
    """The notice as one JSON-LD document, the same for the same policy, ready for `json.dumps`."""
    this = f"urn:avow:{policy.site}:{policy.version.isoformat()}"
    return {
        "@context": dict(CONTEXT),
        "@id": this,
        "@type": "dpv:PrivacyNotice",
        "dct:identifier": policy.site,
        "dct:title": f"Privacy policy of {policy.controller.name}",
        "dct:language": "en",
        "dct:issued": {"@value": policy.version.isoformat(), "@type": "xsd:date"},
        "dct:hasVersion": policy.digest.hex(),
        "dpv:hasDataController": _controller(policy, this),
        "dpv:hasPersonalData": [_category(policy, name, this) for name in policy.categories],
        "dpv:hasPurpose": [_purpose(policy, name, this) for name in policy.purposes],
        "dpv:hasRecipient": [_recipient(policy, name, this) for name in policy.recipients],
        "dpv:hasRule": [_promise(policy, promise, this) for promise in policy.promises],
    }


def _controller(policy: Policy, this: str) -> Node:
    return {
        "@id": f"{this}#controller",
        "@type": "dpv:DataController",
        "dpv:hasName": policy.controller.name,
        "dpv:hasContact": [f"{way}: {at}" for way, at in sorted(policy.controller.contact.items())],
        **({"dct:source": policy.controller.url} if policy.controller.url else {}),
    }


def term_of(term: str) -> str:
    """A DPV name with its prefix."""
    full = dpv.iri(term)
    return next(f"{prefix}:{full.removeprefix(base)}" for prefix, base in CONTEXT.items() if full.startswith(base))


def _category(policy: Policy, name: str, this: str) -> Node:
    category = policy.categories[name]
    node: Node = {
        "@id": f"{this}#data-{name}",
        "@type": ["dpv:NonPersonalData" if category.apart else "dpv:PersonalData", term_of(category.term)],
        "dct:title": words.category(policy, name),
    }
    if category.held_by is not None:
        node["dpv:hasResponsibleEntity"] = {"@id": f"{this}#recipient-{category.held_by}"}
    return node


def _purpose(policy: Policy, name: str, this: str) -> Node:
    return {
        "@id": f"{this}#purpose-{name}",
        "@type": sorted({"dpv:Purpose", f"dpv:{policy.purposes[name].term}"}),
        "dct:title": words.purpose(policy, name),
    }


def _recipient(policy: Policy, name: str, this: str) -> Node:
    recipient = policy.recipients[name]
    node: Node = {
        "@id": f"{this}#recipient-{name}",
        "@type": sorted({"dpv:Recipient", PARTY[recipient.kind]}),
        "dpv:hasName": recipient.says,
    }
    if recipient.policy is not None:
        node["dpv:hasPolicy"] = {"@id": recipient.policy}
    if recipient.contract is not None:
        node["dpv:hasLegalBasis"] = {
            "@type": "dpv:DataProcessorContract",
            "dct:identifier": recipient.contract.reference,
            "dct:valid": f"{recipient.contract.from_.isoformat()}/{recipient.contract.to.isoformat()}",
        }
    return node


def _promise(policy: Policy, promise: Promise, this: str) -> Node:
    node: Node = {
        "@id": f"{this}#{promise.id}",
        "@type": "dpv:Rule",
        "dct:identifier": promise.id,
        "dct:description": promise.says,
        "dct:source": f"{promise.source.section}, sentence {promise.source.sentence}",
    }
    for clause in promise.clauses:
        says = words.line(policy, clause).words
        for key, value in _clause(clause, this).items():
            node.setdefault(key, []).append({**value, "dct:description": says})
    return node


def _clause(clause: Clause, this: str) -> dict[str, Node]:  # noqa: C901, PLR0911, PLR0912 - one case a kind of clause
    """Property -> node, for one clause."""
    match clause:
        case Collect():
            node = _process(this, ("collect",), (*clause.asks, *clause.optional), clause.purposes)
            return {"dpv:hasPermission": {"@type": "dpv:Permission", "dpv:hasProcess": node}}
        case Use():
            node = _process(this, ("use",), clause.categories, clause.purposes, needs=clause.needs)
            return {"dpv:hasPermission": {"@type": "dpv:Permission", "dpv:hasProcess": node}}
        case Share():
            node = _process(this, (clause.way,), clause.categories, clause.purposes, clause.recipients, clause.needs)
            return {"dpv:hasPermission": {"@type": "dpv:Permission", "dpv:hasProcess": node}}
        case Contact():
            node = _process(this, ("mail",), (), clause.purposes, needs=clause.needs)
            return {"dpv:hasPermission": {"@type": "dpv:Permission", "dpv:hasProcess": node}}
        case Cookies():
            return _cookies(clause, this)
        case Never():
            node = _process(this, clause.actions, clause.categories, clause.purposes, clause.recipients)
            return {"dpv:hasProhibition": {"@type": "dpv:Prohibition", "dpv:hasProcess": node}}
        case Choose():
            node = _process(this, (), clause.categories, clause.purposes, clause.recipients)
            control = "dpv:ExplicitlyExpressedConsent" if clause.written else "dpv:ExpressedConsent"
            return {"dpv:hasConsentControl": {"@type": "dpv:ObtainConsent", "dpv:hasLegalBasis": {"@type": control},
                                              "dpv:hasProcess": node}}  # fmt: skip
        case Keep():
            return {"dpv:hasStorageCondition": _keep(clause, this)}
        case KeepApart():
            node = _process(this, ("link",), clause.categories, ())
            return {"dpv:hasProhibition": {"@type": "dpv:Prohibition", "dpv:hasProcess": node}}
        case Protect():
            kinds = sorted({MEASURE[measure] for measure in clause.measures})
            return {"dpv:hasTechnicalOrganisationalMeasure": {"@type": kinds}}
        case Right():
            return {"dpv:hasRight": {"@type": "dpv:DataSubjectRight", "dct:title": list(clause.rights)}}
        case Change() | Inform():
            return {"dpv:hasObligation": {"@type": "dpv:Obligation", "dpv:hasNotice": {"@type": "dpv:Notice"}}}
        case _:
            assert_never(clause)


def _process(
    this: str,
    actions: Iterable[Action],
    categories: Iterable[str],
    purposes: Iterable[str],
    recipients: Iterable[str] = (),
    needs: frozenset[Condition] = frozenset(),
) -> Node:
    """A process, with only those properties that the clause narrows."""
    kinds: Mapping[str, str] = {str(kind): term for kind, term in PARTY.items()}  # for recipients without a name
    said: dict[str, list[Any]] = {
        "dpv:hasProcessing": [{"@id": name} for name in sorted({PROCESSING[action] for action in actions})],
        "dpv:hasPersonalData": [{"@id": f"{this}#data-{name}"} for name in categories],
        "dpv:hasPurpose": [{"@id": f"{this}#purpose-{name}"} for name in purposes],
        "dpv:hasRecipient": [
            {"@type": kinds[name]} if name in kinds else {"@id": f"{this}#recipient-{name}"} for name in recipients
        ],
        "dpv:hasLegalBasis": [{"@id": basis} for need, basis in BASIS.items() if need in needs],
    }
    return {"@type": "dpv:Process", **{key: found for key, found in said.items() if found}}


def _cookies(clause: Cookies, this: str) -> dict[str, Node]:
    if clause.name is None or clause.purpose is None:
        return {
            "dpv:hasProhibition": {
                "@type": "dpv:Prohibition",
                "dpv:hasProcess": _process(this, ("set-cookie",), (), ()),
            }
        }
    node = _process(this, ("set-cookie",), (), (clause.purpose,), needs=clause.needs)
    node["dct:title"] = clause.name
    node["dpv:hasDuration"] = duration(clause.lifetime) if clause.lifetime else {"@type": "dpv:UntilEventDuration"}
    if clause.at is not None:
        node["dpv:isImplementedByEntity"] = {"@id": f"{this}#recipient-{clause.at}"}
    return {"dpv:hasPermission": {"@type": "dpv:Permission", "dpv:hasProcess": node}}


def _keep(clause: Keep, this: str) -> Node:
    ends = {"@type": "dpv:UntilEventDuration", "dct:title": words.plain(clause.until or "")}
    return {
        "@type": "dpv:StorageDeletion",
        "dpv:hasPersonalData": [{"@id": f"{this}#data-{name}"} for name in clause.categories],
        "dpv:hasDuration": ends if clause.term is None else duration(clause.term),
    }


def duration(term: timedelta) -> Node:
    """ISO 8601, as XML Schema reads it: days, and hours where there are some left."""
    hours = int(term.total_seconds()) // 3600
    iso = f"P{hours // 24}D" + (f"T{hours % 24}H" if hours % 24 else "")
    return {"@type": "dpv:TemporalDuration", "rdf:value": {"@value": iso, "@type": "xsd:duration"}}
