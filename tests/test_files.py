import stat
from pathlib import Path

import pytest

from fast_style.system import files


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "new/a.txt"
    with pytest.raises(RuntimeError), files.atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list((tmp_path / "new").iterdir()) == []


def test_a_write_replaces_whole_and_is_readable_by_others(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with files.atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    ordinary = tmp_path / "b.txt"
    ordinary.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
