"""Time training steps, ours or plain: `python -m fast_style.benchmark.training CASE.json OUT.npy`, as in `worker`."""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.bundled import SAMPLE
from .worker import answer, peak_bytes

if TYPE_CHECKING:
    from ..options import TrainOptions

CONTENT_LAYERS, STYLE_LAYERS = ("relu3_3", "relu4_1"), ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


@dataclass(frozen=True)
class TrainCase:
    """Describe the training step to time: ours, or plain (eager, float32, contiguous, default memory allocation)."""

    kind: str
    """plain or ours."""
    device: str
    batch: int = 4
    size_px: int = 256


def main(case_file: str, _: str) -> None:
    """Answer each line of standard input with the seconds of a step, and its end with the memory."""
    case = TrainCase(**json.loads(Path(case_file).read_text()))
    answers, sys.stdout = sys.stdout, sys.stderr
    (_plain if case.kind == "plain" else _ours)(case, answers)
    answer(answers, {"peak_bytes": peak_bytes(case.device)})


def _plain(case: TrainCase, answers: Any) -> None:
    import torch

    from ..losses.perceptual import PerceptualLoss, gram
    from ..models.johnson import TransformerNetwork
    from ..models.vgg import VGG19
    from ..options import LossOptions

    torch.manual_seed(0)
    photo = torch.rand(case.batch, 3, case.size_px, case.size_px, device=case.device)
    network, vgg = TransformerNetwork().to(case.device), VGG19(STYLE_LAYERS[-1]).to(case.device)
    targets = {layer: gram(features[:1]) for layer, features in vgg(photo, STYLE_LAYERS).items()}
    loss = PerceptualLoss(LossOptions(CONTENT_LAYERS, STYLE_LAYERS), vgg, [targets])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    style = torch.zeros(case.batch, dtype=torch.long, device=case.device)
    answer(answers, {})
    for _ in sys.stdin:
        start = time.perf_counter()
        optimizer.zero_grad()
        loss(network(photo), photo, style)["total"].backward()
        optimizer.step()
        if case.device.startswith("cuda"):
            torch.cuda.synchronize(case.device)
        answer(answers, {"seconds": time.perf_counter() - start})


def _ours(case: TrainCase, answers: Any) -> None:
    """Run the real training loop on a folder with one picture; `should_stop`, called before each step, times it."""
    from ..system import malloc

    malloc.tune()
    import torch

    from ..training import train

    started = 0.0

    def wait_for_a_line() -> bool:
        nonlocal started
        if case.device.startswith("cuda"):
            torch.cuda.synchronize(case.device)
        answer(answers, {"seconds": time.perf_counter() - started} if started else {})
        ended = not sys.stdin.readline()
        started = time.perf_counter()
        return ended

    with tempfile.TemporaryDirectory() as folder:
        train(options_for(case, Path(folder)), should_stop=wait_for_a_line)


def options_for(case: TrainCase, folder: Path) -> "TrainOptions":
    """Return the options of our training, with random VGG weights, which it writes to the folder beside a picture."""
    import shutil

    import torch

    from ..models.vgg import VGG19
    from ..models.vgg_weights import INDICES
    from ..options import DataOptions, LossOptions, StyleOptions, TrainOptions

    torch.manual_seed(0)
    vgg = {
        f"features.{INDICES[layer]}.{kind}": parameter
        for layer, conv in VGG19(STYLE_LAYERS[-1]).convs.items()
        for kind, parameter in conv.named_parameters()
    }
    torch.save(vgg, folder / "vgg.pth")
    (folder / "photos").mkdir()
    shutil.copy(SAMPLE, folder / "photos")
    data = DataOptions(
        folder / "photos",
        image_size=case.size_px,
        finish_share=0,
        batch_size=case.batch,
        workers=0,
        photo_size=(256, 256),
    )
    return TrainOptions(
        StyleOptions((SAMPLE,)),
        data,
        LossOptions(CONTENT_LAYERS, STYLE_LAYERS, vgg_weights=folder / "vgg.pth"),
        output=folder / "out.pth",
        device=case.device,
        preview_seconds=1e9,
        save_minutes=1e9,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
