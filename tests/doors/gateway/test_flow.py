"""Messages flow through both processes, PostgreSQL and TLS, and none is lost. How fast: the campaign."""

from tests.doors.gateway.flow import run


def test_every_message_of_a_stream_arrives_and_memory_stays() -> None:
    told = run(300, 1, wanted=5.0)
    assert told["ok"], told
