import pytest
import torch

from fast_style.losses.temporal import random_motion


def test_a_motion_depends_on_its_seed_alone() -> None:
    one, same, other = (random_motion(seed, 4, 32) for seed in ("0 8", "0 8", "0 12"))
    assert torch.equal(one.grid, same.grid)
    assert torch.equal(one.noise, same.noise)
    assert not torch.equal(one.noise, other.noise)


def test_output_that_moves_with_its_input_costs_nothing() -> None:
    motion = random_motion("1 0", 12, 48)
    output = torch.rand(12, 3, 48, 48, generator=torch.manual_seed(0))
    assert motion.distance(output, motion(output)) < 1e-6
    # Staying where it is costs what differs; noise of its own costs twice its variance.
    assert motion.distance(output, output) > 0.05
    fresh = torch.rand(12, 3, 48, 48, generator=torch.manual_seed(1))
    assert 1.5 < motion.distance(output, fresh) < 2.1


def test_blur_does_not_pay() -> None:
    motion = random_motion("1 0", 12, 48)
    output = torch.rand(12, 3, 48, 48, generator=torch.manual_seed(0))
    other = (motion(output) + 0.1 * torch.randn(12, 3, 48, 48, generator=torch.manual_seed(1))).clamp(0, 1)
    grey = torch.full((), 0.5)
    assert motion.distance(torch.lerp(output, grey, 0.3), torch.lerp(other, grey, 0.3)) == pytest.approx(
        float(motion.distance(output, other)), rel=0.05
    )
    soft = [torch.nn.functional.avg_pool2d(image, 3, 1, 1) for image in (output, other)]
    assert motion.distance(*soft) > motion.distance(output, other)


def test_what_comes_in_from_outside_is_not_counted() -> None:
    motion = random_motion("7 0", 64, 32)
    output = torch.rand(64, 3, 32, 32, generator=torch.manual_seed(0))
    second = motion(output)
    outside = ~(motion.grid.abs() <= 1).all(-1)[:, None].expand_as(second)
    assert outside.any()
    assert motion.distance(output, torch.where(outside, torch.zeros(()), second)) < 1e-6


def test_the_motions_are_those_of_films() -> None:
    motion = random_motion("3 0", 400, 64)
    start = torch.nn.functional.affine_grid(torch.eye(2, 3)[None], [1, 3, 64, 64], align_corners=False)
    length_px = (motion.grid - start).norm(dim=-1).mean((1, 2)) * 32
    assert 0.25 < (length_px < 1e-3).float().mean() < 0.5
    moving = length_px[length_px > 1e-3]
    assert moving.median() < 3
    assert moving.max() < 0.25 * 64


def test_the_second_frame_stays_in_range() -> None:
    motion = random_motion("5 0", 16, 24)
    frame = motion.second_frame(torch.rand(16, 3, 24, 24, generator=torch.manual_seed(0)).round())
    assert frame.min() >= 0
    assert frame.max() <= 1
