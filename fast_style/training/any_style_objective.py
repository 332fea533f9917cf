"""Compute the loss of a training step of a network for any painting, and prepare what predicts styles for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count as counted
from itertools import islice

import torch
from torch import Tensor

from ..data.styles import Style
from ..errors import FastStyleError
from ..losses.terms import TERMS, style_statistics
from ..models.structure import PREDICTOR_PREFIX
from ..models.vgg import VGG19
from ..options import TrainOptions
from ..system.distributed import Group
from .blend_fitting import SWEEPS, fit, regress
from .initialization import InitialNetwork
from .objective import Objective
from .paintings import PaintingPool
from .vgg_imitation import BATCH, CROP_PX, LAYERS, STEPS, imitate

FITTED_PX = 96
"""Side of the photographs' crops that the rows' weights are fitted with: colours and strokes show in it."""
FITTED_CROPS = 2
"""Crops of each painting that they are fitted to."""


class AnyStyleObjective(Objective):
    """Stylize photographs as is predicted for crops of many paintings, and compute the loss terms.

    The network predicts its styles (Ghiasi et al. 2017); a style being trained is the number of a painting.
    """

    def __init__(
        self, options: TrainOptions, initial: InitialNetwork, styles: Sequence[Style], group: Group | None = None
    ) -> None:
        """Load the losses; every picture of the styles is a painting of its own.

        Raises FastStyleError where `init_share` would keep a part of a network that predicts no styles yet.
        """
        if options.init_share and not initial.predicts:
            raise FastStyleError(f"`init_share`: {options.init} predicts no styles yet; leave it out")
        super().__init__(options, initial, (), group)
        predictor = self.network.predictor
        assert predictor is not None  # `initialize` gives the network one
        self.predictor = predictor
        paths = [picture for style in styles for picture in style.pictures]
        style_px, seed = options.style.style_size[0], options.data.seed
        self.paintings = PaintingPool(paths, style_px, seed, self._look, self._measure, self.device)

    @property
    def style_count(self) -> int:
        """Return how many paintings there are."""
        return len(self.paintings.paths)

    def blend(self, style: Tensor, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """Predict the network's weights of its rows for paintings as the base class says."""
        head = {name: (weights or {}).get(f"{PREDICTOR_PREFIX}head.{name}") for name in ("weight", "bias")}
        return self.predictor.blend(self.paintings.features[style], **head)

    def advance(self, step: int) -> None:
        """Renew the crops of paintings that the network sees at a step; the first call takes minutes."""
        self.paintings.advance(step)
        self._aim_at(self.paintings)

    def _aim_at(self, paintings: PaintingPool) -> None:
        measured = paintings.targets
        self.loss.targets = {name: measured[name] for name in measured.keys() - TERMS.keys()}
        self.style_statistics = {name: measured[name] for name in measured.keys() & TERMS.keys()}

    def pretrain(self, photos: Callable[[int], Iterator[Tensor]], progress: Callable[[float], None]) -> None:
        """Prepare what predicts styles: it learns to see as VGG19 does, then to predict what was fitted.

        photos: returns crops of photographs of a side in px, (3, PX, PX) in [0, 1], without end. progress: is told what
        share is done.
        """
        vgg = VGG19.load(LAYERS[-1], self.options.loss.vgg_weights).to(self.device)
        vgg.convs.to(self.dtype).to(memory_format=torch.channels_last)
        crops = zip(photos(CROP_PX), self.paintings.crops(CROP_PX), strict=True)
        batches = (self._batch([crop for pair in islice(crops, BATCH // 2) for crop in pair]) for _ in counted())
        with torch.random.fork_rng():
            torch.manual_seed(self.options.data.seed)
            imitate(self.predictor, vgg, batches, STEPS, progress=lambda done, of: progress(0.75 * done / of))
        self._fit_rows(photos(FITTED_PX), lambda done, of: progress(0.75 + 0.25 * done / of))

    def _batch(self, crops: Sequence[Tensor]) -> Tensor:
        batch = torch.stack([crop.to(self.device) for crop in crops])
        return batch.contiguous(memory_format=torch.channels_last)

    def _fit_rows(self, photos: Iterator[Tensor], progress: Callable[[int, int], None]) -> None:
        """Fit the rows' weights to crops of paintings, and the predictor to them, in a better basis of the rows."""
        predictor = self.predictor
        fitted_to = self.paintings.repeated(FITTED_CROPS)
        fitted_to.advance(0)
        self._aim_at(fitted_to)

        steps = counted()  # each has random motions of its own

        def loss(blends: Tensor, style: Tensor) -> Tensor:
            batch = self._batch(list(islice(photos, len(style))))
            return self._terms((batch, batch), blends, style, next(steps), len(style))["total"]

        features = fitted_to.features
        with torch.no_grad():
            start = predictor.blend(features)
        group, self.group = self.group, Group(self.group.device)  # every process fits all paintings
        try:
            blends, basis = fit(loss, start, SWEEPS, self.options.data.seed, progress)
        finally:
            self.group = group
        blends = torch.linalg.solve(basis, blends.cpu().double(), left=False)
        center, scale, weight, bias = regress(features, blends)
        with torch.no_grad():
            for name in self.network.style_parameters():
                rows = self.network.get_parameter(name)
                rows.copy_(basis @ rows.cpu().double())
            for parameter, value in (
                (predictor.center, center),
                (predictor.scale, scale),
                (predictor.head.weight, weight),
                (predictor.head.bias, bias),
            ):
                parameter.copy_(value)

    def _measure(self, crop: Tensor) -> dict[str, Tensor]:
        """Compute what the loss compares with a crop of a painting."""
        found = style_statistics(self.options.loss, lambda: iter([crop]))
        return {**self._target(self.loss.vgg, [crop]), **{name: value[None] for name, value in found.items()}}

    @torch.no_grad()
    def _look(self, crop: Tensor) -> Tensor:
        """Compute what the predictor sees of a crop of a painting."""
        with self.autocast():
            return self.predictor.features(crop)
