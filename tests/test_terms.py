"""The table of loss terms: weights by name, nothing computed in vain, statistics of the style where one needs them."""

from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from fast_style.losses import terms
from fast_style.losses.temporal import random_motion
from fast_style.losses.terms import TERMS, Term, TermInputs, active_terms, add_terms, style_statistics
from fast_style.models import checkpoint
from fast_style.options import LossOptions, TrainOptions
from fast_style.training import train

PERCEPTUAL = {"content", "style", "tv"}
OFF: dict[str, Any] = {f"{name}_weight": 0.0 for name in TERMS}


def inputs() -> TermInputs:
    generator = torch.Generator().manual_seed(0)
    output, photo = (torch.rand(n, 3, 64, 64, generator=generator) * 1.2 - 0.1 for n in (4, 2))
    photo = photo.clamp(0, 1)
    return TermInputs(output, output[:2], photo, photo, {}, random_motion("0", 2, 64))


def test_every_term_has_a_weight_of_its_name_and_every_weight_a_term() -> None:
    named = {field.name.removesuffix("_weight") for field in fields(LossOptions) if field.name.endswith("_weight")}
    assert named == {*TERMS, *PERCEPTUAL}


@pytest.mark.parametrize("name", TERMS)
def test_a_term_alone_adds_its_weighted_value_and_no_other_is_computed(name: str) -> None:
    weight: dict[str, Any] = {f"{name}_weight": 3.0}
    found = add_terms({"total": torch.tensor(0.5)}, LossOptions(**{**OFF, **weight}), inputs())
    assert found.keys() == {"total", name}
    assert found[name].dtype == torch.float32
    torch.testing.assert_close(found["total"], 0.5 + 3 * found[name])


def test_without_weights_nothing_is_computed() -> None:
    assert active_terms(LossOptions(**OFF)) == {}
    assert add_terms({"total": torch.tensor(0.5)}, LossOptions(**OFF), inputs()) == {"total": torch.tensor(0.5)}


def test_the_statistics_of_a_style_are_the_mean_of_its_pictures() -> None:
    pictures = [torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    both, *apart = (
        style_statistics(LossOptions(), lambda p=part: p)["periodic_texture"]  # type: ignore[misc]
        for part in (pictures, pictures[:1], pictures[1:])
    )
    torch.testing.assert_close(both, (apart[0] + apart[1]) / 2)
    assert style_statistics(LossOptions(**OFF), lambda: pictures) == {}


def test_a_new_term_is_a_row_of_the_table(options: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    def brightness(x: TermInputs) -> Tensor:
        return (x.painted.mean((1, 2, 3)) - x.style_statistics["tv"][:, 0]).square().mean()

    # Under a name whose weight there is already, because fields cannot be added here.
    monkeypatch.setitem(terms.TERMS, "tv", Term(brightness, style_statistics=lambda picture: picture.mean()[None]))
    loss = replace(options.loss, **OFF)
    found = checkpoint.load(train(replace(options, steps=1, loss=replace(loss, tv_weight=2.0)))).training["losses"]
    assert 0 < found["tv"] < 1
