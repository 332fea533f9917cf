from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from fast_style.commands import main as fast_style
from fast_style.losses.perceptual import PerceptualLoss, load_vgg, style_target
from fast_style.options import GatysOptions, LossOptions, StyleOptions
from fast_style.training.gatys import Evaluation, optimize, sizes, stylize

from .conftest import picture

QUICK = GatysOptions(iterations=12, size=32, device="cpu")


@pytest.fixture
def losses(vgg_file: Path) -> LossOptions:
    return LossOptions(("relu2_2",), ("relu1_1", "relu3_1"), vgg_weights=vgg_file)


@pytest.fixture
def painting(tmp_path: Path) -> StyleOptions:
    picture(40, 40, 5).save(tmp_path / "style.png")
    return StyleOptions((tmp_path / "style.png",), style_size=(32,))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("start", ["content", "noise"])
def test_the_objective_falls_and_the_count_is_exact(
    losses: LossOptions, painting: StyleOptions, optimizer: str, start: str
) -> None:
    seen: list[Evaluation] = []
    options = replace(QUICK, optimizer=optimizer, start=start)  # type: ignore[arg-type]
    result = stylize(picture(48, 32), painting, losses, options, seen.append)
    assert result.size == (48, 32)
    assert [evaluation.iteration for evaluation in seen] == list(range(1, 13))
    assert min(e.terms["total"] for e in seen) < 0.9 * seen[0].terms["total"]


def test_bounded_pixels_are_judged_as_they_will_be_shown(losses: LossOptions) -> None:
    photo = torch.rand(1, 3, 32, 32)
    loss = PerceptualLoss(losses, load_vgg(losses), [style_target(load_vgg(losses), [1 - photo], losses.style_layers)])
    start = torch.rand(1, 3, 32, 32) * 3 - 1  # most of it outside

    def terms(bounded: bool) -> list[float]:
        seen: list[float] = []
        options = replace(QUICK, bounded=bounded, iterations=40)
        optimize(photo, start, loss, options, lambda e: seen.append(e.terms["total"]))
        return seen

    shown = float(loss(start.clamp(0, 1), photo, torch.zeros(1, dtype=torch.long))["total"])
    assert terms(True)[0] == pytest.approx(shown, rel=1e-5)
    assert terms(False)[0] > 1.2 * shown
    assert min(terms(True)) < 0.9 * shown


def test_same_seed_same_result_other_seed_another(losses: LossOptions, painting: StyleOptions) -> None:
    def result(seed: int) -> bytes:
        return stylize(picture(32, 32), painting, losses, replace(QUICK, start="noise", seed=seed)).tobytes()

    assert result(1) == result(1)
    assert result(1) != result(2)


def test_the_best_picture_met_is_returned(losses: LossOptions) -> None:
    vgg = load_vgg(losses)
    photo = torch.rand(1, 3, 32, 32)
    loss = PerceptualLoss(losses, vgg, [style_target(vgg, [torch.rand(1, 3, 32, 32)], losses.style_layers)])
    seen: list[tuple[float, torch.Tensor]] = []
    wild = replace(QUICK, optimizer="adam", learning_rate=1.0)
    best = optimize(photo, photo, loss, wild, lambda e: seen.append((e.terms["total"], e.pixels.clone())))
    assert torch.equal(best, min(seen, key=lambda s: s[0])[1].clamp(0, 1))


def test_large_pictures_are_approached_from_coarse_to_fine(losses: LossOptions, painting: StyleOptions) -> None:
    assert sizes(GatysOptions(size=200)) == [200]
    assert sizes(GatysOptions(size=1000, coarsest=256)) == [250, 500, 1000]
    shapes: list[tuple[int, ...]] = []
    options = replace(QUICK, size=64, coarsest=16, iterations=2)
    result = stylize(picture(80, 64), painting, losses, options, lambda e: shapes.append(tuple(e.pixels.shape[2:])))
    assert shapes == [(16, 20)] * 2 + [(32, 40)] * 2 + [(64, 80)] * 2
    assert result.size == (80, 64)


def test_interrupted_it_returns_what_there_is(losses: LossOptions, painting: StyleOptions) -> None:
    seen: list[Evaluation] = []
    options = replace(QUICK, size=64, coarsest=32)
    result = stylize(picture(64, 64), painting, losses, options, seen.append, lambda: len(seen) >= 3)
    assert len(seen) == 3
    assert result.size == (64, 64)


def test_the_command_writes_result_and_steps(
    losses: LossOptions, painting: StyleOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(48, 32).save(tmp_path / "photo.jpg")
    out = tmp_path / "new/out.png"
    paths = [str(tmp_path / "photo.jpg"), str(painting.style[0]), "-o", str(out)]
    layers = ["--content-layers", "relu2_2", "--style-layers", "relu1_1", "--vgg-weights", str(losses.vgg_weights)]
    arguments = ["optimize", *paths, *layers, "--iterations", "4", "--size", "24", "--save-every", "2"]
    assert fast_style(arguments) == 0
    with Image.open(out) as image:
        assert image.size == (36, 24)
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.png", "out_0002.png", "out_0004.png"]
    assert "done after 4 evaluations" in capsys.readouterr().out
    assert fast_style(arguments) == 1
    assert "exists; use --overwrite" in capsys.readouterr().err


@pytest.mark.slow
def test_on_a_real_photograph_more_iterations_are_better(
    real_vgg: Path, real_photos: dict[str, Image.Image], tmp_path: Path
) -> None:
    real_photos["chelsea"].save(tmp_path / "fur.png")
    losses = LossOptions(style_weight=5.0, vgg_weights=real_vgg)
    seen: list[float] = []
    options, style = GatysOptions(iterations=60, size=96, device="cpu"), StyleOptions((tmp_path / "fur.png",))
    stylize(real_photos["coffee"], style, losses, options, lambda e: seen.append(e.terms["total"]))
    print(f"photo {seen[0]:.3f}, 30: {min(seen[:30]):.3f}, 60: {min(seen):.3f}")
    assert min(seen) < min(seen[:30]) < seen[0]
