import numpy as np
import pytest

from fast_style.images import color
from tests.conftest import picture


def arrays() -> tuple[np.ndarray, np.ndarray]:
    photo, styled = (np.asarray(picture(40, 30, seed), np.float32).transpose(2, 0, 1)[None] / 255 for seed in (1, 2))
    return photo * [[[[0.5]], [[0.8]], [[0.3]]]] + np.float32(0.1), styled


def test_luminance_keeps_the_photographs_chroma_and_the_styles_luma() -> None:
    photo, styled = (array.astype(np.float32) for array in arrays())
    out = color.Matching("luminance", photo, styled)(photo, styled)
    np.testing.assert_allclose(color.luma(out), color.luma(styled), atol=1e-5)
    chroma, wanted = out - color.luma(out), photo - color.luma(photo)
    inside = (out > 0.002).all(1) & (out < 0.998).all(1)  # elsewhere there is no room for all of it
    assert inside.mean() > 0.5
    np.testing.assert_allclose(np.moveaxis(chroma, 1, -1)[inside], np.moveaxis(wanted, 1, -1)[inside], atol=1e-5)
    # Where there is no room the hue stays: chroma is the photograph's times a number from 0 to 1.
    share = (chroma * wanted).sum(1) / (wanted**2).sum(1).clip(1e-9)
    assert share.min() > -1e-4
    assert share.max() < 1 + 1e-4
    assert 0 <= out.min() <= out.max() <= 1


def test_statistics_are_the_photographs() -> None:
    photo, styled = (0.35 + 0.3 * array.astype(np.float32) for array in arrays())  # room enough: nothing is clamped
    out = color.Matching("statistics", photo, styled)(photo, styled)
    flat, wanted = out.reshape(3, -1), photo.reshape(3, -1)
    np.testing.assert_allclose(flat.mean(1), wanted.mean(1), atol=1e-3)
    np.testing.assert_allclose(np.cov(flat), np.cov(wanted), atol=1e-4)
    assert np.abs(out - styled).mean() > 0.02


def test_parts_get_the_map_of_the_whole() -> None:
    photo, styled = (array.astype(np.float32) for array in arrays())
    matching = color.Matching("statistics", photo, styled)
    part = np.s_[..., 5:20, 10:30]
    np.testing.assert_allclose(matching(photo[part], styled[part]), matching(photo, styled)[part], atol=1e-6)


@pytest.mark.parametrize("kind", ["luminance", "statistics"])
def test_flat_pictures_are_no_trouble(kind: color.Kind) -> None:
    photo, styled = np.full((1, 3, 4, 5), 0.25, np.float32), np.full((1, 3, 4, 5), 0.75, np.float32)
    out = color.Matching(kind, photo, styled)(photo, styled)
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out, 0.25 if kind == "statistics" else 0.75, atol=1e-3)
