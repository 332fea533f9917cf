"""Warping error, sharpness and the flow filter, on motion that is known exactly."""

import json
from pathlib import Path

import numpy as np
import pytest

from fast_style import FastStyleError, images
from fast_style.commands import main as fast_style
from fast_style.evaluation.clips import Clip, camera_path_clip, film_clip
from fast_style.evaluation.stability import gradient_energy, warping_error
from fast_style.options import EvaluationOptions
from fast_style.video import FlowFilter, flow

from .conftest import picture

pytest.importorskip("cv2", reason='flow needs OpenCV: pip install "fast_style[video]"')


@pytest.fixture(scope="module")
def path() -> Clip:
    return camera_path_clip(12, 120)


def flickering(clip: Clip, seed: int = 0) -> list[flow.Array]:
    """The clip under strokes that are new in every frame: what a network makes of noise, at its worst."""
    rng = np.random.default_rng(seed)
    height, width = clip.frames[0].shape[2:]
    strokes = [images.to_array(picture(width, height, int(rng.integers(10**6)))) for _ in clip.frames]
    return [(frame + 0.4 * (new - 0.5)).clip(0, 1) for frame, new in zip(clip.frames, strokes, strict=True)]


def test_exact_flow_leads_from_frame_to_frame(path: Clip) -> None:
    """The floor, which is what interpolation costs, is far below the error without the motion."""
    assert len(path.frames) == 12
    assert len(path.flows) == len(path.visible) == 11
    still = Clip("still", path.frames, [np.zeros_like(f) for f in path.flows], path.visible)
    assert warping_error(path.frames, path) < 0.1 * warping_error(path.frames, still)
    assert np.abs(path.flows[0]).mean() > 0.5  # it moves
    assert np.mean(path.visible) > 0.9


def test_estimated_flow_agrees_with_exact_flow(path: Clip) -> None:
    estimate = flow.FlowEstimator()(path.frames[3], path.frames[4])
    inner = (slice(15, -15), slice(15, -15))
    assert np.median(np.abs(estimate - path.flows[3])[inner]) < 0.2


def test_warping_error_of_a_known_change() -> None:
    frames = [np.full((1, 3, 8, 8), level, np.float32) for level in (0.2, 0.5, 0.5)]
    none = [np.zeros((8, 8, 2), np.float32)] * 2
    seen = np.ones((8, 8), bool)
    assert warping_error(frames, Clip("", frames, none, [seen, seen])) == pytest.approx(0.09 / 2)
    hidden = Clip("", frames, none, [~seen, seen])
    assert warping_error(frames, hidden) == 0


def test_the_filter_steadies_without_blur(path: Clip) -> None:
    painted = flickering(path)
    steady = FlowFilter()
    shown = [steady(frame, new) for frame, new in zip(path.frames, painted, strict=True)]
    assert warping_error(shown[3:], _after(path, 3)) < 0.6 * warping_error(painted[3:], _after(path, 3))
    assert gradient_energy(shown) > 0.9 * gradient_energy(painted)
    assert steady.trusted > 0.6


def _after(clip: Clip, first: int) -> Clip:
    return Clip(clip.name, clip.frames[first:], clip.flows[first:], clip.visible[first:])


def test_a_cut_begins_anew(path: Clip) -> None:
    """The first frame of another scene is shown as it was painted."""
    steady = FlowFilter()
    for frame in path.frames[:4]:
        steady(frame, frame)
    other = images.to_array(picture(path.frames[0].shape[3], path.frames[0].shape[2], 5))
    painted = np.roll(other, 1, axis=1)
    assert np.array_equal(steady(other, painted), painted)
    assert steady.trusted == 0


def test_what_is_uncovered_is_not_smeared() -> None:
    """A square moves over a still ground; what it uncovers is painted as new, with nothing of the square."""
    ground, square = images.to_array(picture(160, 120, 1)), images.to_array(picture(40, 40, 2))
    steady = FlowFilter()
    for step in range(4):
        photo = ground.copy()
        photo[..., 40:80, 40 + 12 * step : 80 + 12 * step] = square
        painted = photo[:, ::-1].copy()
        shown = steady(photo, painted)
    uncovered = (..., slice(45, 75), slice(66, 73))
    assert np.abs(shown - painted)[uncovered].mean() < 0.02


def test_other_sizes_begin_anew() -> None:
    steady = FlowFilter()
    for size in ((40, 30), (30, 40), (1, 1)):
        image = images.to_array(picture(*size))
        assert np.array_equal(steady(image, image), image)


def test_the_command_compares_models_on_clips(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: Clip
) -> None:
    for number, frame in enumerate(path.frames[:4]):
        images.from_array(frame).save(tmp_path / f"{number}.png")
    clip = tmp_path / "%d.png"
    short = ["--frames", "4", "--size", "48", "--device", "cpu"]
    assert fast_style(["evaluate", str(tiny), "--video", str(clip), "--versus", str(tiny), *short]) == 0
    table = capsys.readouterr().out
    assert table.count("tiny --temporal flow") == 2
    assert table.count("tiny (2) --temporal flow") == 2
    assert "camera path, exact flow" in table
    assert fast_style(["evaluate", str(tiny), "--video", str(clip), "--json", *short]) == 0
    data = json.loads(capsys.readouterr().out)
    assert set(data) == {"%d", "camera path, exact flow"}
    rows = data["camera path, exact flow"]
    assert [row["method"] for row in rows] == ["input", "tiny per frame", "tiny --temporal flow"]
    assert rows[0]["warping_error"] > 0
    assert rows[0]["style"] is None


def test_what_evaluation_needs_is_told() -> None:
    with pytest.raises(FastStyleError, match="name style and photos"):
        EvaluationOptions()
    with pytest.raises(FastStyleError, match="frames is 1"):
        EvaluationOptions(video=(Path("a.mp4"),), frames=1)
    with pytest.raises(FastStyleError, match="no such"):
        film_clip(Path("absent.mp4"), 4, 48)
