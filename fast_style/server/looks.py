"""Answer requests about looks: the next four of a search by choosing, and those that are kept by name.

A search has no state here: a request carries all choices so far.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import FastStyleError
from ..inference.style_weights import shares
from ..stylizer import Stylizer
from ..taste import ROUNDS, looks
from ..taste.search import TasteSearch, parse_picks
from ..taste.space import Looks, Space
from . import access, fields, uploads
from .messages import plain_message, quoted, validation_message
from .repository import ServedModel
from .service import Service

Endpoint = Callable[[Request], Awaitable[Response]]
log = logging.getLogger("fast_style.server")

# Of the text of a look.
LARGEST_BYTES = 10_000
MOST_KEPT = 500
# Searches whose rounds are remembered; others are computed again, in a second.
SEARCHES = 16
MOST_SEED = 2**32


def taste(service: Service) -> Endpoint:
    """Return the endpoint of a search: ?picks=1,3,2&seed=7&model=NAME gives the four looks after these choices."""

    async def endpoint(request: Request) -> Response:
        seed = _seed(request.query_params.get("seed", "0"))
        model = _model(service, request.query_params.get("model", ""))

        def work(stylizer: Stylizer) -> tuple[list[Looks], Space]:
            gram = tuple(map(tuple, stylizer.engine.style_gram.tolist()))
            search = _search(tuple(stylizer.styles), gram, seed)
            return list(search.offered(picks)), search.space

        try:
            picks = parse_picks(request.query_params.get("picks", ""))
            offered, space = await service.run(model, work)
        except FastStyleError as error:
            raise HTTPException(400, plain_message(error)) from error
        found = [_described(model, {"model": model.name, **_values(space, look)}) for look in offered]
        return JSONResponse({"round": len(picks) + 1, "rounds": ROUNDS, "looks": found})

    return endpoint


@lru_cache(maxsize=SEARCHES)
def _search(styles: tuple[str, ...], style_gram: tuple[tuple[float, ...], ...], seed: int) -> TasteSearch:
    return TasteSearch(Space(styles, np.array(style_gram)), seed)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) < MOST_SEED):
        raise HTTPException(400, f"seed is {quoted(text)}; it takes a whole number from 0 to {MOST_SEED - 1}")
    return int(text)


def _model(service: Service, name: str) -> ServedModel:
    """Return the model of that name, else the one with the most styles: it has the most looks."""
    if name or not service.models.all():
        return service.models.find(name)
    return max(service.models.all(), key=lambda model: (model.kind == "full", len(model.style_names)))


def _values(space: Space, look: Looks) -> dict[str, Any]:
    how = space.options(look)
    return {name: getattr(how, name) for name in ("style", "strength", "size", "preserve_color")}


def _described(model: ServedModel, values: dict[str, Any]) -> dict[str, Any]:
    """Return a look as the page takes it: its values, and its style as parts of a blend."""
    style = values.get("style") or model.style_names[0]
    parts = [{"name": name, "weight": share} for name, share in shares(style, model.style_names).items()]
    return {**values, "model": model.name, "parts": parts}


def listed(service: Service) -> Endpoint:
    """Return the endpoint that lists the kept looks which the models here can paint."""

    async def endpoint(_: Request) -> Response:
        found = await asyncio.to_thread(_kept, service)
        answer = {"looks": found, "default": service.options.look, "may_keep": _may_keep(service)}
        return JSONResponse(answer, headers={"Cache-Control": "no-cache"})

    return endpoint


def _kept(service: Service) -> list[dict[str, Any]]:
    found = []
    for name in looks.names()[:MOST_KEPT]:
        try:
            look = fields.from_look(fields.RequestFields, name)
            values = look.model_dump(include=look.model_fields_set, by_alias=False)
            model = service.models.find(look.model, values.get("style", ""))
            found.append({"name": name, **_described(model, values)})
        except (FastStyleError, ValidationError, HTTPException) as error:
            log.info("look %s is left out: %s", name, plain_message(error))
    return found


def keep(service: Service) -> Endpoint:
    """Return the endpoint that keeps a look: its fields as a JSON object; ?overwrite=true replaces one."""

    async def endpoint(request: Request) -> Response:
        _check_may_keep(service)
        receive = uploads.bounded(request.receive, service.options, request.headers.get("content-length"))
        body = await type(request)(request.scope, receive).body()
        if len(body) > LARGEST_BYTES:
            raise HTTPException(413, f"a look has at most {LARGEST_BYTES} bytes")
        overwrite = request.query_params.get("overwrite", "false")
        if overwrite not in ("true", "false"):
            raise HTTPException(400, f"overwrite is {quoted(overwrite)}; it takes true or false")
        await asyncio.to_thread(_keep, service, request.path_params["name"], body, overwrite == "true")
        return Response(status_code=204)

    return endpoint


def _keep(service: Service, name: str, body: bytes, overwrite: bool) -> None:
    try:
        look = fields.RequestFields.model_validate_json(body)
        look.options(service.options.memory)
        told = look.model_fields_set
        if not told or told - set(looks.FIELDS):
            wrong = f"no {min(told - set(looks.FIELDS))}" if told else "at least one field"
            raise FastStyleError(f"a look has {wrong}; there are {', '.join(looks.FIELDS)}")
        service.models.find(look.model).check_styles(getattr(look, "style", ""))
        known = looks.names()
        if len(known) >= MOST_KEPT and name not in known:
            raise FastStyleError(f"{MOST_KEPT} looks are kept already; delete one")
        if name in known and not overwrite:
            raise HTTPException(409, f"there is a look {quoted(name)} already; ?overwrite=true replaces it")
        looks.keep(name, {field: getattr(look, field) for field in looks.FIELDS if field in told}, overwrite)
    except ValidationError as error:
        raise HTTPException(400, validation_message(error, list(looks.FIELDS))) from error
    except FastStyleError as error:
        raise HTTPException(400, plain_message(error)) from error


def forget(service: Service) -> Endpoint:
    """Return the endpoint that deletes a kept look."""

    async def endpoint(request: Request) -> Response:
        _check_may_keep(service)
        try:
            await asyncio.to_thread(looks.forget, request.path_params["name"])
        except FastStyleError as error:
            raise HTTPException(404, plain_message(error)) from error
        return Response(status_code=204)

    return endpoint


def _may_keep(service: Service) -> bool:
    """Return whether clients may write looks on this machine: its own, and those that have the token."""
    return service.options.token is not None or access.is_loopback(service.options.host)


def _check_may_keep(service: Service) -> None:
    if not _may_keep(service):
        raise HTTPException(403, "looks are kept where the service asks for a token, or for its own machine alone")
