"""Checks PyTorch's zips before torch sees them: their members, their tensors, and what compiled code calls."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.exported_program import ProgramUnreadable, operators_in_program, trained_node
from model_tools.packaging.checkpoint.operators import OperatorUse, refuse_operators
from model_tools.packaging.checkpoint.script_source import SourceUnreadable, operators_in_source
from model_tools.packaging.checkpoint.storages import TensorMisfit, check_storages, reach
from model_tools.packaging.checkpoint.zip_entries import Layout, misplaced_entry

SCRIPT_PICKLES = ("data.pkl", "constants.pkl")
"""The pickles that torch.jit.load reads."""
PROGRAM = "models/model.json"
"""The member of a `.pt2` file that holds the program."""
DTYPE_BYTES = {3: 2, 4: 4, 5: 8, 6: 2, 7: 4, 8: 8, 9: 4, 10: 8, 11: 16, 13: 2, 28: 2, 34: 4, 35: 8}
"""The size in bytes of an element, by the number of its dtype in a `.pt2` file (torch's `ScalarType`); 1 for others."""


def check_script(path: Path, *, name: str) -> None:
    """Check a TorchScript file, which is called `name` in messages. Raises CheckpointRejected."""
    with zipfile.ZipFile(path) as archive:
        check_layout(archive, "torchscript", name=name)
        members = {member.filename.partition("/")[2] for member in archive.infolist()}
        uses: list[OperatorUse] = []
        for pickled in SCRIPT_PICKLES:
            if pickled in members:
                uses += check_tensors(archive, pickled, name=name)
        uses += _script_operators(archive, name)
    if problem := refuse_operators(name, uses):
        raise CheckpointRejected(problem)


def check_program(path: Path, *, name: str) -> None:
    """Check a `.pt2` file, which is called `name` in messages. Raises CheckpointRejected."""
    with zipfile.ZipFile(path) as archive:
        check_layout(archive, "pt2", name=name)
        top = archive.namelist()[0].partition("/")[0]
        try:
            program = json.loads(archive.read(f"{top}/{PROGRAM}"))
            uses = list(operators_in_program(program, PROGRAM))
            _check_payloads(archive, top)
        except ProgramUnreadable as error:
            raise CheckpointRejected(
                f"{name}: {PROGRAM} holds {error}. torch.export.save does not write that, and loading it could run "
                "code: export the model again with torch.export.export and torch.export.save."
            ) from error
        except TensorMisfit as error:
            raise CheckpointRejected(f"{name} is damaged ({error}): copy or export it again.") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CheckpointRejected(f"{name} is damaged ({PROGRAM} cannot be read): export it again.") from error
    if problem := refuse_operators(name, uses):
        raise CheckpointRejected(problem)
    if operator := trained_node(program):
        raise CheckpointRejected(
            f"{name} was exported in training mode: {operator} computes in it as in training, and that cannot be "
            "changed afterwards. Call model.eval() before torch.export.export, write training=self.training where "
            "forward says training=True, and save the model again."
        )


def check_weights(path: Path, *, name: str) -> None:
    """Check a zip of weights, which is called `name` in messages. Raises CheckpointRejected.

    A pickle that cannot be read at all is left to the loader, which tells what it wants.
    """
    with zipfile.ZipFile(path) as archive:
        check_layout(archive, "state_dict", name=name)
        try:
            check_storages(archive, "data.pkl", script=False)
        except TensorMisfit as error:
            raise CheckpointRejected(f"{name} is damaged ({error}): copy or save it again.") from error
        except Exception:  # noqa: BLE001, S110 (unpickling raises errors of nearly any class, and the loader words them)
            pass


def check_layout(archive: zipfile.ZipFile, layout: Layout, *, name: str) -> None:
    """Refuse a zip whose members are not where torch writes them. Raises CheckpointRejected."""
    if problem := misplaced_entry(archive, layout):
        saver = {"torchscript": "torch.jit.save", "pt2": "torch.export.save"}.get(layout, "torch.save")
        raise CheckpointRejected(f"{name} is not as {saver} writes it ({problem}): save the model again.")


def check_tensors(archive: zipfile.ZipFile, pickled: str, *, name: str) -> list[OperatorUse]:
    """Check a TorchScript pickle's tensors, and return the C++ classes that it names. Raises CheckpointRejected."""
    try:
        return check_storages(archive, pickled, script=True)
    except TensorMisfit as error:
        raise CheckpointRejected(f"{name} is damaged ({error}): copy or save it again.") from error
    except Exception as error:
        # Unpickling damaged bytes raises errors of nearly any class.
        raise CheckpointRejected(f"{name} is damaged ({pickled} cannot be read): copy or save it again.") from error


def _script_operators(archive: zipfile.ZipFile, name: str) -> Iterator[OperatorUse]:
    for member in archive.infolist():
        inner = member.filename.partition("/")[2]
        if not inner.endswith(".py"):
            continue
        try:
            yield from operators_in_source(archive.read(member).decode("latin-1"), inner)
        except SourceUnreadable as error:
            raise CheckpointRejected(
                f"{name}: {inner}, {error}. Code that cannot be checked is not run: save the model again with "
                "torch.jit.save."
            ) from error


def _check_payloads(archive: zipfile.ZipFile, top: str) -> None:
    """Check the tensors that a `.pt2` file describes in JSON against the bytes of each. Raises TensorMisfit."""
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    for folder in ("weights", "constants"):
        config = f"{top}/data/{folder}/model_{folder}_config.json"
        if config not in sizes:
            continue
        for tensor, entry in json.loads(archive.read(config))["config"].items():
            path = str(entry["path_name"])
            member = f"data/{folder}/{path}"
            if folder == "constants" and not path.startswith("tensor_"):
                raise ProgramUnreadable(f"the constant {tensor!r}, which is no tensor")
            meta = entry["tensor_meta"]
            needed = reach(
                _plain(meta["storage_offset"]), [_plain(size) for size in meta["sizes"]],
                [_plain(stride) for stride in meta["strides"]],
            ) * DTYPE_BYTES.get(meta["dtype"], 1)  # fmt: skip
            if needed > sizes.get(f"{top}/{member}", -1):
                raise TensorMisfit(f"{tensor} needs {needed:,} bytes of {member}, more than are there")


def _plain(number: Any) -> int:
    value = int(number["as_int"])
    if value < 0:
        raise TensorMisfit(f"a tensor has the size or stride {value}")
    return value
