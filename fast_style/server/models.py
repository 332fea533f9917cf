"""The models that are served: loaded before the first request, and again when their files change."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engines import open_engine
from ..errors import FastStyleError
from ..models import bundled
from ..options import RuntimeOptions
from ..stylizer import Stylizer
from .errors import RequestError, sentence
from .worker import BatchingEngine, Worker

log = logging.getLogger("fast_style.server")

# The command line's default too.
FIRST = "wave"


@dataclass(frozen=True)
class Model:
    """A checkpoint on every device."""

    name: str
    version: str
    """Changes when the file does."""
    stylizers: tuple[Stylizer, ...]
    """One per worker."""

    @property
    def styles(self) -> list[dict[str, Any]]:
        """What the checkpoint says of its styles: name, and where known title and artist."""
        names = self.stylizers[0].styles
        known = {str(style["name"]): style for style in self.stylizers[0].info["styles"]}
        return [known.get(name, {"name": name}) for name in names]


class Models:
    """The .pth files of a folder, or the shipped ones, by name."""

    def __init__(self, folder: Path | None, runtime: RuntimeOptions, workers: Sequence[Worker]) -> None:
        if folder is not None and not folder.is_dir():
            raise FastStyleError(f"--models {folder}: no such folder")
        self._folder = folder
        self._runtime = runtime
        self._workers = workers
        self._loaded: dict[str, Model] = {}
        self._seen: dict[str, str] = {}
        self.refresh()

    def refresh(self, settled: Callable[[str, str], bool] = lambda name, version: True) -> None:
        """Load what is new or changed, forget what is gone; a bad file is noted once and passed over.

        settled(name, version): whether the file is written to the end.
        """
        found = bundled.shipped() if self._folder is None else {p.stem: p for p in self._folder.glob("*.pth")}
        versions = {name: _version(path) for name, path in sorted(found.items())}
        for name, version in versions.items():
            if version and self._seen.get(name) != version and settled(name, version):
                self._seen[name] = version
                self._load(name, found[name], version)
        kept = {name: model for name, model in self._loaded.items() if versions.get(name)}
        self._seen = {name: version for name, version in self._seen.items() if versions.get(name)}
        self._loaded = dict(sorted(kept.items(), key=lambda item: (item[0] != FIRST, item[0])))

    def _load(self, name: str, path: Path, version: str) -> None:
        devices = self._runtime.device.split(",")
        try:
            engines = [open_engine(path, replace(self._runtime, device=device)) for device in devices]
        except Exception as error:  # whatever lies in the folder, the other models are served
            log.warning("model %s is left out: %s", name, sentence(error))
            return
        pairs = zip(engines, self._workers, strict=True)
        stylizers = tuple(Stylizer(BatchingEngine(engine, worker)) for engine, worker in pairs)
        # A new dictionary, so that whoever goes through the old one in another thread is not disturbed.
        self._loaded = {**self._loaded, name: Model(name, version, stylizers)}
        log.info("model %s: %s", name, ", ".join(stylizers[0].styles))

    def all(self) -> list[Model]:
        """Every model, the default first, the others by name."""
        return list(self._loaded.values())

    def get(self, name: str = "", style: str = "") -> Model:
        """The model of that name, else the first that has the style or styles, else the default.

        Raises RequestError (404) when there is none.
        """
        if name:
            if name not in self._loaded:
                raise RequestError(404, f"no model {name!r}; there are {', '.join(self._loaded) or 'none'}")
            return self._loaded[name]
        wanted = {part.partition("=")[0].strip() for part in style.split(",")} - {""}
        for model in self.all():
            if wanted <= set(model.stylizers[0].styles):
                return model
        if not self._loaded:
            raise RequestError(404, "no model is loaded; put a .pth file into the folder of models")
        every = ", ".join(style for model in self.all() for style in model.stylizers[0].styles)
        raise RequestError(404, f"no model has the style {style!r}; there are {every}")


class Settled:
    """Tells a file that stays as it is from one that is being written: equal at two looks in a row."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def __call__(self, name: str, version: str) -> bool:
        """Whether the file has the version that it had at the last look."""
        same = self._last.get(name) == version
        self._last[name] = version
        return same


def _version(path: Path) -> str:
    """Of the file's time and size; nothing for one that just vanished."""
    try:
        known = path.stat()
    except OSError:
        return ""
    return f"{known.st_mtime_ns:x}-{known.st_size:x}"
