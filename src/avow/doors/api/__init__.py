"""The HTTP API: the desk for shops that are not written in Python. Its OpenAPI 3.1 document is at `/openapi.json`."""

from avow.doors.api.app import make_api

__all__ = ["make_api"]
