"""ASGI middleware, made from a policy, that holds any web application to it. See docs/guard.md."""

from avow.doors.guard.access_log import PathsOnly
from avow.doors.guard.guard import Guard
from avow.doors.guard.report import Kind, Report, to_log

__all__ = ["Guard", "Kind", "PathsOnly", "Report", "to_log"]
