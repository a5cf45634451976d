"""The interactive documentation at /docs, from files of our own: it works without the internet."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

_ASSETS = Path(__file__).parent / "static" / "swagger-ui"
_ASSETS_PATH = "/static/swagger-ui"


def install(app: FastAPI) -> None:
    """Serve /docs, its files, and the way there from /. The links are relative: a proxy may serve us below a path."""
    app.add_route("/", _home)
    app.add_route("/docs", _docs)
    app.mount(_ASSETS_PATH, StaticFiles(directory=_ASSETS), name="swagger-ui")


async def _home(_: Request) -> Response:
    return RedirectResponse("docs")


async def _docs(_: Request) -> Response:
    assets = _ASSETS_PATH.removeprefix("/")
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Imagemill API",
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon-32x32.png",
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True},
    )
