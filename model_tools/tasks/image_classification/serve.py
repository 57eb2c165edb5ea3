"""Serves task `image-classification`: `{"image"}` or `{"url"}` → `{"class", "confidence"}`.

`{"input_url", "n_predictions"}` → `{"predictions"}`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from model_tools.formats.requests import IMAGE_FIELDS
from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.images.image_reader import ImageReader
from model_tools.serving.models.tensors import require_finite
from model_tools.serving.models.torch_model import Inputs, TorchModel, require_tensor
from model_tools.serving.requests import BadRequest, require_only, whole_number
from model_tools.serving.task import Fetch
from model_tools.tasks.answers import BINARY_CLASSES
from model_tools.tasks.confidences import require_probabilities
from model_tools.tasks.image_classification.spec import SPEC
from model_tools.tensors.class_probabilities import class_probabilities

PREDICTIONS = 5
"""The number of classes in the answer to a request with `input_url` but without `n_predictions`."""


class ImageClassification:
    """Ranks the classes of an image by their probabilities, which a softmax makes of logits."""

    def __init__(self, files: ModelFiles, model: TorchModel, fetch: Fetch) -> None:
        if files.manifest.preprocess is None:
            raise ValueError("an image classifier's archive must say how images are preprocessed")
        self._classes = files.classes
        self._scores = files.manifest.scores
        self._images = ImageReader(files.manifest, files.manifest.preprocess, fetch)
        self._model = model
        self.set_threads = model.set_threads

    def warm_up(self) -> None:
        """Call the model until it is at its fastest, and answer a black image through all steps."""
        self._model.warm_up()
        self.respond(self.predict([(self._images.example()[0],)])[0], {})

    def preprocess(self, request: Mapping[str, Any]) -> Inputs:
        """Return the image as a batch of one. Raises BadRequest."""
        require_only(request, (*IMAGE_FIELDS, *SPEC.options))
        self._ranking(request)
        return (self._images.read(request),)

    def predict(self, batch: Sequence[Inputs]) -> list[Any]:
        """Return the model's output for each request: [1, classes], or [1, 1] and [1] for two classes."""
        return self._model.call_each(batch)

    def respond(self, output: Any, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the likeliest class and its probability, or as many classes as the request asks for."""
        form, count = self._ranking(request)
        confidences, indices = self._confidences(output).topk(count)
        ranked = [
            (self._classes[index], confidence)
            for index, confidence in zip(indices.tolist(), confidences.tolist(), strict=True)
        ]
        if form == "predictions":
            return {"predictions": [[name, round(100 * confidence, 4)] for name, confidence in ranked]}
        best = {"class": ranked[0][0], "confidence": ranked[0][1]}
        if form == "best":
            return best
        return {**best, "top_k": [{"class": name, "confidence": confidence} for name, confidence in ranked]}

    def _confidences(self, output: Any) -> torch.Tensor:
        """Return the probability of each class; one value is that of the second of two classes."""
        classes = len(self._classes)
        is_one_value = isinstance(output, torch.Tensor) and classes == BINARY_CLASSES and output.shape in ((1,), (1, 1))
        values = (
            output.view(1)
            if is_one_value
            else require_tensor(output, (1, classes), f"one value for each of its {classes} classes")[0]
        )
        require_finite(values)
        values = values.float()
        if self._scores == "probabilities":
            require_probabilities(float(values.min()), float(values.max()), 1 if is_one_value else float(values.sum()))
        return class_probabilities(values, self._scores)

    def _ranking(self, request: Mapping[str, Any]) -> tuple[str, int]:
        """Return the form of the answer and the number of classes that it ranks."""
        top_k = whole_number(request, "top_k", len(self._classes))
        predictions = whole_number(request, "n_predictions", len(self._classes))
        if top_k is not None and predictions is not None:
            raise BadRequest("give one of top_k and n_predictions: each has an answer of its own form.")
        if predictions is not None:
            return "predictions", predictions
        if top_k is not None:
            return "top_k", top_k
        if request.get("input_url") is not None:
            return "predictions", min(PREDICTIONS, len(self._classes))
        return "best", 1
