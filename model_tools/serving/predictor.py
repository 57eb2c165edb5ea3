"""A model that is ready to answer: loaded, warmed up, and behind its task."""

from collections.abc import Mapping
from typing import Any

import torch

from model_tools.serving.archive import ModelFiles
from model_tools.serving.tasks import Fetch, Task, make_task
from model_tools.serving.tensors import example

WARM_UP_CALLS = 3
"""TorchScript's profiling executor looks at two calls and optimises at the third."""


class Predictor:
    """Answers requests with one model."""

    def __init__(self, model: torch.jit.ScriptModule, task: Task) -> None:
        self._model = model
        self._task = task

    def predict(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer's fields. Raises BadRequest; anything else that is raised is the model's fault."""
        inputs = self._task.read(request)
        with torch.inference_mode():
            output = self._model(*inputs)
        return self._task.respond(output, request)


def load_predictor(files: ModelFiles, fetch: Fetch) -> Predictor:
    """Load the model, call it until it is as fast as it gets, and return it behind its task."""
    model = torch.jit.load(str(files.model), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    inputs = tuple(example(spec) for spec in files.manifest.inputs)
    if files.manifest.channels_last:
        inputs = tuple(i.contiguous(memory_format=torch.channels_last) if i.dim() == 4 else i for i in inputs)  # noqa: PLR2004
    with torch.inference_mode():
        for _ in range(WARM_UP_CALLS):
            model(*inputs)
    return Predictor(model, make_task(files, fetch))
