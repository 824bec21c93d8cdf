"""Messages of the desk go out through the smarthost, one at a time, in the name of the controller."""

import ssl
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from avow.errors import BadValue, CallError
from avow.mail.address import checked
from avow.mail.smarthost import Server, Smarthost
from avow.policy.model import Policy
from avow.start import system_clock

Mail = Callable[[str, str, str], Awaitable[None]]  # as the desk wants it: address, subject, text


def sending(server: Server, tls: ssl.SSLContext | None = None) -> Callable[[Policy], Mail]:
    """What makes, for each site, what sends for it. A message that cannot be sent raises `OSError`, and names nobody."""

    def of(policy: Policy) -> Mail:
        sender = policy.controller.contact.get("email", "")
        if not sender:
            raise CallError(f"the policy of `{policy.site}` names no e-mail address of the controller to write from")

        async def mail(to: str, subject: str, text: str) -> None:
            try:
                checked(to)
            except BadValue:
                raise OSError("this address cannot be written to") from None
            async with Smarthost(server, connections=1, tls=tls) as post:
                answer = await post.send(sender, to, _message(policy.controller.name, sender, to, subject, text))
            if answer.outcome != "sent":
                raise OSError(f"the mail server did not take the message: {answer.reason}")

        return mail

    return of


def _message(name: str, sender: str, to: str, subject: str, text: str) -> bytes:
    message = EmailMessage()
    message["From"] = formataddr((name, sender))
    message["To"], message["Subject"] = to, subject
    message["Date"] = format_datetime(system_clock())
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
    message.set_content(text, cte="quoted-printable")
    return message.as_bytes(policy=SMTP)
