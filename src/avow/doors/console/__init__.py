"""The staff console: what a colleague needs to answer requests, and nothing else. `make_console` gives the app."""

from avow.doors.console.app import make_console

__all__ = ["make_console"]
