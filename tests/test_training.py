import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from fast_style import images
from fast_style.commands import run
from fast_style.commands import train as train_command
from fast_style.data.styles import find_styles
from fast_style.errors import FastStyleError
from fast_style.models import checkpoint
from fast_style.models.johnson import TransformerNetwork
from fast_style.models.vgg import VGG19
from fast_style.options import NetworkOptions, TrainOptions
from fast_style.system.hardware import deterministic
from fast_style.training import Event, Trainer, TrainingDiverged, train
from fast_style.training.schedule import Schedule
from fast_style.training.sharpening import sharpened

from .conftest import picture, vgg_state
from .trainings import arguments, final_state, leaves, perceptual


def test_it_learns(options: TrainOptions) -> None:
    events: list[Event] = []
    train(replace(options, steps=60), [events.append])
    totals = [event.terms["total"] for event in events if event.kind == "step" and event.terms]
    assert len(totals) == 60
    assert sum(totals[-10:]) < 0.8 * sum(totals[:10])


def test_checkpoint_tells_its_story(options: TrainOptions) -> None:
    options = replace(options, style=replace(options.style, style_title=("Dots",), style_artist=("Nobody",)))
    loaded = checkpoint.load(train(options))
    assert loaded.styles[0]["name"] == "dots"
    assert loaded.styles[0]["title"] == "Dots"
    assert loaded.styles[0]["artist"] == "Nobody"
    assert len(loaded.styles[0]["sha256"][0]) == 64
    assert loaded.training["steps"] == 6
    assert loaded.training["recipe"]["loss"]["style_weight"] == options.loss.style_weight
    assert {"content", "style", "style/relu3_1", "total"} <= loaded.training["losses"].keys()
    assert torch.__version__.startswith(loaded.training["versions"]["torch"])
    assert loaded.network()(torch.rand(1, 3, 20, 30)).shape == (1, 3, 20, 30)


