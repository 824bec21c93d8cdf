"""The API as an ASGI app: each method of the desk is a POST with a JSON body."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avow.desk.interface import Desk
from avow.desk.interface.mail import Mailroom
from avow.doors import design
from avow.doors.api.around import Around
from avow.doors.api.models import body_of, result_of
from avow.doors.api.problems import KIND, STATUS, Problem, of_avow, of_http, of_shape
from avow.errors import AvowError, CallError, Denied
from avow.policy.model import Policy
from avow.wire.contract import Method, methods

PREFIX: Final = "/v1"
_THE_GATEWAYS: Final = methods(Mailroom).keys() - {"link", "follow"}  # who takes mail in has no use of HTTP for it
METHODS: Final[Mapping[str, Method]] = {
    name: method for name, method in methods(Desk).items() if name not in _THE_GATEWAYS
}
_BEARER: Final = HTTPBearer(auto_error=False, description="A session, in place of the one in the body.")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
_SAYS: Final = """
What a shop may ask of the process that keeps personal data. Each method is a POST whose body is a JSON object; what
comes back is the method's result, and nothing (204) where it has none. Who acts is shown by a token that the vault gave
out: in the body, or as a bearer token, and never in an address. Times are milliseconds since 1970, UTC.

Errors are `application/problem+json` (RFC 9457); a refusal names the promises of the policy that refuse.
"""


def path_of(method: str) -> str:
    """Where a method is found."""
    return f"{PREFIX}/{method.replace('_', '-')}"


def make_api(desk: Desk, policy: Policy, *, look: design.Look | None = None) -> FastAPI:
    """The API of one site. It keeps nothing and decides nothing: each call is the desk's.

    `/openapi.json` describes it to programs (OpenAPI 3.1), `/docs` to people, with nothing of anybody else's on the page.
    """
    api = FastAPI(
        title=f"Avow: {policy.controller.name}", version=policy.version.isoformat(), description=_SAYS,
        docs_url=None, redoc_url=None, redirect_slashes=False, responses=_problems(),
        exception_handlers={
            AvowError: of_avow, RequestValidationError: of_shape, HTTPException: of_http,
        },
    )  # fmt: skip
    for method in METHODS.values():
        _add(api, desk, method)
    api.openapi()["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    env = design.templates(
        Path(__file__).parent / "templates", look=look, site=policy.controller.name, policy_link="",
        version=policy.version.isoformat(),
    )  # fmt: skip

    async def docs(_: Request) -> Response:
        faults = [(kind.__name__, status, says) for kind, status, says in STATUS]
        shown = [(path_of(method.name), method) for method in METHODS.values()]
        return design.page(env, "docs.html", methods=shown, faults=faults, says=_SAYS.strip().split("\n\n"))

    api.router.routes += [Route("/docs", docs, methods=["GET"]), design.static(look=look)]
    api.add_middleware(Around)
    return api


def _problems() -> dict[int | str, dict[str, Any]]:
    """What any call may answer beside its result."""
    statuses = sorted({status for _, status, _ in STATUS} | {400, 413})
    content = {KIND: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": "; or ".join(says for _, at, says in STATUS if at == status) or "it cannot be read", "content": content}
        for status in statuses
    }  # fmt: skip


def _add(api: FastAPI, desk: Desk, method: Method) -> None:
    empty = method.result is type(None)
    or_in_the_body: dict[str, Any] | None = (
        {"security": [{}]} if "session" in method.parameters else None
    )  # beside the bearer token
    summary, _, rest = method.says.replace("\n", " ").partition(". ")
    api.add_api_route(
        path_of(method.name), _endpoint(desk, method, body_of(method)), methods=["POST"], name=method.name,
        operation_id=method.name, summary=summary.rstrip(".") + ".", description=rest or None,
        status_code=204 if empty else 200, response_model=None if empty else result_of(method.result),
        response_class=Response if empty else JSONResponse, openapi_extra=or_in_the_body,
    )  # fmt: skip


def _endpoint(desk: Desk, method: Method, body: type[BaseModel]) -> Callable[..., Awaitable[Any]]:
    call = getattr(desk, method.name)

    async def endpoint(given: BaseModel, bearer: Bearer) -> Any:
        arguments = {name: getattr(given, name) for name in given.model_fields_set}
        if "session" in method.parameters:
            _one_session(arguments, bearer, needed=method.parameters["session"].needed)
        result = await call(**arguments)
        return Response(status_code=204) if result is None and method.result is type(None) else JSONResponse(result)

    endpoint.__annotations__["given"] = body
    if "session" not in method.parameters:

        async def open_(given: BaseModel) -> Any:
            return await endpoint(given, None)

        open_.__annotations__["given"] = body
        return open_
    return endpoint


def _one_session(arguments: dict[str, Any], bearer: HTTPAuthorizationCredentials | None, *, needed: bool) -> None:
    """Put the session among the arguments. Raises `Denied` without one where it is needed, `CallError` with two."""
    if bearer is not None:
        if arguments.get("session") is not None:
            raise CallError("give the session once: in the body, or as a bearer token")
        arguments["session"] = bearer.credentials
    if arguments.get("session") is None:
        if needed:
            raise Denied
        arguments.pop("session", None)


__all__ = ["METHODS", "Problem", "make_api", "path_of"]
