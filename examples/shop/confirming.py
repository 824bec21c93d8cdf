"""The confirmation of an order: an ordinary mail, handed to the mail gateway as to any mail server.

Whether it may go out is decided there, by the policy. The shop keeps neither the address nor the mail, and an order
stands whether its confirmation went out or not.
"""

import asyncio
import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formataddr
from typing import Final

from avow.policy.model import Policy
from examples.shop.site import money

PURPOSE: Final = "order-status"
PATIENCE: Final = 30.0  # seconds
TEXT: Final = """\
Thank you for your order at {name}.

Its reference is {reference}, and it comes to {amount}. How it stands, and where to pay if you have not:
{page}
"""

log = logging.getLogger("shop")


@dataclass
class Confirming:
    """Through one gateway, with this user and password. `page`: where people see how an order stands."""

    port: int
    user: str
    password: str = field(repr=False)
    tls: ssl.SSLContext
    policy: Policy
    name: str
    page: str
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set, repr=False)

    def __call__(self, to: str, reference: str, amount: int) -> None:
        """Send it, while whoever ordered goes on to pay."""
        task = asyncio.ensure_future(asyncio.to_thread(self._send, to, reference, amount))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _send(self, to: str, reference: str, amount: int) -> None:
        sender = self.policy.controller.contact["email"]
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = formataddr((self.name, sender)), to, "Your order"
        mail["Message-ID"] = f"<{reference.lower()}@{sender.rpartition('@')[2]}>"
        mail.set_content(TEXT.format(name=self.name, reference=reference, amount=money(amount), page=self.page))
        try:
            with smtplib.SMTP("localhost", self.port, timeout=PATIENCE) as gateway:
                gateway.starttls(context=self.tls)
                gateway.login(self.user, self.password)
                gateway.send_message(mail)
        except (smtplib.SMTPException, OSError) as error:  # its text may hold the address
            log.warning("a confirmation did not go out: %s", type(error).__name__)
