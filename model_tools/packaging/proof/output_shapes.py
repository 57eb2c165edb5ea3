"""Whether a model answers in the form that its kind of task is served in. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_tools.errors import ClassesMismatch, TraceFailed
from model_tools.formats.manifest import Manifest
from model_tools.packaging.checkpoint.class_names import check_width
from model_tools.packaging.proof.cases import Case

BINARY_CLASSES = 2


@dataclass(frozen=True)
class Answered:
    """What a model answered to one case."""

    structure: str
    dtype: str
    """Of its first tensor."""
    shape: list[int]
    """Of its first tensor."""


def check_answer_form(
    manifest: Manifest, case: Case, answered: Answered, *, classes: Sequence[str] | None, tokens: int | None
) -> None:
    """Raise unless serving can make a task's answer of what the model answers to a case.

    `tokens` is the length of the target vocabulary. Raises TraceFailed for another form, ClassesMismatch for another
    width than `classes.txt` or the vocabulary has.
    """
    shape = answered.shape
    if manifest.task == "image-classification":
        _require(answered, "An image classifier", "[batch, classes]", fits=len(shape) == 2)  # noqa: PLR2004 (its axes)
        check_width(list(classes or []), shape[1], where=manifest.classes or "classes")
    elif manifest.task == "tabular":
        rows = case.shapes[0][0]
        form = "[batch] or [batch, outputs]"
        _require(answered, "A tabular model", form, fits=len(shape) in (1, 2) and shape[0] == rows, ints=True)
        if classes is not None:
            _require(answered, "A tabular classifier", form, fits=True)
            # A single number is the logit of the second of two classes.
            width = shape[1] if len(shape) == 2 and shape[1] > 1 else BINARY_CLASSES  # noqa: PLR2004 (its axes)
            check_width(list(classes), width, where=manifest.classes or "classes")
    elif manifest.task == "embedding":
        fits = len(shape) == 2 and shape[0] == case.shapes[0][0]  # noqa: PLR2004 (its axes)
        _require(answered, "An embedding model", "[batch, dimensions]", fits=fits)
    elif manifest.task == "text-to-text":
        target = case.shapes[1]
        form = "[batch, target, vocabulary]"
        _require(answered, "A text-to-text model", form, fits=len(shape) == 3 and shape[:2] == target)  # noqa: PLR2004
        if shape[2] != tokens:
            raise ClassesMismatch(
                f"text.target_vocabulary has {tokens:,} tokens, the model scores {shape[2]:,}: publish the vocabulary "
                "that the model was trained with, one token a line."
            )


def _require(answered: Answered, who: str, form: str, *, fits: bool, ints: bool = False) -> None:
    plain = answered.structure == "tensor"
    if plain and fits and (ints or answered.dtype.startswith(("float", "bfloat"))):
        return
    raise TraceFailed(
        f"{who} answers one tensor {form} of {'numbers' if ints else 'floats'}; this model answers a "
        f"{answered.structure} with {answered.dtype} of shape {answered.shape}: let forward return that tensor alone, "
        "or publish with task: tensor."
    )
