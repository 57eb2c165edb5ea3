"""Imports the user's architecture and calls it with the manifest's arguments; faults are reported with their line.

This code runs in a child process.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from model_tools.errors import ManifestInvalid, ModelTooLarge, PublishError, TraceFailed
from model_tools.formats.manifest import Manifest
from model_tools.formats.yaml_text import walk
from model_tools.packaging.children.endings import note_step
from model_tools.packaging.children.faults import fault_text, is_out_of_memory, memory_text
from model_tools.packaging.children.places import error_place_text

YAML_1_1_BOOLS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})
"""The texts, in lower case, that YAML 1.1 or people read as a bool; in YAML 1.2 only `true` and `false` are."""
NUMBER_LIKE = re.compile(r"[-+(]*\.?[0-9][0-9_.,:eExob+*/%() -]*")
"""Texts that people write for a number, such as `1_000` or `1/255`, which YAML 1.2 reads as a text."""


def build_model(manifest: Manifest, folder: Path) -> torch.nn.Module:
    """Import `module:Callable` from the model's folder and call it with the manifest's arguments.

    Raises ManifestInvalid for a missing callable or one that takes other arguments, TraceFailed when the code fails.
    """
    module_name, _, attribute = (manifest.architecture or "").partition(":")
    sys.path.insert(0, str(folder))
    with user_code_errors(folder, f"Importing {module_name}"):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
                raise ManifestInvalid(
                    f"architecture: there is no module {module_name!r} in the model's folder: add "
                    f"{module_name.replace('.', '/')}.py or correct the name."
                ) from error
            if (error.name or "").startswith("torch."):
                raise  # the module belongs to a part of torch that a runtime bundle leaves out
            raise TraceFailed(
                f"Importing {module_name} fails: it imports {error.name!r}, which is neither in the model's folder nor "
                "installed where models are traced: put its .py files beside the checkpoint, or do without it."
            ) from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        names = sorted(
            name for name, value in vars(module).items() if isinstance(value, type) and not name.startswith("_")
        )
        there_is = f"it has {', '.join(names[:10])}" if names else "it defines no class"
        raise ManifestInvalid(
            f"architecture: {module_name} has no callable {attribute!r}; {there_is}: name the model's class, or a "
            "function that returns the model."
        )
    try:
        signature = inspect.signature(factory)
        signature.bind(**manifest.arguments)
        _refuse_texts_of_another_type(manifest, signature)
    except TypeError as error:
        raise ManifestInvalid(
            f"arguments: {manifest.architecture} does not take them ({error}): correct arguments."
        ) from error
    except ValueError:
        pass  # some callables have no signature to check
    with user_code_errors(folder, f"Calling {manifest.architecture}{_texts_like_numbers(manifest)}"):
        model = factory(**manifest.arguments)
    if not isinstance(model, torch.nn.Module):
        raise ManifestInvalid(
            f"architecture: {manifest.architecture} returned {type(model).__name__}, not a torch.nn.Module: name the "
            "model's class, or a function that returns the model."
        )
    return model


def _refuse_texts_of_another_type(manifest: Manifest, signature: inspect.Signature) -> None:
    """Raise ManifestInvalid for a text such as `no` or `1_000` where the architecture has a bool or a number.

    YAML 1.1 reads them as such, and to Python the texts "no" and "None" are true, so the code would hardly complain.
    """
    for name, value in manifest.arguments.items():
        parameter = signature.parameters.get(name)
        if value == "None" and (parameter is None or not isinstance(parameter.default, str)):
            raise ManifestInvalid(
                f"arguments: {name} is the text 'None', since YAML writes Python's None as null: write {name}: null."
            )
        if not isinstance(value, str) or parameter is None:
            continue
        known = parameter.default if isinstance(parameter.default, type) else type(parameter.default)
        types = {known.__name__, getattr(parameter.annotation, "__name__", str(parameter.annotation))}
        if "bool" in types and value.lower() in YAML_1_1_BOOLS:
            remedy = "write true or false"
        elif types & {"int", "float"} and NUMBER_LIKE.fullmatch(value):
            remedy = "write the number's digits alone, without quotes"
        else:
            continue
        raise ManifestInvalid(
            f"arguments: {name} is the text {value!r} in YAML 1.2, and {manifest.architecture} has a "
            f"{'bool' if 'bool' in types else 'number'} there: {remedy}."
        )


def _texts_like_numbers(manifest: Manifest) -> str:
    """Return words on the arguments that look like numbers and are texts in YAML, such as `1_000`; mostly empty."""
    texts = [
        f"the text {value!r} as {name}"
        for name, argument in manifest.arguments.items()
        for value in walk(argument)
        if isinstance(value, str) and NUMBER_LIKE.fullmatch(value)
    ]
    return f" with {' and '.join(texts)}" if texts else ""


@contextmanager
def user_code_errors(folder: Path, doing: str) -> Iterator[None]:
    """Turn every error of a user's code, SystemExit included, into a TraceFailed that names the code's line.

    An error for want of memory becomes a ModelTooLarge.
    """
    note_step(doing)
    try:
        yield
    except PublishError:
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            raise ModelTooLarge(memory_text(doing, error_place_text(error, folder))) from error
        raise TraceFailed(fault_text(error, folder, doing)) from error
