"""The shipped styles on real photographs: nothing that an artist would send back; small networks near the full ones."""

import json
import pickle
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fast_style import Stylizer, images
from fast_style.benchmark.parity import psnr
from fast_style.data.photos import list_photos
from fast_style.evaluation import DistanceMeter, QualityReport, evaluate
from fast_style.evaluation.artifacts import THRESHOLDS
from fast_style.evaluation.smooth_areas import repeated_marks
from fast_style.losses.perceptual import style_target
from fast_style.models.bundled import ANY_STYLE, shipped
from fast_style.options import EvaluationOptions

# Pictures of the styles that have a full network of their own.
PICTURES = {
    "composition_vii": "composition_vii",
    "grande_jatte": "seurat_jatte",
    "scream": "the_scream",
    "shipwreck": "shipwreck",
    "starry_night": "starry_night",
    "udnie": "udnie",
    "water_lilies": "water_lilies",
    "wave": "wave",
}
# The paintings of `gallery`, `lite_gallery` and `nano_gallery`: those, and these of the twenty others.
GALLERY = PICTURES | {
    "adele": "klimt_adele",
    "cubist": "mondrian_composition",
    "edtaonisl": "edtaonisl",
    "metzinger": "delaunay_metzinger",
}
# Styles of small galleries that keep further behind than WORSE, by the model card, and what they may not exceed.
FURTHER_BEHIND = {("lite", "edtaonisl"): 0.15, ("lite", "udnie"): 0.15}
Once = Callable[[str, Callable[[Path], object]], Path]
STYLES = ("wave", "scream", "starry_night")
# Lines of the evaluator that came after these networks, most of which fail them: evaluation/README.md has the figures.
# Networks trained since then are asserted on these too.
LATER_LINES = {"holes", "lattices"}
# How much worse than the full network's the objective may be.
WORSE = {"lite": 0.10, "nano": 0.25}
# What none may fall back behind: a hundredth above what each was shipped with.
BEST = {
    "lite_wave": 0.661,
    "lite_scream": 0.655,
    "lite_starry_night": 0.613,
    "nano_wave": 0.728,
    "nano_scream": 0.744,
    "nano_starry_night": 0.718,
}


@pytest.fixture(scope="session")
def findings(shared: Path, once: Once) -> Callable[[str, str], QualityReport]:
    """Evaluate a network once for all tests, whichever process they run in."""

    def find(name: str, style: str) -> QualityReport:
        path = once(f"{name}.report", lambda path: path.write_bytes(pickle.dumps(judged(name, style, shared, once))))
        report: QualityReport = pickle.loads(path.read_bytes())
        return report

    return find


def judged(name: str, style: str, shared: Path, once: Once) -> QualityReport:
    options = EvaluationOptions(
        style=shared / "styles" / f"{PICTURES[style]}.jpg",
        photos=shared / "photos",
        vgg_weights=shared / "vgg19_relu4_1.pth",
        vgg_precision="auto",
        larger=(),
        reference_photos=0,
        device="cpu",
    )

    def known_target(*given: Any) -> dict[str, Tensor]:
        path = once(f"{style}.grams", lambda path: torch.save(style_target(*given), path))
        target: dict[str, Tensor] = torch.load(path)
        return target

    with pytest.MonkeyPatch.context() as patch:
        # LATER_LINES are not asked for here, and painting for them takes as long as all the rest.
        patch.setattr("fast_style.evaluation.quality.DEFAULT_PX", 64)
        # What networks of one painting have in common.
        patch.setattr("fast_style.evaluation.distances.style_target", known_target)
        found, _ = evaluate(Stylizer.load(name, device="cpu", precision="fp32"), options)
    return found


def failed(found: QualityReport) -> list[str]:
    return [check.name for check in found.checks if not check.passed and check.name not in LATER_LINES]


@pytest.mark.slow
@pytest.mark.parametrize("style", PICTURES)
def test_every_line_of_the_evaluator_is_passed(style: str, findings: Callable[[str, str], QualityReport]) -> None:
    found = findings(style, style)
    assert failed(found) == []
    assert found.distances["total"] < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", BEST)
def test_it_is_nearly_as_good_as_the_full_network(name: str, findings: Callable[[str, str], QualityReport]) -> None:
    kind, style = name.split("_", 1)
    small, full = findings(name, style), findings(style, style)
    assert small.distances["total"] < (1 + WORSE[kind]) * full.distances["total"]


