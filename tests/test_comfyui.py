"""The node of ComfyUI, loaded and called as its documentation says: from `custom_nodes`, with its kinds of tensors."""

import importlib.util
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from fast_style import FastStyleError, Stylizer
from fast_style.integrations.install import install
from fast_style.models import bundled

from .conftest import picture, untrained


def load_custom_node(folder: Path) -> ModuleType:
    """As ComfyUI does: from its path, under a name that is not that of a package."""
    name = str(folder).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The installed node; small networks are the shipped ones."""
    models = {"wave": untrained(tmp_path / "wave.pth", "wave")}
    models["gallery"] = untrained(tmp_path / "gallery.pth", "oil", "chalk")
    monkeypatch.setattr(bundled, "shipped", lambda: models)
    monkeypatch.setattr(bundled, "find", lambda name: models.get(name, Path(name)))
    (tmp_path / "custom_nodes").mkdir()
    (file,) = install("comfyui", tmp_path)
    before = set(sys.modules)
    yield load_custom_node(file.parent)
    for name in set(sys.modules) - before:
        if "custom_nodes" in name:
            del sys.modules[name]


def image(count: int, channels: int = 3) -> torch.Tensor:
    frames = [np.asarray(picture(40, 30, seed), np.float32) / 255 for seed in range(count)]
    batch = torch.from_numpy(np.stack(frames))
    return batch if channels == 3 else torch.cat([batch, torch.ones_like(batch[..., :1])], -1)


def test_it_has_what_comfyui_asks_for(node: Any) -> None:
    (name,) = node.NODE_CLASS_MAPPINGS
    assert node.NODE_DISPLAY_NAME_MAPPINGS[name] == "Fast Style"
    kind = node.NODE_CLASS_MAPPINGS[name]
    assert kind.RETURN_TYPES == ("IMAGE",)
    assert kind.CATEGORY == "image/style"
    inputs = kind.INPUT_TYPES()
    assert inputs["required"]["image"] == ("IMAGE",)
    assert inputs["optional"] == {"mask": ("MASK",)}
    assert inputs["required"]["style"] == (["wave", "gallery/oil", "gallery/chalk"],)
    assert inputs["required"]["strokes"] == (["auto", "fine", "medium", "bold"],)
    given = {*inputs["required"], *inputs["optional"]}
    assert given == set(inspect.signature(getattr(kind, kind.FUNCTION)).parameters) - {"self"}
    for values, about in (entry for entry in inputs["required"].values() if len(entry) == 2):
        assert values in ("FLOAT", "INT")
        assert about["min"] <= about["default"] <= about["max"]


def test_a_batch_is_painted_as_its_pictures_are(node: Any) -> None:
    batch = image(2, channels=4)
    (painted,) = node.FastStyle().paint(batch, "gallery/chalk", strength=0.7, strokes="bold", size=20)
    assert painted.shape == (2, 30, 40, 3)
    assert painted.dtype == torch.float32
    stylizer = Stylizer.load("gallery")
    for result, seed in zip(painted, range(2), strict=True):
        photo = np.asarray(picture(40, 30, seed), np.uint16) * 257
        expected = stylizer.stylize(photo, style="chalk", strength=0.7, strokes="bold", size=20)
        assert np.array_equal(np.rint(result.numpy() * 65535), expected)


@pytest.mark.parametrize("shape", [(30, 40), (1, 30, 40), (2, 30, 40), (2, 15, 20)])
def test_the_mask_says_where(node: Any, shape: tuple[int, ...]) -> None:
    mask = torch.zeros(shape)
    mask[..., : shape[-1] // 2] = 1
    batch = image(2)
    (painted,) = node.FastStyle().paint(batch, "wave", mask=mask)
    (whole,) = node.FastStyle().paint(batch, "wave")
    assert (painted[:, :, 22:] - batch[:, :, 22:]).abs().max() < 1e-4
    assert (painted[:, :, :18] - whole[:, :, :18]).abs().max() < 1e-4
    assert (painted[:, :, :18] - batch[:, :, :18]).abs().mean() > 0.02


def test_what_is_wrong_is_one_line(node: Any) -> None:
    with pytest.raises(FastStyleError, match="there are 3 masks for 2 images"):
        node.FastStyle().paint(image(2), "wave", mask=torch.zeros(3, 30, 40))
    with pytest.raises(FastStyleError, match="style is 'monet'; there are wave, gallery/oil"):
        node.FastStyle().paint(image(1), "monet")


def test_importing_it_does_not_load_torch() -> None:
    code = "import fast_style.integrations.comfyui, sys; print('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert result.stdout.strip() == "False"
