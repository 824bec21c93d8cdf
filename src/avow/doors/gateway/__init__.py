"""The mail gateway: an SMTP server that any application points its mail at, and that takes in mail for the site itself.

    server     the protocol: who may speak, for how long, how much; no address in any log or reply
    relay      a message that an application hands in, decided for each recipient and handed to the smarthost
    intake     mail to the contact address, and to the addresses that carry a token
    replies    what is answered, in words for developers

It keeps no queue: a message is accepted once the smarthost has it (docs/decisions/0070).
"""

from avow.doors.gateway.server import Gateway, Limits
from avow.doors.gateway.sites import Served

__all__ = ["Gateway", "Limits", "Served"]
