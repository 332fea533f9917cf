"""From a request to what is asked: the picture, its masks, the fields."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import images
from ..errors import FastStyleError
from ..images import Picture
from ..inference import masks
from ..inference.masks import Mask
from ..options import ServerOptions, StylizeOptions
from ..stylizer import Stylizer
from . import fields, limits
from .errors import RequestError, sentence
from .worker import Ticket

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

# Fields beside those of the options; the token is one of the query's.
MODEL, FORMAT, QUALITY, TOKEN = "model", "format", "quality", "token"
FILES_MOST = 33


@dataclass(frozen=True)
class Wanted:
    """What one request asks for."""

    how: StylizeOptions
    model: str = ""
    format: str = ""
    """Pillow's name of the format of the answer; empty is that of the picture."""
    quality: int = images.QUALITY
    image: bytes = b""
    masks: Mapping[str, bytes] = field(default_factory=dict)
    """Mask files by style; the empty style is that of the options."""


def base(options: ServerOptions) -> StylizeOptions:
    """What applies when a request says nothing: the command line's defaults, and the service's own limits."""
    return StylizeOptions(memory=options.memory)


async def read(request: "Request", options: ServerOptions) -> Wanted:
    """Read and check a request: a picture as the body, or a form with the file `image`. Raises RequestError."""
    given: dict[str, Any] = {name: value for name, value in request.query_params.items() if name != TOKEN}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    receive = limits.limited(request.receive, options, request.headers.get("content-length"))
    limited_request = type(request)(request.scope, receive)
    if kind != "multipart/form-data":
        return wanted(given, await limited_request.body(), {}, options)
    async with limited_request.form(max_files=FILES_MOST, max_fields=100) as form:
        return await _from_form(form, given, options)


async def _from_form(form: "FormData", given: dict[str, Any], options: ServerOptions) -> Wanted:
    files: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if not isinstance(value, str):
            files[name] = await value.read()
        elif name == "image" or name.partition(":")[0] == "mask":
            raise RequestError(400, f"{name} is text; send it as a file")
        else:
            given[name] = value
    image = files.pop("image", b"")
    found = {}
    for name, data in files.items():
        start, _, style = name.partition(":")
        if start != "mask":
            raise RequestError(400, f"unknown file {name!r}; there are image, mask and mask:STYLE")
        found[style] = data
    return wanted(given, image, found, options)


def wanted(given: dict[str, Any], image: bytes, found: Mapping[str, bytes], options: ServerOptions) -> Wanted:
    """The fields checked, as text or as JSON's types. Raises RequestError."""
    rest = dict(given)
    model, asked, quality = (rest.pop(name, None) for name in (MODEL, FORMAT, QUALITY))
    try:
        kind = images.format_for(Path("result"), str(asked)) if asked else ""
        number = int(str(quality)) if quality not in (None, "") else images.QUALITY
    except FastStyleError as error:
        raise RequestError(400, sentence(error)) from error
    except ValueError:
        number = 0
    if not 1 <= number <= 100:
        raise RequestError(400, f"quality is {quality!r}; it takes 1 to 100")
    return Wanted(fields.options(rest, base(options)), str(model or ""), kind, number, image, found)


def read_masks(files: Mapping[str, bytes], most_pixels: int) -> tuple[Mask, ...]:
    """Masks from files by style. Raises RequestError for what is no picture and for masks that name no style."""
    pictures = {
        style: limits.decode(data, f"mask:{style}" if style else "mask", most_pixels).image
        for style, data in files.items()
    }
    try:
        return masks.read(pictures or None)
    except FastStyleError:
        raise RequestError(400, "several masks need a style each: name the files mask:STYLE") from None


def stylize(stylizer: Stylizer, asked: Wanted, budget: limits.Budget, most_pixels: int) -> Picture:
    """The picture that a request asks for, in the format of the answer. Raises RequestError."""
    size = limits.measure(asked.image, "image", most_pixels)
    pixels = limits.pixels_of_sizes(asked.how, *size, most_pixels)
    with budget.take(pixels):
        picture = limits.decode(asked.image, "image", most_pixels)
        found = read_masks(asked.masks, most_pixels)
        with plain_errors():
            styled = stylizer.apply(picture, asked.how, found or None)
    kind = asked.format or (styled.format if styled.format in images.SUFFIXES else "PNG")
    return replace(styled, format=kind)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """What is wrong with a request as RequestError (400); Dropped when nobody waits for the picture any more."""
    ticket = Ticket.current()
    ticket.check()
    try:
        yield
    except FastStyleError as error:
        raise RequestError(400, sentence(error)) from error
    ticket.check()


def encode(picture: Picture, quality: int) -> bytes:
    """The picture as a file. Raises RequestError (400) for what its format cannot hold."""
    with plain_errors():
        return images.encode(picture, quality)
