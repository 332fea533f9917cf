"""Which input becomes which output."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from fast_style.commands.console.planning import Problem, plan, shard
from fast_style.errors import FastStyleError

from .conftest import picture


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        picture(9, 8).save(name, format="PNG")


def animate(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(name, save_all=True, append_images=[Image.new("L", (8, 8), 255)])


def targets(*inputs: str, output: str | None = None, format_name: str | None = None) -> dict[str, str]:
    jobs, problems = plan(inputs, output, "wave", format_name)
    assert not problems
    return {str(job.source): Path(str(job.target)).as_posix() for job in jobs}


@pytest.mark.parametrize("output", [None, "out"])
def test_a_folder_without_pictures_is_a_problem(output: str | None) -> None:
    Path("emptyfolder/sub").mkdir(parents=True)
    Path("emptyfolder/notes.txt").touch()
    save("album/b.png")
    jobs, problems = plan(["emptyfolder", "album"], output, "wave")
    assert [str(job.source) for job in jobs] == [str(Path("album/b.png"))]
    assert [str(problem) for problem in problems] == ["emptyfolder: no pictures or films in it"]
    assert plan(["emptyfolder"], output, "wave") == ([], [Problem("emptyfolder", "no pictures or films in it")])
    Path("emptyfolder/film.mp4").touch()
    _, (problem,) = plan(["emptyfolder"], output, "wave")
    assert problem.reason == f"no pictures in it; name its films themselves, as in {Path('emptyfolder/film.mp4')}"


ODD = [
    "Christmas%20dinner.png",
    "100%done.png",
    "a[1].png",
    'what\'s "this".png',
    "new\nline.png",
    "-dash.png",
    "*.png",
]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("name", ODD)
def test_a_file_that_exists_is_that_file(name: str) -> None:
    save(name, "b.png", "100000one.png")
    jobs, problems = plan([name], None, "wave")
    assert not problems
    assert [(str(job.source), str(job.target), job.film) for job in jobs] == [(name, f"{name[:-4]}_wave.png", False)]
    jobs, problems = plan([name], "out/x.png", "wave")
    assert [str(job.target) for job in jobs] == [str(Path("out/x.png"))]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_odd_names_in_an_album_are_mirrored() -> None:
    save(*(f"album/{name}" for name in ODD))
    assert targets("album", output="out") == {f"album/{name}": f"out/{name}" for name in ODD}


def test_numbered_pictures_are_a_film_where_no_file_has_that_name() -> None:
    save("frames/001.png", "frames/002.png")
    jobs, _ = plan(["frames/%03d.png"], None, "wave")
    assert [(job.target, job.film) for job in jobs] == [(Path("frames_wave/%03d.png"), True)]


def test_with_sound_every_input_becomes_a_film_that_can_have_it() -> None:
    save("frames/001.png", "frames/002.png", "a.jpg")
    animate("b.gif")
    jobs, _ = plan(["frames/%03d.png", "a.jpg", "b.gif"], None, "wave", sound=True)
    assert [job.target for job in jobs] == [Path(f"{name}_wave.mp4") for name in ("frames", "a", "b")]
    assert all(job.film for job in jobs)
    jobs, _ = plan(["a.jpg"], "out/", "wave", "mkv", sound=True)
    assert jobs[0].target == Path("out/a.mkv")
    with pytest.raises(FastStyleError, match="not of standard input"):
        plan(["-"], None, "wave", sound=True)


def test_albums_are_mirrored_with_animations_and_equal_names() -> None:
    save("album/a.png", "album/one/a.png", "album/two/a.png", "album/two/deep/a.png")
    animate("album/one/b.gif", "album/two/b.gif", "album/b.gif")
    found = targets("album", output="out")
    assert found == {name: name.replace("album", "out") for name in found}
    assert len(found) == 7
    jobs, _ = plan(["album"], None, "wave")
    assert Path("album/one/b_wave.gif") in [job.target for job in jobs if job.film]


def test_sources_that_differ_in_their_extension_get_results_that_differ() -> None:
    save("album/a.png", "album/a.bmp", "album/a.ppm", "album/sub/a.ppm")
    assert targets("album", output="out") == {
        "album/a.bmp": "out/a.bmp",
        "album/a.png": "out/a.png",
        "album/a.ppm": "out/a_ppm.png",
        "album/sub/a.ppm": "out/sub/a.png",
    }
    webp = targets("album", output="out", format_name="webp")
    assert sorted(webp.values()) == ["out/a_bmp.webp", "out/a_png.webp", "out/a_ppm.webp", "out/sub/a.webp"]
    beside = targets("album")
    assert beside["album/a.ppm"] == "album/a_wave_ppm.png"
    for name in beside.values():
        save(name)
    assert targets("album") == beside  # what the first run left is no input of the second


def test_a_name_without_an_extension_is_kept_whole() -> None:
    save("scan.1", "scan.2")
    assert targets("scan.1", "scan.2", output="out") == {"scan.1": "out/scan.1.png", "scan.2": "out/scan.2.png"}


@pytest.mark.parametrize("inputs", [["a.png", "b.png"], ["album"], ["*.png"]])
@pytest.mark.parametrize("output", ["out.png", "out.mp4", "-"])
def test_several_inputs_do_not_go_to_one_file(inputs: list[str], output: str) -> None:
    save("a.png", "b.png", "album/c.png", "album/d.png")
    with pytest.raises(FastStyleError, match=r"2 inputs cannot all be written to .*; name a folder"):
        plan(inputs, output, "wave")


def test_a_pattern_that_fits_one_file_may_name_its_result() -> None:
    save("a.png")
    assert targets("*.png", output="out.jpg") == {"a.png": "out.jpg"}
    assert targets("a.png", output="out.d/") == {"a.png": "out.d/a.png"}


def test_what_mac_leaves_and_dot_files_are_passed_over() -> None:
    save("album/x.jpg", "album/._x.jpg", "album/__MACOSX/._x.jpg", "album/.thumbs/x.jpg")
    assert targets("album", output="out") == {"album/x.jpg": "out/x.jpg"}
    assert targets("album/._x.jpg", output="o.jpg") == {"album/._x.jpg": "o.jpg"}  # named, it is meant


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_linked_folders_of_an_album_count() -> None:
    save("real/1.png", "album/0.png")
    Path("album/linked").symlink_to("../real")
    Path("album/linked/loop").symlink_to("../album")
    assert targets("album", output="out") == {"album/0.png": "out/0.png", "album/linked/1.png": "out/linked/1.png"}


def test_a_result_whose_name_is_too_long_is_a_line_and_the_others_are_done() -> None:
    name = "n" * 249 + ".png"
    save("a.png", name)
    jobs, problems = plan(["a.png", name], None, "wave")
    assert [job.target for job in jobs] == [Path("a_wave.png")]
    assert problems == [Problem(name, "the name of the result would be longer than 255 bytes; name one with -o")]
    assert targets(name, output="out/") == {name: f"out/{name}"}


@pytest.mark.parametrize("text", ["4/4", "-1/4", "1", "a/b", "1/2/3", "", "/", "0.5/2"])
def test_shards_that_are_none_are_one_line(text: str) -> None:
    with pytest.raises(FastStyleError, match=r"`?shard`? is .*; it takes NUMBER/COUNT: 0/4"):
        shard(text)


def test_the_shard_is_the_launchers_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shard(None) == (0, 1)
    assert shard("1/3") == (1, 3)
    for name, value in {"RANK": "2", "WORLD_SIZE": "4", "MASTER_ADDR": "h", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert shard(None) == (2, 4)
    assert shard("1/3") == (1, 3)
