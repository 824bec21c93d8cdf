"""The card network, watched."""

from datetime import datetime

import pytest

from examples.processor import network


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the card network answered, once for each time that it was asked."""
    answers: list[str] = []
    real = network.authorise

    def counted(card: network.Card, now: datetime) -> str:
        answers.append(real(card, now))
        return answers[-1]

    monkeypatch.setattr(network, "authorise", counted)
    return answers
