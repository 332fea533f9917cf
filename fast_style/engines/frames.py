"""Build graphs that take and give 8-bit pixels in OpenVINO, for the real-time networks.

Between bytes and the first convolution, and between the last one and bytes, a small network would spend a fifth of its
time on a few million values in floating point: padding them, putting blocks of 2x2 pixels in their places, sorting them
by channel. With bytes that takes a tenth of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
# Of blocks, in which the network makes its pixels.
SIDE = 2


@dataclass(frozen=True)
class Frames:
    """Hold a graph: padded pixels (1, H + before + after, W + ..., 3) to pixels (1, H, W, 3), rounded up to blocks."""

    graph: Any
    before: int
    """Repetitions of the first row and column."""
    after: int
    """Repetitions of the last ones."""

    def padded(self, pixels: Pixels) -> Pixels:
        """Pad (H, W, 3) to what the graph takes."""
        sides = (self.before, self.after)
        return np.pad(pixels, (sides, sides, (0, 0)), mode="edge")[None]


def for_frames(graph: Any) -> Frames | None:
    """Build the same network from bytes to bytes from one from `image` to `stylized`, which stays as it is.

    None where it does not begin with repeated edges and a convolution, and end with blocks of pixels.
    """
    if _ends(graph) is None:  # a copy takes time that most networks need not wait
        return None
    import openvino
    from openvino import opset13 as ops

    copy = graph.clone()
    ends = _ends(copy)
    assert ends is not None  # they are those of the original
    conv, sides, blocks = ends
    weight = conv.input_value(1).get_node().data / np.float32(255)
    frame = ops.parameter([-1, -1, -1, 3], np.uint8, name="frame")
    planes = ops.convert(ops.transpose(frame, [0, 3, 1, 2]), np.float32)
    conv.input(0).replace_source_output(planes.output(0))
    conv.input(1).replace_source_output(ops.constant(weight).output(0))
    # Rounds as `images.quantized` does but for exact halves, and is part of the convolution.
    rounded = ops.fake_quantize(blocks, *map(np.float32, (0, 1, 0, 255)), 256)
    together = ops.depth_to_space(ops.convert(rounded, np.uint8), "blocks_first", SIDE)
    result = ops.transpose(together, [0, 2, 3, 1])
    others = [given.get_node() for given in copy.inputs if given.any_name != "image"]
    try:
        return Frames(openvino.Model([result], [frame, *others]), *sides)
    except RuntimeError:  # something else asks for the picture's size: the windows of attention
        return None


def _ends(graph: Any) -> tuple[Any, tuple[int, int], Any] | None:
    """The first convolution, the pixels that its padding repeats before and after, and the blocks at the other end."""
    image = next(given for given in graph.inputs if given.any_name == "image")
    conv, pads = _first_convolution(image.get_node())
    blocks = _blocks(graph.output("stylized").get_node())
    if not pads or blocks is None or conv.input_value(1).get_node().get_type_name() != "Constant":
        return None
    sides = [pads[-1].input_value(place).get_node() for place in (1, 2)]
    if any(side.get_type_name() != "Constant" for side in sides):
        return None
    before, after = (int(side.data[-1]) for side in sides)
    return conv, (before, after), blocks


def _first_convolution(image: Any) -> tuple[Any, list[Any]]:
    """The convolution that reads the picture, and the paddings before it; None where something else comes between."""
    node, pads = image, list[Any]()
    while True:
        users = [user.get_node() for user in node.output(0).get_target_inputs()]
        working = [user for user in users if user.get_type_name() not in ("ShapeOf",)]
        if len(working) != 1:
            return None, []
        node = working[0]
        if node.get_type_name() == "Convolution":
            return node, pads
        if node.get_type_name() != "Pad" or node.get_attributes().get("pad_mode") != "edge":
            return None, []
        pads.append(node)


def _blocks(result: Any) -> Any:
    """What the last step puts in its place, (N, 12, H / 2, W / 2), behind which there is nothing but cropping."""
    for node in _upwards(result):
        if node.get_type_name() == "DepthToSpace":
            return node.input_value(0) if node.get_attributes()["block_size"] == SIDE else None
        if node.get_type_name() not in ("Result", "Slice", "StridedSlice"):
            return None
    return None


def _upwards(node: Any) -> Iterator[Any]:
    while True:
        yield node
        if not node.inputs():
            return
        node = node.input_value(0).get_node()
