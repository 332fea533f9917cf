"""Adversarial trainings: from a folder of one painter to two networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from fast_style import Stylizer, images
from fast_style.commands import run
from fast_style.commands import train as train_command
from fast_style.errors import FastStyleError
from fast_style.models import checkpoint, discriminator
from fast_style.options import AdversarialOptions, StyleOptions, TrainOptions
from fast_style.training import Event, Trainer, TrainingDiverged, callbacks, train
from fast_style.training.cycle import CycleObjective
from fast_style.training.nearest import starts_from_nearest

from .conftest import picture
from .test_distributed import ThreadGroup, together
from .trainings import arguments, assert_same, final_state


@pytest.fixture
def monet(options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainOptions:
    """A training of seconds with a painter of three pictures; the discriminators are narrow."""
    monkeypatch.setattr(discriminator, "CHANNELS", (4, 8, 8, 8))
    monkeypatch.setattr(callbacks, "PREVIEW_PX", 64)
    folder = tmp_path / "monet"
    folder.mkdir()
    for i in range(3):
        picture(70 + i, 60, seed=40 + i).save(folder / f"{i}.png")
    gan = AdversarialOptions(adversarial=True, image_buffer=3)
    return replace(options, style=StyleOptions((folder,), style_size=(48,)), gan=gan, output=tmp_path / "out/monet.pth")


def objective(trainer: Trainer) -> CycleObjective:
    assert isinstance(trainer.objective, CycleObjective)
    return trainer.objective


def test_each_direction_is_a_checkpoint_that_stylizes(monet: TrainOptions) -> None:
    events: list[Event] = []
    path = train(monet, [events.append])
    losses = [event.terms for event in events if event.terms]
    assert len(losses) == monet.total_steps
    assert {"adversarial", "cycle", "identity", "discriminator", "gradient", "total"} == losses[0].keys()
    assert all(np.isfinite(value) for terms in losses for value in terms.values())
    for name, style in (("monet.pth", "monet"), ("monet_to_photo.pth", "monet_to_photo")):
        loaded = checkpoint.load(path.with_name(name))
        assert [one["name"] for one in loaded.styles] == [style]
        assert len(loaded.styles[0]["sha256"]) == 3
        assert loaded.training["steps"] == monet.total_steps
        assert Stylizer.load(path.with_name(name)).stylize(picture(40, 33)).size == (40, 33)


def test_every_part_learns(monet: TrainOptions) -> None:
    trainer = Trainer(monet)
    before = {name: value.detach().clone() for name, value in trainer.state.network.named_parameters()}
    assert any(name.startswith("photo_discriminator") for name in before)
    trainer.run()
    assert [n for n, value in trainer.state.network.named_parameters() if torch.equal(value, before[n])] == []


def test_discriminators_are_constants_to_generators(monet: TrainOptions) -> None:
    """And generators to discriminators: then one step of all is what the paper's two are."""
    parts = objective(Trainer(monet))
    pictures = list(torch.rand(4, 2, 3, 32, 32, generator=torch.manual_seed(1)))
    terms = parts(pictures, torch.zeros(2, dtype=torch.long))
    network = parts.network
    discriminators = [*network.painting_discriminator.parameters(), *network.photo_discriminator.parameters()]
    generators = [*network.to_painting.parameters(), *network.to_photo.parameters()]
    made = terms["adversarial"] + terms["cycle"] + terms["identity"]

    def reached(term: Tensor, weights: list[torch.nn.Parameter]) -> list[bool]:
        found = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
        return [gradient is not None for gradient in found]

    assert not any(reached(made, discriminators))
    assert all(reached(made, generators))
    assert not any(reached(terms["discriminator"], generators))
    assert all(reached(terms["discriminator"], discriminators))


