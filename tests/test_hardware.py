import pytest
import torch

from fast_style.errors import FastStyleError
from fast_style.system import hardware


def test_devices_are_checked() -> None:
    assert hardware.pick_device("cpu") == torch.device("cpu")
    assert hardware.pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(FastStyleError, match="unknown device 'fast'"):
        hardware.pick_device("fast")
    with pytest.raises(FastStyleError, match="device xpu is not available"):
        hardware.pick_device("xpu")


def test_a_compiler_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    assert not hardware.has_compiler(torch.device("cpu"))
    monkeypatch.setattr(hardware.shutil, "which", lambda name: "/usr/bin/g++")
    assert hardware.has_compiler(torch.device("cpu"))
