"""The few pages that the guard shows itself: refusals, the page before leaving, and well-known files."""

import base64
import hashlib
import hmac
import html
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote

from avow.policy.model import Controller, Recipient

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto 4rem; padding: 0 1.25rem;
  color: light-dark(#1c1b1a, #eceae6); background: light-dark(#fbfaf8, #191817); overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; text-wrap: balance; }
a { color: light-dark(#0b57a4, #8ec2ff); }
a.on { display: inline-block; margin: .5rem 0; padding: .6rem 1.1rem; border-radius: .4rem; text-decoration: none;
  color: light-dark(#fff, #10151b); background: light-dark(#0b57a4, #8ec2ff); }
a:focus-visible { outline: 3px solid light-dark(#c25700, #ffb86b); outline-offset: 2px; }
.small { font-size: .9rem; color: light-dark(#5b5853, #aaa69f); }
"""
OWN_CSP: Final = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
).encode()
VALID: Final = timedelta(days=180)  # of a security.txt; RFC 9116 recommends less than a year
_LONGEST: Final = 2000  # characters of an address to leave by


class Answer(NamedTuple):
    """A whole answer of the guard's own."""

    status: int
    kind: bytes
    body: bytes
    more: tuple[tuple[bytes, bytes], ...] = ()


def _page(title: str, body: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<main>\n<h1>{html.escape(title)}</h1>\n{body}\n</main>\n</html>\n"
    ).encode()


def refusal(
    status: int, title: str, text: str, promises: Sequence[str], *, machine: bool, policy: str,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:  # fmt: skip
    """Says what was wrong and what to do, to a person, or to a program (RFC 9457). `policy` is the link to it."""
    if machine:
        told = {"type": "about:blank", "title": title, "status": status, "detail": text, "promises": list(promises)}
        return Answer(status, b"application/problem+json", json.dumps(told).encode(), more)
    kept = f"This keeps {', '.join(promises)} of " if promises else "This is how we keep "
    body = f'<p>{html.escape(text)}</p>\n<p class="small">{html.escape(kept)}{policy}.</p>'
    return Answer(status, b"text/html; charset=utf-8", _page(title, body), more)


def policy_link(page: str, version: str) -> str:
    """The link to the policy that stands on each of these pages."""
    return f'<a href="{html.escape(page)}">our privacy policy of {version}</a>'


class Leaving:
    """The page before leaving. Its address is signed, so that it leads only where the site's own pages lead."""

    def __init__(self, path: str, key: bytes, site: str, policy: str) -> None:
        self.path = path
        self._key = key
        self._site = site
        self._policy = policy

    def address(self, url: str) -> str | None:
        """The local address that leads to `url` over the notice; None for one too long."""
        if len(url) > _LONGEST:
            return None
        return f"{self.path}?to={quote(url, safe='')}&key={self._sign(url)}"

    def genuine(self, url: str, signature: str) -> bool:
        """Whether the address was made by this site."""
        return hmac.compare_digest(self._sign(url).encode(), signature.encode())

    def _sign(self, url: str) -> str:
        made = hmac.digest(self._key, b"leaving\0" + url.encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(made[:18]).decode()

    def page(self, url: str, host: str, recipient: Recipient | None) -> Answer:
        """The notice, the other site's policy where it is declared, and a plain link onwards."""
        name = html.escape(recipient.says if recipient else host)
        whose = f"belongs to {name}, at" if recipient else "is at"
        parts = [
            (
                f"<p>The next page {whose} <strong>{html.escape(host)}</strong>. What {html.escape(self._site)} promises "
                "does not hold there: that site may set cookies, and handles what you tell it by a policy of its own.</p>"
            )
        ]
        if recipient and recipient.policy:
            policy = html.escape(recipient.policy)
            parts.append(f'<p><a href="{policy}" rel="noreferrer">Read the privacy policy of {name}</a></p>')
        else:
            parts.append("<p>Look for its privacy policy before you tell it anything.</p>")
        parts += [
            f'<p><a class="on" href="{html.escape(url)}" rel="noreferrer">Go on to {html.escape(host)}</a></p>',
            (f'<p class="small"><a href="/">Stay with {html.escape(self._site)}</a> · {self._policy}</p>'),
        ]
        return Answer(200, b"text/html; charset=utf-8", _page(f"You are leaving {self._site}", "\n".join(parts)))


def gpc_json(changed: str) -> Answer:
    """That the site honours Sec-GPC, since a day (Global Privacy Control, section 4)."""
    return Answer(200, b"application/json", json.dumps({"gpc": True, "lastUpdate": changed}).encode())


def security_txt(controller: Controller, origin: str, now: datetime) -> Answer | None:
    """Where to report a weakness (RFC 9116); None where the policy names no contact for it."""
    contact = controller.contact
    ways = [f"mailto:{contact['email']}"] if "email" in contact else []
    if form := contact.get("form"):
        ways.append(form if form.startswith("https://") else origin + form)
    if phone := contact.get("phone"):
        ways.append("tel:" + "".join(char for char in phone if char.isdigit() or char == "+"))
    if not ways:
        return None
    expires = (now.astimezone(UTC) + VALID).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [*(f"Contact: {way}" for way in ways), f"Expires: {expires}", "Preferred-Languages: en"]
    lines.append(f"Canonical: {origin}/.well-known/security.txt")
    return Answer(200, b"text/plain; charset=utf-8", "\n".join([*lines, ""]).encode())
