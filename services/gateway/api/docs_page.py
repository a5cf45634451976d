"""The interactive documentation at /docs, from files in this package: it needs no internet access."""

from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.gateway.api.routes.reading import NO_QUERY
from services.gateway.web.query import check_query

_ASSETS = Path(__file__).parent / "static" / "swagger-ui"
_ASSETS_PATH = "/static/swagger-ui"
_ASSETS_MAX_AGE_SECONDS = 3600  # their URLs stay the same when another version is vendored
_REVALIDATE = {"Cache-Control": "no-cache"}


def install(app: FastAPI) -> None:
    """Serve /docs, its files, /openapi.json and the redirect from /. Links are relative: a proxy may add a path."""
    router = APIRouter(include_in_schema=False, dependencies=NO_QUERY)

    async def home() -> Response:
        return RedirectResponse("docs")

    async def docs() -> Response:
        page = _page()
        page.headers.update(_REVALIDATE)
        return page

    async def document() -> Response:
        return JSONResponse(app.openapi(), headers=_REVALIDATE)

    for path, endpoint in (("/", home), ("/docs", docs), ("/openapi.json", document)):
        router.add_api_route(path, endpoint, methods=["GET", "HEAD"])
    app.include_router(router)
    app.mount(_ASSETS_PATH, _Assets(directory=_ASSETS), name="swagger-ui")


def _page() -> Response:
    assets = _ASSETS_PATH.removeprefix("/")
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Imagemill API",
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon-32x32.png",
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True},
    )


class _Assets(StaticFiles):
    """Static files, cacheable for a while; their ETags make revalidation cheap."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        check_query(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = f"public, max-age={_ASSETS_MAX_AGE_SECONDS}"
        return response
