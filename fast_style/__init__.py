"""Transfer the style of a painting to photographs, fast enough to be a filter.

>>> from fast_style import Stylizer, styles, stylize_film
>>> Stylizer.load("wave").stylize(picture)
>>> stylize_film("in.mp4", "out.mp4", "wave", strength=0.8)
>>> [style.title for style in styles()]
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import FastStyleError
    from .meshes.one_call import stylize_model
    from .models.shipped_styles import ShippedStyle, styles
    from .options import StylizeOptions, VideoOptions
    from .stylizer import Stylizer
    from .video.one_call import stylize_film

__all__ = [
    "FastStyleError",
    "ShippedStyle",
    "StylizeOptions",
    "Stylizer",
    "VideoOptions",
    "__version__",
    "styles",
    "stylize_film",
    "stylize_model",
]

__version__ = "0.1.0"

_HOMES = {
    "FastStyleError": "errors",
    "ShippedStyle": "models.shipped_styles",
    "StylizeOptions": "options",
    "Stylizer": "stylizer",
    "VideoOptions": "options",
    "styles": "models.shipped_styles",
    "stylize_film": "video.one_call",
    "stylize_model": "meshes.one_call",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that `import fast_style` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
