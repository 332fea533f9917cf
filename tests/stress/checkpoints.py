"""Damaged and hostile checkpoints, resume files, converted weights and exported models.

Damaged bytes must be refused or change nothing. Changed contents may be another network, but one that runs.
"""

import contextlib
import io
import os
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from fast_style import export
from fast_style.engines import open_engine
from fast_style.errors import FastStyleError
from fast_style.models import checkpoint
from fast_style.models.convert import convert
from fast_style.models.johnson import TransformerNetwork
from fast_style.models.vgg_weights import read_state
from fast_style.options import NetworkOptions, RuntimeOptions
from fast_style.training.state import TrainingState

from ..conftest import untrained
from .mutations import changed, damaged
from .parts import StressError

SETTINGS = {"seed": 0, "style": [["a", []]]}


class Evil:
    """Runs a command when it is unpickled without care."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch stress-was-here",)


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        several = untrained(folder / "several.pth", "a", "b")
        self._state().save(folder / "whole.resume", SETTINGS)
        if not (folder / "whole.bin").exists():  # of a worker before this one; tracing takes time
            model = export.onnx_model(several)
            export.write(model, folder / "whole.onnx")
            export.write(model, folder / "whole.xml")
        self._seeds = {
            kind: (folder / name).read_bytes()
            for kind, name in (("pth", "several.pth"), ("resume", "whole.resume"), ("onnx", "whole.onnx"),
                               ("xml", "whole.xml"), ("bin", "whole.bin"))
        }  # fmt: skip
        self._picture = np.linspace(0, 1, 3 * 9 * 8, dtype=np.float32).reshape(1, 3, 9, 8)
        self._expected = {kind: self._painted(folder / f"whole.{kind}") for kind in ("onnx", "xml")}
        self._weights = checkpoint.load(several).weights
        self._saved = torch.load(folder / "whole.resume", weights_only=True)

    def make(self, rng: Random) -> tuple[str, bytes]:
        kind = rng.choice(("pth", "pth", "pth", "resume", "resume", "resume", "onnx", "xml", "bin"))
        data = self._seeds[kind]
        if kind in ("pth", "resume") and rng.random() < 0.6:
            content = changed(torch.load(io.BytesIO(data), weights_only=True), rng)
            if rng.random() < 0.1:
                content = {"content": content, rng.choice(["format", "model", "recipe"]): Evil()}
            buffer = io.BytesIO()
            torch.save(content, buffer)
            return f"changed.{kind}", buffer.getvalue()
        return f"damaged.{kind}", damaged(data, rng, list(self._seeds.values()))

    def run(self, path: Path) -> str:
        kind = path.suffix[1:]
        if kind in ("onnx", "xml", "bin"):
            return self._run_exported(path, kind)
        if kind == "resume":
            return self._run_resume(path)
        return self._run_checkpoint(path)

    def _run_checkpoint(self, path: Path) -> str:
        for read in (read_state, convert):  # other readers of tensors, which refuse it one way or another
            with contextlib.suppress(FastStyleError):
                read(path)
        found = checkpoint.load(path)
        network = found.network()
        with torch.no_grad():
            network(torch.zeros(1, 3, 8, 8))
        same = found.weights.keys() == self._weights.keys() and all(
            torch.equal(value, self._weights[name]) for name, value in found.weights.items()
        )
        if "damaged" in path.name and not same:
            raise StressError("damaged bytes were read as other weights")
        return "same" if same else "another network"

    def _run_resume(self, path: Path) -> str:
        state = self._state()
        state.load(path, SETTINGS)
        saved = self._saved
        same = all(torch.equal(value, saved["average"][key]) for key, value in state.average.items())
        same = same and [state.step, state.samples] == saved["counters"][:2]
        if "damaged" in path.name and not same:
            raise StressError("damaged bytes were read as another state")
        state.optimizer.step()
        return "same" if same else "another state"

    def _run_exported(self, path: Path, kind: str) -> str:
        if kind == "bin":
            path = path.rename(path.with_name("model.bin"))
            path.with_suffix(".xml").write_bytes(self._seeds["xml"])
            painted = self._painted(path.with_suffix(".xml"))
        elif kind == "xml":
            path.with_suffix(".bin").write_bytes(self._seeds["bin"])
            painted = self._painted(path)
        else:
            painted = self._painted(path)
        if not np.array_equal(painted, self._expected["onnx" if kind == "onnx" else "xml"]):
            raise StressError("damaged bytes were read as another network")
        return "same"

    def _painted(self, path: Path) -> Any:
        engine = open_engine(path, RuntimeOptions("cpu", "onnx" if path.suffix == ".onnx" else "openvino", "fp32"))
        return engine(self._picture)

    def _state(self) -> TrainingState:
        torch.manual_seed(0)
        network = TransformerNetwork(NetworkOptions(width=4, blocks=1))
        state = TrainingState.begin(network, torch.optim.Adam(network.parameters()))
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)
        state.optimizer.step()
        return state

    def close(self) -> None:
        pass
