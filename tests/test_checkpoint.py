import json
import math
import os
import random
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from fast_style.errors import FastStyleError
from fast_style.models import checkpoint, safetensors_file
from fast_style.models.checkpoint import Checkpoint
from fast_style.models.johnson import TransformerNetwork
from fast_style.models.tensor_files import load_tensors, save_tensors
from fast_style.options import NetworkOptions


def test_it_rebuilds_its_own_network(tmp_path: Path) -> None:
    network = TransformerNetwork(NetworkOptions(width=6, blocks=2, styles=3))
    saved = Checkpoint(network.options, [{"name": "a"}], {"steps": 7}, network.state_dict())
    saved.save(tmp_path / "a.pth")
    loaded = checkpoint.load(tmp_path / "a.pth")
    assert loaded.model == network.options
    model = {name: value for name, value in asdict(network.options).items() if name != "predictor"}
    assert loaded.describe() == {"model": model, "styles": [{"name": "a"}], "training": {"steps": 7}}
    image = torch.rand(1, 3, 24, 24)
    torch.testing.assert_close(loaded.network()(image), network.eval()(image), atol=2e-3, rtol=0)


def test_the_file_is_half_precision_and_plain(tmp_path: Path) -> None:
    network = TransformerNetwork()
    Checkpoint(network.options, [], {}, network.state_dict()).save(tmp_path / "full.pth")
    assert (tmp_path / "full.pth").stat().st_size < 3.5e6
    content = torch.load(tmp_path / "full.pth", weights_only=True)
    assert content.keys() == {"format", "model", "styles", "training", "weights"}
    assert {value.dtype for value in content["weights"].values()} == {torch.float16}


def test_a_description_is_plain_text(tmp_path: Path) -> None:
    network = TransformerNetwork()
    Checkpoint(network.options, [], {}, network.state_dict()).save(tmp_path / "a.pth")
    content = torch.load(tmp_path / "a.pth", weights_only=True)
    torch.save({**content, "training": {"steps": torch.zeros(2)}}, tmp_path / "b.pth")
    with pytest.raises(FastStyleError, match="not plain text"):
        checkpoint.load(tmp_path / "b.pth")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch evil-was-here",)


