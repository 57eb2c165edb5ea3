"""Quantises a model before it is traced, to dynamic int8 or to bfloat16. Runs in a child process."""

import copy
import warnings
from collections.abc import Sequence

import torch

from model_tools.errors import ManifestInvalid
from model_tools.formats.sections import Quantize
from model_tools.packaging.proof.model_outputs import Outputs, take_apart

QUANTIZABLE = (torch.nn.Linear, torch.nn.LSTM, torch.nn.GRU)
"""The layers that dynamic quantisation has 8-bit kernels for."""


class InBfloat16(torch.nn.Module):
    """Computes a model in bfloat16 and returns its answers in the dtypes that they had before."""

    def __init__(self, model: torch.nn.Module, dtypes: Sequence[torch.dtype]) -> None:
        super().__init__()
        self.model = model.to(torch.bfloat16)
        self._dtypes = tuple(dtypes)

    def forward(self, *inputs: torch.Tensor) -> object:
        """Cast the inputs, call the model and cast the answer back, keeping its structure."""
        answer = self.model(*(tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor for tensor in inputs))
        taken = take_apart(answer)
        tensors = [tensor.to(dtype) for tensor, dtype in zip(taken.tensors, self._dtypes, strict=True)]
        if taken.structure == "tensor":
            return tensors[0]
        return dict(zip(taken.names, tensors, strict=True)) if taken.structure == "dict" else tuple(tensors)


def quantize(model: torch.nn.Module, kind: Quantize, answered: Outputs) -> torch.nn.Module:
    """Return a quantised copy of a model in eval mode; `answered` is an answer of the model before.

    Raises ManifestInvalid for a model without anything to quantise.
    """
    if kind == "bfloat16":
        if not any(tensor.is_floating_point() for tensor in model.state_dict().values()):
            raise ManifestInvalid(
                "optimize.quantize: bfloat16 stores the model's weights in half the space, and it has none: remove it."
            )
        return InBfloat16(copy.deepcopy(model), [tensor.dtype for tensor in answered.tensors]).eval()
    if not any(type(module) in QUANTIZABLE for module in model.modules()):
        names = ", ".join(kind.__name__ for kind in QUANTIZABLE)
        raise ManifestInvalid(
            f"optimize.quantize: dynamic-int8 is for {names} layers, and the model has none: remove it, or use "
            "bfloat16."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that this function moves to another package
        quantized: torch.nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            copy.deepcopy(model), set(QUANTIZABLE), dtype=torch.qint8
        )
    return quantized.eval()
