"""The READMEs are true: their commands parse, their snippets run, their links and names exist."""

import ast
import builtins
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from fast_style import Stylizer
from fast_style.commands import COMMANDS
from fast_style.commands import main as fast_style
from fast_style.commands.console import parsing
from fast_style.models.bundled import find, shipped

from .conftest import picture
from .test_structure import FLOORS

PROJECT = Path(__file__).parents[1]
README, CARDS = PROJECT / "README.md", PROJECT / "checkpoints/README.md"
CONTRIBUTING = PROJECT / ".github/CONTRIBUTING.md"
DOCUMENTS = [README, CARDS, CONTRIBUTING, *sorted((PROJECT / "fast_style").rglob("README.md"))]
FORMS = [path for path in sorted((PROJECT / ".github/ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"]

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))


def blocks(document: Path, language: str) -> list[str]:
    """Return the code blocks of a language in a Markdown file."""
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(script: str) -> list[list[str]]:
    """Split a shell script into its simple commands, without comments and redirections."""
    found: list[list[str]] = []
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        redirected = False
        for word in lexer:
            if word in ("|", "&&", "||", ";", "&"):
                found.append(words)
                words = []
            elif word in ("<", ">", ">>"):
                redirected = True
            elif redirected:
                redirected = False
            else:
                words.append(word)
        found.append(words)
    return [words for words in found if words]


def all_commands(document: Path) -> list[list[str]]:
    """Return the simple commands of every shell block of a Markdown file."""
    return [words for block in blocks(document, "sh") for words in commands(block)]


def ours(words: list[str]) -> list[str] | None:
    """Return the arguments of `fast-style` that a command stands for, None for other programs."""
    if words[0] == "fast-style":
        return words[1:]
    for name in ("stylize", "train"):
        if words[0] in ("python", "torchrun") and f"{name}.py" in words:
            return [name, *words[words.index(f"{name}.py") + 1 :]]
    return None


class Parsed(BaseException):
    """Stops a command once its flags are parsed."""


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """A call that parses a command line as the command does, and returns what is wrong with it."""

    def parse_and_stop(*arguments: Any, **settings: Any) -> None:
        raise Parsed(parsing.parse(*arguments, **settings))

    for name in COMMANDS:
        monkeypatch.setattr(f"fast_style.commands.{name.replace('-', '_')}.parse", parse_and_stop)
    monkeypatch.chdir(PROJECT)

    def run(arguments: list[str]) -> str:
        try:
            fast_style(arguments)
        except Parsed:
            return ""
        except SystemExit as stop:
            if not stop.code:
                return ""
        return capsys.readouterr().err or "it ended before its flags were parsed"

    return run


@each_document
def test_every_command_of_ours_parses(document: Path, parse: Callable[[list[str]], str]) -> None:
    wrong = []
    for words in all_commands(document):
        arguments = ours(words)
        if arguments and arguments != ["--help"]:
            problem = parse(arguments)
            wrong += [f"{shlex.join(words)}: {problem}"] if problem else []
    assert not wrong


def test_wrong_commands_are_seen(parse: Callable[[list[str]], str]) -> None:
    assert parse(["stylize", "a.jpg", "--strength", "0.5"]) == ""
    assert "--strenght" in parse(["stylize", "a.jpg", "--strenght", "0.5"])
    assert parse(["stylize", "a.jpg", "--strength", "7"])
    assert parse(["stylise", "a.jpg"])
    script = 'python stylize.py - < a.jpg > b.jpg  # in a pipe\nfast-style serve && curl "x?a=1&b=2" | \\\n  cat\n'
    assert commands(script) == [
        ["python", "stylize.py", "-"],
        ["fast-style", "serve"],
        ["curl", "x?a=1&b=2"],
        ["cat"],
    ]
    assert sum(ours(words) is not None for words in all_commands(README)) > 12


@each_document
def test_every_shell_block_is_shell(document: Path) -> None:
    bash = shutil.which("bash")
    if bash is None or sys.platform == "win32":  # where bash may be another system's
        pytest.skip("needs the program bash, which is absent")
    for block in blocks(document, "sh"):
        subprocess.run([bash, "-n"], input=block.encode(), check=True)


