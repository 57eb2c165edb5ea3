"""Serves task `object-detection`: `{"image"}` or `{"url"}` → `{"boxes", "classes", "scores"}`.

A request may set the lowest score, `threshold`, and the number of boxes, `max_boxes`.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import torch

from model_tools.formats.requests import IMAGE_FIELDS
from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.failures import ModelFailed
from model_tools.serving.images.image_reader import ImageReader
from model_tools.serving.models.tensors import require_finite
from model_tools.serving.models.torch_model import Inputs, TorchModel, require_tensor
from model_tools.serving.requests import BadRequest, require_only, whole_number
from model_tools.serving.task import Fetch
from model_tools.tasks.object_detection.boxes import as_corners, suppress_duplicates
from model_tools.tasks.object_detection.spec import OUTPUTS, SPEC, Detection
from model_tools.tensors.imaging import Geometry

FIELDS = (*IMAGE_FIELDS, *SPEC.options)


class LocatedInput(NamedTuple):
    """The model's input made from an image, and the input's place in that image."""

    inputs: Inputs
    geometry: Geometry


class LocatedOutput(NamedTuple):
    """The model's output for one image, and the input that it belongs to."""

    output: Any
    source: LocatedInput


class ObjectDetection:
    """Answers an image with the objects in it: boxes in the image's pixels, classes and scores, best first."""

    def __init__(self, files: ModelFiles, model: TorchModel, fetch: Fetch) -> None:
        if files.manifest.preprocess is None:
            raise ValueError("the archive of an object detector must say how images are preprocessed")
        self._classes = files.classes
        self._detection = Detection.model_validate(files.manifest.settings)
        self._images = ImageReader(files.manifest, files.manifest.preprocess, fetch)
        self._model = model
        self.set_threads = model.set_threads

    def warm_up(self) -> None:
        """Call the model until it is at its fastest, and answer a black image through all steps."""
        self._model.warm_up()
        tensor, geometry = self._images.example()
        self.respond(self.predict([LocatedInput((tensor,), geometry)])[0], {"threshold": 0.0})

    def preprocess(self, request: Mapping[str, Any]) -> LocatedInput:
        """Return the image as a batch of one. Raises BadRequest."""
        require_only(request, FIELDS)
        self._threshold(request)
        self._max_boxes(request)
        tensor, geometry = self._images.locate(request)
        return LocatedInput((tensor,), geometry)

    def predict(self, batch: Sequence[LocatedInput]) -> list[LocatedOutput]:
        """Return the model's output for each image."""
        outputs = self._model.call_each([each.inputs for each in batch])
        return [LocatedOutput(output, source) for output, source in zip(outputs, batch, strict=True)]

    def respond(self, output: LocatedOutput, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the objects whose score is high enough. Raises ModelFailed for an output that is not boxes."""
        boxes, labels, scores = self._read(output.output)
        height, width = output.source.inputs[0].shape[2:]
        scores, order = scores.sort(descending=True, stable=True)
        order = order[scores >= self._threshold(request)]
        corners = as_corners(boxes[order].float(), self._detection, width=width, height=height)
        labels = labels[order]
        overlap = self._detection.overlap
        kept = list(range(len(order))) if overlap is None else suppress_duplicates(corners, labels, overlap)
        kept = kept[: self._max_boxes(request)]
        return {
            "boxes": output.source.geometry.to_image(corners[kept]).tolist(),
            "classes": [self._classes[label] for label in labels[kept].tolist()],
            "scores": scores[kept].tolist(),
        }

    def _read(self, output: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return boxes [N, 4], labels [N] and scores [N] of one image. Raises ModelFailed for any other output."""
        named = output if isinstance(output, Mapping) else dict(zip(OUTPUTS, output, strict=False))
        if set(named) != set(OUTPUTS):
            raise ModelFailed("the model did not answer boxes, labels and scores")
        boxes, labels, scores = (
            tensor[0] if tensor.dim() == axes else tensor
            for tensor, axes in zip((named[name] for name in OUTPUTS), (3, 2, 2), strict=True)
        )
        require_tensor(scores, (None,), "a score for each box")
        require_tensor(boxes, (len(scores), 4), "four numbers for each box")
        require_tensor(labels, (len(scores),), "a label for each box")
        require_finite(boxes)
        require_finite(scores)
        if len(scores) and not 0 <= float(scores.min()) <= float(scores.max()) <= 1:
            raise ModelFailed(
                "the model answered scores that are no probabilities from 0 to 1: let forward end in sigmoid"
            )
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(self._classes):
            raise ModelFailed(f"the model answered a label beyond its {len(self._classes)} classes")
        return boxes, labels, scores.float()

    def _threshold(self, request: Mapping[str, Any]) -> float:
        value = request.get("threshold")
        if value is None:
            return self._detection.threshold
        if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value) or not 0 <= value <= 1:
            raise BadRequest("threshold must be a number from 0 to 1.")
        return float(value)

    def _max_boxes(self, request: Mapping[str, Any]) -> int:
        return whole_number(request, "max_boxes", self._detection.max_boxes) or self._detection.max_boxes
