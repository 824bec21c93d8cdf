"""What the guide says of each shop: what its policy makes different, and what to try to see it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Story:
    """One shop's. `tries` are things to do; `way`: words and path of a way in that the shop itself does not show."""

    site: str
    sells: str
    differs: str
    tries: tuple[str, ...]
    way: tuple[str, str] | None = None


STORIES: Final = (
    Story(
        "aimini", "File-sharing software",
        "Sets nothing in your browser, ever. Who buys does so at Keyhouse, an outside company: the shop learns the "
        "order's reference and how far it has come, and no name.",
        (
            "Buy something. You are told that you are leaving, and shown Keyhouse's own policy first.",
            "Look into your browser's storage for the shop's address: it is empty.",
            "In the console, take the order up as samir of support: a reference and a state, and nobody's name.",
        ),
    ),
    Story(
        "audiomidi", "Music gear",
        "One cookie, in the cart and at the checkout only. Who comes back signs in there and finds the order form "
        "filled in. Nothing is shared unless you agreed to that recipient and that piece of data.",
        (
            "Buy something and choose a password. Come back, sign in at the checkout, and you need not type again.",
            "In the privacy centre, let the Gear Makers' Guild have your e-mail address, then take it back.",
            "In the console, take an order up as farida and ask for the e-mail address: promises refuse it by name.",
        ),
    ),
    Story(
        "aitpro", "Web design and security",
        "Who came by an affiliate's link gets a cookie, and a record that is gone on day 31. Mail, calls and letters "
        "only to people who asked for them.",
        (
            "Come by an affiliate's link (the button below), then move the clock 31 days: the record is gone.",
            "Ask for a quote, and leave a telephone number: it may be used for that quote and for nothing else.",
            "Ask for product news with a question: nothing comes of it before you type in the code from the mail.",
        ),
        ("By an affiliate's link", "/a/harbourpress"),
    ),
    Story(
        "aitoc", "Shop extensions",
        "Tracking that knows no names, a newsletter with a way out in every issue, and staff who see nothing before "
        "they have signed to keep it confidential.",
        (
            "Subscribe to the newsletter: it counts once you type in the code from the mail.",
            "Order, sign in, go to the shop: its first page is fitted to what you ordered, and says by which promise.",
            "In the console, finn put a case about Wanda forward. Agree to it as freya, and get the package.",
            "Sign in there as nils, who has not signed: he sees nothing but the agreement.",
        ),
    ),
    Story(
        "daminion", "Archive servers for pictures",
        "Everything you send lives on a private server, visits are never tied to anybody, and nothing is sold or "
        "passed on without your signature under who and what.",
        (
            "Enter the contest: the entries are erased once the winners are told.",
            "Refuse its cookies in your browser: everything works just the same.",
            "In the privacy centre, correct your address yourself, and see who looked at the old one.",
        ),
    ),
)  # fmt: skip
