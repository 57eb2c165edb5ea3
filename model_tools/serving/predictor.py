"""A model that is ready to answer: loaded, warmed up, and behind its task."""

from collections.abc import Mapping
from typing import Any

import torch

from model_tools.serving.archive import ModelFiles
from model_tools.serving.tasks import Fetch, Inputs, Task, make_task

WARM_UP_CALLS = 3
"""TorchScript's profiling executor looks at two calls and optimises at the third."""
IMAGE_AXES = 4


class Predictor:
    """Answers requests with one model."""

    def __init__(self, model: torch.jit.ScriptModule, task: Task, *, channels_last: bool) -> None:
        self._model = model
        self._task = task
        self._channels_last = channels_last

    def predict(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer's fields. Raises BadRequest; anything else that is raised is the model's fault."""
        return self._task.respond(self._call(self._task.read(request)), request)

    def warm_up(self) -> None:
        """Call the model until it is as fast as it gets.

        Raises what the model raises, unless sizes were guessed: it may take none of them, and be a sound model.
        """
        examples = list(self._task.examples())
        for inputs in examples:
            try:
                for _ in range(WARM_UP_CALLS):
                    self._call(inputs)
            except RuntimeError:
                if len(examples) == 1:
                    raise
            else:
                return

    def _call(self, inputs: Inputs) -> object:
        if self._channels_last:
            inputs = tuple(
                tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == IMAGE_AXES else tensor
                for tensor in inputs
            )
        with torch.inference_mode():
            return self._model(*inputs)


def load_predictor(files: ModelFiles, fetch: Fetch) -> Predictor:
    """Load the model, warm it up, and return it behind its task. The files are not needed any more after it."""
    model = torch.jit.load(str(files.model), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    predictor = Predictor(model, make_task(files, fetch), channels_last=files.manifest.channels_last)
    predictor.warm_up()
    return predictor
