"""Define the fields of requests and streams; validation, defaults, help and JSON schema come from `StylizeOptions`.

A control that is added to `StylizeOptions` is a field of the service at once; a field of the service alone is one
attribute of the classes below. HTTP text and JSON are validated by the same models.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, create_model, field_validator
from pydantic_core import PydanticUseDefault
from starlette.exceptions import HTTPException

from .. import images
from ..errors import FastStyleError
from ..options import StylizeOptions
from ..taste import looks
from .messages import field_names, plain_message, validation_message

# Paths on the server's disk, which no client may name (masks come as files), and what the service decides for all.
NOT_FIELDS = frozenset({"mask", "memory", "tile_px", "statistics"})
OPTIONS = [field.name for field in dataclasses.fields(StylizeOptions) if field.name not in NOT_FIELDS]
# Masks of one request or stream.
MASKS_MOST = 16
# Of the JPEG frames of a stream.
FRAME_QUALITY = 85


class Fields(BaseModel):
    """Define what requests and streams share."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        str_max_length=1000,
        use_attribute_docstrings=True,
        val_json_bytes="base64",
        alias_generator=lambda name: name.replace("_", "-"),  # output-size, as on the command line
        populate_by_name=True,
    )

    model: str = ""
    """Model; by default the first that has the style."""

    look: str = ""
    """Name of a look that is kept; the other fields win over what it says."""

    quality: int = Field(default=images.QUALITY, ge=1, le=100)
    """Quality of JPEG, WebP and AVIF, 1 to 100."""

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any, info: ValidationInfo) -> Any:
        """An empty text is a form's field that was not filled in, or a switch: ?tileable."""
        if value != "":
            return value
        if cls.model_fields[str(info.field_name)].annotation is bool:
            return True
        raise PydanticUseDefault

    def options(self, memory: str) -> StylizeOptions:
        """Return the options that the fields stand for. Raises FastStyleError for values out of range."""
        return StylizeOptions(memory=memory, **{name: getattr(self, name) for name in OPTIONS})


class _Request(Fields):
    format: str = Field(default="", json_schema_extra={"enum": [suffix[1:] for suffix in sorted(images.FORMATS)]})
    """Format of the answer; by default the input's."""

    @property
    def pillow_format(self) -> str:
        """Return Pillow's name of the format; empty for the input's. Raises FastStyleError for an unwritable one."""
        return images.format_for(Path("result"), self.format) if self.format else ""


class _Stream(Fields):
    type: Literal["settings"] = "settings"
    """Kind of the message."""

    quality: int = Field(default=FRAME_QUALITY, ge=1, le=100)
    """Quality of the JPEG frames that are sent back, 1 to 100."""

    input: Literal["jpeg", "raw"] = "jpeg"
    """Frames that the client sends: files (JPEG or another format), or raw RGB of `width` and `height`."""

    format: Literal["jpeg", "raw"] = "jpeg"
    """Frames that the service sends."""

    width: int = Field(default=0, ge=0)
    """Width of raw frames in px."""

    height: int = Field(default=0, ge=0)
    """Height of raw frames in px."""

    masks: Annotated[dict[str, bytes], Field(max_length=MASKS_MOST)] | None = None
    """Masks as {STYLE: base64 of a picture}; the empty style is that of `style`."""

    style_image: bytes | None = None
    """Painting to paint like, in place of `style`, as base64 of a picture; where `/v1/styles` has `any_painting`."""


def _from_options() -> dict[str, Any]:
    """Return type, default and help of each option as fields for pydantic."""
    types = get_type_hints(StylizeOptions)
    defaults = {field.name: field.default for field in dataclasses.fields(StylizeOptions)}
    documented = docstring_parser.parse_from_object(StylizeOptions).params
    helps = {entry.arg_name: " ".join((entry.description or "").split()) for entry in documented}
    return {
        name: (types[name], Field(default=defaults[name], description=field_names(helps.get(name, ""))))
        for name in OPTIONS
    }


RequestFields: type[_Request] = create_model("RequestFields", __base__=_Request, **_from_options())
StreamSettings: type[_Stream] = create_model("StreamSettings", __base__=_Stream, **_from_options())
Kind = TypeVar("Kind", bound=Fields)


def from_text(kind: type[Kind], given: Mapping[str, str], look: str = "") -> Kind:
    """Validate the fields of a query or a form. look: applies where no field says how. Raises HTTPException (400)."""
    return _validated(kind, lambda: kind.model_validate_strings(given), look)


def from_json(kind: type[Kind], text: str, look: str = "") -> Kind:
    """Validate the fields of a JSON object. look: applies where no field says how. Raises HTTPException (400)."""
    return _validated(kind, lambda: kind.model_validate_json(text), look)


def from_look(kind: type[Kind], name: str) -> Kind:
    """Return the fields that a kept look sets. Raises FastStyleError and ValidationError for what is none."""
    values = {field: _text(value) for field, value in looks.read(name).items()}
    return kind.model_validate_strings(values)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_look(given: Kind, default: str) -> Kind:
    """Return the fields with those of their look, or of the default look where they say nothing of how."""
    told = given.model_fields_set
    name = given.look or ("" if told & set(looks.FIELDS) else default)
    if not name:
        return given
    look = from_look(type(given), name)
    return look.model_copy(update={field: getattr(given, field) for field in told})


def _validated(kind: type[Kind], validate: Any, look: str) -> Kind:
    try:
        fields = _with_look(validate(), look)
        fields.options(StylizeOptions.memory)
    except ValidationError as error:
        raise HTTPException(400, validation_message(error, list(kind.model_fields))) from error
    except FastStyleError as error:
        raise HTTPException(400, plain_message(error)) from error
    return fields


def schema(kind: type[Fields]) -> dict[str, dict[str, Any]]:
    """Return the JSON schema of every field, with its default and help."""
    properties: dict[str, dict[str, Any]] = kind.model_json_schema(by_alias=False)["properties"]
    return {name: {key: value for key, value in known.items() if key != "title"} for name, known in properties.items()}
