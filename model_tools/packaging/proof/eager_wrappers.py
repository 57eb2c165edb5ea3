"""Replaces the wrappers of training that tracing cannot see through, in the child process that runs the user's code.

- `torch.compile` and `nn.Module.compile` return what they are given. What they compile computes the same numbers, the
  tracer refuses compiled code, and a runtime bundle has no compiler.
- `torch.autograd.Function.apply` runs the function's own `forward` while a model is traced. Tracing would otherwise
  record a call into Python, which cannot be saved. Its `backward`, for training alone, is left out. Reentrant
  checkpoints (`torch.utils.checkpoint`) are functions of this kind.
- `tensor.data` is `tensor.detach()` while a model is traced, which is the same memory without gradients; the tracer
  would otherwise take its values for constants.
- A custom operator that is written in Python (`torch.library.custom_op`) runs its Python function while a model is
  traced, since the function that serves the model does not have the operator.

Hooks for gradients (`register_full_backward_hook`) are removed from a model that is loaded, since the tracer refuses
modules that have them. The answers that the traced model is compared with are asked outside of tracing, by torch's own
`apply`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch._library.custom_ops import CustomOpDef
from torch.autograd.function import FunctionCtx, _SingleLevelFunction

from model_tools.errors import PublishError, TraceFailed
from model_tools.packaging.children.faults import error_text
from model_tools.packaging.children.places import error_place_text

Wrapped = TypeVar("Wrapped")


class Context(FunctionCtx):
    """The `ctx` of a function's `forward` while it is traced. It keeps what is saved, which nobody asks for."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.to_save: tuple[torch.Tensor, ...] = ()

    @property
    def saved_tensors(self) -> tuple[torch.Tensor, ...]:
        """Return the tensors that `save_for_backward` was given."""
        return self.to_save


def replace_wrappers(folder: Path) -> None:
    """Replace the wrappers in this process. Call it before the user's code, in `folder`, is imported."""
    torch.compile = _uncompiled  # type: ignore[assignment]
    torch.nn.Module.compile = _compile_nothing  # type: ignore[method-assign,assignment]
    os.environ["TORCHDYNAMO_DISABLE"] = "1"  # torch._dynamo.optimize returns what it is given as well
    _inline_functions(folder)
    _inline_operators()
    _detach_data()


def remove_backward_hooks(model: torch.nn.Module) -> None:
    """Remove a model's hooks for gradients, which are never called when it is only asked."""
    for module in model.modules():
        module._backward_hooks.clear()  # noqa: SLF001 (only those who registered the hooks have handles to remove them)
        module._backward_pre_hooks.clear()  # noqa: SLF001


def _uncompiled(model: Wrapped | None = None, *_: object, **__: object) -> Wrapped | Callable[[Wrapped], Wrapped]:
    """Return the model or function itself; without one, a decorator that does so."""
    return _same if model is None else model


def _same(wrapped: Wrapped) -> Wrapped:
    return wrapped


def _compile_nothing(_module: torch.nn.Module, *_: object, **__: object) -> None:
    """Leave the module as it is."""


def _inline_functions(folder: Path) -> None:
    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_tracing():
            return _run_forward(cls, args, kwargs, folder)
        return super(_SingleLevelFunction, cls).apply(*args, **kwargs)

    _SingleLevelFunction.apply = classmethod(apply)  # type: ignore[attr-defined]  # it is inherited from C++


def _run_forward(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], folder: Path) -> Any:
    """Do what `apply` does but record no function: run `forward`, without gradients, with a context."""
    context = Context(tuple(isinstance(value, torch.Tensor) and value.requires_grad for value in args))
    try:
        with torch.no_grad():
            if function.setup_context == _SingleLevelFunction.setup_context:
                return function.forward(context, *args, **kwargs)
            output = function.forward(*args, **kwargs)
            function.setup_context(context, args, output)
            return output
    except (PublishError, MemoryError):
        raise
    except Exception as error:
        name = function.__name__.removeprefix("Vmapped")  # torch.vmap makes a function of its own from another one
        raise TraceFailed(
            f"The forward of {name}, an autograd.Function, cannot be traced: {error_text(error)}"
            f"{error_place_text(error, folder)}. Write what it computes as a plain function of torch's operations, and "
            f"call that in the model's forward instead of {name}.apply when not self.training."
        ) from error


def _inline_operators() -> None:
    original = CustomOpDef.__call__

    def call(operator: CustomOpDef, *args: Any, **kwargs: Any) -> Any:
        if _is_tracing():
            return operator._init_fn(*args, **kwargs)  # noqa: SLF001 (the function that was decorated has no public name)
        return original(operator, *args, **kwargs)  # type: ignore[no-untyped-call]

    CustomOpDef.__call__ = call  # type: ignore[method-assign,assignment]


def _detach_data() -> None:
    original: Any = torch._C.TensorBase.data  # noqa: SLF001 (torch.Tensor inherits it)

    def get(tensor: torch.Tensor) -> Any:
        return tensor.detach() if _is_tracing() else original.__get__(tensor)

    def set_(tensor: torch.Tensor, value: torch.Tensor) -> None:
        if _is_tracing():
            raise RuntimeError("an assignment to .data cannot be recorded")
        original.__set__(tensor, value)

    torch.Tensor.data = property(get, set_)  # type: ignore[assignment]


def _is_tracing() -> bool:
    return bool(torch._C._is_tracing())  # noqa: SLF001 (torch.jit.is_tracing is the same for scripts as well)
