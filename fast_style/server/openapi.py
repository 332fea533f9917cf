"""The API's description for machines, derived from the options."""

from typing import Any

from .. import images
from ..options import ServerOptions
from . import fields, stream

STREAM = "\n".join(line.strip() for line in (stream.__doc__ or "").split("\n\n", 1)[1].splitlines())
PICTURE = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
FILE = {"type": "string", "format": "binary"}


def describe(options: ServerOptions) -> dict[str, Any]:
    """OpenAPI 3.1 of the service."""
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "fast_style", "version": "1", "description": "Neural style transfer as a filter."},
        "paths": {
            "/v1/stylize": {"post": _stylize()},
            "/v1/styles": {"get": _get("The styles, their models and preview pictures", "application/json")},
            "/v1/styles/{model}/{style}.jpg": {"get": {**_get("Preview of a style", "image/jpeg"), **_path()}},
            "/v1/stream": {"get": {"summary": "Live stream (WebSocket)", "description": STREAM, "responses": _101()}},
            "/metrics": {"get": _get("Figures for Prometheus", "text/plain")},
            "/healthz": {"get": {**_get("Whether the service answers", "application/json"), "security": []}},
        },
        "components": {"schemas": {"Error": _error_schema()}},
    }
    if options.token:
        schemes = {"token": {"type": "http", "scheme": "bearer"}}
        described["components"]["securitySchemes"] = schemes
        described["security"] = [{"token": []}]
    return described


def request_fields() -> dict[str, Any]:
    """Every field of /v1/stylize."""
    formats = sorted(suffix[1:] for suffix in images.FORMATS)
    return {
        "model": {"type": "string", "description": "Model; by default the first that has the style."},
        **fields.schema(),
        "format": {"type": "string", "enum": formats, "description": "Format of the answer; by default the input's."},
        "quality": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": images.QUALITY,
            "description": "JPEG, WebP and AVIF quality.",
        },
    }


def _stylize() -> dict[str, Any]:
    query = [
        {"name": name, "in": "query", "description": schema["description"], "schema": schema}
        for name, schema in request_fields().items()
    ]
    masks = "Grey picture that says where: white styled, black photograph; mask:STYLE for each of several styles."
    files = {"image": FILE, "mask": {**FILE, "description": masks}}
    form = {"type": "object", "required": ["image"], "properties": {**files, **request_fields()}}
    return {
        "summary": "Stylize a picture",
        "parameters": query,
        "requestBody": {"required": True, "content": {**PICTURE, "multipart/form-data": {"schema": form}}},
        "responses": {"200": {"description": "The picture", "content": PICTURE}, **_errors()},
    }


def _errors() -> dict[str, Any]:
    meanings = {
        "400": "A field makes no sense",
        "401": "The token is missing or wrong",
        "403": "The calling page is of another origin",
        "404": "No such model or style",
        "408": "The request came too slowly",
        "413": "The request or the picture is too large",
        "415": "Not a readable picture",
        "503": "The queue is full or the time is over; try again after Retry-After seconds",
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": text, "content": content} for status, text in meanings.items()}


def _error_schema() -> dict[str, Any]:
    return {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}


def _get(summary: str, kind: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": summary, "content": {kind: {}}}}}


def _path() -> dict[str, Any]:
    names = ("model", "style")
    return {"parameters": [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]}


def _101() -> dict[str, Any]:
    return {"101": {"description": "The stream is open"}, "403": {"description": "Wrong token or origin, or no place"}}
