"""Serves task `embedding`: an image, a text or numbers → `{"embedding"}`, several of them → `{"embeddings"}`."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from model_tools.formats.requests import IMAGE_FIELDS, NUMBER_FIELDS, TEXT_FIELDS
from model_tools.serving.archive_reader import ModelFiles
from model_tools.serving.failures import ModelFailed
from model_tools.serving.images.image_reader import ImageReader
from model_tools.serving.models.tensors import output_tensors, to_list
from model_tools.serving.models.torch_model import Inputs, TorchModel
from model_tools.serving.requests import require_only
from model_tools.serving.task import Fetch
from model_tools.serving.text.token_batches import TokenShape
from model_tools.serving.text.vocabulary import TextReader, Vocabulary
from model_tools.tasks.embedding.spec import Embedding
from model_tools.tasks.tensor.serve import read_inputs

SMALLEST_LENGTH = 1e-12
"""A vector is divided by this number at least, so that a vector of zeros does not become NaN."""


class EmbeddingTask:
    """Answers images, texts or numbers with vectors; similar inputs have vectors that lie near one another."""

    def __init__(self, files: ModelFiles, model: TorchModel, fetch: Fetch) -> None:
        manifest = files.manifest
        self._normalize = Embedding.model_validate(manifest.settings).normalize
        self._model = model
        self._images = ImageReader(manifest, manifest.preprocess, fetch) if manifest.preprocess else None
        self._texts: TextReader | None = None
        self.set_threads = model.set_threads
        self.warm_up = model.warm_up
        if manifest.text is not None:
            vocabulary = Vocabulary(files.source_vocabulary, manifest.text)
            self._tokens = TokenShape.of(manifest, 0, vocabulary.padding)
            most = min(manifest.text.max_source_tokens, self._tokens.tokens[1])
            self._texts = TextReader(vocabulary, fewest=self._tokens.fewest_tokens, most=most)

    def preprocess(self, request: Mapping[str, Any]) -> Any:
        """Return the token ids of each text, or the model's inputs. Raises BadRequest."""
        if self._texts is not None:
            require_only(request, TEXT_FIELDS)
            return self._texts.read(request)
        if self._images is not None:
            require_only(request, IMAGE_FIELDS)
            return (self._images.read(request),)
        require_only(request, NUMBER_FIELDS)
        return read_inputs(request, self._model)

    def predict(self, batch: Sequence[Any]) -> list[torch.Tensor]:
        """Return the vectors of each request, [rows, length]."""
        if self._texts is not None:
            return self._embed_texts(batch)
        return [_vectors(output) for output in self._model.call_each(batch)]

    def respond(self, output: torch.Tensor, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the vector, or a list of vectors for several rows or texts, scaled if the manifest says so."""
        output = output.float()
        if self._normalize:
            output = output / output.norm(dim=-1, keepdim=True).clamp(min=SMALLEST_LENGTH)
        if output.dim() == 1 or (output.shape[0] == 1 and request.get("texts") is None):
            return {"embedding": to_list(output.flatten())}
        return {"embeddings": to_list(output)}

    def _embed_texts(self, batch: Sequence[Sequence[list[int]]]) -> list[torch.Tensor]:
        texts = [ids for each in batch for ids in each]
        found: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        for indices in self._tokens.batches(texts, self._tokens.rows[1]):
            tokens = self._tokens.padded([texts[index] for index in indices])
            inputs: Inputs = (self._tokens.with_enough_rows(tokens),)
            for index, vector in zip(indices, _vectors(self._model.call(inputs)), strict=False):
                found[index] = vector
        vectors = iter(found)
        return [torch.stack([next(vectors) for _ in each]) for each in batch]


def _vectors(output: Any) -> torch.Tensor:
    tensors = output_tensors(output)
    if len(tensors) != 1 or tensors[0].dim() not in (1, 2):
        raise ModelFailed("the model did not answer one vector for each row")
    return tensors[0]
