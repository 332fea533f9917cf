"""Damaged and hostile recipes, as `--config` reads them."""

import contextlib
import io
from pathlib import Path
from random import Random

from fast_style.commands.console.parsing import parse
from fast_style.options import TrainOptions

from .mutations import damaged
from .parts import StressError

PROJECT = Path(__file__).parents[2]
NAMES = ("steps", "style", "style-size", "config", "arch", "resume", "photo-size", "output", "x", "minutes")
VALUES: tuple[str, ...] = ("~", "[]", "{}", "[[1]]", "true", "off", "-1", ".nan", ".inf", "2001-01-01", "1_000", "0b1")
VALUES += ("'\\0'", '"\\ud800"', '"\\0"', "'a\nb'", "|\n  a\n  b", "? x", "&a b", "'" + "x" * 5000 + "'")


class Stress:
    """See the package."""

    def __init__(self, folder: Path) -> None:
        self._seeds = [path.read_bytes() for path in sorted((PROJECT / "checkpoints").glob("*.yaml"))]

    def make(self, rng: Random) -> tuple[str, bytes]:
        if rng.random() < 0.5:
            return "yaml", damaged(rng.choice(self._seeds), rng, self._seeds)
        return "yaml", rng.choice((_aliases, _merges, _deep, _deep_keys, _number, _keys, _tag, _value))(rng).encode()

    def run(self, path: Path) -> str:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                parse(TrainOptions, ["--config", str(path), "--style", "a.png", "--dataset", "."], "train.py")
        except SystemExit as error:
            if error.code != 2 or said.getvalue().count("\n") != 1:
                raise StressError(f"exit code {error.code}: {said.getvalue()}") from error
            return "wrong use"
        return "read"

    def close(self) -> None:
        pass


def _aliases(rng: Random) -> str:
    """Lists of lists, of which a few lines stand for thousands of millions of values."""
    width, levels = rng.randrange(2, 30), rng.randrange(2, 26)
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join(lines)


def _merges(rng: Random) -> str:
    levels = rng.randrange(2, 26)
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, levels)]
    return "\n".join(lines)


def _deep(rng: Random) -> str:
    depth = rng.randrange(10, 20000)
    return f"steps: {rng.choice('[{')}" * 1 + rng.choice("[{") * depth


def _deep_keys(rng: Random) -> str:
    return "\n".join(" " * i + "a:" for i in range(rng.randrange(10, 400)))


def _number(rng: Random) -> str:
    name = rng.choice(("steps", "seed", "style-weight", "style-size"))
    return f"{name}: {rng.choice(('', '-', '0x', '0o', '1e', '.'))}{'7' * rng.choice((20, 400, 5000, 90000))}"


def _keys(rng: Random) -> str:
    return "".join(f"k{i}: {i}\n" for i in range(rng.choice((10, 2000, 100_000))))


def _tag(rng: Random) -> str:
    tag = rng.choice(("python/object/apply:os.system", "python/name:os.system", "binary", "set", "omap", "pairs",
                      "timestamp", "null", "float", "int", "python/tuple", "xyz"))  # fmt: skip
    return f"steps: !!{tag} {rng.choice(('[touch stress-was-here]', 'abc', '2001-99-99', '{a: b}', '[[a, b]]'))}"


def _value(rng: Random) -> str:
    return f"{rng.choice(NAMES)}: {rng.choice(VALUES)}\n"