@pytest.mark.slow
@pytest.mark.parametrize("name", BEST)
def test_small_networks_pass_every_line_and_do_not_fall_back(
    name: str, findings: Callable[[str, str], QualityReport]
) -> None:
    small = findings(name, name.split("_", 1)[1])
    assert failed(small) == []
    assert small.distances["total"] < BEST[name]


@pytest.mark.slow
def test_the_style_that_is_nearest_to_the_line_of_lattices_passes_it(shared: Path) -> None:
    """As painted by default, on the photographs of the model cards: 0.018; 0.038 with marks moved by 4 px."""
    stylizer = Stylizer.load("scream", device="cpu")
    paths = list_photos(shared / "photos_large")[0][-40:]
    photos = [images.resize_short_side(images.read(path).rgb, 480) for path in paths]
    pairs = [(stylizer.stylize(photo), photo) for photo in photos]
    painting = images.read(shared / "styles" / f"{PICTURES['scream']}.jpg").rgb
    assert repeated_marks(pairs, painting) < THRESHOLDS["lattices"][0]


@pytest.fixture(scope="session")
def objectives(shared: Path, once: Once) -> Callable[[str], dict[str, float]]:
    """Measure the objective of a style of the three galleries once for all tests: {network: objective}."""
    networks: dict[str, Stylizer] = {}

    def find(style: str) -> dict[str, float]:
        def measure(path: Path) -> None:
            for name in ("gallery", *(f"{kind}_gallery" for kind in WORSE)):
                networks[name] = networks.get(name) or Stylizer.load(name, device="cpu", precision="fp32")
            options = EvaluationOptions(
                style=shared / "styles" / f"{GALLERY[style]}.jpg",
                photos=shared / "photos",
                vgg_weights=shared / "vgg19_relu4_1.pth",
                vgg_precision="auto",
                device="cpu",
            )
            meter = DistanceMeter(options)
            photos = [images.read(path).rgb for path in list_photos(shared / "photos")[0][-4:]]
            each = []
            for photo in (images.resize_short_side(photo, 256) for photo in photos):
                painted = [one.stylize(photo, style=style, strokes="fine") for one in networks.values()]
                each.append([distances["total"] for distances in meter.each(painted, photo)])
            means = map(statistics.mean, zip(*each, strict=True))
            path.write_text(json.dumps(dict(zip(networks, means, strict=True))))

        found: dict[str, float] = json.loads(once(f"{style}.objectives", measure).read_text())
        return found

    return find


@pytest.mark.slow
@pytest.mark.parametrize("style", GALLERY)
def test_each_style_of_a_small_gallery_is_nearly_as_good_as_of_the_full_one(
    style: str, objectives: Callable[[str], dict[str, float]]
) -> None:
    found = objectives(style)
    for kind, limit in WORSE.items():
        worse = found[f"{kind}_gallery"] / found["gallery"] - 1
        assert worse < FURTHER_BEHIND.get((kind, style), limit), kind


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORSE)
def test_a_small_gallery_is_nearly_as_good_as_the_full_one(
    kind: str, objectives: Callable[[str], dict[str, float]]
) -> None:
    every = [objectives(style) for style in GALLERY]
    assert statistics.mean(found[f"{kind}_gallery"] / found["gallery"] - 1 for found in every) < WORSE[kind]


def test_they_are_shipped() -> None:
    small = {f"{kind}_{style}" for kind in WORSE for style in (*STYLES, "gallery")}
    assert small | set(PICTURES) < set(shipped())


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted([*shipped(), ANY_STYLE]))
def test_every_network_computes_in_integers(name: str, shared: Path) -> None:
    pytest.importorskip("openvino")
    exact, small = (Stylizer.load(name, device="cpu", precision=kind) for kind in ("fp32", "int8"))
    paths = list_photos(shared / "photos_large")[0][-2:]
    photos = [images.resize_short_side(images.read(path).rgb, 320) for path in paths]
    if name == ANY_STYLE:
        exact, small = (one.with_style(images.read(shared / "styles" / "wave.jpg").rgb) for one in (exact, small))
    for style in exact.styles:
        for photo in photos[:: 1 if len(exact.styles) == 1 else 2]:
            painted = [one.stylize(photo, style=style, strokes="fine") for one in (exact, small)]
            wanted, found = (images.unit(np.asarray(picture)) for picture in painted)
            assert psnr(found - wanted) > 36, style
