"""Measure how good a trained network is, in figures and side by side: `fast-style evaluate`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tqdm import tqdm

from .. import images
from ..models import bundled
from ..options import EvaluationOptions
from ..system import malloc
from .console.flags import OUTPUT, POSITIONAL
from .console.help import Help
from .console.parsing import parse

HELP = Help(
    first="style photos style_name video sheet count size reference_photos vgg_weights json device",
    examples=(
        "wave --style wave.jpg --photos photos/",
        "wave --style wave.jpg --photos photos/ --reference-photos 0 -o sheet.jpg",
        "wave_video --video clip.mp4 --versus wave",
    ),
)


@dataclass(frozen=True)
class EvaluateCommand:
    """Judge a trained network on photographs that it has not seen, or with --video on films.

    The exit code is 1 when an artifact check fails.
    """

    model: Annotated[str, POSITIONAL]
    """Checkpoint: a file, an address, or the name of a shipped style."""

    how: EvaluationOptions

    json: bool = False
    """Print data instead of a table."""

    sheet: Annotated[Path | None, OUTPUT] = None
    """Write the pictures side by side: photographs, this network's, L-BFGS's from noise and from the photograph."""

    precision: str = field(default="fp32")
    """Arithmetic of the network that is judged: fp32, bf16, fp16 or auto."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Evaluate one model; return the exit code."""
    command = parse(EvaluateCommand, arguments, prog, HELP)
    malloc.tune()
    from ..evaluation import VARIANTS, evaluate
    from ..stylizer import Stylizer

    if command.how.video:
        return _evaluate_films(command)
    stylizer = Stylizer.load(command.model, command.how.device, precision=command.precision)
    total = 1 + len(command.how.larger) * (1 + bool(command.how.film)) + bool(command.how.trained)
    total += len(VARIANTS) * max(command.how.iterations) * command.how.reference_photos
    with tqdm(total=total, unit="step") as bar:

        def show(what: str) -> None:
            bar.set_description(what, refresh=False)
            bar.update()

        findings, sheet = evaluate(stylizer, command.how, show)
    print(json.dumps(findings.data(), indent=2) if command.json else findings.table())
    if command.sheet:
        images.write(images.Picture(sheet, images.format_for(command.sheet), None, None), command.sheet)
    return 0 if findings.passed else 1


def _evaluate_films(command: EvaluateCommand) -> int:
    from ..evaluation import evaluate_stability
    from ..stylizer import Stylizer

    models = (command.model, *command.how.versus)
    stylizers: dict[str, Stylizer] = {}
    for model in models:
        name = bundled.stem(model)
        name = name if name not in stylizers else f"{name} ({len(stylizers) + 1})"
        stylizers[name] = Stylizer.load(model, command.how.device, precision=command.precision)
    with tqdm(total=len(models) * command.how.frames * (len(command.how.video) + 1), unit="frame") as bar:

        def show(clip: str) -> None:
            bar.set_description(clip, refresh=False)
            bar.update()

        findings = evaluate_stability(stylizers, command.how, show)
    print(json.dumps(findings.data(), indent=2) if command.json else findings.table())
    return 0
