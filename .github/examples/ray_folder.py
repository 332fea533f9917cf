"""Stylize a folder with Ray Data, on one machine or a cluster: each actor holds one `Stylizer`.

    pip install "ray[data]"
    python ray_folder.py photos/ painted/ --model wave --actors 4
    python ray_folder.py s3://bucket/photos s3://bucket/painted --actors 8 --gpus-per-actor 1

Started again it does what has no result yet. Ray restarts actors that die and gives their pictures to others; storage
that fails is asked three times; a picture that cannot be read is a line of the manifest, and the others go on.
"""

import argparse
import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyarrow import fs

from fast_style import FastStyleError, Stylizer, images

TRIES = 3


class Painter:
    """Stylize pictures and write the results: an actor, which loads the network once."""

    def __init__(self, model: str, source: str, target: str) -> None:
        self.stylizer = Stylizer.load(model)
        self.source = source
        self.files, self.target = fs.FileSystem.from_uri(target)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the line of the manifest for one file."""
        start, target = time.perf_counter(), f"{self.target}/{relative(row['path'], self.source)}"
        error = ""
        try:
            picture = images.read(io.BytesIO(row["bytes"]))
            styled = replace(self.stylizer.apply(picture), format=images.format_for(Path(target)))
            self._write(target, images.encode(styled))
        except (FastStyleError, OSError) as failure:
            error = str(failure)
        seconds = round(time.perf_counter() - start, 3)
        status = "failed" if error else "done"
        return {"input": row["path"], "output": target, "status": status, "seconds": seconds, "error": error}

    def _write(self, target: str, data: bytes) -> None:
        """Write a whole file or none: under a hidden name first, which `move` replaces the target by."""
        folder, _, name = target.rpartition("/")
        for left in reversed(range(TRIES)):
            try:
                self.files.create_dir(folder)
                with self.files.open_output_stream(f"{folder}/.{name}") as stream:
                    stream.write(data)
                self.files.move(f"{folder}/.{name}", target)
                return
            except OSError:
                if not left:
                    raise
                time.sleep(1)


def relative(path: str, folder: str) -> str:
    """Return a file's path below the folder."""
    return path.removeprefix(folder).lstrip("/")


def pictures(folder: str) -> tuple[str, list[str]]:
    """Return a folder's path in its file system, and the pictures in it and its sub-folders."""
    files, path = fs.FileSystem.from_uri(folder)
    found = files.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    names = [info.path for info in found if info.type == fs.FileType.File and not info.base_name.startswith(".")]
    return path, sorted(name for name in names if Path(name).suffix.lower() in images.FORMATS)


def main() -> None:
    """Stylize what has no result yet, and write the manifest."""
    parser = argparse.ArgumentParser(description="Stylize a folder with Ray Data.")
    parser.add_argument("source", help="folder of pictures, also s3://, gs:// ...")
    parser.add_argument("target", help="folder for the results, of the same names")
    parser.add_argument("--model", default="wave")
    parser.add_argument("--actors", type=int, default=1)
    parser.add_argument("--cpus-per-actor", type=float, default=1)
    parser.add_argument("--gpus-per-actor", type=float, default=0)
    parser.add_argument("--manifest", default="manifest.jsonl")
    flags = parser.parse_args()
    source, target = (name if "://" in name else str(Path(name).resolve()) for name in (flags.source, flags.target))
    below, found = pictures(source)
    painted, there = pictures(target)
    finished = {relative(name, painted) for name in there}
    left = [name for name in found if relative(name, below) not in finished]
    print(f"{len(found)} pictures, {len(found) - len(left)} of them done")
    if not left:
        return
    import ray.data  # takes seconds

    start = time.perf_counter()
    files = ray.data.read_binary_files(
        left,
        filesystem=fs.FileSystem.from_uri(source)[0],
        include_paths=True,
        num_cpus=0,  # reading waits for storage; with one CPU for each actor it would wait for the actors for ever
    )
    rows = files.map(
        Painter,
        fn_constructor_args=(flags.model, below, target),
        compute=ray.data.ActorPoolStrategy(size=flags.actors),
        num_cpus=flags.cpus_per_actor,
        num_gpus=flags.gpus_per_actor,
        max_restarts=-1,
        max_task_retries=TRIES,
    )
    with Path(flags.manifest).open("a") as manifest:
        failed = 0
        for row in rows.iter_rows():
            failed += row["status"] == "failed"
            manifest.write(json.dumps(row) + "\n")
    seconds = time.perf_counter() - start
    print(f"{len(left) - failed} done, {failed} failed, {len(left) / seconds:.1f} pictures/s")


if __name__ == "__main__":
    main()
