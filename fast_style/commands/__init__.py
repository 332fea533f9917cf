"""Run the commands: each parses its options, calls the library and prints; `fast-style COMMAND` runs any of them.

Exit codes: 0 where everything was done, 1 where something could not be, which a line on standard error names, 2 for a
wrong command line, 130 where Ctrl-C interrupted. `train` and `watch` end with 0 on Ctrl-C and SIGTERM, once saved.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module

from .. import __version__
from ..errors import FastStyleError
from ..system.suggestions import suggestion
from .console.completion import asked_command, shell_code
from .console.help import EXIT_CODES
from .console.messages import shown_on_stderr

log = logging.getLogger(__name__)

COMMANDS = {
    "train": "train a network for a style",
    "stylize": "stylize pictures and films with a trained network",
    "optimize": "stylize one picture by optimization, without training",
    "evaluate": "measure how good a trained network is",
    "serve": "serve stylization over HTTP and WebSocket, with a page",
    "watch": "stylize every picture that appears in a folder",
    "export": "export a network to ONNX, OpenVINO, LiteRT, Core ML, ExecuTorch, Triton Inference Server or a web page",
    "bench": "measure speed, memory and closeness of every engine",
    "devices": "list the devices that runtimes find here, and what others need",
    "taste": "find a look by choosing among four versions of a photograph, and keep it by name",
    "styles": "list the shipped styles, or paint photographs with each of them",
    "convert": "convert a checkpoint: of pytorch/examples, to safetensors and back",
    "texture": "give a style noise with the marks of its painting, for skies and walls",
    "prune": "make a trained network narrower and quicker",
    "install-plugin": "install the plug-in for Krita, GIMP or ComfyUI",
    "download-coco": "fetch photographs to train on",
}

# Core dependencies that an install for inference alone does without.
FOR_TRAINING = ("torch", "torchvision", "tensorboard")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `fast-style COMMAND ...`; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = asked_command(COMMANDS)
    given = [asked] if asked else given
    if not given or given[0] in ("-h", "--help"):
        print("usage: fast-style COMMAND ...\n\n" + "\n".join(f"  {k:14} {v}" for k, v in COMMANDS.items()))
        print("\n`fast-style COMMAND --help` describes one; `fast-style --version` prints the version;")
        print('`eval "$(fast-style --completion bash)"` completes command lines (zsh, fish too).')
        print(f"\n{EXIT_CODES}")
        return 0 if given else 2
    if given[0] == "--completion":
        return run(_print_completion, given[1:], "fast-style")
    if given[0] == "--version":
        print(f"fast_style {__version__}")
        return 0
    if given[0] not in COMMANDS:
        print(f"fast-style: unknown command {given[0]!r}; {suggestion(given[0], COMMANDS)}", file=sys.stderr)
        return 2
    command = import_module(f".{given[0].replace('-', '_')}", __name__)
    return run(command.main, given[1:], f"fast-style {given[0]}")


def _print_completion(shells: Sequence[str], prog: str) -> int:
    print(shell_code(" ".join(shells)))
    return 0


def script() -> None:
    """Run the console script `fast-style`."""
    raise SystemExit(main())


def run(command: Callable[[Sequence[str], str], int], arguments: Sequence[str] | None = None, prog: str = "") -> int:
    """Run one command's `main(arguments, prog)`; return its exit code.

    What the user can mend becomes one line and exit code 1; `--debug` shows its traceback too. So does what was printed
    and cannot be written.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    debug = "--debug" in given[:end]
    with shown_on_stderr(debug):
        code = _run(command, [one for place, one in enumerate(given) if one != "--debug" or place > end], prog)
        try:
            sys.stdout.flush()
        except OSError as error:
            with suppress(OSError, ValueError):  # Python flushes it once more at its end, and would complain at length
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = code or _unwritten(error, prog)
        return code


def _run(command: Callable[[Sequence[str], str], int], arguments: Sequence[str], prog: str) -> int:
    try:
        return command(arguments, prog)
    except FastStyleError as error:
        return _failed(prog, error.with_flags())
    except OSError as error:  # a full disk, a folder without permission
        return _unwritten(error, prog)
    except ModuleNotFoundError as error:  # an install for inference alone has not all of what training takes
        if (package := (error.name or "").partition(".")[0]) not in FOR_TRAINING:
            raise
        return _failed(prog, f"this takes {package}, which is not installed: pip install {package}")
    except KeyboardInterrupt:
        _failed(prog, "interrupted")
        return 130


def _unwritten(error: OSError, prog: str) -> int:
    if isinstance(error, BrokenPipeError):  # who reads has seen enough
        return 1
    return _failed(prog, f"{error.filename or 'cannot write'}: {error.strerror or error}")


def _failed(prog: str, line: str) -> int:
    log.debug("where it was raised", exc_info=True)
    print(f"{prog}: {line}", file=sys.stderr)
    return 1
