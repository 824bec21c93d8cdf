"""What a site is held to before and while it serves: its privacy, its upkeep, and how it tells what it did."""

import pytest

from avow import start
from avow.errors import OperatorError
from avow.policy.parse import parse
from tests.shops import POLICY

SHELTERED = parse(
    POLICY
    + """- id: C-8
  says: What you tell us stays on a private server.
  source: {section: Safety, sentence: 1}
  protect: {by: [private-server]}
""",
    "sheltered",
)


def test_where_nobody_can_tell_who_listens_only_an_attested_private_server_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start, "public_addresses", lambda: None)
    for private in (False, True):
        with pytest.raises(OperatorError):
            start.must_be_private(SHELTERED, private)
    start.must_be_private(SHELTERED, "attested")


def test_an_attestation_does_not_hide_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "public_addresses", lambda: ("198.51.100.1:80",))
    with pytest.raises(OperatorError, match="198"):
        start.must_be_private(SHELTERED, "attested")
