import numpy as np
import pytest

from fast_style.images.maps import cell_means, full_scale, in_strips, shape_in_cells, window_means


def test_cells_are_means_of_four_by_four_pixels() -> None:
    plane = np.arange(8 * 12, dtype=np.float32).reshape(8, 12)
    cells = cell_means(plane)
    assert cells.shape == (2, 3)
    assert cells[1, 2] == plane[4:, 8:].mean()
    assert cell_means(plane[:5, :9]).shape == shape_in_cells((5, 9)) == (2, 3)


def test_windows_average_and_mirror_at_the_edges() -> None:
    cells = np.random.default_rng(0).random((9, 7)).astype(np.float32)
    assert window_means(cells, 3)[4, 3] == pytest.approx(cells[3:6, 2:5].mean())
    np.testing.assert_allclose(window_means(np.ones((2, 1), np.float32), 5), 1)


@pytest.mark.parametrize("size", [(1, 1), (300, 203), (129, 64)])
def test_strips_make_the_whole_map(size: tuple[int, int]) -> None:
    cells = np.random.default_rng(0).random(shape_in_cells(size)).astype(np.float32)
    strips = list(in_strips(cells, size))
    whole = np.concatenate([part for _, part in strips])
    assert whole.shape == size
    assert [rows.start for rows, _ in strips] == list(range(0, size[0], 128))
    assert cells.min() <= whole.min() <= whole.max() <= cells.max()
    if min(size) > 8:
        np.testing.assert_allclose(cell_means(whole)[2:-2, 2:-2].mean(), cells[2:-2, 2:-2].mean(), atol=0.01)


def test_white_is_one_or_the_largest_integer() -> None:
    assert [full_scale(np.zeros(1, kind)) for kind in (np.uint8, np.uint16, np.float32)] == [255, 65535, 1]
