"""Describe the API in OpenAPI 3.1; the fields are described by `fields`."""

from typing import Any

from ..options import ServerOptions
from ..taste import looks
from . import fields, stream

STREAM = "\n".join(line.strip() for line in (stream.__doc__ or "").split("\n\n", 1)[1].splitlines())
PICTURE = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
FILE = {"type": "string", "format": "binary"}


def describe(options: ServerOptions) -> dict[str, Any]:
    """Return the OpenAPI description of the service."""
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "servers": [{"url": "."}],  # where this description was loaded from, behind a reverse proxy too
        "info": {"title": "fast_style", "version": "1", "description": "Neural style transfer as a filter."},
        "paths": {
            "/v1/stylize": {"post": _stylize()},
            "/v1/styles": {"get": _get("The styles, their models and thumbnails", "application/json")},
            "/v1/styles/{model}/{style}.jpg": {"get": {**_get("Thumbnail of a style", "image/jpeg"), **_path()}},
            "/v1/taste": {"get": {**_get("The four looks after the choices so far", "application/json"), **_search()}},
            "/v1/looks": {"get": _get("The looks that are kept", "application/json")},
            "/v1/looks/{name}": {"put": _look("Keep a look", body=True), "delete": _look("Delete a look", body=False)},
            "/v1/stream": {"get": _stream()},
            "/docs": {"get": {**_get("This description as a page", "text/html"), "security": []}},
            "/metrics": {"get": _get("Metrics for Prometheus", "text/plain")},
            "/healthz": {"get": {**_get("Whether the service answers", "application/json"), "security": []}},
        },
        "components": {"schemas": {"Error": _error_schema()}},
    }
    if options.token:
        schemes = {"token": {"type": "http", "scheme": "bearer"}}
        described["components"]["securitySchemes"] = schemes
        described["security"] = [{"token": []}]
    return described


def _stylize() -> dict[str, Any]:
    known = fields.schema(fields.RequestFields)
    query = [
        {"name": name, "in": "query", "description": schema.get("description", ""), "schema": schema}
        for name, schema in known.items()
    ]
    masks = "Grey picture that says where: white styled, black photograph; mask:STYLE for each of several styles."
    painting = "Painting to paint like, in place of a style; where /v1/styles names a model as any_painting."
    files = {"image": FILE, "mask": {**FILE, "description": masks}}
    files["style-image"] = {**FILE, "description": painting}
    form = {"type": "object", "required": ["image"], "properties": {**files, **known}}
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
        "404": "There is no such model or style",
        "408": "The request came too slowly",
        "413": "The request or the picture is too large",
        "415": "Not a readable picture",
        "503": "The queue is full; try again after Retry-After seconds",
        "504": "It took longer than the time limit; try a smaller size",
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


def _search() -> dict[str, Any]:
    asked = {
        "picks": "Numbers of the looks that were chosen, 1 to 4, as in 1,3,2",
        "seed": "Another one begins with other looks",
        "model": "Model whose styles are tried; by default the one with the most",
    }
    schema = {"type": "string"}
    return {"parameters": [{"name": n, "in": "query", "description": d, "schema": schema} for n, d in asked.items()]}


def _look(summary: str, body: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": summary,
        "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {"204": {"description": "Done"}, **_errors()},
    }
    if body:
        asked = {"name": "overwrite", "in": "query", "schema": {"type": "boolean", "default": False}}
        described["parameters"].append({**asked, "description": "Whether to replace the look of that name"})
        described["responses"]["409"] = {**_errors()["400"], "description": "There is a look of that name already"}
        known = fields.schema(fields.RequestFields)
        properties = {name: known[name] for name in looks.FIELDS}
        described["requestBody"] = {"content": {"application/json": {"schema": {"properties": properties}}}}
    return described


def _stream() -> dict[str, Any]:
    """Describe the stream; OpenAPI has no place for the settings of a WebSocket."""
    return {
        "summary": "Live stream (WebSocket)",
        "description": STREAM,
        "responses": {
            "101": {"description": "The stream is open"},
            "403": {"description": "The token or the origin is wrong, or all streams are taken"},
        },
        "x-settings": {"type": "object", "properties": fields.schema(fields.StreamSettings)},
    }