def test_weights_of_the_terms(monet: TrainOptions) -> None:
    gan = replace(monet.gan, cycle_weight=3.0, identity_weight=0.25)
    terms = objective(Trainer(replace(monet, gan=gan)))(list(torch.rand(4, 1, 3, 32, 32)), torch.zeros(1).long())
    expected = terms["adversarial"] + terms["discriminator"] + 3 * terms["cycle"] + 0.75 * terms["identity"]
    torch.testing.assert_close(terms["total"], expected)


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_resumed_run_ends_as_an_undisturbed_one(monet: TrainOptions, tmp_path: Path, workers: int) -> None:
    """With buffers that exchange pictures before and after the break, and lose them where crops grow."""
    monet = replace(monet, steps=10, data=replace(monet.data, workers=workers))
    straight = replace(monet, output=tmp_path / "straight/monet.pth")
    train(straight)
    for stop in (3, 8):
        trainer = Trainer(replace(monet, resume=stop > 3))
        trainer.run(lambda trainer=trainer, stop=stop: trainer.state.step == stop)  # type: ignore[misc]
    path = train(replace(monet, resume=True))
    whole, broken = final_state(straight), final_state(monet)
    assert whole["recent"] == broken["recent"]
    for part in ("network", "optimizer", "average"):
        assert_same(whole[part], broken[part])
    assert whole["network"]["painting_buffer._extra_state"]["images"].shape == (3, 3, 48, 48)
    for name in ("monet.pth", "monet_to_photo.pth"):
        assert path.with_name(name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_checkpoint_that_is_missing_is_written_anew(monet: TrainOptions) -> None:
    path = train(monet)
    back = path.with_name("monet_to_photo.pth")
    newest = back.read_bytes()
    back.unlink()
    train(replace(monet, resume=True))
    assert back.read_bytes() == newest


def test_neither_checkpoint_is_overwritten(monet: TrainOptions) -> None:
    path = train(replace(monet, steps=1))
    path.unlink()
    path.with_name("monet.resume").unlink()
    with pytest.raises(FastStyleError, match=r"monet_to_photo\.pth exists"):
        train(monet)


def test_a_diverged_training_goes_back(monet: TrainOptions) -> None:
    wild = replace(monet, learning_rate=1e12, steps=8, warm_up=0)
    with pytest.raises(TrainingDiverged, match=r"at step \d+; .*monet\.resume holds the last good state"):
        train(wild)
    train(replace(wild, resume=True, learning_rate=1e-3))
    assert final_state(monet)["counters"][0] == 8


def test_both_directions_start_from_a_checkpoint(monet: TrainOptions, tiny: Path, tmp_path: Path) -> None:
    first = objective(Trainer(replace(monet, init=str(tiny)))).network
    assert torch.equal(first.to_painting.out.weight, first.to_photo.out.weight)
    assert first.to_painting.out.weight is not first.to_photo.out.weight
    path = train(monet)
    again = objective(Trainer(replace(monet, init=str(path), output=tmp_path / "again.pth"))).network
    for network, name in ((again.to_painting, path.name), (again.to_photo, "monet_to_photo.pth")):
        assert torch.equal(network.out.weight, checkpoint.load(path.with_name(name)).weights["out.weight"].float())
    new = objective(Trainer(replace(monet, output=tmp_path / "new.pth"))).network
    assert not torch.equal(new.to_painting.out.weight, new.to_photo.out.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: replace(o, any_style=True), "excludes any_style"),
        (lambda o: replace(o, teacher="wave", style=StyleOptions()), "excludes teacher"),
        (lambda o: replace(o, freeze_network=True, init="wave"), "excludes freeze_network"),
        (lambda o: replace(o, keep=0.5, sharpen=0.2), "excludes keep, sharpen"),
        (lambda o: replace(o, loss=replace(o.loss, temporal_weight=1.0)), "excludes temporal_weight"),
        (lambda o: replace(o, style=replace(o.style, style_crop=(0.0, 0.0, 0.5, 1.0))), "excludes style_crop"),
        (lambda o: replace(o, style=StyleOptions((*o.style.style, Path("b")))), "one painter"),
        (lambda o: replace(o, data=replace(o.data, image_size=31)), "32 px or more"),
        (lambda o: replace(o, gan=replace(o.gan, cycle_weight=-1.0)), "cycle_weight is -1.0"),
        (lambda o: Trainer(replace(o, style=StyleOptions((o.style.style[0] / "0.png",)))), r"0\.png is one; name a"),
    ],
)
def test_what_means_nothing_here_is_refused_in_one_line(
    monet: TrainOptions, change: Callable[[TrainOptions], Any], message: str
) -> None:
    with pytest.raises(FastStyleError, match=message) as raised:
        change(monet)
    assert "\n" not in str(raised.value)


