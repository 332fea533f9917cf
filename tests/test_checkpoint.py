import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from fast_style.errors import FastStyleError
from fast_style.models import checkpoint
from fast_style.models.checkpoint import Checkpoint
from fast_style.models.transformer import TransformerNetwork
from fast_style.options import NetworkOptions


def test_it_rebuilds_its_own_network(tmp_path: Path) -> None:
    network = TransformerNetwork(NetworkOptions(width=6, blocks=2, styles=3))
    saved = Checkpoint(network.options, [{"name": "a"}], {"steps": 7}, network.state_dict())
    saved.save(tmp_path / "a.pth")
    loaded = checkpoint.load(tmp_path / "a.pth")
    assert loaded.model == network.options
    assert loaded.describe() == {"model": asdict(network.options), "styles": [{"name": "a"}], "training": {"steps": 7}}
    image = torch.rand(1, 3, 24, 24)
    torch.testing.assert_close(loaded.network()(image), network.eval()(image), atol=2e-3, rtol=0)


def test_the_file_is_half_precision_and_plain(tmp_path: Path) -> None:
    network = TransformerNetwork()
    Checkpoint(network.options, [], {}, network.state_dict()).save(tmp_path / "full.pth")
    assert (tmp_path / "full.pth").stat().st_size < 3.5e6
    content = torch.load(tmp_path / "full.pth", weights_only=True)
    assert content.keys() == {"format", "model", "styles", "training", "weights"}
    assert {value.dtype for value in content["weights"].values()} == {torch.float16}


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
        ({"format": 2, "model": {}, "weights": {}}, "format 2; this version reads format 1"),
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
