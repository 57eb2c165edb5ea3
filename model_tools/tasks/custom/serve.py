"""Serves task `custom` by the model's own `predictor.py` with preprocess, predict and respond, or some of them."""

import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.failures import ModelFailed, redacted_errors
from model_tools.serving.images.image_reader import ImageReader
from model_tools.serving.models.torch_model import TorchModel
from model_tools.serving.requests import BadRequest
from model_tools.serving.task import Fetch
from model_tools.tasks.own_code import STEPS, OwnCode
from model_tools.tasks.tensor.serve import given_values, read_inputs, respond_with_outputs

Step = Callable[..., Any]


@dataclass(frozen=True)
class Context:
    """The context that a predictor is given beside the request."""

    classes: tuple[str, ...]
    """The lines of classes.txt; empty for a model without that file."""
    fetch: Fetch
    """Returns the bytes at a URL that a caller chose, under the rules for images' URLs: public addresses within limits.

    Raises BadRequest.
    """
    folder: Path
    """The folder of the predictor, the Python files beside it, and the files that the manifest includes."""
    images: ImageReader | None
    """Reads images as the manifest's `preprocess` says; None for a manifest without that section."""
    BadRequest: type[BadRequest] = BadRequest
    """The error to raise, with a message for the caller, for a request that the caller can put right."""

    def path(self, name: str) -> Path:
        """Return the path of a file of the model's folder. Raises FileNotFoundError."""
        path = self.folder / name
        if not path.is_file():
            raise FileNotFoundError(f"{name} is not part of the archive: name it in custom.include")
        return path


class CustomTask:
    """Runs the steps that the predictor defines, and the usual steps for tensors or images in place of the others."""

    def __init__(self, files: ModelFiles, model: TorchModel, fetch: Fetch) -> None:
        if files.code is None:
            raise ValueError("a custom model's archive must hold its predictor")
        self._folder = files.code
        preprocess = files.manifest.preprocess
        images = ImageReader(files.manifest, preprocess, fetch) if preprocess else None
        self._context = Context(files.classes, fetch, self._folder, images)
        module = import_predictor(self._folder, OwnCode.model_validate(files.manifest.settings).predictor)
        self._steps = {name: _step(module, name) for name in STEPS if hasattr(module, name)}
        self._model = model
        self.set_threads = model.set_threads
        self.warm_up = model.warm_up

    def preprocess(self, request: Mapping[str, Any]) -> Any:
        """Return what the predictor's `preprocess` returns, or else the image or the numbers of the request."""
        if step := self._steps.get("preprocess"):
            return self._run("preprocess", step, request, self._context)
        if self._context.images is not None:
            return (self._context.images.read(request),)
        if "predict" in self._steps and self._model.lacks_batch(given_values(request) or ()):
            raise BadRequest("the axis batch is missing, and the predictor's predict takes inputs with it.")
        return read_inputs(request, self._model)

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        """Return the outputs; the predictor's `predict` is called for each input, the model for all inputs together."""
        if step := self._steps.get("predict"):
            return [self._run("predict", step, self._model, inputs, self._context) for inputs in batch]
        return self._model.call_each([_as_inputs(inputs) for inputs in batch])

    def respond(self, output: Any, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the predictor's `respond` returns. Raises ModelFailed for an answer that JSON cannot hold."""
        step = self._steps.get("respond")
        answer = output if step is None else self._run("respond", step, output, request, self._context)
        if step is None and not isinstance(answer, Mapping | str | int | float):
            return respond_with_outputs(output, self._model, {} if "preprocess" in self._steps else request)
        if not isinstance(answer, Mapping) or not all(isinstance(name, str) for name in answer):
            raise ModelFailed(f"the predictor answered {type(answer).__name__}: let respond return a dict with names")
        try:
            json.dumps(answer, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ModelFailed(
                f"the predictor answered what JSON cannot say ({type(error).__name__}): return numbers, strings, lists "
                "and dicts, none of them NaN or infinite"
            ) from None
        return dict(answer)

    def _run(self, name: str, step: Step, *arguments: Any) -> Any:
        with redacted_errors(f"the predictor's {name}", self._folder), torch.inference_mode():
            return step(*arguments)


def import_predictor(folder: Path, name: str) -> ModuleType:
    """Return the predictor as a module. It may import files from its own folder and from the archive's code.

    Python searches both folders last: a file there must not replace a module of the same name that serving uses.
    """
    path = folder / name
    sys.path += [str(entry) for entry in dict.fromkeys((folder, path.parent)) if str(entry) not in sys.path]
    importlib.invalidate_caches()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{name} is no Python file")
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _step(module: ModuleType, name: str) -> Step:
    """Return a step that takes the context as its last argument, even if the predictor's function does not.

    Raises ValueError for a function whose parameters fit neither way of calling it.
    """
    function: Step = getattr(module, name)
    wanted = len(STEPS[name])
    parameters = inspect.signature(function).parameters.values()
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    if len(positional) > wanted or any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return function
    if len(positional) == wanted:
        return lambda *arguments: function(*arguments[:wanted])
    raise ValueError(f"{name} takes {', '.join((*STEPS[name], 'context'))}; correct its parameters")


def _as_inputs(inputs: Any) -> tuple[torch.Tensor, ...]:
    tensors = (inputs,) if isinstance(inputs, torch.Tensor) else inputs
    if not isinstance(tensors, tuple | list) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        raise ModelFailed(
            f"the predictor's preprocess returned {type(inputs).__name__}: let it return a tensor, or a tuple of them"
        )
    return tuple(tensors)
