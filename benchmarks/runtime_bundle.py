"""How torch gets into a function: a zip unpacked to /tmp, against the runtime bundle in /tmp and in memory.

.venv/bin/python benchmarks/runtime_bundle.py

All of them hold the same files; the zip as well has them stripped and compiled, which tutorials rarely do. Each
start is a process of its own that sees no installed torch. The archives are read from this machine's disk.
"""

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median

from report import Options, Row, limit, main, progress

from model_tools.bundling.build import DEFAULT_LEVEL
from model_tools.bundling.built import BuiltRuntime
from model_tools.bundling.cache import cached_runtime
from model_tools.runtime.unpacking import unpack_runtime

LAYER = (
    "annotated_types", "model_tools", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection", "yaml",
    "zstandard",
)  # fmt: skip
"""What the library's layer brings that loading a bundle needs."""
QUICK_LEVEL = 3
MB = 1e6


def measure(options: Options) -> list[Row]:
    level = QUICK_LEVEL if options.quick else DEFAULT_LEVEL
    built = cached_runtime("torch", level=level, report=lambda text: progress(f"runtime: {text}"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = _zip_of(built, folder, level=1 if options.quick else 6)
        layer = _layer(folder / "layer")
        sources = {"zip": archive, "tmp": built.bundle, "memory": built.bundle}
        starts: dict[str, list[tuple[float, float]]] = {side: [] for side in sources}
        for number in range(2 if options.quick else 5):
            progress(f"runtime: start {number + 1}")
            for side, source in sources.items():
                starts[side].append(_start(side, source, layer))
        zipped = archive.stat().st_size / MB
    seconds = {side: median(each[0] for each in runs) for side, runs in starts.items()}
    peak = {side: median(each[1] for each in runs) for side, runs in starts.items()}
    memory = (
        f"peak memory {peak['memory']:.0f} MB, nothing on disk; /tmp: {peak['tmp']:.0f} MB, zip: {peak['zip']:.0f}."
    )
    whole, part = built.reference, built.reference.serving
    return [
        limit("torch imported: zip to /tmp, bundle to /tmp", seconds["tmp"], "s", 1.25, theirs=seconds["zip"]),
        limit(
            "torch imported: zip to /tmp, bundle in memory", seconds["memory"], "s", 1.25, theirs=seconds["zip"],
            note=memory,
        ),
        _size("what serving downloads: a zip, the bundle", part.size / MB, zipped, options, note=(
            f"zstd level {level}; {part.unpacked_size / MB:.0f} MB unpacked. The whole bundle, with what tracing "
            f"and training need: {whole.size / MB:.0f} MB, {whole.unpacked_size / MB:.0f} MB unpacked."
        )),
    ]  # fmt: skip


def _size(subject: str, ours: float, theirs: float, options: Options, note: str) -> Row:
    if options.quick:  # the goal is the default level's
        return Row(subject, theirs, ours, "MB", ratio=theirs / ours, note=note)
    return limit(subject, ours, "MB", 95, theirs=theirs, note=note)


def _zip_of(built: BuiltRuntime, folder: Path, *, level: int) -> Path:
    """Return a zip of the same files."""
    progress("runtime: making a zip of the same files")
    tree = unpack_runtime(built.reference, lambda _uri: built.bundle.open("rb"), folder / "tree", part="serving")
    archive = folder / "packages.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as packed:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(tree))
    return archive


def _layer(folder: Path) -> Path:
    folder.mkdir()
    for name in LAYER:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name)
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        (folder / source.name).symlink_to(source)
    return folder


def _start(side: str, source: Path, layer: Path) -> tuple[float, float]:
    """Return the seconds until torch is imported, and the peak memory in MB."""
    script = Path(__file__).with_name("import_torch.py")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-S", "-P", script, side, source, folder],
            env={"PYTHONPATH": str(layer), "PATH": ""}, check=True, capture_output=True, text=True,
        )  # fmt: skip
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


if __name__ == "__main__":
    main(measure, __doc__)
