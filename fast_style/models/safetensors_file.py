"""Encode checkpoints as safetensors and decode them: tensors by name, the rest as one JSON text of the metadata.

The format (https://github.com/huggingface/safetensors) has no checksum, so the text also holds a SHA-256 of all the
content: a damaged file is refused instead of being another network. Files are read without torch.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import FastStyleError

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
KEY = "fast_style"
"""Entry of the metadata; the only one, as safetensors writes several in any order."""
WEIGHTS, DIGEST = "weights", "sha256"
# The types of values, as digests of files of version 0.1 have them.
_OLDER_NAMES = {
    "BF16": "torch.bfloat16",
    "BOOL": "torch.bool",
    "F16": "torch.float16",
    "F32": "torch.float32",
    "F64": "torch.float64",
    "I8": "torch.int8",
    "I16": "torch.int16",
    "I32": "torch.int32",
    "I64": "torch.int64",
    "U8": "torch.uint8",
}


class Encoded(NamedTuple):
    """Hold a tensor as the file has it."""

    kind: str
    """Type of its values, such as F16."""
    shape: tuple[int, ...]
    data: bytes
    """Values, the lowest byte first."""


def is_one(path: Path) -> bool:
    """Return whether a file's name says that it is of this format."""
    return path.suffix.lower() == SUFFIX


def encode(content: Mapping[str, Any]) -> bytes:
    """Return the content of a file: `weights`, tensors of torch by name, and whatever else as plain types of JSON."""
    _library()
    from safetensors.torch import save

    weights: dict[str, Tensor] = {name: value.contiguous() for name, value in content[WEIGHTS].items()}
    described = {key: value for key, value in content.items() if key != WEIGHTS}
    text = json.dumps({**described, DIGEST: _digest(described, _tensors(save(weights)))})
    return save(weights, {KEY: text})


def decode(path: Path) -> tuple[dict[str, Any], dict[str, Encoded]]:
    """Return what `encode` was given beside the weights, and these; of a file of something else nothing beside them.

    Raises FastStyleError for a content that does not match its digest, and when the package safetensors is missing.
    """
    data = path.read_bytes()
    tensors = _tensors(data)  # which checks the header
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text = header.get("__metadata__", {}).get(KEY)
    if text is None:
        return {}, tensors
    described = json.loads(text)
    digest = described.pop(DIGEST)
    if digest not in (_digest(described, tensors), _digest(described, tensors, _OLDER_NAMES)):
        raise FastStyleError(f"{path}: damaged: its content does not match its checksum")
    return described, tensors


def _tensors(data: bytes) -> dict[str, Encoded]:
    found = _library().deserialize(data)
    return {name: Encoded(each["dtype"], tuple(each["shape"]), bytes(each["data"])) for name, each in found}


def _digest(described: Mapping[str, Any], tensors: Mapping[str, Encoded], names: Mapping[str, str] = {}) -> str:
    """names: of the types of values, where they are not safetensors' own."""
    digest = hashlib.sha256(json.dumps(described).encode())
    for name, (kind, shape, data) in sorted(tensors.items()):
        digest.update(f"{name} {names.get(kind, kind)} {shape}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def _library() -> Any:
    try:
        import safetensors
    except ImportError as error:
        raise FastStyleError('safetensors files need a package: pip install "fast_style[share]"') from error
    return safetensors
