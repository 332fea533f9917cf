import numpy as np
import pytest

from fast_style import FastStyleError
from fast_style.inference.style_weights import Styles, as_text, shares

NAMES = [{"name": "wave"}, {"name": "scream"}, {"name": "identity"}]


def test_names_and_shares_become_weights() -> None:
    styles = Styles(NAMES)
    assert styles.names == ["wave", "scream", "identity"]
    assert styles.weights("").tolist() == [1, 0, 0]
    assert styles.weights("scream").tolist() == [0, 1, 0]
    np.testing.assert_allclose(styles.weights("wave=3, scream=1"), [0.75, 0.25, 0])
    np.testing.assert_allclose(styles.weights("wave,scream"), [0.5, 0.5, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wawe", "no style 'wawe' in this model; it has wave, scream"),
        ("wave,wawe", "no style 'wawe'"),
        ("wave,", "no style ''"),
        ("scraem", r"it has wave, scream, identity \(did you mean scream\?\)"),
        ('"wave', "no style '\"wave'"),
        ("wave=x", "wave=x: the share is a number from 0"),
        ("wave=-1", "the share is a number from 0"),
        ("wave=nan", "the share is a number from 0"),
        ("wave=0", "the shares sum to 0"),
        ("wave=1e308,wave=1e308", "the shares sum to inf"),
        ("wave=1e400", "the share is a number from 0"),
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


ODD = ["Great Wave, 1831", "a=b", "x@2", "wave", "wave, the", "identity", 'the "night"', "a", "1=2,3", "two\nlines"]


@pytest.mark.parametrize("name", ODD)
def test_any_name_can_be_chosen_alone_first_and_in_a_blend(name: str) -> None:
    styles = Styles([{"name": name} for name in ODD])
    alone = styles.weights_of(name)
    assert styles.weights(name).tolist() == alone.tolist()
    first = Styles([{"name": name}, {"name": "wave" if name != "wave" else "other"}])
    assert first.weights("").tolist() == first.weights("", "slerp").tolist() == [1, 0]
    assert shares(f"{name}=3, x@2=1", ODD) == ({"x@2": 4.0} if name == "x@2" else {name: 3.0, "x@2": 1.0})
    assert shares(as_text({name: 0.25, "a": 0.5}), ODD) == ({"a": 0.5} if name == "a" else {name: 0.25, "a": 0.5})


def test_two_styles_of_one_name_can_both_be_chosen() -> None:
    styles = Styles([{"name": "wave"}, {"name": "wave"}, {"name": "wave (2)"}])
    assert styles.names == ["wave", "wave (3)", "wave (2)"]
    assert [styles.weights(name).argmax() for name in styles.names] == [0, 1, 2]


def test_a_long_blend_is_read_without_recursion() -> None:
    assert shares(",".join(["wave"] * 3000), ["wave", "scream"]) == {"wave": 3000.0}


def test_long_texts_are_parsed_in_time_that_follows_their_length() -> None:
    spaces = " " * 20_000  # took minutes: every way to split the spaces was tried
    with pytest.raises(FastStyleError, match="the share is a number"):
        shares(f"a={spaces}x{spaces}y=,", ["a"])
    assert shares(f"a = {spaces}0.5 ,b", ["a", "b"]) == {"a": 0.5, "b": 1.0}
