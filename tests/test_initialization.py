"""Trainings that start from a trained network."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fast_style.errors import FastStyleError
from fast_style.models import checkpoint
from fast_style.options import TrainOptions
from fast_style.training import Trainer, train


def test_warm_start_takes_over_the_weights(options: TrainOptions, tmp_path: Path) -> None:
    first = checkpoint.load(train(options))
    # The checkpoint knows its shape; --width is not asked.
    warm = Trainer(replace(options, output=tmp_path / "warm.pth", init=str(options.output), width=16))
    for name, value in warm.state.network.state_dict().items():
        torch.testing.assert_close(value, first.weights[name].float())


def test_steps_of_all_runs_are_counted(options: TrainOptions, tmp_path: Path) -> None:
    first = checkpoint.load(train(options)).training
    assert first["steps_in_all"] == first["steps"]
    again = replace(options, output=tmp_path / "again.pth", init=str(options.output))
    told = checkpoint.load(train(again)).training
    third = Trainer(replace(again, output=tmp_path / "third.pth", init=str(again.output)))
    assert told["steps_in_all"] == 2 * first["steps"] == 2 * told["steps"]
    assert third.checkpoints()[0].training["steps_in_all"] == told["steps_in_all"]


def test_warm_start_with_other_styles_shares_the_convolutions(options: TrainOptions, tmp_path: Path) -> None:
    first = checkpoint.load(train(options))
    own = first.styles[0]["name"]
    style = replace(options.style, style=options.style.style * 2, style_name=("new", own))
    warm = Trainer(replace(options, output=tmp_path / "warm.pth", init=str(options.output), style=style))
    weights = warm.state.network.state_dict()
    for name, value in first.weights.items():
        expected = value.float().expand_as(weights[name])  # the new style starts at the mean of one: its row
        torch.testing.assert_close(weights[name], expected)


def test_a_frozen_network_gains_a_style_and_leaves_the_others_as_they_are(
    options: TrainOptions, tmp_path: Path
) -> None:
    first = checkpoint.load(train(options))
    style = replace(options.style, style_name=("new",))
    more = replace(options, output=tmp_path / "more.pth", init=str(options.output), freeze_network=True, style=style)
    with_new = checkpoint.load(train(more))
    assert [entry["name"] for entry in with_new.styles] == [first.styles[0]["name"], "new"]
    image = torch.rand(1, 3, 40, 56, generator=torch.manual_seed(0))
    before, after = first.network(), with_new.network()
    assert torch.equal(before(image), after(image, torch.tensor([[1.0, 0.0]])))
    assert not torch.equal(before(image), after(image, torch.tensor([[0.0, 1.0]])))


def test_a_frozen_network_needs_a_trained_one_and_a_new_name(options: TrainOptions, tmp_path: Path) -> None:
    with pytest.raises(FastStyleError, match="name one with init"):
        Trainer(replace(options, freeze_network=True))
    train(options)
    again = replace(options, output=tmp_path / "again.pth", init=str(options.output), freeze_network=True)
    with pytest.raises(FastStyleError, match="choose another style_name"):
        Trainer(again)


def test_a_share_of_the_initial_weights_is_in_what_is_saved(options: TrainOptions, tmp_path: Path) -> None:
    first = checkpoint.load(train(options)).weights
    further = replace(options, init=str(options.output), learning_rate=0.02)
    trained = checkpoint.load(train(replace(further, output=tmp_path / "trained.pth"))).weights
    for share in (0.25, 1.0):
        mixed = checkpoint.load(train(replace(further, output=tmp_path / f"{share}.pth", init_share=share))).weights
        for name, value in mixed.items():
            expected = (1 - share) * trained[name].float() + share * first[name].float()
            torch.testing.assert_close(value.float(), expected, rtol=2e-3, atol=2e-3)
    assert any((trained[name].float() - first[name].float()).abs().max() > 0.02 for name in first)


def test_a_share_of_the_initial_weights_needs_such(options: TrainOptions) -> None:
    with pytest.raises(FastStyleError, match="init_share takes a trained init"):
        replace(options, init_share=0.5)
    with pytest.raises(FastStyleError, match="init_share is 2; it takes a share of up to 1"):
        replace(options, init="wave", init_share=2.0)
