"""Read and write files of tensors without running code that they may carry, and identify files by their digest."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FastStyleError
from ..system.atomic import atomic_path
from .array_files import check_archive


def load_tensors(path: Path) -> Any:
    """Return what torch.save wrote to `path`, in any of its formats: tensors on the CPU and plain types.

    The checksums of the archive are verified. Raises FastStyleError for a file that is missing, damaged or something
    else, and for tensors with values that are not finite.
    """
    try:
        check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        tensors = list(_tensors(content))
    except FileNotFoundError as error:
        raise FastStyleError(f"{path}: no such file") from error
    except FastStyleError:
        raise
    except Exception as error:  # torch.load raises whatever pickle, zip and tensor reading raise
        raise FastStyleError(f"{path}: not a file of network weights ({type(error).__name__})") from error
    for tensor in tensors:
        if not _is_plain(tensor):
            raise FastStyleError(f"{path}: damaged, or not written by torch.save (a tensor of an unusual kind)")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise FastStyleError(f"{path}: weights that are not finite: damaged, or of a training that diverged")
    return content


def _tensors(content: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested dicts, lists and tuples."""
    if isinstance(content, Tensor):
        yield content
    elif isinstance(content, dict | list | tuple):
        for item in content.values() if isinstance(content, dict) else content:
            yield from _tensors(item)


def _is_plain(tensor: Tensor) -> bool:
    """Return whether a tensor has memory of its own for every element: a view may claim any size of a few bytes."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def save_tensors(content: Any, path: Path) -> None:
    """Write tensors and plain types atomically, to be read by `load_tensors`; equal content gives equal bytes."""
    buffer = io.BytesIO()  # a full disk is an OSError then, and the file's name is not part of its content
    torch.save(_canonical(content, {}), buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _canonical(content: Any, strings: dict[str, str]) -> Any:
    """Copy nested plain types so that equal strings are one object: pickle writes references by identity."""
    if isinstance(content, str):
        return strings.setdefault(content, content)
    if isinstance(content, dict):
        return {_canonical(key, strings): _canonical(value, strings) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(_canonical(item, strings) for item in content)
    return content


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
