"""The commands: each parses its options, calls the library and prints; `fast-style COMMAND` runs any of them."""

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module

from ..errors import FastStyleError

COMMANDS = {
    "train": "train a network for a style",
    "stylize": "stylize pictures with a trained network",
    "optimize": "stylize one picture by optimization, without training",
    "evaluate": "measure how good a trained network is",
    "serve": "serve stylization over HTTP and WebSocket, with a page",
    "watch": "stylize every picture that appears in a folder",
    "export": "export a network to ONNX, OpenVINO, Triton Inference Server or a web page",
    "bench": "measure speed, memory and closeness of every engine",
    "styles": "list the shipped styles, or paint photographs with each of them",
    "convert": "convert a pytorch/examples checkpoint to ours",
    "prune": "make a trained network narrower and quicker",
    "download-coco": "fetch photographs to train on",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """`fast-style COMMAND ...`; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print("usage: fast-style COMMAND ...\n\n" + "\n".join(f"  {k:14} {v}" for k, v in COMMANDS.items()))
        return 0 if given else 2
    if given[0] not in COMMANDS:
        print(f"fast-style: unknown command {given[0]!r}; one of {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    command = import_module(f".{given[0].replace('-', '_')}", __name__)
    return run(command.main, given[1:], f"fast-style {given[0]}")


def script() -> None:
    """The console script `fast-style`."""
    raise SystemExit(main())


def run(command: Callable[[Sequence[str], str], int], arguments: Sequence[str] | None = None, prog: str = "") -> int:
    """Run one command's `main(arguments, prog)`; what the user can mend becomes one line and exit code 1."""
    given = sys.argv[1:] if arguments is None else arguments
    warnings.showwarning = _show_warning
    warnings.filterwarnings("ignore", message="TensorFloat32")  # not for losses: they are float32
    try:
        return command(given, prog)
    except FastStyleError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:  # a full disk, a folder without permission
        print(f"{prog}: {error.filename or 'error'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        return 130


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"note: {message}", file=sys.stderr)
