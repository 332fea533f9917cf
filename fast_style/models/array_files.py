"""Read files of torch.save and safetensors with NumPy, without running code that they may carry.

A file of torch.save is a zip archive of uncompressed parts: `data.pkl`, a pickle of plain types and of references to
tensors, and `data/0`, `data/1`, ..., their values. An allow-list of three names stands in for all that a pickle could
call.
"""

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from . import safetensors_file

# How torch writes the types of values, with the letters of NumPy; of bfloat16, which NumPy lacks, the bits.
_TYPES = {
    "BFloat16Storage": "u2",
    "BoolStorage": "b1",
    "ByteStorage": "u1",
    "CharStorage": "i1",
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "IntStorage": "i4",
    "LongStorage": "i8",
    "ShortStorage": "i2",
}
# The same by the names that safetensors has for them.
_SAFETENSORS = {
    "BF16": "BFloat16Storage",
    "BOOL": "BoolStorage",
    "F16": "HalfStorage",
    "F32": "FloatStorage",
    "F64": "DoubleStorage",
    "I8": "CharStorage",
    "I16": "ShortStorage",
    "I32": "IntStorage",
    "I64": "LongStorage",
    "U8": "ByteStorage",
}
# More values than any description of a network has: references can make a few bytes endless.
MOST_ITEMS = 100_000
# How files of torch.save before version 1.6 begin, which are no archives.
_OLD = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


def load_arrays(path: Path) -> Any:
    """Return what torch.save wrote to `path`: NumPy arrays in the place of tensors (bfloat16 as float32), plain types.

    The suffix .safetensors says that `safetensors_file.encode`, or another program, wrote it. Checksums are verified.
    Raises FastStyleError for a file that is missing, damaged or something else, for arrays with values that are not
    finite, and when the package safetensors is missing.
    """
    try:
        return _of_safetensors(path) if safetensors_file.is_one(path) else _of_archive(path)
    except FileNotFoundError as error:
        raise FastStyleError(f"{path}: no such file") from error
    except FastStyleError:
        raise
    except Exception as error:  # whatever zipfile, pickle and the reading of arrays raise
        raise FastStyleError(f"{path}: not a file of network weights ({type(error).__name__})") from error


def _of_safetensors(path: Path) -> dict[str, Any]:
    described, tensors = safetensors_file.decode(path)
    arrays = {}
    for name, (kind, shape, data) in tensors.items():
        if kind not in _SAFETENSORS:
            raise FastStyleError(f"{path}: weights in {kind}, a tensor of an unusual kind")
        storage = _SAFETENSORS[kind]
        arrays[name] = _usable(path, storage, np.array(np.frombuffer(data, "<" + _TYPES[storage]).reshape(shape)))
    return {**described, safetensors_file.WEIGHTS: arrays} if described else arrays


def _of_archive(path: Path) -> Any:
    parts = _parts(path)
    place = next(name for name in parts if name.endswith("/data.pkl")).removesuffix("data.pkl")
    content = _Unpickler(io.BytesIO(parts[f"{place}data.pkl"])).load()
    return _Arrays(path, place, parts).of(content)


def check_archive(path: Path) -> None:
    """Compare every part of an archive with its CRC-32, which torch.load does not; other files pass.

    Raises FastStyleError for a damaged one.
    """
    if zipfile.is_zipfile(path):
        _parts(path)


def _parts(path: Path) -> dict[str, bytes]:
    """Return the content of each part of the archive; reading compares it with its checksum."""
    with path.open("rb") as file:
        if file.read(len(_OLD)) == _OLD:
            raise FastStyleError(
                f"{path}: written by an old PyTorch; not a fast_style checkpoint (`fast-style convert` reads those of "
                "pytorch/examples)"
            )
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        # Parts that overlap could take any memory.
        if not stored or sum(member.file_size for member in members) > path.stat().st_size:
            raise FastStyleError(f"{path}: damaged: its content does not match its checksums")
        try:
            return {member.filename: archive.read(member) for member in members}
        except zipfile.BadZipFile as error:
            raise FastStyleError(f"{path}: damaged: its content does not match its checksums") from error


class _Storage(NamedTuple):
    """Refer to a part of the archive. A tuple, which a pickle cannot change once it is made; so is `_View`."""

    kind: str
    key: str


class _View(NamedTuple):
    """Describe a tensor: which values of a storage it consists of."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _view(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _View:
    """Stand in for torch's function that makes a tensor."""
    return _View(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle._Unpickler):
    """Read plain types and references to tensors; anything else raises pickle.UnpicklingError.

    Python's own implementation: that in C takes memory for as many values as the pickle says that it will refer to.
    """

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _TYPES:
            return name
        allowed = {("torch._utils", "_rebuild_tensor_v2"): _view, ("collections", "OrderedDict"): OrderedDict}
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not a part of a file of weights")
        return allowed[module, name]

    def persistent_load(self, reference: Any) -> _Storage:
        _, kind, key, *_ = reference
        if kind not in _TYPES or not isinstance(key, str):
            raise pickle.UnpicklingError("not a reference to the values of a tensor")
        return _Storage(kind, key)


class _Arrays:
    """Replace the references to tensors in nested plain types by arrays."""

    def __init__(self, path: Path, place: str, parts: Mapping[str, bytes]) -> None:
        """place: how the names of the archive's parts begin."""
        self._path, self._place, self._parts = path, place, parts
        self._order = ">" if parts.get(f"{place}byteorder") == b"big" else "<"
        self._items = 0
        # Tensors that share values get a copy each; no network has more than a few of them.
        self._left_bytes = 2 * sum(map(len, parts.values()))

    def of(self, content: Any) -> Any:
        """Return a copy of what the pickle holds."""
        self._items += 1
        if self._items > MOST_ITEMS:
            raise FastStyleError(f"{self._path}: damaged: it has no end")
        if isinstance(content, _View):
            return self._array(content)
        if isinstance(content, _Storage):
            raise FastStyleError(f"{self._path}: not a file of network weights")
        if isinstance(content, dict):
            return {self.of(key): self.of(value) for key, value in content.items()}
        if isinstance(content, list | tuple):
            return type(content)([self.of(item) for item in content])
        return content

    def _array(self, view: _View) -> NDArray[Any]:
        kind, key = view.storage
        values = np.frombuffer(self._parts[f"{self._place}data/{key}"], self._order + _TYPES[kind])
        numbers = (view.offset, *view.shape, *view.strides)
        ends = [(size - 1) * step for size, step in zip(view.shape, view.strides, strict=True)]
        count = math.prod(view.shape)
        plain = all(type(number) is int and number >= 0 for number in numbers)
        self._left_bytes -= count * values.itemsize if plain else 0
        beyond = count > len(values) or (count and view.offset + sum(ends) >= len(values))
        if not plain or beyond or self._left_bytes < 0:  # a view may claim any size of a few bytes
            raise FastStyleError(f"{self._path}: damaged, or not written by torch.save (a tensor of an unusual kind)")
        steps = [step * values.itemsize for step in view.strides]
        array = np.array(np.lib.stride_tricks.as_strided(values[view.offset :], view.shape, steps))
        return _usable(self._path, kind, array)


def _usable(path: Path, kind: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in this machine's order of bytes, bfloat16 as float32. kind: of its storage, as torch names it.

    Raises FastStyleError for values that are not finite.
    """
    if kind == "BFloat16Storage":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise FastStyleError(f"{path}: weights that are not finite: damaged, or of a training that diverged")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
