"""From a template to a response, for ordinary pages and for refusals."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from avow.doors.design.look import Look

PREFIX = "/design"
_OWN = Path(__file__).parent / "templates"
_YEAR = "public, max-age=31536000, immutable"

_TITLES: Mapping[int, tuple[str, str]] = {
    400: ("That could not be read", "What your browser sent is not what this page's form sends. Nothing was changed."),
    403: ("This is not allowed", "Our policy does not allow it. Nothing was changed."),
    404: ("There is no such page", "The address may be mistyped, or the page has moved."),
    405: ("That does not work here", "This page cannot be used that way. Go back and use its form."),
    413: ("That is too long", "What was sent is larger than we take in. Nothing of it was kept."),
    415: ("That could not be read", "This is not the kind of form that we read. Nothing was changed."),
    429: ("Too many tries", "This was tried too often. Wait ten minutes, then try again."),
    503: ("Not available just now", "We cannot reach our own records at the moment. Please try again shortly."),
}


class _Compiled(BytecodeCache):
    """Templates compiled once a process, for all the environments below: they differ in their names alone."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What is kept of a template, if its text is still the same."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def templates(*folders: str | Path, look: Look | None = None, prefix: str = PREFIX, **common: Any) -> Environment:
    """A Jinja2 environment over these folders, then the design's own templates. Escapes everything; an unknown name is
    an error. `common`: names that all templates know; the base uses `site` (the name shown), `home` (where it leads),
    `policy_link`, `version` (of the policy, a day), `links` (of the navigation: pairs of address and words), `feed` (the
    address of an Atom feed) and `news` (a function: versions of the policy to tell of, `avow.doors.versions.News`).
    """
    loader = ChoiceLoader([FileSystemLoader(folder) for folder in (*folders, _OWN)])
    env = Environment(
        loader=loader, bytecode_cache=_COMPILED, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    env.filters |= {"day": _day, "moment": _moment, "iso": _iso}
    env.globals |= {"home": "/", "links": (), "here": "", "policy_link": "", "version": "", "lang": "en"}
    env.globals |= {"feed": "", "news": tuple}
    env.globals |= {"stylesheet": f"{prefix}/{(look or Look()).file}"} | common
    return env


def static(prefix: str = PREFIX, look: Look | None = None, *, kept: bool = True) -> Route:
    """The route that serves the style sheet, to be kept for a year: another sheet has another name.

    `kept`: False where nothing at all may stay in a browser.
    """
    chosen, cached = look or Look(), _YEAR if kept else "no-store"

    async def sheet(_: Request) -> Response:
        return Response(chosen.sheet, media_type="text/css", headers={"cache-control": cached})

    return Route(f"{prefix}/{chosen.file}", sheet, methods=["GET"])


def page(
    env: Environment, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HTMLResponse:
    """The page, never stored by a browser or in between: it may carry a token or somebody's data."""
    kept_out = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    return HTMLResponse(env.get_template(template).render(context), status, kept_out | dict(headers or {}))


def error_page(
    env: Environment, status: int, *, title: str = "", says: str = "", promises: Sequence[tuple[str, str]] = (),
    back: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None,
) -> HTMLResponse:  # fmt: skip
    """A refusal that a person understands: what it is, whether anything changed, what to do.

    `promises`: ids and words of the promises that refuse. `back`: address and words of the way on; home if None.
    """
    known, words = words_of(status)
    return page(
        env, "error.html", status=status, headers=headers,
        heading=title or known, says=says or words, promises=promises, back=back, number=status,
    )  # fmt: skip


def words_of(status: int) -> tuple[str, str]:
    """Heading and sentence for a status of HTTP."""
    return _TITLES.get(status, ("That did not work", "Something was wrong. Nothing was changed."))


def error_pages(env: Environment) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """For Starlette's `exception_handlers`: whatever goes wrong on the way gets such a page."""

    async def refused(_: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return error_page(env, error.status_code, headers=error.headers)
        return error_page(env, 503)

    return {HTTPException: refused, 500: refused}


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _day(milliseconds: int) -> str:
    at = _time(milliseconds)
    return f"{at.day} {at:%B %Y}"


def _moment(milliseconds: int) -> str:
    return f"{_day(milliseconds)}, {_time(milliseconds):%H:%M} UTC"


def _iso(milliseconds: int) -> str:
    return f"{_time(milliseconds):%Y-%m-%dT%H:%M:%SZ}"
