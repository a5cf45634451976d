"""The interactive documentation at /docs, from files in this package: it needs no internet access."""

from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.gateway.api.routes import NO_QUERY
from services.gateway.web import check_query

_STATIC = Path(__file__).parent / "static"
_MAX_AGE_SECONDS = 3600  # a file keeps its URL when its content changes
_REVALIDATE = {"Cache-Control": "no-cache"}


def install(app: FastAPI) -> None:
    """Serve /docs, its files, /openapi.json and the redirect from /. Links are relative: a proxy may add a path."""
    router = APIRouter(include_in_schema=False, dependencies=NO_QUERY)
    page = (_STATIC / "docs.html").read_bytes()

    async def home() -> Response:
        return RedirectResponse("docs")

    async def docs() -> Response:
        return Response(page, headers=_REVALIDATE, media_type="text/html; charset=utf-8")

    async def document() -> Response:
        return JSONResponse(app.openapi(), headers=_REVALIDATE)

    for path, endpoint in (("/", home), ("/docs", docs), ("/openapi.json", document)):
        router.add_api_route(path, endpoint, methods=["GET", "HEAD"])
    app.include_router(router)
    app.mount("/static", _StaticFiles(directory=_STATIC), name="static")


class _StaticFiles(StaticFiles):
    """Static files, cacheable for a while; their ETags make revalidation cheap."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        check_query(scope["path"], parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        response = await super().get_response(path, scope)
        response.headers["Vary"] = "Accept-Encoding"  # a 304 too, which the compression cannot recognise
        response.headers["Cache-Control"] = f"public, max-age={_MAX_AGE_SECONDS}"
        return response