def test_clipping_bounds_the_gradient(options: TrainOptions) -> None:
    trainer = Trainer(replace(options, clip=1e-3))
    norms: list[float] = []
    step = trainer.state.optimizer.step

    def spy() -> None:
        grads = [p.grad for p in trainer.state.network.parameters() if p.grad is not None]
        norms.append(float(torch.stack([g.norm() for g in grads]).norm()))
        step()

    trainer.state.optimizer.step = spy  # type: ignore[method-assign,assignment]
    trainer.run()
    assert max(norms) < 1.01e-3


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("", {"steps": 0}, "steps is 0; it takes 1 or more"),
        ("", {"minutes": 0.0}, "minutes is 0.0; it takes more than 0"),
        ("", {"learning_rate": -1.0}, "learning_rate is -1.0; it takes more than 0"),
        ("data", {"batch_size": 0}, "batch_size is 0"),
        ("data", {"workers": -1}, "workers is -1; it takes 0 or more"),
        ("data", {"photo_size": (0, 5)}, "photo_size is 0"),
        ("loss", {"content_weight": 0.0, "style_weight": 0.0}, "every weight is 0"),
        ("loss", {"style_weight": math.nan}, "style_weight is nan"),
        ("style", {"style_size": (512, 0)}, "style_size is 0"),
    ],
)
def test_values_that_make_no_sense_are_one_plain_line(
    options: TrainOptions, part: str, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(FastStyleError, match=message):
        replace(getattr(options, part) if part else options, **change)


def test_an_existing_checkpoint_is_not_overwritten(options: TrainOptions) -> None:
    path = train(options)
    before = path.read_bytes()
    with pytest.raises(FastStyleError, match=r"exists; .*overwrite"):
        train(options)
    assert path.read_bytes() == before
    train(replace(options, overwrite=True))


def test_a_checkpoint_tells_no_folders(options: TrainOptions, tmp_path: Path) -> None:
    train(options)
    warm = Trainer(replace(options, output=tmp_path / "warm.pth", init=str(options.output))).checkpoints()[0]
    assert warm.training["recipe"]["init"] == Path(str(options.output)).name
    assert "/" not in str(warm.training)


# At such a rate weights explode in a few steps: losses grow beyond float32, or are NaN.
EXPLODING = 1e12


def terms_finite(state: dict[str, Any]) -> bool:
    return all(value.isfinite().all() for part in ("network", "average") for value in state[part].values())


@pytest.mark.parametrize("interval", [1, 5], ids=["CPU", "GPU"])
@pytest.mark.parametrize("save_minutes", [0, 5])
def test_a_diverged_training_goes_on_with_a_lower_learning_rate(
    options: TrainOptions, interval: int, save_minutes: float
) -> None:
    """The weights that lead to NaN stay poisoned: only an earlier state can go on."""
    exploding = replace(options, learning_rate=EXPLODING, steps=20, save_minutes=save_minutes, warm_up=0)
    trainer = Trainer(exploding)
    trainer.check_interval = interval
    with pytest.raises(TrainingDiverged, match=r"at step \d+; .*dots\.resume holds the last good state") as raised:
        trainer.run()
    assert "resume and a lower learning_rate, such as 2.5e+11 (it was 1e+12)" in str(raised.value)
    kept = final_state(options)
    assert terms_finite(kept)
    # Nothing has been changed: it diverges again, and the state that it started from is kept.
    with pytest.raises(TrainingDiverged):
        train(replace(exploding, resume=True))
    assert final_state(options)["counters"][0] == kept["counters"][0]
    path = train(replace(exploding, resume=True, learning_rate=1e-3))
    assert final_state(options)["counters"][0] == 20
    assert terms_finite(final_state(options))
    assert checkpoint.load(path).training["steps"] == 20
    with pytest.raises(FastStyleError, match="other values of learning_rate"):  # only where it had diverged
        train(replace(exploding, resume=True))


class Poisoned:
    """An objective whose style term is infinite in the step after `after` steps, and ever after."""

    def __init__(self, trainer: Trainer, after: int) -> None:
        self.trainer, self.after, self.whole = trainer, after, trainer.objective
        self.device, self.network = self.whole.device, self.whole.network
        self.preview, self.checkpoints = self.whole.preview, self.whole.checkpoints
        self.dtype, self.compiles = self.whole.dtype, False
        self.style_count, self.advance = self.whole.style_count, self.whole.advance

    def __call__(self, pictures: Sequence[Tensor], style: Tensor, *batch: int) -> dict[str, Tensor]:
        terms = self.whole(pictures, style, *batch)
        if self.trainer.state.step >= self.after:
            terms["style/relu3_1"] = terms["style/relu3_1"] * math.inf
        return terms


@pytest.mark.parametrize(("interval", "after"), [(1, 11), (5, 11), (5, 12)])
def test_what_is_kept_is_some_steps_older_than_the_poison(
    options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interval: int, after: int
) -> None:
    monkeypatch.setattr("fast_style.training.trainer.SNAPSHOT_INTERVAL", 4)
    options = replace(options, steps=15)
    trainer = Trainer(options)
    trainer.check_interval = interval
    trainer.objective = Poisoned(trainer, after)  # type: ignore[assignment]
    with pytest.raises(TrainingDiverged, match=f"style/relu3_1 is inf at step {after + 1}; .*dots.resume holds"):
        trainer.run()
    kept = final_state(options)["counters"][0]
    assert after - 8 <= kept <= after - 1
    assert len(final_state(options)["recent"]) == kept
    assert checkpoint.load(trainer.output).training["steps"] == kept
    train(replace(options, resume=True))
    straight = replace(options, output=tmp_path / "straight.pth")
    train(straight)
    for part in ("network", "optimizer", "average", "recent"):
        assert_same_values(final_state(straight)[part], final_state(options)[part])


def assert_same_values(a: Any, b: Any) -> None:
    for x, y in zip(leaves(a), leaves(b), strict=True):
        assert torch.equal(x, y) if isinstance(x, Tensor) else x == y


def test_checks_on_a_gpu_are_rarer(options: TrainOptions) -> None:
    events: list[Event] = []
    trainer = Trainer(replace(options, steps=12), [events.append])
    trainer.check_interval = 5
    trainer.run()
    assert [event.step for event in events if event.kind == "step"] == [1, 6, 11, 12]  # and at each save


def test_compiling_is_told_and_takes_none_of_the_time_to_train(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0

    def slow_once(function: Any, *_: Any) -> Any:
        shapes: set[torch.Size] = set()

        def run(photo: Tensor, *rest: Any) -> Any:
            nonlocal now_s
            now_s += 0.05 if photo.shape in shapes else 2
            shapes.add(photo.shape)
            return function(photo, *rest)

        return run

    monkeypatch.setattr("fast_style.training.objective.compiled", slow_once)
    monkeypatch.setattr("fast_style.training.trainer.time", SimpleNamespace(monotonic=lambda: now_s))
    events: list[Event] = []
    trainer = Trainer(replace(options, compile="on", minutes=1 / 60), [events.append])
    trainer.run()
    assert now_s - trainer.state.elapsed_s > 3.9  # crops of two sizes
    kinds = [event.kind for event in events]
    assert kinds.count("compiling") == 2
    assert kinds.index("compiling") < kinds.index("step")
    compiled = torch.load(trainer.resume_file, weights_only=True)["network"]
    assert all(value.isfinite().all() for value in compiled.values())


def test_previews_come_from_the_first_steps_on(options: TrainOptions) -> None:
    events: list[Event] = []
    train(replace(options, preview_seconds=0), [events.append])
    kinds = [event.kind for event in events]
    assert kinds[:3] == ["start", "step", "preview"]
    photos, stylized = next(event.previews for event in events if event.previews)
    assert photos.shape == stylized.shape == (4, 3, 256, 256)
    assert 0 <= stylized.min() <= stylized.max() <= 1


def test_average_is_what_is_saved(options: TrainOptions) -> None:
    loaded = checkpoint.load(train(options))
    state = final_state(options)
    for name, value in state["average"].items():
        assert torch.equal(loaded.weights[name], value.half())
    assert not torch.equal(state["average"]["out.weight"], state["network"]["out.weight"])


def test_two_styles_in_one_model(options: TrainOptions, tmp_path: Path) -> None:
    picture(50, 50, 7).save(tmp_path / "second.png")
    style = replace(options.style, style=(*options.style.style, tmp_path / "second.png"))
    loaded = checkpoint.load(train(replace(options, style=style)))
    assert [s["name"] for s in loaded.styles] == ["dots", "second"]
    assert loaded.weights["down1.norm.weight"].shape == (2, 4)
    assert not torch.equal(*loaded.weights["up2.norm.weight"])


def test_a_folder_is_one_style_of_several_pictures(options: TrainOptions, tmp_path: Path) -> None:
    folder = tmp_path / "monet"
    folder.mkdir()
    for i in range(3):
        picture(50, 50, i).save(folder / f"{i}.png")
    loaded = checkpoint.load(train(replace(options, style=replace(options.style, style=(folder,)))))
    assert loaded.styles[0]["name"] == "monet"
    assert len(loaded.styles[0]["sha256"]) == 3


def test_a_missing_or_empty_style_is_one_plain_line(options: TrainOptions, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, message in (("absent.jpg", "no such file"), ("empty", "no picture in this folder")):
        with pytest.raises(FastStyleError, match=f"{name}: {message}"):
            train(replace(options, style=replace(options.style, style=(tmp_path / name,))))


def test_a_full_disk_is_one_plain_line(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "dots.pth")

    monkeypatch.setattr(torch, "save", full)
    assert run(train_command.main, arguments(options, steps=2), "train.py") == 1
    assert "train.py: dots.pth: No space left on device" in capsys.readouterr().err


def test_names_are_one_for_each_style(options: TrainOptions) -> None:
    with pytest.raises(FastStyleError, match=r"^style_name needs one value per style: 1$"):
        find_styles(replace(options.style, style_name=("a", "b")))


@pytest.mark.parametrize("crop", [(0.5, 0.0, 0.5, 1.0), (0.0, 0.0, 1.0, 1.2)])
def test_style_crop_is_checked(options: TrainOptions, crop: tuple[float, float, float, float]) -> None:
    with pytest.raises(FastStyleError, match="style_crop takes"):
        train(replace(options, style=replace(options.style, style_crop=crop)))


def test_style_size_and_crop_change_the_aim(options: TrainOptions) -> None:
    def aim(**changes: Any) -> Tensor:
        return perceptual(Trainer(replace(options, style=replace(options.style, **changes)))).loss.targets["relu3_1"]

    whole = aim()
    assert not torch.allclose(whole, aim(style_size=(24,)), rtol=1e-3)
    assert not torch.allclose(whole, aim(style_crop=(0.0, 0.0, 0.5, 0.5)), rtol=1e-3)
    torch.testing.assert_close(aim(style_size=(48, 24)), (whole + aim(style_size=(24,))) / 2)


def test_schedule_rises_and_falls_and_ends_with_large_crops(options: TrainOptions) -> None:
    schedule = Schedule(replace(options, learning_rate=1.0, warm_up=0.1))
    rates = [schedule.learning_rate(i / 100) for i in range(101)]
    assert rates.index(max(rates)) == 10
    assert rates[100] == pytest.approx(0.01)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert schedule.crop(0.5) == (32, 2)
    assert schedule.crop(0.9) == (48, 1)


def test_minutes_set_the_schedule(options: TrainOptions) -> None:
    schedule = Schedule(replace(options, minutes=2.0))
    assert schedule.progress(step=5, elapsed_s=60) == 0.5
    assert schedule.progress(step=5, elapsed_s=121) == 1.0
    events: list[Event] = []
    start = time.monotonic()
    train(replace(options, steps=10**9, minutes=0.05), [events.append])
    assert 3 <= time.monotonic() - start < 30
    assert events[-1].progress == 1.0
    assert events[-1].step > 1


def test_bf16_follows_float32(options: TrainOptions, tmp_path: Path) -> None:
    def losses(precision: Any) -> list[float]:
        events: list[Event] = []
        output = tmp_path / f"{precision}.pth"
        train(replace(options, precision=precision, output=output, steps=4), [events.append])
        return [event.terms["total"] for event in events if event.terms]

    # Later steps of so small a network are chaotic: any rounding leads elsewhere.
    exact, rounded = losses("fp32"), losses("bf16")
    assert exact[:3] == pytest.approx(rounded[:3], rel=0.05)
    assert exact != rounded


def test_vgg_is_cut_where_the_losses_end(options: TrainOptions, tmp_path: Path) -> None:
    torch.save(vgg_state(VGG19("relu5_1")), tmp_path / "deep.pth")
    trainer = Trainer(replace(options, loss=replace(options.loss, vgg_weights=tmp_path / "deep.pth")))
    assert perceptual(trainer).loss.vgg.layers[-1] == "relu3_1"


def test_without_a_compiler_training_says_so_and_goes_on(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("fast_style.system.hardware.has_compiler", lambda device: False)
    events: list[Event] = []
    train(replace(options, compile="on"), [events.append])
    assert "no compiler found" in caplog.text
    assert events[-1].step == 6


def test_a_failing_compiler_is_one_line_too(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(function: object, **_: object) -> object:
        def fail(*_: object) -> None:
            raise torch._dynamo.exc.TorchDynamoException("no")

        return fail

    monkeypatch.setattr(torch, "compile", broken)
    events: list[Event] = []
    train(replace(options, compile="on"), [events.append])
    assert "torch.compile failed" in caplog.text
    assert events[-1].step == 6


@pytest.mark.slow
def test_the_compiled_step_is_the_same_step(options: TrainOptions, tmp_path: Path) -> None:
    options = replace(options, steps=2, data=replace(options.data, finish_share=0.0))  # crops of one size

    def losses(how: Any) -> list[float]:
        events: list[Event] = []
        train(replace(options, compile=how, output=tmp_path / f"{how}.pth"), [events.append])
        return [event.terms["total"] for event in events if event.terms]

    assert losses("on") == pytest.approx(losses("off"), rel=1e-3)


def test_sharpened_networks_paint_sharper_edges_and_the_same_areas() -> None:
    torch.manual_seed(0)
    network = TransformerNetwork(NetworkOptions(width=4, blocks=1)).eval()
    torch.nn.init.normal_(network.out.weight, 0, 0.02)
    image = torch.from_numpy(images.to_array(picture(64, 64)))
    before = network(image)
    network.load_state_dict(dict(sharpened(network.state_dict(), 0.3)))
    after = network(image)
    assert after.diff(dim=3).square().mean() > 1.05 * before.diff(dim=3).square().mean()
    torch.testing.assert_close(after.mean((2, 3)), before.mean((2, 3)), atol=0.01, rtol=0)


def test_sharpening_is_for_what_is_saved(options: TrainOptions) -> None:
    trainer = Trainer(replace(options, sharpen=0.5))
    plain, saved = trainer.state.average["out.weight"], trainer.checkpoints()[0].weights["out.weight"]
    assert not torch.equal(plain, saved)
    (written,) = trainer.checkpoints()
    assert torch.equal(written.weights["down1.conv.weight"], trainer.state.average["down1.conv.weight"])
    assert written.training["recipe"]["sharpen"] == 0.5


def test_a_weight_on_stability_is_a_term_of_its_own(options: TrainOptions) -> None:
    steady = replace(options, loss=replace(options.loss, temporal_weight=2.0))
    losses = checkpoint.load(train(steady)).training["losses"]
    weighted = (
        losses["content"]
        + 10 * losses["style"]
        + 2 * losses["temporal"]
        + 0.01 * losses["checkerboard"]
        + 0.5 * losses["periodic_texture"]
        + 0.3 * losses["lightness"]
        + 5 * losses["border"]
        + 10 * losses["clipping"]
    )
    assert losses["temporal"] > 0
    assert losses["total"] == pytest.approx(weighted, rel=1e-4)


def test_deterministic_algorithms_are_asked_for_while_training(options: TrainOptions, tmp_path: Path) -> None:
    seen: list[bool] = []

    def note(_: Event) -> None:
        seen.append(torch.are_deterministic_algorithms_enabled())

    plain = train(replace(options, output=tmp_path / "plain.pth"))
    path = train(replace(options, deterministic=True), [note])
    assert any(seen)
    assert not torch.are_deterministic_algorithms_enabled()
    assert path.read_bytes() == plain.read_bytes()


def test_what_cannot_be_deterministic_is_one_plain_line() -> None:
    text = "grid_sampler_2d_backward_cuda does not have a deterministic implementation, but you set '...'. You can"
    with pytest.raises(FastStyleError, match="deterministic: grid_sampler"), deterministic(True):
        raise RuntimeError(text)
    assert not torch.are_deterministic_algorithms_enabled()
