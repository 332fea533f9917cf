"""Seal exported files with the SHA-256 of their content, so that a damaged one is refused instead of run.

The digest is the end of the file, in a form that the format's readers accept: of an ONNX file one more entry of its
metadata (in protocol buffers, a message that follows another is merged with it), of an OpenVINO IR a comment, for the
weights in the .bin too. Runtimes themselves notice nothing: a changed byte is another network, or a crash.
"""

import hashlib
from pathlib import Path

from ..errors import FastStyleError

_KEY = b"fast_style_sha256"
# ModelProto.metadata_props (14) with key (1) and value (2), each with its length.
_ENTRY = b"\x0a" + bytes([len(_KEY)]) + _KEY + b"\x12\x40"
_BEFORE = {".onnx": b"\x72" + bytes([len(_ENTRY) + 64]) + _ENTRY, ".xml": b"\n<!-- " + _KEY + b" "}
_AFTER = {".onnx": b"", ".xml": b" -->\n"}


def sealed(content: bytes, suffix: str, weights: bytes = b"") -> bytes:
    """Return the content of a file (.onnx or .xml) with its digest; weights: the content of the .bin beside it."""
    return content + _BEFORE[suffix] + _hexadecimal(content, weights) + _AFTER[suffix]


def check_digest(path: Path) -> None:
    """Raise FastStyleError for an exported file whose content does not match its digest, or that is not there.

    Files of other programs and of earlier versions have no digest and pass.
    """
    suffix = path.suffix.lower()
    before, after = _BEFORE[suffix], _AFTER[suffix]
    try:
        whole = path.read_bytes()
        length = len(before) + 64 + len(after)
        content, end = whole[:-length], whole[-length:]
        if not (end.startswith(before) and end.endswith(after)):
            return
        weights = path.with_suffix(".bin").read_bytes() if suffix == ".xml" else b""
    except FileNotFoundError as error:
        raise FastStyleError(f"{error.filename}: no such file") from error
    if end[len(before) : len(before) + 64] != _hexadecimal(content, weights):
        raise FastStyleError(f"{path}: damaged: its content does not match its checksum; export the model again")


def _hexadecimal(content: bytes, weights: bytes) -> bytes:
    digest = hashlib.sha256(content)
    digest.update(weights)
    return digest.hexdigest().encode()
