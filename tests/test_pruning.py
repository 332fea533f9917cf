"""Pruning, and learning from another network's paintings."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fast_style import FastStyleError
from fast_style.commands import main
from fast_style.models.architectures import build
from fast_style.models.checkpoint import load
from fast_style.models.johnson import TransformerNetwork
from fast_style.models.pruning import groups, pruned
from fast_style.options import Arch, NetworkOptions, StyleOptions, TrainOptions
from fast_style.training import Event, train


def half_dead(arch: Arch) -> TransformerNetwork:
    """A random network in which every other channel of each layer is silent."""
    torch.manual_seed(3)
    network = build(NetworkOptions(width=4, blocks=2, styles=2, arch=arch)).eval()
    modules = dict(network.named_modules())
    for group in groups(network):
        for name in group.producers:
            norm = modules[name].norm
            torch.nn.init.normal_(norm.weight)
            torch.nn.init.normal_(norm.bias)
            for parameter in (norm.weight, norm.bias):
                parameter.data[:, ::2] = 0
    return network


@pytest.mark.parametrize("arch", ["johnson", "lite"])
def test_what_never_mattered_is_left_out_and_nothing_changes(arch: Arch) -> None:
    network, photos = half_dead(arch), torch.rand(4, 3, 40, 52)
    small = pruned(network, 0.5, photos).eval()
    assert small.options.width == 2
    blend = torch.tensor([[0.3, 0.7]]).expand(4, 2)
    torch.testing.assert_close(small(photos, blend), network(photos, blend), atol=1e-5, rtol=1e-4)


def test_attention_is_not_pruned() -> None:
    network = build(NetworkOptions(width=4, blocks=1, attention=True))
    with pytest.raises(FastStyleError, match="cannot be pruned"):
        pruned(network, 0.5, torch.rand(1, 3, 32, 32))


def terms(options: TrainOptions) -> list[dict[str, float]]:
    events: list[Event] = []
    train(options, [events.append])
    return [dict(event.terms) for event in events if event.kind == "step" and event.terms]


def taught(options: TrainOptions, teacher: Path) -> TrainOptions:
    loss = replace(options.loss, checkerboard_weight=0, lightness_weight=0)
    return replace(options, style=StyleOptions(), teacher=str(teacher), loss=loss, precision="fp32", overwrite=True)


def test_who_starts_as_the_teacher_has_nothing_to_learn(options: TrainOptions, several: Path) -> None:
    first = terms(replace(taught(options, several), init=str(several), steps=1))[0]
    assert first["style"] < 1e-3
    assert first["content"] < 1e-3
    other = terms(replace(taught(options, several), steps=1))[0]
    assert other["content"] > 0.1


def test_a_pupil_has_its_teachers_styles(options: TrainOptions, several: Path) -> None:
    assert options.output
    train(taught(options, several))
    assert load(options.output).styles == load(several).styles


def test_either_a_style_or_a_teacher(options: TrainOptions) -> None:
    with pytest.raises(FastStyleError, match="style, or a network with teacher; not both"):
        replace(options, teacher="wave")
    with pytest.raises(FastStyleError, match="style, or a network with teacher; not both"):
        replace(options, style=StyleOptions())


def test_the_command_writes_a_narrower_network(options: TrainOptions, several: Path, tmp_path: Path) -> None:
    target = tmp_path / "narrow.pth"
    arguments = ["--keep", "0.5", "--dataset", options.data.dataset, "--vgg-weights", options.loss.vgg_weights]
    layers = ["--content-layers", *options.loss.content_layers, "--style-layers", *options.loss.style_layers]
    sizes = ["--image-size", 32, "--finish-size", 32, "--batch-size", 1, "--steps", 2, "--workers", 0]
    flags = [str(flag) for flag in (*arguments, *layers, *sizes, "--output", target)]
    assert main(["prune", str(several), *flags]) == 0
    whole, small = load(several), load(target)
    assert small.model.width == whole.model.width // 2
    assert small.styles == whole.styles
    assert small.training["steps"] == 2


def test_a_share_out_of_range_is_refused(several: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", str(several), "--keep", "1.5", "--dataset", str(photos)]) == 1
    assert "--keep is 1.5; it takes a share between 0 and 1" in capsys.readouterr().err