@each_document
def test_extras_that_are_named_exist(document: Path) -> None:
    extras = set(project()["optional-dependencies"])
    text = document.read_text(encoding="utf-8")
    named = {name for group in re.findall(r"(?:\.|fast_style)\[([a-z,]+)\]", text) for name in group.split(",")}
    assert named <= extras


def project() -> dict[str, Any]:
    """Return the table [project] of pyproject.toml."""
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    content: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return content


def test_the_readme_is_short_and_names_every_extra() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 180
    assert len(text.split()) <= 2000
    assert [name for name in project()["optional-dependencies"] if name != "test" and f"| `{name}` |" not in text] == []


@each_document
def test_python_snippets_compile_and_their_names_exist(document: Path) -> None:
    for block in blocks(document, "python"):
        tree = ast.parse(block)
        known = set(dir(builtins))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)
            if isinstance(node, ast.Import):
                assert all(importlib.import_module(alias.name) for alias in node.names)
            if isinstance(node, ast.Import | ast.ImportFrom):
                known |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                known.add(node.id)
            if isinstance(node, ast.arg | ast.FunctionDef | ast.ClassDef):
                known.add(node.arg if isinstance(node, ast.arg) else node.name)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert used <= known, f"{used - known} in\n{block}"


def test_the_readmes_python_runs(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Stylizer.load
    monkeypatch.setattr(Stylizer, "load", lambda name: load(tiny, device="cpu", engine="torch"))
    monkeypatch.chdir(tmp_path)
    picture(40, 30).save("photo.jpg")
    (snippet,) = blocks(README, "python")
    exec(compile(snippet, "README.md", "exec"), {})
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", "painted.jpg", "gentle.jpg"}


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a Markdown file."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_network_has_a_model_card(name: str) -> None:
    text = CARDS.read_text(encoding="utf-8")
    assert f"`{name}`" in text
    recipe = yaml.safe_load(find(name).with_suffix(".yaml").read_text(encoding="utf-8"))
    works = [recipe[key] for key in ("style-title", "style-artist") if key in recipe]
    plain = " ".join(text.split())
    assert [part for work in works for part in ([work] if isinstance(work, str) else work) if part not in plain] == []


def test_contributing_knows_the_floors_and_files() -> None:
    text = CONTRIBUTING.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (.+?) \|", text, re.MULTILINE)
    told = {int(floor): set(re.findall(r"`(\w+)/?`", wings)) for floor, wings in rows}
    assert told == {number: set(wings) for number, wings in enumerate(FLOORS, 1)}
    files = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", text)
    homes = (PROJECT, PROJECT / "fast_style")
    assert [name for name in files if not any((home / name).exists() for home in homes)] == []
    assert len(files) >= 8


CHECKS = [["ruff", "check"], ["mypy"], ["pytest"]]


def test_ci_runs_the_checks_that_contributors_run() -> None:
    ci = commands((PROJECT / ".ci/run").read_text(encoding="utf-8"))
    workflow = yaml.safe_load((PROJECT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    steps = [words for step in workflow["jobs"]["tests"]["steps"] for words in commands(step.get("run", ""))]
    for found in (ci, all_commands(CONTRIBUTING), steps):
        assert [check for check in CHECKS if check not in found] == []
        assert [words for words in found if words[:2] == ["pip", "install"] and ".[test]" in words]
    chosen = [words[words.index("-m") + 1] if "-m" in words else "not slow" for words in ci if words[0] == "pytest"]
    for marks in ({"slow": False, "alone": False}, {"slow": True, "alone": False}, {"slow": True, "alone": True}):
        assert [bool(eval(expression, None, marks)) for expression in chosen].count(True) == 1, marks  # every test once
    systems = workflow["jobs"]["tests"]["strategy"]["matrix"]["os"]
    assert {system.split("-")[0] for system in systems} == {"ubuntu", "macos", "windows"}


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_issue_forms_have_what_github_asks_for(form: Path) -> None:
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(content)
    fields = [part for part in content["body"] if part["type"] != "markdown"]
    assert all(part["attributes"]["label"] for part in fields)
    assert len({part["id"] for part in fields}) == len(fields) > 2


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((PROJECT / ".github/CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (version("fast_style"), project()["license"])
