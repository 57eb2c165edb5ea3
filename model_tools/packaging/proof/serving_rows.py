"""Says which proofs of rows and padding a model's serving needs, and refuses a model that cannot be served. Pure."""

from model_tools.errors import ParityFailed
from model_tools.formats.batch_axis import BATCH_AXIS
from model_tools.formats.vocabulary import PADDING
from model_tools.packaging.checked_folder import CheckedFolder
from model_tools.packaging.proof.messages import RowsJob, RowsResult

TEXT_AXES = 2
"""The number of axes of an input of token ids, [batch, tokens]."""


def rows_job(checked: CheckedFolder) -> RowsJob:
    """Return the job for the model in a checked folder."""
    manifest = checked.manifest
    together = all(spec.shape[:1] == [BATCH_AXIS] for spec in manifest.inputs)
    fewest_rows = manifest.axis_sizes(BATCH_AXIS).min if together else None
    source = manifest.inputs[0]
    if checked.vocabularies is None or len(source.shape) != TEXT_AXES:
        return RowsJob(fewest_rows=fewest_rows, padding=None)
    tokens = source.shape[1]
    ids = checked.vocabularies.source
    padding = ids.index(PADDING) if PADDING in ids and isinstance(tokens, str) else None
    fewest_targets = None
    if checked.spec.writes_text:
        targets = manifest.inputs[1].shape[1]
        least = manifest.axis_sizes(targets).min if isinstance(targets, str) else targets
        fewest_targets = least if least > 1 else None
    return RowsJob(
        may_be_apart=not checked.spec.writes_text,
        fewest_rows=fewest_rows,
        padding=padding,
        no_padding=next(index for index in range(len(ids)) if index != padding),
        fewest_tokens=manifest.axis_sizes(tokens).min if isinstance(tokens, str) else tokens,
        fewest_targets=fewest_targets,
    )


def refuse_rows(found: RowsResult, checked: CheckedFolder) -> None:
    """Raise ParityFailed for a model that cannot be served because of what its rows or targets depend on."""
    if found.independent is False and checked.spec.writes_text:
        raise ParityFailed(
            "The rows of a batch change one another's answers, and the search over texts asks several rows at once: "
            "use layers that treat each row alone, such as nn.LayerNorm instead of a batch norm without running "
            "statistics."
        )
    if found.causal is False:
        raise ParityFailed(
            "The logits at a position depend on the tokens after it, and targets that are shorter than the model takes "
            "are padded: mask later positions in the decoder, or let the axis of targets begin at 1 (axes: min)."
        )
