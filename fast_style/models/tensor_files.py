"""Read files of tensors without running code that they may carry, and identify files by their digest."""

import hashlib
from pathlib import Path
from typing import Any

import torch

from ..errors import FastStyleError


def load_tensors(path: Path) -> Any:
    """Return what torch.save wrote to `path`: tensors on the CPU and plain types. Raises FastStyleError otherwise."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FastStyleError(f"{path}: no such file") from error
    except Exception as error:  # torch.load raises whatever pickle, zip and tensor reading raise
        raise FastStyleError(f"{path}: not a file of network weights ({type(error).__name__})") from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
