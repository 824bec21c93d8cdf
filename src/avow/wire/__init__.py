"""The desk over a socket: a server beside the vault, and a client, which is the desk for every process that faces people.

A connection carries frames: four bytes of length, then JSON. The server greets, both agree on the contract, and from
then on calls and answers pass each other by their numbers. Over a Unix socket the kernel says who may connect; over TCP
both sides show that they hold a secret, and every frame is sealed. It is meant for one machine or a private network.
"""

from avow.wire.address import Secret
from avow.wire.client import Client, OperatorClient
from avow.wire.server import Server, serving

__all__ = ["Client", "OperatorClient", "Secret", "Server", "serving"]
