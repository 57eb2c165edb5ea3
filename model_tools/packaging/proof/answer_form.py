"""Finds the form of a model's answers: whether they fit the task, their batch axes, and the meaning of scores. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from model_tools.formats.archive import CODE_PREFIX
from model_tools.formats.batch_axis import batch_place
from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import Scores
from model_tools.packaging.checked_folder import CheckedFolder
from model_tools.packaging.custom.code import defined_steps
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.messages import TraceResult
from model_tools.tasks.answers import AnsweredCase, AnsweredTensor, check_some_width
from model_tools.tasks.manifests import own_code_of
from model_tools.tasks.scores import find_scores


@dataclass(frozen=True)
class AnswerForm:
    """The form of a model's answers, as serving must know it."""

    batch_axes: list[int | None] | None = None
    """The place of the batch axis in each output; see ArchiveManifest."""
    scores: Scores | None = None
    """The meaning of a classifier's outputs; None for a model that ranks no classes."""
    note: str = ""
    """The reason for `scores`, for the evidence."""

    def described(self) -> dict[str, object]:
        """Return the fields of parity.json."""
        scores = {"scores": {"are": self.scores, "reason": self.note}} if self.scores else {}
        return {"batch_axes": self.batch_axes, **scores}


def examine_answers(checked: CheckedFolder, cases: Sequence[Case], traced: TraceResult) -> AnswerForm:
    """Return the form of the trained model's answers to the cases.

    Raises TraceFailed, ClassesMismatch or ManifestInvalid for answers that the task cannot turn into responses.
    """
    answers = [_answered(checked, case, number, traced) for number, case in enumerate(cases)]
    for answered in answers:
        checked.spec.check_answer(answered)
        if _answers_outputs_as_they_are(checked):
            check_some_width(answered)
    axes = find_batch_axes(checked.manifest, cases, traced.shapes)
    if not checked.spec.ranks(checked.manifest):
        return AnswerForm(axes)
    found = find_scores(
        answers, checked.manifest.scores,
        last_operator=traced.last_operator, otherwise=checked.spec.instead_of_ranking,
    )  # fmt: skip
    return AnswerForm(axes, found.scores, found.note)


def find_batch_axes(
    manifest: Manifest, cases: Sequence[Case], shapes: Sequence[Sequence[Sequence[int]]]
) -> list[int | None] | None:
    """Return the place of the batch axis in each output, the one axis whose size is that of the batch in every case.

    `shapes` has the shape of each output for each case. An output has None for its place if no axis or more than one
    follows the batch. The result is None if the batch has no name or the same size in all cases.
    """
    sizes = [_batch_size(manifest, case) for case in cases]
    if None in sizes or len(set(sizes)) < 2:  # noqa: PLR2004 (two sizes at least)
        return None
    return [_following(sizes, [case[output] for case in shapes]) for output in range(len(shapes[0]))]


def _following(sizes: Sequence[int | None], shapes: Sequence[Sequence[int]]) -> int | None:
    if len({len(shape) for shape in shapes}) != 1:
        return None
    places = [
        place
        for place in range(len(shapes[0]))
        if all(shape[place] == size for shape, size in zip(shapes, sizes, strict=True))
    ]
    return places[0] if len(places) == 1 else None


def _batch_size(manifest: Manifest, case: Case) -> int | None:
    """Return the size of the batch axis of a case's inputs; None without that axis."""
    for spec, shape in zip(manifest.inputs, case.shapes, strict=True):
        place = batch_place(spec.shape)
        if place is not None:
            return shape[place]
    return None


def _answers_outputs_as_they_are(checked: CheckedFolder) -> bool:
    """Tell whether a model with own code leaves its outputs as they are, so that the names must fit them."""
    own = own_code_of(checked.manifest)
    return own is not None and defined_steps(checked.code[CODE_PREFIX + PurePosixPath(own.predictor).as_posix()]) <= {
        "preprocess"
    }


def _answered(checked: CheckedFolder, case: Case, number: int, traced: TraceResult) -> AnsweredCase:
    tensors = [
        AnsweredTensor(output.name, output.dtype, shape, values)
        for output, shape, values in zip(traced.outputs, traced.shapes[number], traced.values[number], strict=True)
    ]
    return AnsweredCase(
        traced.structure, tensors, case.shapes,
        classes=checked.classes, classes_file=checked.classes_file, target_tokens=checked.target_tokens,
    )  # fmt: skip
