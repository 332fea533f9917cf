"""Films in and out, checked with ffprobe and ffmpeg on short cuts."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fast_style import Stylizer
from fast_style.checkpoint import Checkpoint
from fast_style.network import TransformerNetwork
from fast_style.options import NetworkOptions, StylizeOptions
from fast_style.video import Frame, open_source

pytest.importorskip("av", reason='films need PyAV: pip install "fast_style[video]"')
pytest.importorskip("cv2", reason='flow needs OpenCV: pip install "fast_style[video]"')
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg, which is absent")
PROJECT = Path(__file__).parents[1]
PHOTO = StylizeOptions(strength=0)


@pytest.fixture(scope="module")
def stylizer(tmp_path_factory: pytest.TempPathFactory) -> Stylizer:
    return Stylizer.load(two_styles(tmp_path_factory.mktemp("model") / "two.pth"), device="cpu", precision="fp32")


def two_styles(path: Path) -> Path:
    """A checkpoint of an untrained narrow network whose second style is much brighter than its first."""
    torch.manual_seed(0)
    network = TransformerNetwork(NetworkOptions(width=4, blocks=1, styles=2))
    weights = network.state_dict()
    weights["out.weight"].abs_()
    weights["up2.norm.bias"][0] -= 1
    weights["up2.norm.bias"][1] += 1
    Checkpoint(network.options, [{"name": "dark"}, {"name": "light"}], {"steps": 0}, weights).save(path)
    return path


def ffmpeg(*arguments: str) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, capture_output=True).stdout


def probe(path: Path | str, kind: str = "v", entries: str = "stream", count: bool = False) -> list[dict[str, Any]]:
    """What ffprobe says of the streams (or packets) of a kind."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", kind, f"-show_{entries}s"]
    result = subprocess.run(
        [*command, *(["-count_frames"] if count else []), str(path)], capture_output=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(result.stdout)[f"{entries}s"]
    return found


def packets(path: Path) -> bytes:
    """Hash of every packet of sound, as it stands in the file."""
    return ffmpeg("-i", str(path), "-map", "0:a", "-c", "copy", "-f", "streamhash", "-")


def times(path: Path) -> list[float]:
    """Times of the frames in seconds."""
    return [float(frame["pts_time"]) for frame in probe(path, entries="frame")]


def frames(path: Path) -> list[NDArray[np.float32]]:
    source = open_source(path)
    found = [item.image for item in source if isinstance(item, Frame)]
    source.close()
    return found


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of 96x64 at 20 frames a second with AAC sound."""
    path = tmp_path / "clip.mp4"
    sound = ("-f", "lavfi", "-i", "sine=440:d=2")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=20:d=2", *sound, "-c:a", "aac", "-pix_fmt", "yuv420p", str(path))
    return path
