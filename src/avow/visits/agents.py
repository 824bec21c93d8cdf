"""A browser's own words -> its kind and its operating system's, each of a short closed list. Pure.

What ua-parser makes of them is looked up here, because some of its answers repeat the words themselves, and those may
hold anything.
"""

from functools import lru_cache
from typing import Final

from ua_parser import Parser
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from avow.visits.merging import OTHER

LONGEST: Final = 512  # characters that are looked at
BROWSERS: Final = ("Chrome", "Edge", "Firefox", "Internet Explorer", "Opera", "Safari", "Samsung Internet")
SYSTEMS: Final = ("Android", "ChromeOS", "iOS", "Linux", "macOS", "Windows")
_BROWSER: Final = {
    "Chrome Mobile": "Chrome", "Chrome Mobile WebView": "Chrome", "Chrome Mobile iOS": "Chrome", "Chromium": "Chrome",
    "Edge Mobile": "Edge", "Firefox Mobile": "Firefox", "Firefox iOS": "Firefox", "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer", "Mobile Safari": "Safari", "Mobile Safari UI/WKWebView": "Safari",
    "Opera Mini": "Opera", "Opera Mobile": "Opera", "Opera Touch": "Opera",
} | {name: name for name in BROWSERS}  # fmt: skip
_SYSTEM: Final = {
    "Chrome OS": "ChromeOS", "Debian": "Linux", "Fedora": "Linux", "Mac OS X": "macOS", "Ubuntu": "Linux",
} | {name: name for name in SYSTEMS}  # fmt: skip


class Agents:
    """Loads its tables once: a third of a second, and 30 MB."""

    def __init__(self) -> None:
        self._parser: Final = Parser(Resolver(load_builtins()))
        self._known: Final = lru_cache(4096)(self._look_up)

    def kinds(self, agent: str) -> tuple[str, str]:
        """Browser and operating system."""
        return self._known(agent[:LONGEST])

    def forget(self) -> None:
        """Keep nobody's words any longer."""
        self._known.cache_clear()

    def _look_up(self, agent: str) -> tuple[str, str]:
        found = self._parser.parse(agent)
        browser = found.user_agent.family if found.user_agent else ""
        system = found.os.family if found.os else ""
        return _BROWSER.get(browser, OTHER), _SYSTEM.get(system, OTHER)
