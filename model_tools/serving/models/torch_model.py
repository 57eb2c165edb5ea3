"""Runs a TorchScript model for one request or for several at once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

import torch

from model_tools.formats.archive import ArchiveManifest
from model_tools.formats.batch_axis import BATCH_AXIS
from model_tools.serving.failures import ModelFailed, redacted_errors
from model_tools.serving.models.numbers import bounds
from model_tools.serving.models.single_rows import SingleRows
from model_tools.serving.models.tensors import TensorReader, check_axes, example, output_tensors, to_lists
from model_tools.serving.requests import BadRequest
from model_tools.tensors.memory_format import in_format

Inputs = tuple[torch.Tensor, ...]

WARM_UP_CALLS = 3
"""TorchScript's profiling executor watches two calls and optimises at the third."""
WARM_UP_NUMBERS = 1 << 22
"""The largest number of values in an input of the second warm-up call, whose named axes have twice their least size."""


class TorchModel:
    """The TorchScript model of an archive, loaded onto the CPU."""

    device = "cpu"

    def __init__(self, path: Path, manifest: ArchiveManifest, *, threads: int | None = None) -> None:
        if threads is not None:
            self.set_threads(threads)
        self._model = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        self._specs = manifest.inputs
        self._axes = manifest.axes
        self._readers = [TensorReader(spec, manifest.axes) for spec in manifest.inputs]
        self._shared_axes = len(manifest.inputs) > 1
        self.channels_last = manifest.channels_last
        self.library = f"torch {torch.__version__.partition('+')[0]}"
        self._rows = SingleRows(manifest)
        self._output_places = self._rows.output_places
        # Requests are stacked along the first axis of every input, and the outputs split where their batch axis lies.
        known = self._output_places is not None and not manifest.rows_apart
        stackable = known and all(spec.shape[:1] == [BATCH_AXIS] for spec in manifest.inputs)
        self._most_rows = bounds(BATCH_AXIS, manifest.axes)[1] if stackable else 0

    @staticmethod
    def set_threads(threads: int) -> None:
        """Compute with this number of threads from now on."""
        torch.set_num_threads(threads)

    def warm_up(self) -> None:
        """Call the model until it is as fast as it gets.

        The sizes of named axes differ from call to call, so that TorchScript optimises for no particular size.
        """
        for inputs in islice(self._examples(), WARM_UP_CALLS):
            self(*inputs)

    def lacks_batch(self, values: Sequence[object]) -> bool:
        """Tell whether the values bring a single row without the batch axis. Raises BadRequest."""
        return self._rows.are_given(values)

    def read(self, values: Sequence[object], names: Sequence[str]) -> Inputs:
        """Return one tensor for each of the model's inputs, with the batch axis added for a single row.

        Raises BadRequest, whose message names the field.
        """
        if len(values) != len(self._readers):
            raise BadRequest(f"the model takes {len(self._readers)} input(s): give as many in inputs.")
        added = self._rows.added_places(single=self.lacks_batch(values))
        tensors = tuple(
            reader.read(value, name, added=place)
            for reader, value, name, place in zip(self._readers, values, names, added, strict=True)
        )
        if self._shared_axes:
            check_axes(tensors, self._specs)
        return tensors

    def call(self, inputs: Inputs) -> Any:
        """Return the model's output. Raises ModelFailed."""
        with redacted_errors("the model"):
            return self(*inputs)

    def call_each(self, batch: Sequence[Inputs]) -> list[Any]:
        """Return the model's output for each of several inputs; inputs of fitting shapes share one call."""
        answers: list[Any] = [None] * len(batch)
        for group in self._groups(batch):
            outputs = self._call_together([batch[index] for index in group])
            for index, output in zip(group, outputs, strict=True):
                answers[index] = output
        return answers

    def to_lists(self, output: Any, *, single: bool = False) -> list[object]:
        """Return each output as nested lists, without its batch axis if the request brought a `single` row.

        Raises ModelFailed for NaN, infinity and an output that is no tensor.
        """
        return to_lists(output, self._output_places if single else None)

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """Return the model's output. Raises what the model raises."""
        with torch.inference_mode():
            return self._model(*in_format(inputs, channels_last=self.channels_last))

    def _examples(self) -> Iterator[Inputs]:
        while True:
            yield tuple(example(spec, self._sizes(spec.shape, doubled=False)) for spec in self._specs)
            yield tuple(example(spec, self._sizes(spec.shape, doubled=True)) for spec in self._specs)

    def _sizes(self, shape: Sequence[int | str], *, doubled: bool) -> list[int]:
        spans = [bounds(axis, self._axes) for axis in shape]
        least, more = [low for low, _ in spans], [min(2 * low, high) for low, high in spans]
        return more if doubled and prod(more) <= WARM_UP_NUMBERS else least

    def _groups(self, batch: Sequence[Inputs]) -> Iterator[list[int]]:
        """Yield the indices of inputs that can share one call."""
        alike: dict[Any, list[int]] = {}
        for index, inputs in enumerate(batch):
            rows = inputs[0].shape[0] if self._most_rows else 0
            shapes = tuple(tensor.shape[1:] for tensor in inputs) if self._most_rows else index
            group = alike.setdefault(shapes, [])
            if group and sum(batch[other][0].shape[0] for other in group) + rows > self._most_rows:
                yield group
                group = alike[shapes] = []
            group.append(index)
        yield from alike.values()

    def _call_together(self, inputs: Sequence[Inputs]) -> list[Any]:
        if len(inputs) == 1:
            return [self.call(inputs[0])]
        rows = [each[0].shape[0] for each in inputs]
        output = self.call(tuple(torch.cat(tensors) for tensors in zip(*inputs, strict=True)))
        tensors, places = output_tensors(output), self._output_places or []
        if len(tensors) != len(places) or any(
            tensor.dim() <= place or tensor.shape[place] != sum(rows)
            for tensor, place in zip(tensors, places, strict=True)
        ):
            return [self.call(each) for each in inputs]  # the output is not one row for each row, so it cannot be split
        split = [torch.split(tensor, rows, place) for tensor, place in zip(tensors, places, strict=True)]
        pieces = zip(*split, strict=True)
        return [_in_form_of(output, piece) for piece in pieces]


def _in_form_of(output: object, tensors: tuple[torch.Tensor, ...]) -> Any:
    """Return the tensors as a tensor, dict or tuple, as the output is one."""
    if isinstance(output, torch.Tensor):
        return tensors[0]
    return dict(zip(output, tensors, strict=True)) if isinstance(output, Mapping) else tensors


def require_tensor(output: object, shape: tuple[int | None, ...], what: str) -> torch.Tensor:
    """Return the output if it is a tensor of this shape, in which None allows any size. Raises ModelFailed."""
    fits = isinstance(output, torch.Tensor) and output.dim() == len(shape)
    if not fits or any(wanted not in (None, size) for wanted, size in zip(shape, output.shape, strict=True)):  # type: ignore[attr-defined]
        raise ModelFailed(f"the model did not answer {what}")
    return output  # type: ignore[return-value]
