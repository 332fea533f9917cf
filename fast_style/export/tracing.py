"""Trace a torch network to an ONNX graph of any batch, height and width, by torch's own exporter."""

import logging
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F

from ..models.johnson import TransformerNetwork
from ..models.layers import SMALLEST_PX
from ..models.norms import ConditionalInstanceNorm, own_statistics

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20


def trace(network: TransformerNetwork, tiles: bool = False) -> "ModelProto":
    """Return the graph, with inputs `image` and, for several styles, `blend`, output `stylized`. Changes the network.

    tiles: with another input `statistics` (2, T), mean and variance of every channel of every norm in order, which the
    norms then take instead of their own where the variance is 0 or more; and another output `measured`, (2, T), the
    first image's own.
    """
    styles = network.options.styles
    channels = sum(norm.channels for norm in network.norms().values())
    if not tiles:
        _use_native_norms(network)
    exported = _AnySize(network).eval().requires_grad_(False)
    # Sizes that are equal or 1 would be taken for a rule.
    inputs: dict[str, tuple[Tensor, dict[int, Any]]] = {
        "image": (torch.rand(2, 3, 48, 64), {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC})
    }
    if styles > 1:
        inputs["blend"] = (torch.rand(2, styles), {0: Dim.DYNAMIC})
    if tiles:
        inputs["statistics"] = (torch.rand(2, channels), {})
    examples = {name: example for name, (example, _) in inputs.items()}
    shapes = {name: shape for name, (_, shape) in inputs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside torch and onnxscript
        logging.getLogger("onnxscript").setLevel(logging.ERROR)
        program = torch.export.export(
            exported, (), examples, dynamic_shapes={n: s for n, s in shapes.items() if n in inputs}
        )
        made = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=["stylized", "measured"][: 1 + tiles],
        )
    assert made is not None  # None only when a file name is given
    model: ModelProto = made.model_proto
    _tidy(model)
    return model


def _tidy(model: "ModelProto") -> None:
    """Names for the sizes that are free; without the exporter's notes on where each node came from."""
    for value in (*model.graph.input, *model.graph.output):
        names = ("batch", "", "height", "width")
        for name, size in zip(names, value.type.tensor_type.shape.dim, strict=False):
            if size.dim_param:
                size.dim_param = name
    for part in (model.graph, *model.graph.input, *model.graph.output, *model.graph.node):
        del part.metadata_props[:]


class _AnySize(nn.Module):
    """Sizes below the smallest, and the clamping, as parts of the graph."""

    def __init__(self, network: TransformerNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, blend: Tensor | None = None, statistics: Tensor | None = None) -> Any:
        height, width = image.shape[-2:]
        missing: list[Any] = [torch.sym_max(SMALLEST_PX - side, 0) for side in (width, height)]
        x = F.pad(image, (0, missing[0], 0, missing[1]), mode="replicate")
        choice = None if statistics is None else _Choice(statistics)
        out = self.network(x, torch.ones(1, 1) if blend is None else blend, choice or own_statistics)
        stylized = out[..., :height, :width].clamp(0, 1)
        return stylized if choice is None else (stylized, torch.cat(choice.own, dim=1))


class _Choice:
    """Hands each norm in turn its part of the given statistics, or its own where the given variance is negative."""

    def __init__(self, given: Tensor) -> None:
        self.given, self.next = given, 0
        self.own: list[Tensor] = []

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, variance = own_statistics(x)
        self.own.append(torch.stack([mean[0].flatten(), variance[0].flatten()]))
        part = self.given[:, self.next : self.next + x.shape[1], None, None]
        self.next += x.shape[1]
        ours = part[None, 1] < 0
        return torch.where(ours, mean, part[None, 0]), torch.where(ours, variance, part[None, 1])


class _NativeNorm(nn.Module):
    """Conditional instance norm by the operator that runtimes have a fast, float32-accurate kernel for."""

    def __init__(self, norm: ConditionalInstanceNorm) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: Tensor, blend: Tensor, *_: object) -> Tensor:
        if len(self.weight) == 1:
            return F.instance_norm(x, weight=self.weight[0], bias=self.bias[0], eps=self.eps)
        scale, shift = (F.conv2d(blend, rows.T[:, :, None, None]) for rows in (self.weight, self.bias))
        return F.instance_norm(x, eps=self.eps) * scale + shift


def _use_native_norms(network: TransformerNetwork) -> None:
    for name, norm in network.norms().items():
        if isinstance(norm, ConditionalInstanceNorm):
            network.set_submodule(name, _NativeNorm(norm))
