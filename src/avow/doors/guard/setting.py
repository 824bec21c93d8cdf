"""Everything that the guard needs to know of its site, put together once."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from avow.doors.guard.headers import Header, all_headers, content_security_policy, few_headers, local, names_of
from avow.doors.guard.pages import OWN_CSP, Leaving, policy_link
from avow.doors.guard.report import Tell
from avow.doors.guard.rules import Rules, rules_of
from avow.errors import CallError, UnknownWord
from avow.policy.model import Policy, Recipient

KEY: Final = 32  # bytes, of the leaving page's signatures


@dataclass(frozen=True, slots=True)
class Setting:
    """See `Guard` for the arguments that it is made from."""

    policy: Policy
    rules: Rules
    tell: Tell
    report_only: bool
    clock: Callable[[], datetime]
    hosts: Mapping[str, str]  # name -> as declared, with its port
    plain: frozenset[str]  # names that may be served without TLS: this machine's
    own: frozenset[str]  # origins and names that are no other site
    recipients: Mapping[str, Recipient]  # origin or name -> whose it is
    processors: Mapping[str, str]  # origin -> name of the processor
    loads: frozenset[str]
    policy_page: str
    policy_html: str  # the link to it on the guard's own pages
    policy_links: frozenset[str]  # ways to write a link to it
    policy_usual: bytes  # the way most pages write it
    policy_seen: re.Pattern[bytes]  # other ways that many pages use
    version: bytes  # of the policy, as pages say it
    leaving: Leaving
    scripts: tuple[str, ...]
    static: tuple[str, ...]
    max_body: int
    max_page: int
    headers: Mapping[tuple[bool, bool], list[Header]]  # (on this machine, with scripts) -> headers
    few_headers: Mapping[bool, list[Header]]  # of what is no document
    own_headers: Mapping[bool, list[Header]]  # of the guard's own pages

    def scripted(self, path: str) -> bool:
        """Whether pages here may run scripts of the site."""
        return bool(self.scripts) and path.startswith(self.scripts)


_HASH: Final = re.compile(r"'sha(256|384|512)-[A-Za-z0-9+/]+=*'")


def set_up(
    policy: Policy, *, clock: Callable[[], datetime], random: Callable[[int], bytes], report: Tell, report_only: bool,
    hosts: Collection[str], plain_hosts: Collection[str], own: Collection[str], origins: Mapping[str, str],
    loads: Collection[str], policy_page: str, leaving: str, leaving_key: bytes | None, scripts: Collection[str],
    static: Collection[str], max_body: int, max_page: int, styles: Collection[str] = (),
) -> Setting:  # fmt: skip
    """Put it together. Raises `CallError` for what cannot be meant, `UnknownWord` for a recipient nobody declared."""
    for name in (*origins, *loads):
        if name not in policy.recipients:
            raise UnknownWord(f"the policy names no recipient `{name}`")
    if wrong := [one for one in styles if not _HASH.fullmatch(one)]:
        raise CallError(
            f"a style is named by its hash, 'sha256-…' in quotes, as CSP has it, and `{wrong[0][:40]}` is none"
        )
    url = policy.controller.url
    known = names_of(hosts or ([urlsplit(url).netloc] if url else []))
    if not known:
        raise CallError("name the hosts that the application answers for: hosts=['shop.example']")
    plain = frozenset(names_of(plain_hosts))
    if outside := [name for name in plain if not local(name)]:
        raise CallError(f"only this machine may be served without TLS, and `{outside[0]}` is another")
    if not plain <= known.keys():
        raise CallError("plain_hosts are some of the hosts: name them in hosts, too")
    where = {name: origins.get(name, one.origin) for name, one in policy.recipients.items()}
    processors = {at: name for name, at in where.items() if at and policy.recipients[name].kind == "processor"}
    loaded = _origins_of(loads, where)
    forms = (*processors, *own)
    links = [policy_page.encode(), *(f"https://{host}{policy_page}".encode() for host in known.values())]
    told = policy_link(policy_page, policy.version.isoformat())
    return Setting(
        policy=policy,
        rules=rules_of(policy),
        tell=report,
        report_only=report_only,
        clock=clock,
        hosts=known,
        plain=plain,
        own=frozenset({*known, *(one.lower() for one in own), *((url.rstrip("/"),) if url else ())}),
        recipients=_whose(policy, where),
        processors=processors,
        loads=loaded,
        policy_page=policy_page,
        policy_html=told,
        policy_links=frozenset(link.decode() for link in links),
        policy_usual=f'<a href="{policy_page}">'.encode(),
        policy_seen=re.compile(rb"""<a\s[^<>]*?\bhref=["']?(?:%s)["'?#\s>]""" % b"|".join(map(re.escape, links))),
        version=policy.version.isoformat().encode(),
        leaving=Leaving(leaving, leaving_key or random(KEY), policy.controller.name, told),
        scripts=tuple(scripts),
        static=tuple(static),
        max_body=max_body,
        max_page=max_page,
        headers={
            (here, scripted): all_headers(
                content_security_policy(
                    forms=forms, loads=sorted(loaded), scripts=scripted, upgrade=not here, styles=styles
                ),
                on_this_machine=here,
                scripts=scripted,
            )
            for here in (True, False)
            for scripted in (True, False)
        },
        few_headers={here: few_headers(on_this_machine=here) for here in (True, False)},
        own_headers={here: all_headers(OWN_CSP, on_this_machine=here) for here in (True, False)},
    )


def _origins_of(names: Collection[str], where: Mapping[str, str | None]) -> frozenset[str]:
    found = {name: where[name] for name in names}
    if missing := [name for name, at in found.items() if at is None]:
        raise CallError(f"pages cannot load from `{missing[0]}`, which has no origin")
    return frozenset(at for at in found.values() if at is not None)


def _moved(recipient: Recipient, at: str) -> Recipient:
    """The recipient where it is to be found, its policy with it."""
    if recipient.origin and recipient.policy and recipient.policy.startswith(recipient.origin + "/"):
        return replace(recipient, origin=at, policy=at + recipient.policy.removeprefix(recipient.origin))
    return recipient


def _whose(policy: Policy, where: Mapping[str, str | None]) -> dict[str, Recipient]:
    """Each declared origin, and each host of a declared policy page, and whose it is."""
    whose = {at: _moved(policy.recipients[name], at) for name, at in where.items() if at}
    for one in policy.recipients.values():
        if one.policy:
            parts = urlsplit(one.policy)
            whose.setdefault(f"{parts.scheme}://{parts.netloc}", one)
    return whose
