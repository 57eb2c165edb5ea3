"""Collects a custom model's own files: its predictor, other Python files, included files, and unpacked wheels.

None of them is imported here; syntax and names are read from the source.
"""

import ast
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from model_tools.errors import ManifestInvalid, ModelTooLarge
from model_tools.formats.archive import CODE_PREFIX, MAX_CODE_BYTES, MAX_CODE_FILES
from model_tools.formats.paths import matching
from model_tools.packaging.checkpoint.model_folder import ModelFolder
from model_tools.packaging.custom.wheels import WHEELS_FOLDER, unpack_wheels
from model_tools.tasks.own_code import STEPS, OwnCode


def collect_code(folder: ModelFolder, custom: OwnCode) -> dict[str, bytes]:
    """Return the contents of the files by their names in the archive, `code/…`.

    Raises ManifestInvalid for a predictor that is not valid, a glob without files or wheels that do not fit,
    ModelTooLarge for too many or too large files, ModelNotFound for a predictor that is not there.
    """
    check_predictor(folder.file(custom.predictor, "custom.predictor").read_bytes(), where=custom.predictor)
    paths = {folder.relative(path): path for path in _python_files(folder)}
    paths[custom.predictor] = folder.file(custom.predictor, "custom.predictor")
    for glob in custom.include:
        paths |= {folder.relative(path): path for path in folder.files(glob, "custom.include")}
    paths.pop(folder.manifest.checkpoint, None)  # the archive holds the traced model instead
    _refuse_too_much({name: path.stat().st_size for name, path in paths.items()})
    code = {name: path.read_bytes() for name, path in paths.items()}
    if custom.requirements is not None:
        code |= _wheels(folder, custom.requirements, code)
        _refuse_too_much({name: len(data) for name, data in code.items()})
    return {CODE_PREFIX + name: data for name, data in code.items()}


def check_predictor(source: bytes, *, where: str) -> None:
    """Raise ManifestInvalid unless the source is Python that defines one of the steps at its top level."""
    try:
        module = ast.parse(source, filename=where)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ManifestInvalid(f"custom.predictor: {where}{place} is no Python ({text}): correct it.") from error
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    found = [functions[name] for name in STEPS if name in functions]
    if not found:
        raise ManifestInvalid(
            f"custom.predictor: {where} defines none of the functions {', '.join(STEPS)}: define at least one at the "
            "file's top level; steps that are left out are done as for a tensor."
        )
    for function in found:
        if isinstance(function, ast.AsyncFunctionDef):
            raise ManifestInvalid(
                f"custom.predictor: {where}, line {function.lineno}: {function.name} is async, and nobody awaits it: "
                "write a plain function."
            )


def defined_steps(source: bytes) -> set[str]:
    """Return the names of the steps that a checked predictor defines."""
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)} & set(STEPS)


def _python_files(folder: ModelFolder) -> list[Path]:
    """Return the folder's Python files, except those in hidden folders, `__pycache__` and the wheels' folder."""
    names = (name for name in matching("**/*.py", folder.present) if name.split("/")[0] != WHEELS_FOLDER)
    return [folder.file(name, "custom") for name in names]


def _wheels(folder: ModelFolder, requirements: str, code: Mapping[str, bytes]) -> dict[str, bytes]:
    text = folder.file(requirements, "custom.requirements").read_bytes()
    unpacked = unpack_wheels(text, folder.path / WHEELS_FOLDER, where=requirements)
    own = {PurePosixPath(name).parts[0].removesuffix(".py") for name in code}
    clashing = sorted(own & {PurePosixPath(name).parts[0].removesuffix(".py") for name in unpacked})
    if clashing:
        raise ManifestInvalid(
            f"custom.requirements: the wheels bring {clashing[0]!r}, which is the name of a file of the model's folder "
            "too, so one would hide the other: rename it."
        )
    return unpacked


def _refuse_too_much(sizes: Mapping[str, int]) -> None:
    total = sum(sizes.values())
    if len(sizes) > MAX_CODE_FILES or total > MAX_CODE_BYTES:
        largest = max(sizes, key=sizes.__getitem__)
        raise ModelTooLarge(
            f"custom: the model's own code is {len(sizes):,} files with {total:,} bytes; {MAX_CODE_FILES:,} files and "
            f"{MAX_CODE_BYTES:,} bytes are the limit (the largest is {largest}): include less."
        )
