"""Compute regularizers against artifacts of networks: checkerboards, periodic textures, patches of colour, lines at
borders, inverted lightness, clipped values.

Dimensionless and in float32; they complement the perceptual losses, which hardly see these artifacts.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

TINY = 1e-12
"""Keeps a black picture from dividing by zero."""
WINDOW_PX = 64
"""Side of the windows whose spectra are taken."""
LUMINANCE = (0.299, 0.587, 0.114)
"""Luma of ITU-R BT.601."""
OPPONENTS = (LUMINANCE, (1.0, -1.0, 0.0), (0.5, 0.5, -1.0))
"""Opponent channels: lightness, red-green, yellow-blue. A periodic texture penalized in one moves to another."""
OCTAVES_PX = ((2.5, 5.0), (5.0, 10.0), (10.0, 20.0))
"""Octaves of periods in px at which networks paint periodic textures."""
NOISE_CONCENTRATION = (0.0013, 0.005, 0.02)
"""Spectral concentration of white noise in each octave."""
FAINT_ENERGY = 60
"""Energy in an octave of a pattern of 1/200 of the range: what is weaker is not seen."""
CONCENTRATION_TOLERANCE = 1.2
"""Factor by which the concentration may exceed its reference: windows of one texture vary."""
CELL_PX = 8
"""Side of the cells over which lightness is averaged: strokes are not seen at that scale."""
MIN_CORRELATION = 0.5
"""Correlation of lightness that is enough. Networks that do not invert reach 0.8 to 0.9; to ask for more than half
makes them paint white patches."""
PATCH_CELLS_PX = (4, 8, 16)
"""Sides of the cells over which colours are averaged before their gradients are compared."""
SMOOTH_STEP = 0.03
"""Difference between neighbouring cells of a photograph, of a range of 1, at which it is no longer smooth."""
LINE_PX = 3
"""Rows of pixels at a border that may form a line."""


BatchMean = Callable[[Tensor], Tensor]
"""From the mean of a statistic over some pictures of a batch to its mean over the whole batch, where processes share
one."""


def unshared(mean: Tensor) -> Tensor:
    """Return the mean as it is: the pictures are the whole batch."""
    return mean


def checkerboard(image: Tensor, batch_mean: BatchMean = unshared) -> Tensor:
    """Compute the energy at the periods of up-sampling, 2 and 4 px, relative to neighbouring ones: (N, 3, H, W) to ().

    Mean over the opponent channels; about 1 where there is no pattern. Nearest-neighbour up-sampling leaves one that
    the other losses hardly see (Odena et al. 2016). From the batch's mean spectra over half-overlapping windows; 0 for
    pictures too small for one.
    """
    side = min(WINDOW_PX, *image.shape[-2:])
    if side < WINDOW_PX // 2:
        return image.new_zeros(())
    side -= side % 4
    power = batch_mean(_spectra(_opponents(image), side).mean((0, 2, 3)))
    period = torch.arange(0, side, side // 4, device=image.device)
    u, v = torch.cartesian_prod(period, period)[1:].T  # (15,) each: without the mean
    # Edges along an axis lift its whole row of the spectrum: each direction is its own neighbourhood.
    near = torch.tensor([-6, -5, -4, -3, 3, 4, 5, 6], device=image.device)
    across, along = torch.stack([near, 0 * near]), torch.stack([0 * near, near])
    rows, columns = u[:, None, None] + across, v[:, None, None] + along
    around = power.detach()[:, rows % side, columns % side]  # (3, 15, 2, 8)
    return (power[:, u, v] / around.median(3).values.amax(2).clamp_min(TINY)).mean()


def spectral_concentration(image: Tensor) -> Tensor:
    """Measure how much of each window's energy lies in few frequencies: (N, 3, H, W) to (N, windows, 9).

    Inverse participation ratio, 0 to 1, of the spectrum of the three opponent channels in three octaves of periods,
    over half-overlapping windows of 64 px: NOISE_CONCENTRATION for noise, ten or a hundred times as much for cloth; 0
    where there is nothing to see, and for pictures smaller than a window.
    """
    if min(image.shape[-2:]) < WINDOW_PX:
        return image.new_zeros((len(image), 1, len(OPPONENTS) * len(OCTAVES_PX)), dtype=torch.float32)
    power = _spectra(_opponents(image), WINDOW_PX).flatten(2, 3).transpose(1, 2)
    along = torch.fft.fftfreq(WINDOW_PX).to(image.device).square()
    square = along[:, None] + along
    octaves = [power * ((square > longest**-2) & (square <= shortest**-2)) for shortest, longest in OCTAVES_PX]
    shares = [o.square().sum((-2, -1)) / (o.sum((-2, -1)) + FAINT_ENERGY).square() for o in octaves]
    return torch.cat(shares, -1)


def periodic_texture(image: Tensor, photo: Tensor, style_concentration: Tensor | None = None) -> Tensor:
    """Penalize spectra more concentrated than those of both photograph and style: mean log of the excess ratio, ().

    image, photo: (N, 3, H, W). style_concentration: (N, 9), the mean `spectral_concentration` of each image's style
    pictures; None leaves the photograph alone as reference. Where a photograph is smooth, networks repeat one mark on a
    lattice, whose Gram matrices are those of randomly placed strokes.
    """
    reference = spectral_concentration(photo)
    if style_concentration is not None:
        reference = torch.maximum(reference, style_concentration[:, None])
    noise = reference.new_tensor(NOISE_CONCENTRATION).repeat_interleave(len(OPPONENTS))
    limit = CONCENTRATION_TOLERANCE * torch.maximum(reference, noise)
    return (spectral_concentration(image) / limit).clamp_min(1).log().mean()


def lightness(image: Tensor, photo: Tensor) -> Tensor:
    """Penalize lightness that does not follow the photograph's at a coarse scale: (N, 3, H, W) twice to (N,).

    Shortfall of the correlation of lightness over cells of 8 px below MIN_CORRELATION: 0 to 1.5. VGG's features respond
    to edges of either polarity: without this term a network now and then settles at a negative and stays there.
    """
    cells = [F.avg_pool2d(_opponents(x)[:, :1], min(CELL_PX, *x.shape[-2:])).flatten(1) for x in (image, photo)]
    one, other = (x - x.mean(1, keepdim=True) for x in cells)
    energy = (one.square().sum(1) * other.square().sum(1)).clamp_min(TINY).sqrt()
    return (MIN_CORRELATION - (one * other).sum(1) / energy).clamp_min(0)


def color_patches(image: Tensor, photo: Tensor) -> Tensor:
    """Compute the share of a picture's coarse gradient energy that lies where the photograph is smooth.

    image, photo: (N, 3, H, W). Returns (N,), 0 to 1: the mean over PATCH_CELLS_PX; 0 for pictures too small. Gradients
    are those of the opponent channels between neighbouring cells; a place counts by exp(-(d / SMOOTH_STEP)^2), where d
    is the length of the photograph's own gradient. Gram matrices do not know where a colour lies: without this term one
    calm sky falls apart into patches of several colours.
    """
    shares = [image.new_zeros(len(image), dtype=torch.float32)]
    fitting = [px for px in PATCH_CELLS_PX if min(image.shape[-2:]) >= 2 * px]
    for cell_px in fitting:
        painted, seen = (_gradient_energy(F.avg_pool2d(_opponents(x), cell_px)) for x in (image, photo))
        smooth = torch.exp(-seen / SMOOTH_STEP**2)
        shares.append((smooth * painted).sum((1, 2)) / painted.sum((1, 2)).clamp_min(TINY))
    return torch.stack(shares).sum(0) / max(1, len(fitting))


def _gradient_energy(planes: Tensor) -> Tensor:
    """Sum squared differences to the next row and column over channels: (N, C, H, W) to (N, H - 1, W - 1)."""
    down = planes[..., 1:, :-1] - planes[..., :-1, :-1]
    right = planes[..., :-1, 1:] - planes[..., :-1, :-1]
    return (down.square() + right.square()).sum(1)


def border_contrast(difference: Tensor) -> Tensor:
    """Measure the contrast of the outermost 3 rows of pixels to the rows inside, on each side.

    difference: picture minus photograph, (N, 3, H, W), sides of 7 px or more. Returns means over N and along the rows,
    signed: (4 sides, 3 colours, 3 rows).
    """
    sides = [difference, difference.flip(2), difference.mT, difference.mT.flip(2)]
    rows = torch.stack([side[:, :, : 2 * LINE_PX + 1].mean((0, 3)) for side in sides])
    return rows[..., :LINE_PX] - rows[..., LINE_PX + 1 :].mean(-1, keepdim=True)


def border(image: Tensor, photo: Tensor, batch_mean: BatchMean = unshared) -> Tensor:
    """Penalize lines along the borders: squares of `border_contrast`, summed over rows and sides, mean over colours.

    (N, 3, H, W) twice to (); 0 for pictures too small. Few of VGG's receptive fields cover those pixels, so that the
    perceptual losses hardly constrain them.
    """
    if min(image.shape[-2:]) < 2 * LINE_PX + 1:
        return image.new_zeros((), dtype=torch.float32)
    return batch_mean(border_contrast(image.float() - photo.float())).square().sum((0, 2)).mean()


def clipping(image: Tensor) -> Tensor:
    """Average how far values lie outside [0, 1], where displaying clips them: (N, 3, H, W) to ()."""
    return ((image - 0.5).abs() - 0.5).clamp_min(0).mean()


def _spectra(planes: Tensor, side: int) -> Tensor:
    """Compute power spectra of half-overlapping Hann windows: (N, C, H, W) to (N, C, rows, columns, side, side)."""
    windows = planes.unfold(2, side, side // 2).unfold(3, side, side // 2)
    hann = torch.hann_window(side, periodic=False, device=planes.device)
    return _power((windows - windows.mean((-2, -1), keepdim=True)) * hann[:, None] * hann)


def _power(windows: Tensor) -> Tensor:
    """Compute |DFT|^2 of (..., side, side) float32 by matrix products: compilers do not support complex numbers."""
    ramp = torch.arange(windows.shape[-1], device=windows.device)
    angle = 2 * math.pi / len(ramp) * (ramp[:, None] * ramp % len(ramp))
    cos, sin = angle.cos(), angle.sin()
    with torch.autocast(windows.device.type, enabled=False):
        even, odd = windows @ cos, windows @ sin
        return (cos @ even - sin @ odd).square() + (cos @ odd + sin @ even).square()


def _opponents(image: Tensor) -> Tensor:
    """Convert RGB to lightness, red-green and yellow-blue: (N, 3, H, W) to (N, 3, H, W) float32."""
    return torch.einsum("nchw,oc->nohw", image.float(), image.new_tensor(OPPONENTS, dtype=torch.float32))
