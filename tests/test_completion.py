"""Completion of command lines, asked for as the shells ask."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fast_style.commands import COMMANDS
from fast_style.commands import main as fast_style

PROJECT = Path(__file__).parents[1]


def completed(line: str, tmp_path: Path, shell: str = "bash") -> list[str]:
    """What the program answers to the tab key at the end of a line."""
    answer = tmp_path / "answer"
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_SHELL": shell}
    asked |= {"_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}
    code = "from fast_style.commands import script; script()"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **asked}, cwd=PROJECT, check=True)
    return [word.split("\t")[0].strip() for word in answer.read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fast-style st", {"stylize", "styles"}),
        ("fast-style stylize --stre", {"--strength"}),
        ("fast-style stylize --preserve-color ", {"none", "luminance", "statistics"}),
        ("fast-style train --init nano_", {"nano_wave", "nano_scream", "nano_starry_night", "nano_gallery"}),
    ],
)
def test_the_tab_key_completes(line: str, words: set[str], tmp_path: Path) -> None:
    assert set(completed(line, tmp_path)) == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_code_that_it_can_read(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["--completion", shell]) == 0
    code = capsys.readouterr().out
    assert "fast-style" in code
    if shutil.which(shell):
        subprocess.run([shell, "-n", "-c", code], check=True)


def test_another_shell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["--completion", "csh"]) == 1
    assert capsys.readouterr().err == "fast-style: --completion takes bash, zsh or fish\n"


def test_help_names_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert fast_style(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {name}" in told for name in COMMANDS)
    assert "exit codes: 0 done, 1 something could not be done, 2 wrong flags, 130 interrupted by Ctrl-C" in told
