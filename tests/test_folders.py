"""Folder trees: links, loops, hidden files."""

import sys
from pathlib import Path

import pytest

from fast_style.system.folders import files_below, is_hidden


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def below(folder: Path, without: Path | None = None) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files_below(folder, without)]


def test_files_are_listed_sorted_without_hidden_ones(tmp_path: Path) -> None:
    tree(tmp_path, "b/2.jpg", "a/1.jpg", "._a.jpg", ".git/x.jpg", "__MACOSX/._a.jpg", "b/.hidden/y.jpg", "z.txt")
    assert below(tmp_path) == ["a/1.jpg", "b/2.jpg", "z.txt"]
    assert is_hidden("__MACOSX")
    assert not is_hidden("a.jpg")


def test_a_hidden_folder_that_is_named_is_listed(tmp_path: Path) -> None:
    assert below(tree(tmp_path / ".photos", "1.jpg")) == ["1.jpg"]


def test_a_folder_may_be_left_out(tmp_path: Path) -> None:
    tree(tmp_path, "1.jpg", "out/1.jpg", "out/deep/2.jpg")
    assert below(tmp_path, (tmp_path / "out").resolve()) == ["1.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_followed_once_each_and_loops_end(tmp_path: Path) -> None:
    tree(tmp_path, "real/1.jpg", "album/z/0.jpg", "album/z/deep/3.jpg")
    album = tmp_path / "album"
    (album / "linked").symlink_to(tmp_path / "real")
    (album / "linked_again").symlink_to(tmp_path / "real")
    (album / "a_link_inside").symlink_to(album / "z")  # the folder's own path wins
    (album / "z/loop").symlink_to(album)
    (album / "z/up").symlink_to(tmp_path)
    (tmp_path / "real/back").symlink_to(album)
    (album / "gone").symlink_to(tmp_path / "nowhere")
    (album / "one.jpg").symlink_to(tmp_path / "real/1.jpg")
    assert below(album) == ["linked/1.jpg", "one.jpg", "z/0.jpg", "z/deep/3.jpg"]
