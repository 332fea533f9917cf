"""GIF's 256 colours: a palette of its own for every frame, chosen and dithered by libav."""

from typing import Any

from .conversion import Graph
from .libav import pyav


class PaletteGraph(Graph):
    """RGB frames to pal8, at the size of the chain's scale filter."""

    def _build(self, frame: Any) -> None:
        self._graph = graph = pyav().filter.Graph()
        base = f"{self.time_base.numerator}/{self.time_base.denominator}"
        form = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={base}"
        source, scale = graph.add("buffer", f"{form}:pixel_aspect=1/1"), graph.add(*self.chain[0])
        split, choose = graph.add("split"), graph.add("palettegen", "stats_mode=single")
        use = graph.add("paletteuse", "new=1:dither=sierra2_4a")
        source.link_to(scale)
        scale.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(choose, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(graph.add("buffersink"))
        graph.configure()
