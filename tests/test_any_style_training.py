"""Trainings of a network for any painting."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fast_style import Stylizer
from fast_style.commands.console import refinement as console_refinement
from fast_style.commands.console.refinement import refined
from fast_style.errors import FastStyleError
from fast_style.export import predictor_graph
from fast_style.models import checkpoint, style_predictor
from fast_style.options import PREDICTED_ROWS, DataOptions, NetworkOptions, StyleOptions, TrainOptions
from fast_style.training import Trainer, any_style_objective, nearest, paintings, refinement, train, trainer
from fast_style.training.callbacks import Event
from fast_style.training.refinement import refine

from .conftest import picture, random_vgg, untrained
from .trainings import perceptual


@pytest.fixture(scope="module")
def deep_vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict with random weights that reaches what the network which looks at paintings imitates."""
    return random_vgg(tmp_path_factory.mktemp("vgg"), "relu4_1")


@pytest.fixture
def any_style(
    options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep_vgg_file: Path
) -> TrainOptions:
    """A training of seconds with four paintings in a folder; little is looked at before it."""
    monkeypatch.setattr(any_style_objective, "STEPS", 2)
    monkeypatch.setattr(any_style_objective, "SWEEPS", 1)
    monkeypatch.setattr(any_style_objective, "CROP_PX", 32)
    monkeypatch.setattr(paintings, "PREDICTOR_PX", 64)
    for module in (style_predictor, predictor_graph):
        monkeypatch.setattr(module, "PREDICTOR_WIDTHS", (4, 4, 8, 8))
    folder = tmp_path / "paintings"
    folder.mkdir()
    for i in range(4):
        picture(70, 60, seed=40 + i).save(folder / f"{i}.png")
    style = StyleOptions((folder,), style_size=(48,))
    loss = replace(options.loss, vgg_weights=deep_vgg_file)
    return replace(
        options, style=style, loss=loss, any_style=True, from_scratch=True, output=tmp_path / "any.pth", steps=4
    )


class KeptFit:
    """Fit blends and remember what was fitted."""

    def __init__(self, fit: Callable[..., tuple[Tensor, Tensor]]) -> None:
        self.fit = fit

    def __call__(self, *more: Any) -> tuple[Tensor, Tensor]:
        self.result = self.fit(*more)
        return self.result


