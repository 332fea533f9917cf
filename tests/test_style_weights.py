import numpy as np
import pytest

from fast_style import FastStyleError
from fast_style.inference.style_weights import Styles

NAMES = [{"name": "wave"}, {"name": "scream"}, {"name": "identity"}]


def test_names_and_shares_become_weights() -> None:
    styles = Styles(NAMES)
    assert styles.names == ["wave", "scream"]
    assert styles.weights("").tolist() == [1, 0, 0]
    assert styles.weights("scream").tolist() == [0, 1, 0]
    np.testing.assert_allclose(styles.weights("wave=3, scream=1"), [0.75, 0.25, 0])
    np.testing.assert_allclose(styles.weights("wave,scream"), [0.5, 0.5, 0])
    assert styles.identity is not None
    assert styles.identity.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wawe", "no style 'wawe' in this model; it has wave, scream"),
        ("identity", "no style 'identity'"),
        ("wave=x", "wave=x: the share is a number from 0"),
        ("wave=-1", "the share is a number from 0"),
        ("wave=nan", "the share is a number from 0"),
        ("wave=0", "the shares sum to 0"),
    ],
)
def test_wrong_styles_get_a_plain_line(text: str, said: str) -> None:
    with pytest.raises(FastStyleError, match=said):
        Styles(NAMES).weights(text)


def test_slerp_ends_are_the_pure_styles_and_the_way_is_an_arc() -> None:
    rows = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    styles = Styles(NAMES, rows @ rows.T)
    for text in ("wave=1,scream=0", "wave=0,scream=1"):
        np.testing.assert_allclose(styles.weights(text, "slerp"), styles.weights(text), atol=1e-6)
    middle = styles.weights("wave=0.5,scream=0.5", "slerp") @ rows
    assert np.linalg.norm(middle) == pytest.approx(2, rel=1e-5)  # the line between them passes at 1.41
    np.testing.assert_allclose(middle[0], middle[1])


def test_slerp_between_equal_styles_stays_there() -> None:
    styles = Styles(NAMES, np.ones((3, 3)))
    np.testing.assert_allclose(styles.weights("wave=0.3,scream=0.7", "slerp").sum(), 1, rtol=1e-5)


def test_a_checkpoint_without_names_has_one_style() -> None:
    assert Styles([]).names == ["style"]
