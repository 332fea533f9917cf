"""Losses of what only networks paint: checkerboards, weaves, lines at borders, negatives, values beyond the range.

Dimensionless, in float32, beside the perceptual losses, which hardly see these faults.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# Keeps a black picture from dividing by zero.
TINY = 1e-12
# Of the spectra in which a checkerboard shows; ITU-R 601.
WINDOW_PX, LUMINANCE = 64, (0.299, 0.587, 0.114)
# Octaves of periods in px at which networks weave, and the concentration of white noise in each.
OCTAVES_PX, RANDOM = ((2.5, 5.0), (5.0, 10.0), (10.0, 20.0)), (0.0013, 0.005, 0.02)
# Energy in an octave, of a pattern of half a hundredth of the range: what is weaker is not seen.
FAINT = 60
# How far above their model's the concentration may lie: windows of one texture vary.
ALLOWED = 1.2
# Lightness, red against green, yellow against blue: kept out of one, a weave moves to another.
OPPONENTS = (LUMINANCE, (1.0, -1.0, 0.0), (0.5, 0.5, -1.0))
# From as far as this, strokes are not seen. Networks that paint no negative have a correlation of 0.8 to 0.9; to ask
# for more than half makes them paint white patches.
CELL_PX, ENOUGH = 8, 0.5
# Rows of pixels at a border that may be a line.
EDGE_PX = 3


def checkerboard(image: Tensor) -> Tensor:
    """Energy at the periods of up-sampling, 2 and 4 px, relative to that next to them: (N, 3, H, W) to ().

    Mean over lightness and two differences of colours; about 1 where there is no pattern. Nearest-neighbour doubling
    leaves one that the other losses hardly see (Odena et al. 2016). From the mean spectra of the batch over
    half-overlapping windows; 0 for pictures too small for one.
    """
    side = min(WINDOW_PX, *image.shape[-2:])
    if side < WINDOW_PX // 2:
        return image.new_zeros(())
    side -= side % 4
    power = _spectra(_opponents(image), side).mean((0, 2, 3))
    period = torch.arange(0, side, side // 4, device=image.device)
    u, v = torch.cartesian_prod(period, period)[1:].T  # (15,) each: without the mean
    # Edges along an axis lift its whole row of the spectrum: each direction is its own neighbourhood.
    near = torch.tensor([-6, -5, -4, -3, 3, 4, 5, 6], device=image.device)
    across, along = torch.stack([near, 0 * near]), torch.stack([0 * near, near])
    rows, columns = u[:, None, None] + across, v[:, None, None] + along
    around = power.detach()[:, rows % side, columns % side]  # (3, 15, 2, 8)
    return (power[:, u, v] / around.median(3).values.amax(2).clamp_min(TINY)).mean()


def concentration(image: Tensor) -> Tensor:
    """How much of each window's energy lies in few frequencies: (N, 3, H, W) to (N, windows, 9).

    Inverse participation ratio, 0 to 1, of the spectrum of lightness and two differences of colours in three octaves of
    periods, over half-overlapping windows of 64 px: RANDOM for noise, ten or a hundred times as much for cloth; 0 where
    there is nothing to see, and for pictures smaller than a window.
    """
    if min(image.shape[-2:]) < WINDOW_PX:
        return image.new_zeros((len(image), 1, len(OPPONENTS) * len(OCTAVES_PX)), dtype=torch.float32)
    power = _spectra(_opponents(image), WINDOW_PX).flatten(2, 3).transpose(1, 2)
    along = torch.fft.fftfreq(WINDOW_PX).to(image.device).square()
    square = along[:, None] + along
    octaves = [power * ((square > longest**-2) & (square <= shortest**-2)) for shortest, longest in OCTAVES_PX]
    shares = [o.square().sum((-2, -1)) / (o.sum((-2, -1)) + FAINT).square() for o in octaves]
    return torch.cat(shares, -1)


def regularity(image: Tensor, photo: Tensor, painting: Tensor) -> Tensor:
    """How many times more concentrated the windows' spectra are than both photograph's and painting's: mean log, to ().

    image, photo: (N, 3, H, W); painting: (N, 9), the mean `concentration` of the paintings they are to look like. Where
    a photograph is smooth, a network repeats one mark on a lattice: its Gram matrices are those of strokes strewn at
    random.
    """
    random = painting.new_tensor(RANDOM).repeat_interleave(len(OPPONENTS))
    limit = ALLOWED * torch.maximum(torch.maximum(concentration(photo), painting[:, None]), random)
    return (concentration(image) / limit).clamp_min(1).log().mean()


def lightness(image: Tensor, photo: Tensor) -> Tensor:
    """How much too little of the photograph's light and dark is left, seen from afar: (N, 3, H, W) twice to (N,).

    The correlation of their lightness over cells of 8 px, as far as it is below ENOUGH: 0 to 1.5. VGG's features know
    edges by either polarity: without this, a network settles now and then, and stays, at a negative.
    """
    cells = [F.avg_pool2d(_opponents(x)[:, :1], min(CELL_PX, *x.shape[-2:])).flatten(1) for x in (image, photo)]
    one, other = (x - x.mean(1, keepdim=True) for x in cells)
    energy = (one.square().sum(1) * other.square().sum(1)).clamp_min(TINY).sqrt()
    return (ENOUGH - (one * other).sum(1) / energy).clamp_min(0)


def edges(difference: Tensor) -> Tensor:
    """How far the colours of the outermost 3 rows of pixels are from the next ones', where the photograph's are not.

    difference: picture less photograph, (N, 3, H, W), sides of 7 px or more. Returns means over N and along the rows,
    signed: (4 sides, 3 colours, 3 rows).
    """
    sides = [difference, difference.flip(2), difference.mT, difference.mT.flip(2)]
    rows = torch.stack([side[:, :, : 2 * EDGE_PX + 1].mean((0, 3)) for side in sides])
    return rows[..., :EDGE_PX] - rows[..., EDGE_PX + 1 :].mean(-1, keepdim=True)


def border(image: Tensor, photo: Tensor) -> Tensor:
    """Lines along the borders, see `edges`: squares summed over rows and sides, mean over colours.

    (N, 3, H, W) twice to (); 0 for pictures too small. On those pixels few of VGG's receptive fields lie: it hardly
    asks what they are.
    """
    if min(image.shape[-2:]) < 2 * EDGE_PX + 1:
        return image.new_zeros((), dtype=torch.float32)
    return edges(image.float() - photo.float()).square().sum((0, 2)).mean()


def clipping(image: Tensor) -> Tensor:
    """How far values lie outside [0, 1], where showing a picture cuts them: their mean, (N, 3, H, W) to ()."""
    return ((image - 0.5).abs() - 0.5).clamp_min(0).mean()


def _spectra(planes: Tensor, side: int) -> Tensor:
    """Power over half-overlapping Hann windows: (N, C, H, W) to (N, C, rows, columns, side, side)."""
    windows = planes.unfold(2, side, side // 2).unfold(3, side, side // 2)
    hann = torch.hann_window(side, periodic=False, device=planes.device)
    return _power((windows - windows.mean((-2, -1), keepdim=True)) * hann[:, None] * hann)


def _power(windows: Tensor) -> Tensor:
    """|Fourier transform|^2 of (..., side, side) float32; by matrices, because compilers know no complex numbers."""
    ramp = torch.arange(windows.shape[-1], device=windows.device)
    angle = 2 * math.pi / len(ramp) * (ramp[:, None] * ramp % len(ramp))
    cos, sin = angle.cos(), angle.sin()
    with torch.autocast(windows.device.type, enabled=False):
        even, odd = windows @ cos, windows @ sin
        return (cos @ even - sin @ odd).square() + (cos @ odd + sin @ even).square()


def _opponents(image: Tensor) -> Tensor:
    """(N, 3, H, W) to lightness, red against green and yellow against blue: (N, 3, H, W) float32."""
    return torch.einsum("nchw,oc->nohw", image.float(), image.new_tensor(OPPONENTS, dtype=torch.float32))
