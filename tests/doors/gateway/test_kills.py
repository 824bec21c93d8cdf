"""Killed processes and a smarthost that goes away, few times; and that the harness sees a gateway that forgets."""

from tests.doors.gateway.kills import run

FORGETS = """
from avow.mail.smarthost import Smarthost
real = Smarthost.send
Smarthost.send = lambda self, sender, to, content, *, before_end=None: real(self, sender, to, content)
"""  # nothing is put on disk before the end of a message


def test_each_message_is_delivered_once_or_its_sender_told_whatever_is_killed() -> None:
    told = run(4, 5)
    assert told["ok"], told


def test_a_gateway_that_hands_over_before_it_is_on_disk_is_seen() -> None:
    told = run(8, 6, plant=FORGETS)
    assert any("delivered 2 times" in one for one in told["wrong"]), told
