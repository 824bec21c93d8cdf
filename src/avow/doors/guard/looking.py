"""What a page's links, loads and forms are worth under the policy: put notices before links, report the rest."""

from collections.abc import Callable
from typing import Final

from avow.doors.guard.links import Away, Page, away, look, may_lead_away, rewritten
from avow.doors.guard.report import Kind
from avow.doors.guard.setting import Setting

_TAGS: Final = {"img": "an image", "script": "a script", "iframe": "a frame", "link": "a style, font or icon"}
Say = Callable[[Kind, tuple[str, ...], str], None]


class Looking:
    """The look at one answer."""

    __slots__ = ("_path", "_say", "_setting")

    def __init__(self, setting: Setting, path: str, say: Say) -> None:
        self._setting = setting
        self._path = path
        self._say = say

    def page(self, body: bytes, *, whole: bool) -> bytes:
        """The page to send; the very same object where nothing is to be changed. `whole`: no error page."""
        setting = self._setting
        if not may_lead_away(body) and not (whole and self._lacks_policy(body)):
            return body
        found = look(body, setting.own)
        self._loads(found)
        self._sends(found)
        if whole:
            self._policy_link(found, body)
        if not found.links or not setting.rules.notices:
            return body
        for target, _, _, _ in found.links:
            self._undeclared(target)
        return rewritten(body, found, self._way)

    def location(self, url: str) -> str:
        """Where a redirect may go: to an undeclared site over the notice."""
        target = away(url, self._setting.own)
        if target is None or target.origin in self._setting.processors or not self._setting.rules.notices:
            return url
        self._undeclared(target)
        return self._way(target)

    def _way(self, target: Away) -> str:
        way = self._setting.leaving.address(target.url)
        if way is None:
            self._say("link", self._notices(target), f"a link to `{target.host}` too long for a notice; taken out")
        return way or "#"

    def _notices(self, target: Away) -> tuple[str, ...]:
        """The promises of a notice before going there."""
        rules = self._setting.rules
        recipient = self._setting.recipients.get(target.origin)
        partner = (
            rules.partner.get(recipient.name, ())
            if recipient
            else tuple(dict.fromkeys(sum(rules.partner.values(), ())))
        )
        return (*partner, *(one for one in rules.leaving if one not in partner))

    def _undeclared(self, target: Away) -> None:
        declared = target.origin in self._setting.recipients
        if self._setting.report_only:
            self._say("link", self._notices(target), f"a link to `{target.host}` without the notice")
        if not declared:
            self._say("link", self._notices(target), f"a link to `{target.host}`, which the policy does not declare")

    def _loads(self, found: Page) -> None:
        setting = self._setting
        for tag, source in found.loads:
            if source.origin not in setting.loads:
                what = _TAGS.get(tag, f"a `{tag}`")
                self._say("subresource", setting.rules.subresource, f"{what} from `{source.host}`; browsers block it")
        if found.scripts:
            promises = setting.rules.undeclared_cookie if setting.rules.no_cookies else setting.rules.subresource
            self._say("script", promises, "a script written into the page; browsers block it")

    def _sends(self, found: Page) -> None:
        setting = self._setting
        for target in found.sends:
            name = setting.processors.get(target.origin)
            if name is None or target.url.startswith("http://"):
                promises = setting.rules.tls if target.url.startswith("http://") else setting.rules.subresource
                self._say("subresource", promises, f"a form that sends to `{target.host}`; browsers block it")
                continue
            promises = setting.rules.processor_policy.get(name, ())
            policies = {setting.policy.recipients[name].policy, setting.recipients[target.origin].policy}
            if promises and not any(link.url in policies for link, _, _, _ in found.links):
                self._say("notice", promises, f"a form that sends to `{name}` without a link to its policy")

    def _lacks_policy(self, body: bytes) -> bool:
        """Whether a first look misses the link to the policy, or its version."""
        setting = self._setting
        rules = setting.rules
        return bool(  # from the end, as most pages have both in their foot
            rules.policy_link and body.rfind(setting.policy_usual) < 0 and setting.policy_seen.search(body) is None
        ) or bool(rules.policy_version and body.rfind(setting.version) < 0)

    def _policy_link(self, found: Page, body: bytes) -> None:
        setting = self._setting
        rules = setting.rules
        if rules.policy_link and setting.policy_links.isdisjoint(found.local) and self._path != setting.policy_page:
            self._say("notice", rules.policy_link, "a page without a link to the policy")
        if rules.policy_version and setting.version not in body:
            self._say(
                "notice", rules.policy_version, "a page that does not say which version of the policy is in force"
            )