def test_a_file_never_runs_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 1, "model": Evil(), "weights": {}}, "evil.pth")
    with pytest.raises(FastStyleError, match="not a file of network weights"):
        checkpoint.load(Path("evil.pth"))
    assert not Path("evil-was-here").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "not a fast_style checkpoint"),
        ({"conv1.conv2d.weight": torch.zeros(1)}, "fast-style convert"),
        ({"format": 3, "model": {}, "weights": {}}, "format 3; this version reads formats 1 and 2"),
        ({"format": 1, "model": {"wings": 2}, "weights": {}}, "newer fast_style .unknown: wings"),
        ({"format": 1, "model": [1], "weights": {}}, "unknown: model"),
        ({"format": 1, "model": {"width": "x"}, "weights": {}}, "do not fit"),
        ({"format": 1, "model": {"width": 4}, "weights": [1]}, "do not fit"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(FastStyleError, match=message):
        checkpoint.load(tmp_path / "other.pth").network()


WRONG: list[dict[str, Any]] = [
    {"format": "1"},
    {"format": True},
    {"format": None},
    {"format": [1]},
    {"format": torch.ones(2)},
    {"model": None},
    {"model": "johnson"},
    {"model": {1: 2}},
    {"model": {"width": 4.5}},
    {"model": {"width": "4"}},
    {"model": {"width": None}},
    {"model": {"width": -4}},
    {"model": {"width": 0}},
    {"model": {"width": 10**30}},
    {"model": {"width": 10**7, "blocks": 1}},
    {"model": {"width": 4, "blocks": 10**9}},
    {"model": {"width": 4, "blocks": -1}},
    {"model": {"width": 4, "blocks": 1, "styles": 10**9}},
    {"model": {"width": 4, "blocks": 1, "styles": 0}},
    {"model": {"width": 4, "blocks": 1, "arch": "vgg"}},
    {"model": {"width": 4, "blocks": 1, "arch": ["johnson"]}},
    {"model": {"width": 4, "blocks": 1, "attention": "yes"}},
    {"model": {"width": 4, "blocks": 1, "output": 3}},
    {"styles": None},
    {"styles": "tiny"},
    {"styles": {"name": "tiny"}},
    {"styles": ["tiny"]},
    {"styles": [{}]},
    {"styles": [{"name": 3}]},
    {"styles": [{"name": "tiny", "title": 3}]},
    {"styles": [{"name": "a"}, {"name": "b"}]},
    {"training": None},
    {"training": [1]},
    {"training": {1: 2}},
    {"weights": None},
    {"weights": {}},
    {"weights": {"down1.conv.weight": [1.0]}},
    {"weights": {"down1.conv.weight": torch.ones(4, dtype=torch.int64)}},
    {"weights": {"down1.conv.weight": torch.ones(1).expand(10**12)}},
    {"weights": {"down1.conv.weight": torch.eye(3).to_sparse()}},
]


@pytest.mark.parametrize("change", WRONG, ids=lambda change: str(change)[:60])
def test_damaged_checkpoints_are_one_plain_line(tiny: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    torch.save({**torch.load(tiny, weights_only=True), **change}, tmp_path / "damaged.pth")
    with pytest.raises(FastStyleError) as raised:
        checkpoint.load(tmp_path / "damaged.pth").network()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(tiny: Path, tmp_path: Path, value: float) -> None:
    content = torch.load(tiny, weights_only=True)
    content["weights"]["out.bias"][1] = value
    torch.save(content, tmp_path / "nan.pth")
    with pytest.raises(FastStyleError, match="not finite"):
        checkpoint.load(tmp_path / "nan.pth")


def test_no_damaged_byte_loads_as_another_network(tiny: Path, tmp_path: Path) -> None:
    good, data = checkpoint.load(tiny), tiny.read_bytes()
    refused = 0
    for seed in range(120):
        damaged = bytearray(data)
        rng = random.Random(seed)
        place = rng.randrange(len(data))
        if seed % 3 == 0:
            damaged = damaged[:place]
        elif seed % 3 == 1:
            damaged[place] ^= 1 << rng.randrange(8)
        else:
            damaged[place : place + 9] = rng.randbytes(9)
        (tmp_path / "damaged.pth").write_bytes(damaged)
        try:
            found = checkpoint.load(tmp_path / "damaged.pth")
        except FastStyleError as error:
            refused += 1
            assert "\n" not in str(error)
        else:  # padding between the parts of the archive
            assert found.describe() == good.describe()
            assert all(torch.equal(found.weights[name], value) for name, value in good.weights.items())
    assert refused > 90


def test_weights_of_another_network_are_refused(tiny: Path, tmp_path: Path) -> None:
    content = torch.load(tiny, weights_only=True)
    content["model"]["width"] = 8
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(FastStyleError, match="weights do not fit"):
        checkpoint.load(tmp_path / "odd.pth").network()


def test_an_interrupted_save_leaves_the_old_file(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.pth"
    path.write_bytes(tiny.read_bytes())

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.load(tiny).save(path)
    assert path.read_bytes() == tiny.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_shipped_styles_are_found_by_name(tiny: Path) -> None:
    assert checkpoint.find("wave").name == "wave.pth"
    assert checkpoint.find(str(tiny)) == tiny
    with pytest.raises(FastStyleError, match=r"no shipped style of that name .*wave"):
        checkpoint.find("nonesuch")


def test_safetensors_hold_the_same_checkpoint(several: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors")
    original, path = checkpoint.load(several), tmp_path / "several.safetensors"
    original.save(path, dtype=None)
    loaded = checkpoint.load(path)
    assert loaded.describe() == original.describe()
    assert loaded.weights.keys() == original.weights.keys()
    for key, value in loaded.weights.items():
        assert value.dtype == original.weights[key].dtype
        assert torch.equal(value, original.weights[key])
    assert loaded.equals(several)
    with library.safe_open(path, "pt") as file:  # as other programs see it
        assert set(file.keys()) == set(original.weights)
        described = json.loads(file.metadata()["fast_style"])
        assert described["styles"] == [{"name": "a"}, {"name": "b"}]
    first = path.read_bytes()
    loaded.save(path, dtype=None)
    assert path.read_bytes() == first


def test_safetensors_of_earlier_versions_are_read(
    several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their digests name types as torch does."""
    pytest.importorskip("safetensors")
    digest, older = safetensors_file._digest, safetensors_file._OLDER_NAMES
    with monkeypatch.context() as patch:
        patch.setattr(safetensors_file, "_digest", lambda described, tensors: digest(described, tensors, older))
        checkpoint.load(several).save(tmp_path / "older.safetensors")
    assert checkpoint.load(tmp_path / "older.safetensors").styles == checkpoint.load(several).styles


def test_every_damaged_byte_of_safetensors_is_refused(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "tiny.safetensors"
    checkpoint.load(tiny).save(path)
    whole = path.read_bytes()
    rng = random.Random(0)
    for place in [*range(0, 200, 4), *(rng.randrange(len(whole)) for _ in range(50))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(FastStyleError):
            checkpoint.load(path).network()
    path.write_bytes(whole[:-10])
    with pytest.raises(FastStyleError, match="not a file of network weights"):
        checkpoint.load(path)


FLOAT8 = torch.zeros(2).to(torch.float8_e4m3fn)


@pytest.mark.parametrize(
    ("suffix", "value", "message"),
    [
        (".pth", torch.tensor([math.nan]), "not finite"),
        (".safetensors", torch.tensor([math.nan]), "not finite"),
        (".pth", FLOAT8, "not a file of network weights"),
        (".safetensors", FLOAT8, "a tensor of an unusual kind"),
    ],
)
def test_weights_that_do_not_compute_are_refused(
    suffix: str, value: torch.Tensor, message: str, tmp_path: Path
) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / f"bad{suffix}"
    save_tensors({"format": 1, "model": {}, "weights": {"out.bias": value}}, path)
    with pytest.raises(FastStyleError, match=message):
        checkpoint.load(path)
    with pytest.raises(FastStyleError, match=r"not finite|a tensor of an unusual kind"):
        load_tensors(path)


def test_safetensors_of_others_are_no_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pytest.importorskip("safetensors.torch")
    path = tmp_path / "other.safetensors"
    library.save_file({"a": torch.zeros(2)}, path, {"format": "pt"})
    with pytest.raises(FastStyleError, match="not a fast_style checkpoint"):
        checkpoint.load(path)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(FastStyleError, match=r'pip install "fast_style\[share\]"'):
        checkpoint.load(path)
