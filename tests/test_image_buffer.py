import random

import torch

from fast_style.training.image_buffer import ImageBuffer


def numbered(first: int, count: int, side: int = 2) -> torch.Tensor:
    """Pictures of one value each: first, first + 1, ..."""
    return torch.arange(first, first + count).float()[:, None, None, None].expand(count, 3, side, side)


def test_once_full_it_returns_old_pictures_half_of_the_time() -> None:
    buffer, rng = ImageBuffer(50), random.Random(0)
    filling = buffer(numbered(0, 50), rng)
    assert torch.equal(filling, numbered(0, 50))
    old = 0
    for step in range(500):
        (returned,) = buffer(numbered(50 + step, 1), rng)
        value = returned[0, 0, 0].item()
        assert value <= 50 + step
        old += value < 50 + step
        assert len(buffer.images) == 50
        assert (value == 50 + step) != (buffer.images == 50 + step).any()  # returned or remembered, never both
    assert 210 < old < 290


def test_none_is_remembered_by_a_buffer_of_none() -> None:
    buffer = ImageBuffer(0)
    for step in range(3):
        assert torch.equal(buffer(numbered(step, 2), random.Random(0)), numbered(step, 2))


def test_pictures_of_another_size_replace_it() -> None:
    buffer, rng = ImageBuffer(3), random.Random(0)
    buffer(numbered(0, 3), rng)
    assert torch.equal(buffer(numbered(9, 2, side=4), rng), numbered(9, 2, side=4))
    assert buffer.images.shape == (2, 3, 4, 4)


def test_its_state_is_its_content() -> None:
    buffer, again = ImageBuffer(4), ImageBuffer(4)
    buffer(numbered(0, 4), random.Random(0))
    again.load_state_dict(buffer.state_dict())
    before = again.images.clone()
    buffer(numbered(9, 4), random.Random(0))
    assert torch.equal(again.images, before)
