"""Run `avow` within the test: the same `main`, with its exit status, its two streams, and what is piped in."""

import io
import json
import sys
from typing import Any, NamedTuple

import pytest

from avow.cli import main


class Ran(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """`terminal("check", "privacy.yaml")`. Never a traceback: an exception that comes through fails the test."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._patch = monkeypatch

    def __call__(self, *args: object, typed: str = "") -> Ran:
        self._capsys.readouterr()
        self._patch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = self._capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)
