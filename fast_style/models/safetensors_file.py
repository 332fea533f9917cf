"""Encode checkpoints as safetensors and decode them: tensors by name, the rest as one JSON text of the metadata.

The format (https://github.com/huggingface/safetensors) has no checksum, so the text also holds a SHA-256 of all the
content: a damaged file is refused instead of being another network.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FastStyleError

SUFFIX = ".safetensors"
KEY = "fast_style"
"""Entry of the metadata; the only one, as safetensors writes several in any order."""
WEIGHTS, DIGEST = "weights", "sha256"


def encode(content: Mapping[str, Any]) -> bytes:
    """Return the content of a file: `weights`, tensors by name, and whatever else as plain types of JSON."""
    weights = {name: value.contiguous() for name, value in content[WEIGHTS].items()}
    described = {key: value for key, value in content.items() if key != WEIGHTS}
    text = json.dumps({**described, DIGEST: _digest(described, weights)})
    encoded: bytes = _library().save(weights, {KEY: text})
    return encoded


def decode(path: Path) -> dict[str, Any]:
    """Return what `encode` was given; of a file of something else its tensors by name.

    Raises FastStyleError for a content that does not match its digest, and when the package safetensors is missing.
    """
    library = _library()
    data = path.read_bytes()
    weights: dict[str, Tensor] = library.load(data)  # which checks the header
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text = header.get("__metadata__", {}).get(KEY)
    if text is None:
        return weights
    described = json.loads(text)
    if described.pop(DIGEST) != _digest(described, weights):
        raise FastStyleError(f"{path}: damaged: its content does not match its checksum")
    return {**described, WEIGHTS: weights}


def _digest(described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(described).encode())
    for name, value in sorted(weights.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _library() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise FastStyleError('safetensors files need a package: pip install "fast_style[share]"') from error
    return safetensors.torch
