"""Serves task `text-to-text`: `{"text"}` → `{"text", "score"}`, `{"texts"}` → `{"texts", "scores"}`.

A request may set the width of the beam search, `beams`, and the length of the answer, `max_tokens`.
"""

import math
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

import torch

from model_tools.formats.requests import TEXT_FIELDS
from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.failures import ModelFailed
from model_tools.serving.models.torch_model import TorchModel, require_tensor
from model_tools.serving.requests import BadRequest, require_only, whole_number
from model_tools.serving.task import Fetch
from model_tools.serving.text.beam_search import Hypothesis, search
from model_tools.serving.text.token_batches import TokenShape
from model_tools.serving.text.vocabulary import TextReader, Vocabulary
from model_tools.tasks.text_to_text.spec import SPEC

MAX_BEAMS = 16
SECONDS = 20.0
"""The time for all texts of a call. Longer calls are refused, well before Lambda would end the function."""


class GenerationRequest(NamedTuple):
    """The texts of one request as token ids, and the settings of the search."""

    sources: list[list[int]]
    beams: int
    max_tokens: int


class TextToText:
    """An encoder–decoder that writes a text for a text."""

    def __init__(self, files: ModelFiles, model: TorchModel, fetch: Fetch) -> None:  # noqa: ARG002 (all tasks have these parameters)
        manifest, text = files.manifest, files.manifest.text
        if text is None:
            raise ValueError("a text-to-text model's archive must say how text is read")
        source, target = Vocabulary(files.source_vocabulary, text), Vocabulary(files.target_vocabulary, text)
        if target.begin is None or target.end is None:
            raise ValueError("a text-to-text model's target vocabulary must have <bos> and <eos>")
        self._target = target
        self._scores = manifest.scores
        self._begin, self._end = target.begin, target.end
        self._source_shape = TokenShape.of(manifest, 0, source.padding)
        self._target_shape = TokenShape.of(manifest, 1, target.padding)
        most = min(text.max_source_tokens, self._source_shape.tokens[1])
        self._texts = TextReader(source, fewest=self._source_shape.fewest_tokens, most=most)
        self._max_tokens = min(text.max_target_tokens, self._target_shape.tokens[1])
        self._beams = text.beams
        self._model = model
        self.set_threads = model.set_threads
        self.warm_up = model.warm_up

    def preprocess(self, request: Mapping[str, Any]) -> GenerationRequest:
        """Return the token ids of the request's texts, and the settings of the search. Raises BadRequest."""
        require_only(request, (*TEXT_FIELDS, *SPEC.options))
        beams = whole_number(request, "beams", MAX_BEAMS) or self._beams
        max_tokens = whole_number(request, "max_tokens", self._max_tokens) or self._max_tokens
        return GenerationRequest(self._texts.read(request), beams, max_tokens)

    def predict(self, batch: Sequence[GenerationRequest]) -> list[list[Hypothesis]]:
        """Return the model's texts for each request; texts with equal settings of the search share batches.

        Raises BadRequest when the search takes longer than SECONDS.
        """
        deadline = monotonic() + SECONDS
        written: list[list[Hypothesis]] = [[] for _ in batch]
        for beams, max_tokens in dict.fromkeys((asked.beams, asked.max_tokens) for asked in batch):
            alike = [
                index for index, asked in enumerate(batch) if (asked.beams, asked.max_tokens) == (beams, max_tokens)
            ]
            texts = [ids for index in alike for ids in batch[index].sources]
            found = iter(self._search(texts, beams, max_tokens, deadline))
            for index in alike:
                written[index] = [next(found) for _ in batch[index].sources]
        return written

    def respond(self, output: Sequence[Hypothesis], request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the texts, each with the geometric mean of its tokens' probabilities as its score."""
        texts = [self._target.decode(written.ids) for written in output]
        scores = [math.exp(written.score) for written in output]
        if request.get("texts") is None:
            return {"text": texts[0], "score": scores[0]}
        return {"texts": texts, "scores": scores}

    def _search(self, texts: Sequence[list[int]], beams: int, max_tokens: int, deadline: float) -> list[Hypothesis]:
        found: dict[int, Hypothesis] = {}

        def logits(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            if monotonic() > deadline:
                raise BadRequest(f"the texts take longer than {SECONDS:g} s: ask for fewer, or with fewer beams.")
            size = self._source_shape.rows[1]
            pieces = zip(torch.split(source, size), torch.split(target, size), strict=True)
            return torch.cat([self._next_token(*piece) for piece in pieces])

        for indices in self._source_shape.batches(texts, max(1, self._source_shape.rows[1] // beams)):
            written = search(
                logits, self._source_shape.padded([texts[index] for index in indices]),
                begin=self._begin, end=self._end, barred=self._barred(), beams=beams, max_tokens=max_tokens,
            )  # fmt: skip
            found.update(zip(indices, written, strict=True))
        return [found[index] for index in range(len(texts))]

    def _barred(self) -> list[int]:
        return [index for index in (self._target.padding, self._target.begin) if index is not None]

    def _next_token(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the logits of the token after each target, [rows, vocabulary]."""
        rows, last = target.shape[0], target.shape[1] - 1
        lacking = self._target_shape.tokens[0] - target.shape[1]
        if lacking > 0:  # it was proved that the tokens after a position do not change the logits at it
            target = torch.nn.functional.pad(target, (0, lacking), value=self._target.padding or 0)
        inputs = self._source_shape.with_enough_rows(source), self._source_shape.with_enough_rows(target)
        shape = (inputs[0].shape[0], target.shape[1], len(self._target))
        answer = require_tensor(self._model.call(inputs), shape, "logits [batch, target, vocabulary]")[:rows, last]
        if self._scores == "probabilities":
            answer = answer.float().log()  # the search makes the same probabilities of their logarithms
        if bool(answer.isnan().any()):
            raise ModelFailed("the model answered NaN")
        return answer
