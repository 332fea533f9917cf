"""Build the web application: routes, middleware, answers, errors as JSON."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from ..models.bundled import SAMPLE
from ..models.shipped_styles import year
from ..options import RuntimeOptions, ServerOptions
from . import access, looks, openapi, requests
from .cancellation import Cancelled
from .messages import quoted
from .service import Service
from .stream import stream
from .thumbnails import Thumbnails

log = logging.getLogger("fast_style.server")
# The page's back end that calls this service, and the description of the API; the page itself, which has another back
# end in the web export.
PAGE = Path(__file__).parent / "page"
WEB = Path(__file__).parents[1] / "web"
Endpoint = Callable[[Request], Awaitable[Response]]

# The page loads nothing from other hosts: it works offline, and a style's name in a file can do no harm.
POLICY = "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
# A new version of the package is seen at once.
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}


def create_app(options: ServerOptions = ServerOptions(), runtime: RuntimeOptions = RuntimeOptions()) -> Starlette:
    """Return the ASGI application, with the models loaded. Raises FastStyleError for options that cannot be met."""
    service = Service(options, runtime)
    api = [
        _route("/v1/stylize", _stylize(service), service, "POST"),
        _route("/v1/styles", _styles(service), service, "GET"),
        _route("/v1/styles/{model}/{style:path}.jpg", _thumbnail(service), service, "GET"),
        _route("/v1/looks", looks.listed(service), service, "GET"),
        _route("/v1/looks/{name}", looks.keep(service), service, "PUT"),
        _route("/v1/looks/{name}", looks.forget(service), service, "DELETE"),
        _route("/v1/taste", looks.taste(service), service, "GET"),
        WebSocketRoute("/stream", lambda socket: stream(socket, service)),
    ]
    routes = [
        Mount("/v1", Router(api, redirect_slashes=False)),  # redirects would lack the prefix of a reverse proxy
        _route("/metrics", _metrics(service), service, "GET"),
        Route("/healthz", _health),
        Route("/openapi.json", lambda _: JSONResponse(openapi.describe(options))),
        Route("/docs", lambda _: FileResponse(PAGE / "docs.html", headers=HEADERS)),
        Mount("/samples", _Static([SAMPLE.parent])),
        Mount("/", _Static([PAGE, WEB])),
    ]
    hosts = access.trusted_hosts(options)
    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)]
    if options.cors:
        cors: dict[str, Any] = {"allow_origins": options.cors, "allow_methods": ["*"], "allow_headers": ["*"]}
        middleware.append(Middleware(CORSMiddleware, **cors))
    handlers: Any = {HTTPException: _http_error, 500: _unexpected_error}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers, lifespan=_lifespan)
    app.router.redirect_slashes = False
    app.state.service = service
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    service: Service = app.state.service
    watching = asyncio.create_task(service.watch_models())
    yield
    watching.cancel()
    await asyncio.to_thread(service.close)


def _route(path: str, endpoint: Endpoint, service: Service, method: str) -> Route:
    """Return a route that checks token and origin, answers errors as JSON and is measured."""

    async def checked(request: Request) -> Response:
        start = time.perf_counter()
        try:
            access.check_token(request, service.options.token)
            access.check_origin(request, service.options)
            response = await endpoint(request)
        except HTTPException as error:
            response = _error(error)
        except (Cancelled, ClientDisconnect):
            response = _error(HTTPException(499, "the client went away"))
        except Exception:
            service.metrics.answered(path, 500, time.perf_counter() - start)
            raise
        service.metrics.answered(path, response.status_code, time.perf_counter() - start)
        return response

    return Route(path.removeprefix("/v1"), checked, methods=[method])


def _error(error: HTTPException) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code, dict(error.headers or {}))


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(HTTPException(404, "there is nothing at this address") if error.status_code == 404 else error)


async def _unexpected_error(_: Request, error: Exception) -> Response:
    return _error(HTTPException(500, f"the service failed ({type(error).__name__}); its log says more"))


def _stylize(service: Service) -> Endpoint:
    options = service.options

    async def endpoint(request: Request) -> Response:
        with service.receiving():
            asked = await requests.read(request, options)
        has_painting = asked.painting is not None
        model = requests.choose_model(service.models, asked.model, asked.options, asked.masks, has_painting)

        def work(stylizer: Any) -> tuple[bytes, str]:
            picture = requests.stylize(stylizer, asked, service.budget, options.pixels)
            return requests.encode(picture, asked.quality), picture.format

        data, kind = await service.run(model, work, _disconnected(request))
        return Response(data, media_type=f"image/{kind.lower()}")

    return endpoint


async def _disconnected(request: Request) -> None:
    """Wait until the client goes away; the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _styles(service: Service) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        styles = [
            {
                "name": style["name"],
                "title": style.get("title", ""),
                "artist": style.get("artist", ""),
                "year": year(style),
                "kind": model.kind,
                "model": model.name,
                # Relative to the address of the page, which a reverse proxy may have put under a prefix.
                "preview": f"v1/styles/{_segment(model.name)}/{_segment(style['name'])}.jpg?version={model.version}",
            }
            for model in service.models.all()
            for style in model.styles
        ]
        limits = {"body_mb": service.options.body_mb, "pixels_mp": service.options.pixels_mp}
        model = service.models.any_painting
        content = {"styles": styles, "any_painting": model.name if model else None, "limits": limits}
        return JSONResponse(content, headers={"Cache-Control": "no-cache"})

    return endpoint


def _segment(name: str) -> str:
    return quote(name, safe="")


def _thumbnail(service: Service) -> Endpoint:
    thumbnails = Thumbnails(service)

    async def endpoint(request: Request) -> Response:
        model, style = service.models.find(request.path_params["model"]), request.path_params["style"]
        if style not in model.style_names:
            raise HTTPException(404, f"the model {model.name} has no style {quoted(style)}")
        data = await thumbnails.get(model, style)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})

    return endpoint


def _metrics(service: Service) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        text, kind = service.metrics.text()
        return Response(text, media_type=kind)

    return endpoint


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


class _Static(StaticFiles):
    """Static files of several folders, the first that has a file, with the page's headers."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__(directory=folders[0], html=True)
        self.all_directories = list(folders)

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response
