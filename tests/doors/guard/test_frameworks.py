"""The same guard around Starlette, FastAPI and Django: nothing of it knows which."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Form, UploadFile
from fastapi.responses import HTMLResponse as FastHTML
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from tests.doors.guard.sites import CARD, TOKEN, kinds, visit

PAGE = '<a href="/privacy">Privacy policy</a> <a href="https://elsewhere.example/">elsewhere</a>' + " " * 1000


def starlette_app() -> Any:
    async def page(request: Request) -> HTMLResponse:
        answer = HTMLResponse(PAGE)
        answer.set_cookie("session", TOKEN)
        return answer

    async def note(request: Request) -> JSONResponse:
        async with request.form() as form:
            upload = form.get("file")
            size = len(await upload.read()) if upload and not isinstance(upload, str) else 0
            return JSONResponse({"note": form["note"], "size": size})

    app = Starlette(routes=[Route("/", page), Route("/note", note, methods=["POST"])])
    app.add_middleware(GZipMiddleware, minimum_size=10)
    return app


def fastapi_app() -> Any:
    app = FastAPI()

    @app.get("/", response_class=FastHTML)
    async def page() -> FastHTML:
        answer = FastHTML(PAGE)
        answer.set_cookie("session", TOKEN)
        return answer

    @app.post("/note")
    async def note(note: Annotated[str, Form()], file: UploadFile | None = None) -> dict[str, Any]:
        return {"note": note, "size": len(await file.read()) if file else 0}

    return app


def django_app() -> Any:
    import django  # type: ignore[import-untyped]  # noqa: PLC0415 - publishes no types; one framework of three
    from django.conf import settings  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    from django.http import HttpRequest, HttpResponse, JsonResponse  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    from django.urls import path  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    def page(request: HttpRequest) -> HttpResponse:
        answer = HttpResponse(PAGE)
        answer.set_cookie("sessionid", TOKEN)
        return answer

    def note(request: HttpRequest) -> HttpResponse:
        upload = request.FILES.get("file")
        return JsonResponse({"note": request.POST["note"], "size": upload.size if upload else 0})

    if not settings.configured:
        urls = ModuleType("guarded_urls")
        urls.urlpatterns = [path("", page), path("note", note)]  # type: ignore[attr-defined] # made here
        sys.modules["guarded_urls"] = urls
        settings.configure(
            ROOT_URLCONF="guarded_urls", ALLOWED_HOSTS=["*"], SECRET_KEY="not kept", DEBUG=False, USE_TZ=True,
            MIDDLEWARE=["django.middleware.gzip.GZipMiddleware", "django.middleware.http.ConditionalGetMiddleware"],
        )  # fmt: skip
        django.setup()
    return get_asgi_application()


@pytest.mark.parametrize("made", [starlette_app, fastapi_app, django_app])
async def test_a_framework_is_held_to_the_policy_and_works_as_before(made: Callable[[], Any]) -> None:
    async with visit(made(), "aimini") as (client, reports):
        page = await client.get("/", headers={"Accept-Encoding": "gzip"})
        assert page.status_code == 200
        assert "set-cookie" not in page.headers
        assert "/leaving?to=" in page.text
        assert kinds(reports) == ["cookie", "link"]
        assert "etag" not in page.headers

        plain: httpx.Response = await client.post("/note", data={"note": "hello"})
        assert plain.json() == {"note": "hello", "size": 0}
        upload = await client.post("/note", data={"note": "hello"}, files={"file": ("a.bin", b"\0\1\2" * 50_000)})
        assert upload.json() == {"note": "hello", "size": 150_000}
        card = await client.post("/note", data={"note": f"my card: {CARD}"})
        assert card.status_code == 422
    assert kinds(reports) == ["cookie", "link", "card"]
