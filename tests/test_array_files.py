"""Files of torch.save, read with NumPy: the same values as torch reads, and nothing that a pickle could do."""

import io
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fast_style.errors import FastStyleError
from fast_style.models.array_files import load_arrays


def written(content: Any, path: Path, **settings: Any) -> Path:
    torch.save(content, path, **settings)
    return path


def archive(path: Path, data: bytes, compression: int = zipfile.ZIP_STORED, **parts: Any) -> Path:
    """An archive as torch.save makes it, with that pickle."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("it/data.pkl", data)
        for name, part in parts.items():
            file.writestr(f"it/{name.replace('_', '/')}", part)
    return path


def test_it_reads_what_torch_reads(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    kinds = [getattr(torch, f"float{bits}") for bits in (16, 32, 64)]
    kinds += [torch.uint8, *(getattr(torch, f"int{bits}") for bits in (8, 16, 32, 64))]
    tensors = [*(base.to(kind) for kind in kinds), base > 4]
    tensors += [base, base.T, base[1:3, ::2], base[2, 3], torch.zeros(0, 3)]
    plain = {"text": "ü", 3: [None, True, 2.5, 10**30], "tuple": (1, "a")}
    found = load_arrays(written({"tensors": tensors, "plain": plain}, tmp_path / "it.pth"))
    assert found["plain"] == plain
    for array, tensor in zip(found["tensors"], tensors, strict=True):
        np.testing.assert_array_equal(array, tensor.numpy())
        assert array.dtype == tensor.numpy().dtype
        assert array.flags.writeable


def test_a_state_dict_and_bfloat16(tmp_path: Path) -> None:
    state = torch.nn.Conv2d(2, 3, 3).to(torch.bfloat16).state_dict()
    assert isinstance(state, OrderedDict)
    found = load_arrays(written(state, tmp_path / "it.pth"))
    assert list(found) == ["weight", "bias"]
    for name, tensor in state.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], tensor.float().numpy())


def test_the_order_of_bytes_is_that_of_the_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(torch.tensor([1.5, -2.0]), tmp_path / "it.pth")) as file:
        parts = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    values = struct.unpack("<2f", parts["data/0"])
    path = archive(tmp_path / "big.pth", parts["data.pkl"], data_0=struct.pack(">2f", *values), byteorder=b"big")
    np.testing.assert_array_equal(load_arrays(path), np.array(values, np.float32))


class Call:
    """A pickle that calls something."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def test_one_tensor_named_many_times_takes_no_more_memory_than_the_file(tmp_path: Path) -> None:
    tensor = torch.zeros(1000)
    with pytest.raises(FastStyleError, match="damaged"):
        load_arrays(written([tensor.view(1000) for _ in range(50)], tmp_path / "it.pth"))


def test_a_pickle_cannot_ask_for_memory_by_a_number(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        path = archive(tmp_path / "it.pth", b"\x80\x02}r" + struct.pack("<I", 30_000_000) + b".")
        assert load_arrays(path) == {}
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "evil",
    [Call(os.system, "touch evil"), Call(eval, "1"), Call(np.dtype, "f4"), Call(torch.zeros, 3)],
    ids=["system", "eval", "dtype", "zeros"],
)
def test_a_pickle_calls_nothing(evil: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = archive(tmp_path / "it.pth", pickle.dumps({"format": 1, "model": evil}, 2))
    with pytest.raises(FastStyleError, match=r"not a file of network weights .UnpicklingError"):
        load_arrays(path)
    assert not Path("evil").exists()


def test_a_pickle_cannot_change_what_stands_for_a_tensor(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(torch.ones(2), buffer)
    with zipfile.ZipFile(buffer) as file:
        data = next(file.read(name) for name in file.namelist() if name.endswith("data.pkl"))
    with_state = data[:-1] + b"}X\x05\x00\x00\x00shapeK\x09sb."  # BUILD with {"shape": 9}
    with pytest.raises(FastStyleError, match="not a file of network weights"):
        load_arrays(archive(tmp_path / "it.pth", with_state, data_0=b"\0" * 8))


def test_content_without_end_is_refused(tmp_path: Path) -> None:
    lists: list[Any] = []
    for _ in range(60):  # 2 ** 60 items in a file of some hundred bytes
        lists = [lists, lists]
    itself: list[Any] = []
    itself.append(itself)
    for number, content in enumerate((lists, itself)):
        with pytest.raises(FastStyleError, match=r"it has no end|not a file"):
            load_arrays(archive(tmp_path / f"{number}.pth", pickle.dumps(content, 2)))


def test_other_files_are_one_plain_line(tmp_path: Path) -> None:
    plain = pickle.dumps({"a": 1}, 2)
    (tmp_path / "text.pth").write_text("not an archive")
    for path, message in {
        tmp_path / "absent.pth": "no such file",
        tmp_path / "text.pth": "not a file of network weights .BadZipFile",
        archive(tmp_path / "packed.pth", plain, zipfile.ZIP_DEFLATED): "damaged: its content does not match",
        archive(tmp_path / "cut.pth", plain[:-3]): "not a file of network weights",
        written({"a": torch.ones(2)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False): "fast-style convert",
        written({"a": torch.ones(1).expand(9)}, tmp_path / "view.pth"): "a tensor of an unusual kind",
        written({"a": torch.tensor([1.0, np.nan])}, tmp_path / "nan.pth"): "not finite",
    }.items():
        with pytest.raises(FastStyleError, match=message):
            load_arrays(path)


def test_values_that_are_missing_are_noticed(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(torch.ones(4), tmp_path / "it.pth")) as file:
        data = next(file.read(name) for name in file.namelist() if name.endswith("data.pkl"))
    cases: dict[str, dict[str, Any]] = {"absent": {}, "short": {"data_0": b"\0" * 12}}
    for name, parts in cases.items():
        with pytest.raises(FastStyleError, match=r"damaged|not a file"):
            load_arrays(archive(tmp_path / f"{name}.pth", data, **parts))
