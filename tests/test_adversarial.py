import pytest
import torch

from fast_style.losses.adversarial import discriminator_loss, generator_loss, picture_distance


def test_least_squares() -> None:
    real, generated = torch.tensor([1.0, 0.5]), torch.tensor([0.0, 1.0])
    assert generator_loss(generated) == pytest.approx(0.5)
    assert discriminator_loss(real, generated) == pytest.approx(0.5 * (0.125 + 0.5))
    assert discriminator_loss(torch.ones(2), torch.zeros(2)) == 0


def test_pictures_are_compared_in_the_range_of_the_paper() -> None:
    black, white = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    assert picture_distance(black, white) == 2
