"""Read and write files of tensors without running code that they may carry."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import FastStyleError
from ..system.atomic import atomic_path
from . import safetensors_file
from .array_files import check_archive, load_arrays


def load_tensors(path: Path) -> Any:
    """Return what `save_tensors` or torch.save, in any of its formats, wrote: tensors on the CPU and plain types.

    Checksums are verified. Raises FastStyleError for a file that is missing, damaged or something
    else, and for tensors with values that are not finite.
    """
    try:
        if safetensors_file.is_one(path):
            return _as_tensors(load_arrays(path))
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


def _as_tensors(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _as_tensors(value) for key, value in content.items()}
    return torch.from_numpy(content) if isinstance(content, np.ndarray) else content


def as_arrays(content: Any) -> Any:
    """Return what `load_tensors` returned as `load_arrays` does: arrays over the same memory, bfloat16 as float32."""
    if isinstance(content, dict):
        return {key: as_arrays(value) for key, value in content.items()}
    if isinstance(content, Tensor):
        return (content.float() if content.dtype == torch.bfloat16 else content).detach().numpy()
    return content


def _tensors(content: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested dicts, lists and tuples."""
    if isinstance(content, Tensor):
        yield content
    elif isinstance(content, dict | list | tuple):
        for item in content.values() if isinstance(content, dict) else content:
            yield from _tensors(item)


def _is_plain(tensor: Tensor) -> bool:
    """Return whether a tensor has memory of its own for every element: a view may claim any size of a few bytes.

    Floats of 8 bits and fewer have no arithmetic and count as unusual.
    """
    if tensor.is_floating_point() and tensor.itemsize < 2:
        return False
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def save_tensors(content: Any, path: Path) -> None:
    """Write tensors and plain types atomically, to be read by `load_tensors`; equal content gives equal bytes.

    The suffix .safetensors chooses that format, for a checkpoint's content alone.
    """
    encoded = safetensors_file.encode(content) if safetensors_file.is_one(path) else _archive(content)
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded)


def _archive(content: Any) -> memoryview:
    buffer = io.BytesIO()  # a full disk is an OSError then, and the file's name is not part of its content
    torch.save(_canonical(content, {}), buffer)
    return buffer.getbuffer()


def _canonical(content: Any, strings: dict[str, str]) -> Any:
    """Copy nested plain types so that equal strings are one object: pickle writes references by identity."""
    if isinstance(content, str):
        return strings.setdefault(content, content)
    if isinstance(content, dict):
        return {_canonical(key, strings): _canonical(value, strings) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(_canonical(item, strings) for item in content)
    return content
