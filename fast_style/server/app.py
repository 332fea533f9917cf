"""The web application: routes, answers, errors as JSON."""

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
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from ..models.bundled import SAMPLE
from ..options import RuntimeOptions, ServerOptions
from . import limits, openapi, requests
from .errors import Dropped, RequestError
from .previews import Previews
from .service import Service
from .stream import stream

log = logging.getLogger("fast_style.server")
PAGE = Path(__file__).parent / "page"
# What it has in common with the page of the web export.
SHARED = Path(__file__).parents[1] / "web"
Answer = Callable[[Request], Awaitable[Response]]

# The page takes nothing from elsewhere: it works offline, and a style's name in a file can do no harm.
POLICY = "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"


def create_app(options: ServerOptions = ServerOptions(), runtime: RuntimeOptions = RuntimeOptions()) -> Starlette:
    """The ASGI application; the models are loaded here. Raises FastStyleError for options that cannot be met."""
    service = Service(options, runtime)
    previews = Previews(service)
    api = [
        _route("/v1/stylize", _stylize(service), service, "POST"),
        _route("/v1/styles", _styles(service), service, "GET"),
        _route("/v1/styles/{model}/{style}.jpg", previews.answer, service, "GET"),
        WebSocketRoute("/stream", lambda socket: stream(socket, service)),
    ]
    routes = [
        Mount("/v1", routes=api),
        _route("/metrics", _metrics(service), service, "GET"),
        Route("/healthz", _health),
        Route("/openapi.json", lambda _: JSONResponse(openapi.describe(options))),
        Route("/sample.jpg", lambda _: FileResponse(SAMPLE)),
        Mount("/shared", _Page(directory=SHARED)),
        Mount("/", _Page(directory=PAGE, html=True)),
    ]
    middleware = []
    if options.cors:
        cors: dict[str, Any] = {"allow_origins": options.cors, "allow_methods": ["*"], "allow_headers": ["*"]}
        middleware.append(Middleware(CORSMiddleware, **cors))
    handlers: Any = {HTTPException: _http_error, 500: _unforeseen}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers, lifespan=_lifespan)
    app.state.service = service
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    service: Service = app.state.service
    watching = asyncio.create_task(service.watch_models())
    yield
    watching.cancel()
    await asyncio.to_thread(service.close)


def _route(path: str, answer: Answer, service: Service, method: str) -> Route:
    """A route that checks who asks, answers errors as JSON and is counted."""

    async def endpoint(request: Request) -> Response:
        start = time.perf_counter()
        try:
            limits.check_token(request, service.options.token)
            limits.check_origin(request, service.options.cors)
            response = await answer(request)
        except RequestError as error:
            response = _error(error.status, str(error), error.retry_after_s)
        except (Dropped, ClientDisconnect):
            response = _error(499, "the client went away")
        except HTTPException as error:
            response = _error(error.status_code, error.detail)
        except Exception:
            service.metrics.answered(path, 500, time.perf_counter() - start)
            raise
        service.metrics.answered(path, response.status_code, time.perf_counter() - start)
        return response

    return Route(path.removeprefix("/v1"), endpoint, methods=[method])


def _error(status: int, text: str, retry_after_s: int | None = None) -> Response:
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if status == 408:
        headers["Connection"] = "close"  # the rest of the body is not waited for
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": text}, status, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, {404: "there is nothing at this address"}.get(error.status_code, error.detail))


async def _unforeseen(_: Request, error: Exception) -> Response:
    return _error(500, f"the service failed ({type(error).__name__}); its log says more")


def _stylize(service: Service) -> Answer:
    options = service.options

    async def answer(request: Request) -> Response:
        with service.receiving():
            asked = await requests.read(request, options)
        model = service.models.get(asked.model, asked.how.style)

        def work(stylizer: Any) -> tuple[bytes, str]:
            picture = requests.stylize(stylizer, asked, service.budget, options.pixels)
            return requests.encode(picture, asked.quality), picture.format

        data, kind = await service.run(model, work, _gone(request))
        return Response(data, media_type=f"image/{kind.lower()}")

    return answer


async def _gone(request: Request) -> None:
    """Ends when the client goes away; the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _styles(service: Service) -> Answer:
    async def answer(_: Request) -> Response:
        styles = [
            {
                "name": style["name"],
                "title": style.get("title", ""),
                "artist": style.get("artist", ""),
                "model": model.name,
                "preview": f"/v1/styles/{quote(model.name)}/{quote(style['name'])}.jpg?version={model.version}",
            }
            for model in service.models.all()
            for style in model.styles
        ]
        return JSONResponse({"styles": styles}, headers={"Cache-Control": "no-cache"})

    return answer


def _metrics(service: Service) -> Answer:
    async def answer(_: Request) -> Response:
        text, kind = service.metrics.text()
        return Response(text, media_type=kind)

    return answer


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


class _Page(StaticFiles):
    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-cache"  # a new version of the package is seen at once
        return response