def test_another_kind_of_training_cannot_be_resumed(options: TrainOptions, monet: TrainOptions) -> None:
    train(replace(options, steps=1))
    with pytest.raises(FastStyleError, match="other values of"):
        Trainer(replace(monet, output=options.output, resume=True))


def test_no_perceptual_loss_and_no_search_for_a_start_is_needed(monet: TrainOptions) -> None:
    absent = replace(monet, steps=1, loss=replace(monet.loss, vgg_weights=None))
    assert not starts_from_nearest(absent)
    train(absent)


def test_the_rate_is_constant_then_falls_linearly_to_nothing(monet: TrainOptions) -> None:
    rate = Trainer(replace(monet, warm_up=0.1)).schedule.learning_rate
    assert rate(0.05) == pytest.approx(1e-4)
    assert rate(0.1) == rate(0.5) == pytest.approx(2e-4)
    assert rate(0.75) == pytest.approx(1e-4)
    assert rate(1.0) == 0


def test_unreadable_paintings_and_photographs_are_listed(monet: TrainOptions) -> None:
    bad = [monet.style.style[0] / "bad.png", monet.data.dataset / "bad.jpg"]
    for path in bad:
        path.write_bytes(b"\xff\xd8 cut short")
    train(monet)
    assert set(final_state(monet)["bad_files"]) == set(map(str, bad))


def test_processes_that_share_a_training_stay_equal(monet: TrainOptions) -> None:
    def work(group: ThreadGroup) -> dict[str, Tensor]:
        trainer = Trainer(monet, (), group)
        trainer.run()
        return dict(trainer.state.network.named_parameters())

    first, second = together(2, work)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_command_writes_previews_of_both_ways(
    monet: TrainOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(train_command.main, arguments(monet), "train.py") == 0
    said = capsys.readouterr().out
    assert "monet.pth" in said and "monet_to_photo.pth" in said
    assert images.read(tmp_path / "out/monet.preview.jpg").rgb.size == (4 * 64, 5 * 64)
    assert "adversarial: true" in (tmp_path / "out/monet.yaml").read_text()


def woodcut(seed: int) -> Image.Image:
    """A painting of one painter: gold where a picture is light, dark red where it is dark."""
    light = np.asarray(picture(80, 64, seed)).mean(-1, keepdims=True) > 128
    return Image.fromarray(np.where(light, (230, 190, 60), (90, 20, 20)).astype(np.uint8))


def statistics(pictures: list[Image.Image]) -> tuple[Tensor, Tensor]:
    """Mean and contrast of each colour."""
    pixels = torch.cat([torch.from_numpy(images.to_array(one)) for one in pictures])
    return pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))


@pytest.mark.slow
def test_it_learns_colours_and_contrasts_and_the_way_back(monet: TrainOptions) -> None:
    for i in range(3):
        woodcut(i).save(monet.style.style[0] / f"{i}.png")
    events: list[Event] = []
    longer = replace(monet, steps=300, width=8, learning_rate=2e-3, data=replace(monet.data, finish_share=0.0))
    stylizer = Stylizer.load(train(longer, [events.append]))
    cycle = [event.terms["cycle"] for event in events if event.terms]
    assert np.mean(cycle[-20:]) < 0.8 * np.mean(cycle[:20])
    photos = [picture(64, 48, 70 + i) for i in range(4)]  # never seen
    aims, befores = statistics([woodcut(i) for i in range(3)]), statistics(photos)
    afters = statistics([stylizer.stylize(photo) for photo in photos])
    for after, before, aim in zip(afters, befores, aims, strict=True):
        assert (after - aim).norm() < 0.5 * (before - aim).norm()
