"""Load the models that are served, and load them again when their files change."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.exceptions import HTTPException

from ..engines import open_engine
from ..errors import FastStyleError
from ..inference.style_weights import shares
from ..models import bundled
from ..models.shipped_styles import kind_of
from ..options import RuntimeOptions
from ..stylizer import Stylizer
from ..system.suggestions import suggestion
from .batching import BatchingEngine, Worker
from .messages import plain_message, quoted

log = logging.getLogger("fast_style.server")

CHECKPOINTS = (".pth", ".safetensors")
# The command line's default too.
DEFAULT = "wave"
# Name of the style of a painting that comes with a request.
PAINTING = "painting"


@dataclass(frozen=True)
class ServedModel:
    """Hold a checkpoint, loaded on every device."""

    name: str
    version: str
    """Changes when the file does."""
    stylizers: tuple[Stylizer, ...]
    """One for each worker."""

    @property
    def style_names(self) -> list[str]:
        """Return the names of the styles; the first is the default."""
        return self.stylizers[0].styles

    @property
    def styles(self) -> list[dict[str, Any]]:
        """Return what the checkpoint says of its styles: name, and where known title and artist."""
        if self.paints_any:
            return []
        entries = self.stylizers[0].info["styles"] or [{}]
        return [{**entry, "name": name} for name, entry in zip(self.style_names, entries, strict=True)]

    @property
    def kind(self) -> str:
        """Return what the network is for: full (best pictures), lite or nano (speed), video (films without flicker)."""
        return kind_of(self.stylizers[0].info)

    @property
    def paints_any(self) -> bool:
        """Return whether it paints like any painting that comes with a request, and has no styles of its own."""
        return bool(self.stylizers[0].info["model"].get("predictor"))

    def with_painting(self, painting: Image.Image) -> "ServedModel":
        """Return the model with the style PAINTING, of a painting that each device looks at; weights are shared."""
        return replace(self, stylizers=tuple(one.with_style(painting, PAINTING) for one in self.stylizers))

    def check_styles(self, *styles: str) -> None:
        """Raise FastStyleError for a style, or a blend of styles, that the model does not have; empty ones pass."""
        for style in filter(None, styles):
            shares(style, self.style_names)

    def has(self, style: str) -> bool:
        """Return whether the model has the style, or all styles of the blend."""
        try:
            self.check_styles(style)
        except FastStyleError:
            return False
        return True


class ModelRepository:
    """Hold the checkpoints of a folder, or the shipped ones, by name."""

    def __init__(self, folder: Path | None, runtime: RuntimeOptions, workers: Sequence[Worker]) -> None:
        if folder is not None and not folder.is_dir():
            raise FastStyleError(f"`models` is {folder}: no such folder")
        self._folder = folder
        self._runtime = runtime
        self._workers = workers
        self._loaded: dict[str, ServedModel] = {}
        self._seen: dict[str, str] = {}
        self.refresh()

    def refresh(self, is_complete: Callable[[str, str], bool] = lambda name, version: True) -> None:
        """Load what is new or changed, drop what was removed; a file that cannot be loaded is logged once.

        is_complete(name, version): whether the file has been written to its end. Raises OSError when the folder cannot
        be read; the models that are loaded stay then.
        """
        files = bundled.checkpoints() if self._folder is None else _checkpoints(self._folder)
        versions = {name: _version(path) for name, path in sorted(files.items())}
        for name, version in versions.items():
            if version and self._seen.get(name) != version and is_complete(name, version):
                self._seen[name] = version
                self._load(name, files[name], version)
        kept = {name: model for name, model in self._loaded.items() if versions.get(name)}
        self._seen = {name: version for name, version in self._seen.items() if versions.get(name)}
        self._loaded = dict(sorted(kept.items(), key=lambda item: (item[0] != DEFAULT, item[0])))

    def _load(self, name: str, path: Path, version: str) -> None:
        devices = self._runtime.device.split(",")
        try:
            engines = [open_engine(path, replace(self._runtime, device=device)) for device in devices]
            pairs = zip(engines, self._workers, strict=True)
            model = ServedModel(name, version, tuple(Stylizer(BatchingEngine(*pair)) for pair in pairs))
            styles = ", ".join(str(style["name"]) for style in model.styles) or "any painting"
        except Exception as error:  # whatever lies in the folder, the other models are served
            log.warning("model %s is left out: %s", name, plain_message(error))
            return
        # A new dictionary, so that other threads can go on reading the old one.
        self._loaded = {**self._loaded, name: model}
        log.info("model %s: %s", name, styles)

    def all(self) -> list[ServedModel]:
        """Return every model, the default first, the others by name."""
        return list(self._loaded.values())

    def find(self, name: str = "", style: str = "") -> ServedModel:
        """Return the model of that name, else the style's own or the first that has it or the blend, else the default.

        Raises HTTPException (404) when there is none.
        """
        if name:
            if name not in self._loaded:
                owner = next((model.name for model in self.all() if name in model.style_names), "")
                hint = f"it is a style of {owner}" if owner else suggestion(name, self._loaded)
                raise HTTPException(404, f"no model {quoted(name)}; {hint}")
            return self._loaded[name]
        without_shares = re.sub(r"=[^=,]*(?=,|$)", "", style)  # wrong shares are not an unknown style
        with_styles = [model for model in self.all() if not model.paints_any]
        with_styles.sort(key=lambda model: model.name != style)  # as on the command line
        for text in (style, without_shares):
            for model in with_styles:
                if model.has(text):
                    return model
        if not with_styles:
            hint = "; send a painting as style_image, or" if self._loaded else ";"
            raise HTTPException(404, f"no model with styles is loaded{hint} put a checkpoint into the folder of models")
        names = [name for model in with_styles for name in model.style_names]
        raise HTTPException(404, f"no model has the style {quoted(style)}; {suggestion(style, names)}")

    @property
    def any_painting(self) -> ServedModel | None:
        """Return the first model that paints like any painting, if there is one."""
        return next((model for model in self.all() if model.paints_any), None)

    def find_for_painting(self, name: str = "") -> ServedModel:
        """Return the model of that name, or the first, that paints like any painting.

        Raises HTTPException: 404 when there is none, 400 for the name of one that does not.
        """
        model = self.find(name) if name else self.any_painting
        if model is None:
            text = "no model here paints like style_image; put the checkpoint any.pth into the folder of models"
            raise HTTPException(404, text)
        if not model.paints_any:
            raise HTTPException(400, f"the model {name} paints its own styles; leave out model, or style_image")
        return model


class FileWatch:
    """Tell a file that is complete from one that is being written: it is unchanged since the last look."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def __call__(self, name: str, version: str) -> bool:
        """Whether the file has the version that it had at the last look."""
        unchanged = self._last.get(name) == version
        self._last[name] = version
        return unchanged


def _checkpoints(folder: Path) -> dict[str, Path]:
    """Return the checkpoints of a folder by name, without hidden ones. Raises OSError when it cannot be read."""
    found = sorted(path for path in folder.iterdir() if path.suffix in CHECKPOINTS and not path.name.startswith("."))
    return {path.stem: path for path in reversed(found)}  # of mine.pth and mine.safetensors the first


def _version(path: Path) -> str:
    """Return a text that changes with the file's time and size; empty for a file that just vanished."""
    try:
        known = path.stat()
    except OSError:
        return ""
    return f"{known.st_mtime_ns:x}-{known.st_size:x}"
