"""Parse a request and stylize its picture."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from PIL import Image
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from .. import images
from ..errors import FastStyleError
from ..images import Picture
from ..inference import masks as mask_files
from ..inference.masks import Mask
from ..inference.style_weights import predictor_input
from ..options import ServerOptions, StylizeOptions
from ..stylizer import Stylizer
from . import fields, uploads
from .cancellation import CancellationToken
from .memory import PixelBudget, largest_size, pixels_in_work
from .messages import plain_message, quoted
from .repository import PAINTING, ModelRepository, ServedModel

# One of the query, but no field: it is checked before.
TOKEN = "token"
# The file with a painting; `style-image` is the same, as for fields.
STYLE_IMAGE = "style_image"


@dataclass(frozen=True)
class StylizeRequest:
    """Hold one request for a picture, validated but not decoded."""

    options: StylizeOptions
    model: str
    format: str
    """Pillow's name of the answer's format; empty is that of the picture."""
    quality: int
    image: bytes
    masks: Mapping[str, bytes] = field(default_factory=dict)
    """Mask files by style; the empty style is that of the options."""
    painting: bytes | None = None
    """File of a painting to paint like, in place of a style."""


async def read(request: Request, options: ServerOptions) -> StylizeRequest:
    """Read a request: a picture as the body, or a form with the file `image`. Raises HTTPException."""
    given = {name: value for name, value in request.query_params.items() if name != TOKEN}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    receive = uploads.bounded(request.receive, options, request.headers.get("content-length"))
    bounded = type(request)(request.scope, receive)
    if kind != "multipart/form-data":
        return _request(given, await bounded.body(), {}, None, options)
    try:
        async with bounded.form(max_files=2 + fields.MASKS_MOST, max_fields=100) as form:
            text, files = await _parts(form)
    except (LookupError, ValueError) as error:  # older parsers: unknown charsets, undecodable names
        raise HTTPException(400, "the form cannot be parsed") from error
    image, painting = files.pop("image", b""), files.pop(STYLE_IMAGE, None)
    return _request({**given, **text}, image, _masks(files), painting, options)


async def _parts(form: FormData) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the fields and the files of a form."""
    text: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for given, value in form.multi_items():
        name = STYLE_IMAGE if given.replace("-", "_") == STYLE_IMAGE else given
        if not isinstance(value, str):
            files[name] = await value.read()
        elif name in ("image", STYLE_IMAGE) or name.partition(":")[0] == "mask":
            raise HTTPException(400, f"{name} is text; send it as a file")
        else:
            text[name] = value
    return text, files


def _masks(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files named mask or mask:STYLE by style."""
    found = {}
    if len(files) > fields.MASKS_MOST:
        raise HTTPException(400, f"Too many files; there may be {fields.MASKS_MOST} masks")
    for name, data in files.items():
        start, _, style = name.partition(":")
        if start != "mask":
            raise HTTPException(400, f"unknown file {quoted(name)}; there are image, mask, mask:STYLE and style_image")
        found[style] = data
    return found


def _request(
    given: Mapping[str, str],
    image: bytes,
    masks: Mapping[str, bytes],
    painting: bytes | None,
    options: ServerOptions,
) -> StylizeRequest:
    known = fields.from_text(fields.RequestFields, given, options.look)
    with plain_errors():
        how, kind = known.options(options.memory), known.pillow_format
    return StylizeRequest(how, known.model, kind, known.quality, image, masks, painting)


def choose_model(
    models: ModelRepository, name: str, options: StylizeOptions, masks: Mapping[str, bytes], has_painting: bool
) -> ServedModel:
    """Return the model of that name, or the one with the style; for a painting, one that paints like any.

    Raises HTTPException: 404 when there is none, 400 when it has not what the options and masks name.
    """
    if not has_painting:
        model = models.find(name, options.style)
        _check_styles(model, options, masks)
        return model
    if options.style or any(masks):
        raise HTTPException(400, "style_image is the style; leave out style, and send one mask without a style")
    return models.find_for_painting(name)


def _check_styles(model: ServedModel, options: StylizeOptions, masks: Mapping[str, bytes]) -> None:
    """Raise HTTPException (400) for styles that the model does not have, and for a mask among several without one."""
    if model.paints_any:
        raise HTTPException(400, f"the model {model.name} paints like any painting; send one as style_image")
    if len(masks) > 1 and "" in masks:
        raise HTTPException(400, "several masks need a style each: name the files mask:STYLE")
    with plain_errors():
        model.check_styles(options.style, *masks)


def measure_masks(files: Mapping[str, bytes], limit: int) -> list[int]:
    """Return the pixels of each mask file, undecoded.

    Raises HTTPException for files that are no pictures, and for more than `limit` pixels in all.
    """
    sizes = [uploads.measure(data, _mask_name(style), limit) for style, data in files.items()]
    pixels = [width * height for width, height in sizes]
    if sum(pixels) > limit:
        raise HTTPException(413, f"the masks have more pixels together than the limit of {limit / 1e6:g} million")
    return pixels


def decode_masks(files: Mapping[str, bytes]) -> tuple[Mask, ...]:
    """Decode mask files by style, after `measure_masks`. Raises HTTPException for damaged ones."""
    masks: list[Mask] = []
    for style, data in files.items():  # one after the other: only their brightness is kept
        masks += mask_files.read({style: uploads.decode(data, _mask_name(style)).image})
    return tuple(masks)


def decode_painting(data: bytes, budget: PixelBudget, limit: int) -> Image.Image:
    """Decode the file of a painting, within the budget, to what the network looks at. Raises HTTPException.

    limit: most pixels of the file.
    """
    width, height = uploads.measure(data, STYLE_IMAGE, limit)
    with budget.reserve(width * height):
        return predictor_input(uploads.decode(data, STYLE_IMAGE).rgb)


def _mask_name(style: str) -> str:
    return f"mask:{style[:60]}" if style else "mask"


def stylize(stylizer: Stylizer, request: StylizeRequest, budget: PixelBudget, limit: int) -> Picture:
    """Stylize the picture of a request, within the budget; in the format of the answer. Raises HTTPException.

    limit: pixels of the largest picture, in or out, and of all masks together.
    """
    size = uploads.measure(request.image, "image", limit)
    pixels = pixels_in_work(largest_size(request.options, *size, limit), measure_masks(request.masks, limit))
    if request.painting is not None:
        painting = decode_painting(request.painting, budget, limit)
        with plain_errors():
            stylizer = stylizer.with_style(painting, PAINTING)
    with budget.reserve(pixels):
        picture = uploads.decode(request.image, "image")
        masks = decode_masks(request.masks)
        with plain_errors():
            styled = stylizer.apply(picture, request.options, masks or None)
    kind = request.format or (styled.format if styled.format in images.SUFFIXES else "PNG")
    return replace(styled, format=kind)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Raise what is wrong with a request as HTTPException (400), and Cancelled when nobody waits for it any more."""
    token = CancellationToken.current()
    token.check()
    try:
        yield
    except FastStyleError as error:
        raise HTTPException(400, plain_message(error)) from error
    token.check()


def encode(picture: Picture, quality: int) -> bytes:
    """Encode the answer. Raises HTTPException (400) for what its format cannot hold."""
    with plain_errors():
        return images.encode(picture, quality)
