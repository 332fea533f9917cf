"""Key frames: the size of strokes beside style and strength, and files of them."""

import time
from pathlib import Path

import pytest

from fast_style.errors import FastStyleError
from fast_style.options import AudioOptions, StylizeOptions
from fast_style.video.keyframes import Key, Keyframes, write_keys

STYLES = ("dark", "light", 'a "b": #c, d=1@2', "x3")
HOW = StylizeOptions(strength=0.8)


def keyframes(*flags: str) -> Keyframes:
    return Keyframes(flags, HOW, STYLES)


def test_a_size_of_strokes_stands_behind_style_and_strength() -> None:
    keys = keyframes("0=dark@0.5x1", "2=light@x2", "4=@x1.5", "6=@0.1")
    assert [keys.scale_at(time_s) for time_s in (0, 1, 2, 3, 9)] == pytest.approx([1, 1.5, 2, 1.75, 1.5])
    assert [keys.at(time_s).strength for time_s in (0, 2, 6)] == pytest.approx(
        [0.5, 0.8, 0.1]
    )  # a size alone says none
    assert keys.at(2).style == '"light"=1.0'
    assert keys.scales == [1, 2, 1.5]
    assert keyframes("1=@x2") and keyframes("1=@x2").at(1) == HOW
    assert keyframes("0=x3").scale_at(0) == 1  # the name of a style
    assert keyframes("0=dark").scale_at(0) == 1


@pytest.mark.parametrize("flag", ["0=dark@", "0=@", "0=@x", "0=@x1x2", "0=@0.5x0.9", "0=@x2.1", "0=@xnan", "0=@1x-1"])
def test_wrong_sizes_are_one_plain_line(flag: str) -> None:
    with pytest.raises(FastStyleError, match=r"keyframes.*(expected SECONDS=BLEND|it takes 1 to 2)"):
        keyframes(flag)


KEYS = (
    Key(0.0, {}, 0.3, 1.0),
    Key(0.25, {"dark": 0.25, 'a "b": #c, d=1@2': 0.75}, 0.123, 1.75),
    Key(1e-5, {"light": 1.0}),
    Key(3.5, {"x3": 1.0}, None, 2.0),
)


def test_keys_are_read_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a=1" / "curves.yaml"
    write_keys(KEYS, path)
    read, typed = keyframes(str(path), "7=dark@1"), keyframes(*map(str, KEYS), "7=dark@1")
    for time_s in (0, 0.1, 0.25, 1, 3, 3.5, 6, 8):
        assert read.at(time_s) == typed.at(time_s)
        assert read.scale_at(time_s) == typed.scale_at(time_s)
    assert path.read_text(encoding="utf-8").startswith("# SECONDS=BLEND")
    (tmp_path / "list.yml").write_text("# by hand\n- 0=dark@0.1\n- 2=@0.3x2\n")
    assert keyframes(str(tmp_path / "list.yml")).at(1).strength == pytest.approx(0.2)


@pytest.mark.parametrize(
    "content", ["5", "- 5\n- 0=dark", "other: [a]", "keyframes: a", "{", "\x00", "- [[0=dark]]", "- &a 0=dark\n- *a"]
)
def test_what_is_no_file_of_keys_is_one_plain_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(content)
    with pytest.raises(FastStyleError, match=r"keyframes.*keys.yaml: (not readable|expected a list)") as error:
        keyframes(str(path))
    assert "\n" not in str(error.value)


def test_files_that_are_not_there_or_have_another_name(tmp_path: Path) -> None:
    with pytest.raises(FastStyleError, match=r"absent.yaml: no such file"):
        keyframes("absent.yaml")
    with pytest.raises(FastStyleError, match=r"curves is curves.mp4; key frames are written as YAML"):
        AudioOptions(audio_reactive=True, curves=Path("curves.mp4"))
    (tmp_path / "file").write_text("")
    with pytest.raises(FastStyleError, match="cannot be written"):
        write_keys(KEYS, tmp_path / "file" / "curves.yaml")


def test_an_hour_of_keys_is_read_and_looked_up_quickly() -> None:
    """Each frame asks once: that must not take time in proportion to the number of keys."""
    keys = keyframes(*(f"{number / 5}=@0.{number % 10}" for number in range(18_000)))
    start = time.process_time()
    assert keys.at(500.1).strength == pytest.approx(0.05)
    for frame in range(1000):
        keys.scale_at(frame)
        keys.at(frame)
    assert time.process_time() - start < 1  # 5 s where every key is looked at