@pytest.fixture
def trained(any_style: TrainOptions, once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The checkpoint of such a training, which is made once."""
    return once("any-style-trained.pth", lambda path: shutil.copy(train(any_style), path))


def test_its_checkpoint_paints_like_pictures_it_never_saw(trained: Path) -> None:
    loaded = checkpoint.load(trained)
    assert loaded.model.predictor and loaded.model.styles == PREDICTED_ROWS
    assert [style["name"] for style in loaded.styles] == ["any"]
    assert len(loaded.styles[0]["sha256"]) == 4
    stylizer = Stylizer.load(trained).with_style(picture(50, 50, seed=9), "new")
    assert stylizer.stylize(picture(40, 32)).size == (40, 32)


def test_every_part_learns(any_style: TrainOptions) -> None:
    training = Trainer(any_style)
    before = {name: value.detach().clone() for name, value in training.state.network.named_parameters()}
    training.run()
    after = dict(training.state.network.named_parameters())
    still = [name for name, value in before.items() if torch.equal(value, after[name])]
    assert still == []


def test_a_resumed_run_ends_as_an_undisturbed_one(any_style: TrainOptions, trained: Path, tmp_path: Path) -> None:
    whole = checkpoint.load(trained).weights
    halves = replace(any_style, output=tmp_path / "halves.pth")
    steps: list[Any] = []

    def stop() -> bool:
        steps.append(None)
        return len(steps) > 2

    train(halves, should_stop=stop)
    again = checkpoint.load(train(replace(halves, resume=True))).weights
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name


def test_it_starts_from_the_styles_of_another(any_style: TrainOptions, several: Path, trained: Path) -> None:
    any_style = replace(any_style, from_scratch=False, overwrite=True)  # what `trained` may have left here
    training = Trainer(replace(any_style, init=str(several)))
    rows = checkpoint.load(several).weights
    weights = training.state.network.state_dict()
    for name in perceptual(training).network.style_parameters():
        torch.testing.assert_close(weights[name][:2], rows[name].float())
    training.objective.advance(0)
    blend = perceptual(training).blend(torch.arange(4))
    assert blend.shape == (4, PREDICTED_ROWS)
    assert abs(blend[:, :2] - 0.5).max() < 0.2  # near the mean of the two
    again = Trainer(replace(any_style, init=str(trained)))
    assert again.initial.predicts


def test_a_style_of_ones_own_starts_at_what_is_predicted(trained: Path, options: TrainOptions, tmp_path: Path) -> None:
    own = replace(options, init=str(trained), output=tmp_path / "own.pth")
    network = Trainer(own).state.network
    assert network.predictor is None and network.options.styles == 1
    expected = Stylizer.load(trained, engine="torch", precision="fp32").with_style(own.style.style[0])
    image = torch.rand(1, 3, 40, 32, generator=torch.manual_seed(1))
    torch.testing.assert_close(network(image).clamp(0, 1), expected(image), atol=2e-3, rtol=0)
    with pytest.raises(FastStyleError, match="no styles of its own to keep"):
        Trainer(replace(own, freeze_network=True))
    with pytest.raises(FastStyleError, match="paints like any painting"):
        Trainer(replace(own, init=None, style=StyleOptions(), teacher=str(trained)))


def test_a_network_of_too_many_styles_is_no_start(any_style: TrainOptions, tmp_path: Path) -> None:
    many = untrained(tmp_path / "many.pth", *(f"s{i}" for i in range(PREDICTED_ROWS + 1)))
    with pytest.raises(FastStyleError, match="styles; take one"):
        Trainer(replace(any_style, init=str(many), from_scratch=False))


def test_processes_share_what_was_pretrained(any_style: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[Any] = []
    monkeypatch.setattr(trainer, "share_state", lambda state, group: shared.append(state))
    training = Trainer(any_style)
    monkeypatch.setattr(training.group, "count", 2)
    monkeypatch.setattr(training, "_report", lambda *kind, **more: None)
    training._started = 0.0
    training._look_at_paintings(lambda: False)
    assert shared == [training.state]


def test_the_new_basis_of_the_rows_paints_the_same(any_style: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(any_style_objective, "fit", keeping := KeptFit(any_style_objective.fit))
    training = Trainer(any_style)
    ours = training.objective
    assert isinstance(ours, any_style_objective.AnyStyleObjective)
    names = list(ours.network.style_parameters())
    before = {name: ours.network.get_parameter(name).detach().clone() for name in names}
    ours.pretrain(training._endless_crops, lambda share: None)
    blends, basis = keeping.result
    turned = torch.linalg.solve(basis, blends.double(), left=False).float()
    assert not torch.allclose(basis, torch.eye(len(basis), dtype=basis.dtype), atol=0.1)
    for name in names:
        expected = blends @ before[name]
        torch.testing.assert_close(turned @ ours.network.get_parameter(name), expected, atol=1e-4, rtol=1e-3)


def test_what_was_prepared_is_kept_when_it_is_stopped(any_style: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    train(any_style, should_stop=lambda: True)  # while it prepares
    assert not any_style.output or not any_style.output.exists()

    def step(*more: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Trainer, "_step", step)
    with pytest.raises(MemoryError):
        train(replace(any_style, resume=True))
    monkeypatch.setattr(any_style_objective, "imitate", None)  # what is done is not done again
    with pytest.raises(MemoryError):
        train(replace(any_style, resume=True))


def test_what_excludes_it_is_told(any_style: TrainOptions) -> None:
    with pytest.raises(FastStyleError, match="excludes"):
        replace(any_style, keep=0.5)


def test_what_is_predicted_for_a_painting_is_a_start_of_its_training_too(tmp_path: Path) -> None:
    paintings = [tmp_path / f"{name}.png" for name in ("day", "night")]
    for seed, painting in enumerate(paintings):
        picture(96, 96, seed).save(painting)
    both = TrainOptions(StyleOptions(tuple(paintings)), DataOptions(tmp_path), output=tmp_path / "out.pth")
    starts = dict(nearest.candidates(both))
    assert {"any", "wave"} < set(starts)
    assert {start.model for start in starts.values()} == {NetworkOptions()}
    other = dict(nearest.candidates(replace(both, style=StyleOptions((paintings[1],)))))
    norm = next(iter(starts["any"].network().style_parameters()))
    assert not torch.equal(starts["any"].weights[norm], other["any"].weights[norm])
    assert torch.equal(starts["wave"].weights[norm], other["wave"].weights[norm])


def test_a_painting_is_refined_to_a_style_of_its_own(any_style: TrainOptions, trained: Path, tmp_path: Path) -> None:
    painting = tmp_path / "sunset.png"
    picture(64, 60, seed=77).save(painting)
    made = refine(trained, painting, [], 1.0, tmp_path / "sunset.pth", any_style.loss)
    loaded = checkpoint.load(made)
    assert loaded.training["steps"] >= 1
    assert [style["name"] for style in loaded.styles] == ["sunset"] and not loaded.model.predictor
    assert sorted(file.name for file in tmp_path.glob("sunset*")) == ["sunset.png", "sunset.pth"]


def test_refinement_is_refused_or_ended_in_plain_words(
    any_style: TrainOptions, several: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painting = tmp_path / "dawn.png"
    picture(64, 60, seed=78).save(painting)
    monkeypatch.chdir(tmp_path)
    weights = any_style.loss.vgg_weights
    with pytest.raises(FastStyleError, match="use the model any"):
        refined(str(several), painting, [], 1.0, weights, overwrite=False)
    monkeypatch.setattr(refinement, "train", lambda options, callbacks, should_stop: options.output)
    monkeypatch.setattr(console_refinement, "stop_on_signal", lambda second_ends: nullcontext(lambda: True))
    with pytest.raises(KeyboardInterrupt):  # before the first step: nothing is said to be kept
        refined(str(trained), painting, [], 1.0, weights, overwrite=False)
    (tmp_path / "dawn.pth").write_bytes(b"")
    with pytest.raises(FastStyleError, match="exists"):
        refined(str(trained), painting, [], 1.0, weights, overwrite=False)
    with pytest.raises(KeyboardInterrupt):
        refined(str(trained), painting, [], 1.0, weights, overwrite=True)


def test_a_share_of_what_it_predicted_before_is_kept(any_style: TrainOptions, trained: Path, tmp_path: Path) -> None:
    first = checkpoint.load(trained).weights
    again = replace(any_style, from_scratch=False, init=str(trained), output=tmp_path / "again.pth", steps=1)
    events: list[Event] = []
    kept = checkpoint.load(train(replace(again, init_share=1.0), [events.append])).weights
    for name, value in kept.items():
        torch.testing.assert_close(value.float(), first[name].float(), rtol=2e-3, atol=2e-3)
    assert any(event.kind == "preview" for event in events)
    one_style = train(replace(any_style, any_style=False, output=tmp_path / "one.pth", steps=1))
    with pytest.raises(FastStyleError, match=r"init_share: .*one.pth predicts no styles yet"):
        Trainer(replace(again, init=str(one_style), init_share=0.5, overwrite=True))
