"""Recognises requests that bring a single row without the batch axis, and takes that axis off their answers."""

from collections.abc import Sequence

from model_tools.formats.archive import ArchiveManifest
from model_tools.formats.batch_axis import MixedRanks, batch_place, lacks_batch, rank_of
from model_tools.serving.requests import BadRequest


class SingleRows:
    """The batch axes of a model's inputs and outputs."""

    def __init__(self, manifest: ArchiveManifest) -> None:
        self._shapes = [spec.shape for spec in manifest.inputs]
        self._inputs = [batch_place(shape) for shape in self._shapes]
        self._outputs = manifest.batch_axes

    @property
    def output_places(self) -> list[int] | None:
        """The place of the batch axis in each output; None unless every output is known to have one."""
        places = self._outputs
        if places is None:
            return None
        known = [place for place in places if place is not None]
        return known if len(known) == len(places) else None

    def are_given(self, values: Sequence[object]) -> bool:
        """Tell whether the values, one for each input, lack exactly the batch axis.

        Raises BadRequest when some inputs lack it and others do not, and when an output has no batch axis to leave
        out of the answer.
        """
        try:
            lacking = lacks_batch(self._shapes, [rank_of(value) for value in values])
        except MixedRanks:
            raise BadRequest(
                f"some inputs have the axis batch and others lack it; the model takes {self._told}: give it to all of "
                "them, or to none for a single row."
            ) from None
        if lacking and self.output_places is None:
            raise BadRequest(
                f"the axis batch is missing; the model takes {self._told}. It cannot be added for a single row, since "
                "not every output of the model is known to have that axis: send a batch of one row."
            )
        return lacking

    def added_places(self, *, single: bool) -> list[int | None]:
        """Return for each input the place at which its batch axis is added; None for an input that is complete."""
        return self._inputs if single else [None] * len(self._inputs)

    @property
    def _told(self) -> str:
        return " and ".join(str(shape) for shape in self._shapes)
