"""Previews of the styles, made when they are first asked for and kept."""

import asyncio
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from .errors import RequestError
from .service import Service
from .thumbnails import preview

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MOST = 512


class Previews:
    """The preview of each style, kept until its file changes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._made: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def answer(self, request: "Request") -> "Response":
        """GET /v1/styles/MODEL/STYLE.jpg"""
        from starlette.responses import Response

        data = await self._get(request.path_params["model"], request.path_params["style"])
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})

    async def _get(self, name: str, style: str) -> bytes:
        model = self._service.models.get(name)
        if style not in model.stylizers[0].styles:
            raise RequestError(404, f"the model {name} has no style {style!r}")
        key = (name, model.version, style)
        # One at a time leaves the queue to those who stylize, and nothing is made twice.
        async with self._one_at_a_time:
            if key not in self._made:
                make = partial(preview, style=style)
                self._made[key] = await self._service.run(model, make, may_be_refused=False)
            if len(self._made) > MOST:
                self._made.popitem(last=False)
        return self._made.get(key, b"")
