"""The spec of task `object-detection`: `{"url"}` → `{"boxes", "classes", "scores"}`, best first."""

from typing import Annotated, Literal

from pydantic import Field

from model_tools.errors import ClassesMismatch, TraceFailed
from model_tools.formats.sections import Section
from model_tools.tasks.answers import AnsweredCase, AnsweredTensor
from model_tools.tasks.spec import TaskSpec

OUTPUTS = ("boxes", "labels", "scores")
"""The keys of the dict that a model answers; a tuple holds the same tensors in this order."""
MAX_BOXES = 1000
"""The largest `max_boxes` that publish.yaml may ask for."""
CORNERS = 4
"""The numbers of a box."""
FORM = "boxes [batch, candidates, 4] of floats, labels [batch, candidates] of integers and scores [batch, candidates]"


class Detection(Section):
    """The section `detection` of publish.yaml: the meaning of a model's boxes, and the choice of those to answer."""

    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The lowest score of an answered box, unless a request sets another."""
    max_boxes: Annotated[int, Field(ge=1, le=MAX_BOXES)] = 100
    """The largest number of answered boxes; a request may ask for fewer."""
    overlap: Annotated[float, Field(gt=0, lt=1)] | None = 0.5
    """The intersection over union above which the worse of two boxes of one class is dropped as a duplicate.

    Null is for a model that sorts out duplicates itself.
    """
    layout: Literal["corners", "centre"] = "corners"
    """corners: left, upper, right, lower. centre: x and y of the middle, width, height."""
    units: Literal["pixels", "fractions"] = "pixels"
    """The unit of the boxes: pixels of the input, or fractions of its width and height."""


def check_answer(answered: AnsweredCase) -> None:
    """Accept a dict or a tuple of boxes, labels and scores; for a batch of 1 they may lack the batch axis."""
    by_name = {tensor.name: tensor for tensor in answered.tensors}
    wanted = OUTPUTS if answered.structure == "dict" else tuple(str(index) for index in range(len(OUTPUTS)))
    rows = answered.input_shapes[0][0]
    fits = answered.structure != "tensor" and set(by_name) == set(wanted)
    if fits:
        boxes, labels, scores = (by_name[name] for name in wanted)
        candidates = boxes.shape[:-1]
        fits = (
            boxes.shape[-1:] == [CORNERS]
            and (boxes.shape[:1] == [rows] if len(boxes.shape) == 3 else (len(boxes.shape), rows) == (2, 1))  # noqa: PLR2004 (the number of axes)
            and labels.shape == scores.shape == candidates
            and boxes.dtype.startswith(("float", "bfloat"))
            and scores.dtype.startswith(("float", "bfloat"))
            and labels.dtype in ("int64", "int32", "uint8")
        )
    if not fits:
        told = ", ".join(f"{tensor.name or 'its answer'}: {tensor.dtype} {tensor.shape}" for tensor in answered.tensors)
        raise TraceFailed(
            f"A model of object detection answers a dict (or, in this order, a tuple) of {FORM}; to a batch of {rows} "
            f"this model answers a {answered.structure} ({told}): let forward return that. Without a batch axis in the "
            "answer, write 1 instead of a name for the batch of inputs."
        )
    _check_values(by_name[wanted[1]], by_name[wanted[2]], answered)


def _check_values(labels: AnsweredTensor, scores: AnsweredTensor, answered: AnsweredCase) -> None:
    """Raise ClassesMismatch for a label without a name, TraceFailed for a score that is not from 0 to 1."""
    named = len(answered.classes or ())
    if labels.values is not None and not 0 <= labels.values.smallest <= labels.values.largest < named:
        beyond = labels.values.largest if labels.values.smallest >= 0 else labels.values.smallest
        raise ClassesMismatch(
            f"{answered.classes_file} names {named} classes, the labels 0 to {named - 1}, and the model answers the "
            f"label {beyond:.0f}: name every label in its order, that of the background too if the model has one."
        )
    if scores.values is not None and not 0 <= scores.values.smallest <= scores.values.largest <= 1:
        raise TraceFailed(
            f"The model answers scores from {scores.values.smallest:.4g} to {scores.values.largest:.4g}, and those of "
            "objects are probabilities from 0 to 1: let forward apply a sigmoid or a softmax to them."
        )


SPEC = TaskSpec(
    name="object-detection",
    summary="an image to the objects in it",
    serve="model_tools.tasks.object_detection.serve:ObjectDetection",
    sections=frozenset({"classes", "preprocess"}),
    settings_name="detection",
    settings=Detection,
    required=("classes", "preprocess"),
    options=("threshold", "max_boxes"),
    option_examples=({"threshold": 0.0, "max_boxes": 1},),
    check_answer=check_answer,
)
