"""A filter for access logs: paths stay, query strings and addresses of people go.

logging.getLogger("uvicorn.access").addFilter(PathsOnly())
"""

import logging
from typing import Final

from avow.doors.guard.address import troubles

NOBODY: Final = "-"
HIDDEN: Final = "(hidden)"


class PathsOnly(logging.Filter):
    """Rewrites the records of `uvicorn.access`: client address, method, full path, HTTP version, status.

    A path that the guard would refuse (`troubles` finds something in it) is hidden as a whole. A record of another shape
    is dropped, because nobody knows what it holds.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always in the record's place; False where it has another shape."""
        match record.args:
            case (_, method, str(path), version, status):
                short = path.partition("?")[0]
                record.args = (NOBODY, method, HIDDEN if troubles(short.encode(), b"") else short, version, status)
                return True
        return False
