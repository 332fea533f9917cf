"""Fetch ONNX Runtime for browsers from the npm registry: one pinned version, checked by its hash."""

import base64
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from ..errors import FastStyleError

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# The registry's hash of that version (Subresource Integrity).
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
TIMEOUT_S = 300


def runtime_files(package: Path | None = None) -> dict[str, bytes]:
    """Return what a page needs, for WebAssembly and WebGPU, by file name.

    package: the .tgz of the pinned version, from an earlier `npm pack`; by default it is fetched.
    Raises FastStyleError when it cannot be fetched, or is not the pinned version.
    """
    content = package.read_bytes() if package else fetch()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise FastStyleError(f"{package or PACKAGE} is not {PACKAGE} {VERSION}: its hash differs; nothing was written")
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None  # as the hash is the pinned one
            content = member.read()
            # WebAssembly as .gz, which the page unpacks: plain static servers would send four times as much.
            packed = name.endswith(".wasm")
            files[f"{name}.gz" if packed else name] = gzip.compress(content, mtime=0) if packed else content
    return files


def fetch() -> bytes:
    """Return the package, fetched by npm, which knows the user's registry and proxy, else from $npm_config_registry.

    Raises FastStyleError when neither is there or reachable.
    """
    if npm := shutil.which("npm"):
        return _by_npm(npm)
    registry = os.environ.get("npm_config_registry") or os.environ.get("NPM_CONFIG_REGISTRY")  # noqa: SIM112  # npm's spelling
    if not registry:
        raise FastStyleError(
            f"{PACKAGE} is fetched with npm: install npm, or set npm_config_registry to a registry's address, "
            f"or give the file that 'npm pack {PACKAGE}@{VERSION}' makes elsewhere as `runtime`"
        )
    address = f"{registry.rstrip('/')}/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
    if not address.startswith("https://"):
        raise FastStyleError(f"npm_config_registry is {registry}; it takes an address with https://")
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read()
            return content
    except OSError as error:
        raise FastStyleError(f"{address}: {getattr(error, 'reason', error)}") from error


def _by_npm(npm: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", folder, "--silent"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise FastStyleError(
                f"npm did not fetch {PACKAGE} within {TIMEOUT_S} s; is the registry reachable?"
            ) from error
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or not found:
            reason = [line for line in done.stderr.splitlines() if line.strip()]
            raise FastStyleError(
                f"npm could not fetch {PACKAGE}@{VERSION} ({reason[-1] if reason else 'no reason given'})"
            )
        return found[0].read_bytes()
