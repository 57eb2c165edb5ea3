"""What each kind of task reads from a request and says in its answer."""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any, Protocol

import torch

from model_tools.archive_format import ArchiveManifest
from model_tools.manifest import InputSpec
from model_tools.serving.archive import ModelFiles
from model_tools.serving.images import black_image, decode_base64, image_to_input
from model_tools.serving.requests import BadRequest
from model_tools.serving.tensors import DTYPES, ModelFailed, check_axes, example, require_finite, to_lists, to_tensor

GUESSED_SIZES = (1, 16, 128)
"""The first axis is the batch: one is enough there."""
GUESSED_NUMBERS = 1 << 22
"""An input of guessed sizes holds no more numbers, however many axes have names."""

Inputs = tuple[torch.Tensor, ...]
Fetch = Callable[[str], bytes]
"""Returns the bytes at a URL."""


class Task(Protocol):
    """One kind of task; a model's archive says which it is."""

    def examples(self) -> Iterator[Inputs]:
        """Yield inputs to warm the model up with, to be tried until it answers one of them."""

    def read(self, request: Mapping[str, Any]) -> Inputs:
        """Return the model's inputs. Raises BadRequest."""

    def respond(self, output: object, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer's fields. Raises BadRequest, or ModelFailed for an output that is no answer."""


class ImageClassification:
    """`{"image": base64 or data URL}` or `{"url": …}` → `{"class", "confidence"}`, and `top_k` of them on request."""

    def __init__(self, files: ModelFiles, fetch: Fetch) -> None:
        if files.manifest.preprocess is None:
            raise ValueError("an image classifier's archive must say how images are preprocessed")
        self._preprocess = files.manifest.preprocess
        self._classes = files.classes
        self._dtype = DTYPES[files.manifest.inputs[0].dtype]
        self._fetch = fetch

    def examples(self) -> Iterator[Inputs]:
        """Yield a black image, made into an input as a request's is."""
        size = self._preprocess.size
        yield self._to_inputs(black_image((size, size) if isinstance(size, int) else size))

    def read(self, request: Mapping[str, Any]) -> Inputs:
        """Return the image as a batch of one."""
        _only(request, {"image", "url", "top_k"})
        self._top_k(request)
        image, url = request.get("image"), request.get("url")
        if (image is None) == (url is None):
            raise BadRequest("give one of image (base64 or a data URL) and url.")
        if not isinstance(image if url is None else url, str):
            raise BadRequest(f"{'image' if url is None else 'url'} must be a string.")
        return self._to_inputs(decode_base64(str(image)) if url is None else self._fetch(str(url)))

    def respond(self, output: object, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the likeliest class and its probability, a softmax over the model's outputs."""
        if not isinstance(output, torch.Tensor) or output.shape != (1, len(self._classes)):
            raise ModelFailed(f"the model did not answer one value for each of its {len(self._classes)} classes")
        require_finite(output)
        top_k = self._top_k(request)
        confidences, indices = torch.softmax(output[0].float(), 0).topk(top_k or 1)
        ranked = [
            {"class": self._classes[index], "confidence": confidence}
            for index, confidence in zip(indices.tolist(), confidences.tolist(), strict=True)
        ]
        return {**ranked[0], "top_k": ranked} if top_k else ranked[0]

    def _to_inputs(self, data: bytes) -> Inputs:
        return (image_to_input(data, self._preprocess, self._dtype),)

    def _top_k(self, request: Mapping[str, Any]) -> int | None:
        top_k = request.get("top_k")
        if top_k is None:
            return None
        if not isinstance(top_k, int) or isinstance(top_k, bool) or not 1 <= top_k <= len(self._classes):
            raise BadRequest(f"top_k must be a whole number from 1 to {len(self._classes)}.")
        return top_k


class TensorTask:
    """`{"input": nested lists}`, or `{"inputs": [one a model's input]}` → `{"output"}`, or `{"outputs"}` of several."""

    def __init__(self, manifest: ArchiveManifest) -> None:
        self._specs = manifest.inputs

    def examples(self) -> Iterator[Inputs]:
        """Yield inputs of the declared shapes; where an axis has a name instead of a size, several are guessed."""
        known = all(isinstance(axis, int) for spec in self._specs for axis in spec.shape[1:])
        largest = min(map(_largest_size, self._specs))
        for size in GUESSED_SIZES[:1] if known else GUESSED_SIZES:
            yield tuple(example(spec, min(size, largest)) for spec in self._specs)

    def read(self, request: Mapping[str, Any]) -> Inputs:
        """Return one tensor for each of the model's inputs."""
        _only(request, {"input", "inputs"})
        if ("input" in request) == ("inputs" in request):
            raise BadRequest("give one of input (nested lists) and inputs (a list with one for each input).")
        values = [request["input"]] if "input" in request else request["inputs"]
        if not isinstance(values, list) or len(values) != len(self._specs):
            raise BadRequest(f"the model takes {len(self._specs)} input(s): give as many in inputs.")
        where = ["input"] if "input" in request else [f"inputs[{index}]" for index in range(len(values))]
        tensors = tuple(map(to_tensor, values, self._specs, where))
        check_axes(tensors, self._specs)
        return tensors

    def respond(self, output: object, request: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 (as each task)
        """Return the model's outputs as nested lists."""
        outputs = to_lists(output)
        return {"output": outputs[0]} if len(outputs) == 1 else {"outputs": outputs}


def make_task(files: ModelFiles, fetch: Fetch) -> Task:
    """Return the task that a model's archive names."""
    if files.manifest.task == "image-classification":
        return ImageClassification(files, fetch)
    return TensorTask(files.manifest)


def _largest_size(spec: InputSpec) -> int:
    """Return the size that all named axes of an input may have together."""
    sizes = [axis for axis in spec.shape if isinstance(axis, int)]
    named = len(spec.shape) - len(sizes)
    return max(1, int((GUESSED_NUMBERS / prod(sizes)) ** (1 / max(1, named))))


def _only(request: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(str(name) for name in request.keys() - known):
        # In ASCII: not everything that JSON can escape may stand in an answer.
        raise BadRequest(f"unknown field(s) {', '.join(unknown)[:200]!a}; there is {', '.join(sorted(known))}.")
