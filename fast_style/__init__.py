"""Neural style transfer fast enough to be a filter.

>>> from fast_style import Stylizer
>>> Stylizer.load("wave").stylize(picture)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import FastStyleError
    from .options import StylizeOptions
    from .stylizer import Stylizer

__all__ = ["FastStyleError", "StylizeOptions", "Stylizer", "__version__"]

__version__ = "0.1.0"

_HOMES = {"FastStyleError": "errors", "StylizeOptions": "options", "Stylizer": "stylizer"}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that `import fast_style` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
