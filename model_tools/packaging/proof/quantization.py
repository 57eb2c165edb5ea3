"""A model made smaller before it is traced: dynamic int8, or bfloat16. Runs in a child process."""

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
    """Computes in bfloat16 and answers in the dtypes that the model had before."""

    def __init__(self, model: torch.nn.Module, dtypes: Sequence[torch.dtype]) -> None:
        super().__init__()
        self.model = model.to(torch.bfloat16)
        self._dtypes = tuple(dtypes)

    def forward(self, *inputs: torch.Tensor) -> object:
        """Cast, ask, cast back; the structure of the answer stays."""
        answer = self.model(*(tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor for tensor in inputs))
        taken = take_apart(answer)
        tensors = [tensor.to(dtype) for tensor, dtype in zip(taken.tensors, self._dtypes, strict=True)]
        if taken.structure == "tensor":
            return tensors[0]
        return dict(zip(taken.names, tensors, strict=True)) if taken.structure == "dict" else tuple(tensors)


def quantize(model: torch.nn.Module, kind: Quantize, answered: Outputs) -> torch.nn.Module:
    """Return a quantised copy of a model in eval mode; `answered` is what the model answers as it is.

    Raises ManifestInvalid when there is nothing in the model that could be quantised.
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
        warnings.simplefilter("ignore")  # torch announces that this moves to another package
        quantized: torch.nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            copy.deepcopy(model), set(QUANTIZABLE), dtype=torch.qint8
        )
    return quantized.eval()
