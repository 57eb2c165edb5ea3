"""Compares the states of a model, and words what must not differ. Pure, and without torch.

Two builds of a model are compared: the first, which was asked in order and traced, and another, which was built under
other seeds, loaded with the same checkpoint and asked in reverse order.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from model_tools.errors import CheckpointRejected, ParityFailed
from model_tools.packaging.proof.state_messages import Call, RecordedState, State, Value

MAX_TOLD = 5
"""The number of names that a message lists."""
MAX_NOTES = 5
"""The number of values that are noted as different and harmless."""
CONTAINERS = {
    "list": ("a Python list", "nn.ModuleList or nn.ParameterList"),
    "tuple": ("a tuple", "nn.ModuleList or nn.ParameterList"),
    "dict": ("a dict", "nn.ModuleDict or nn.ParameterDict"),
    "OrderedDict": ("a dict", "nn.ModuleDict or nn.ParameterDict"),
    "defaultdict": ("a dict", "nn.ModuleDict or nn.ParameterDict"),
    "set": ("a set", "nn.ModuleList or nn.ParameterList"),
}
"""The name of each container that torch does not look into, and what to use instead, by its type."""
BATCH_NORM = ("running_mean", "running_var", "num_batches_tracked")
"""The buffers that a normalisation layer changes in training mode."""

TENSORS = frozenset({"weight", "trainable", "tensor"})
"""The kinds of values that are refused if they differ from build to build, whatever the answers."""

Changed = Mapping[str, Value | None]


def refuse_untrained(loaded: State, loose_modules: Iterable[Any]) -> None:
    """Raise CheckpointRejected for tensors that were to be trained, but are in no parameter list and no state dict."""
    untrained = {name: value for name, value in loaded.items() if value.kind == "trainable"}
    if untrained:
        value = next(iter(untrained.values()))
        where, use = CONTAINERS.get(value.holder, ("", ""))
        names = _attributes(untrained)
        if use:
            told = f"{names}: layers or parameters in {where} are neither trained nor saved: use {use} and train again."
        else:
            told = (
                f"{names}: its layers or parameters ({value.holder}) are not registered with the model, so they are "
                "neither trained nor saved: assign them to attributes of an nn.Module in __init__, as nn.Parameter, "
                "nn.ModuleList or nn.Module, and train again."
            )
        raise CheckpointRejected(told)
    unreached = {found.name: found for found in loose_modules if _is_in_training(found.value)}
    if unreached:
        name, found = next(iter(unreached.items()))
        where, use = CONTAINERS.get(found.holder, (f"an object of type {found.holder}", "nn.Module"))
        normalises = getattr(found.value, "running_mean", None) is not None
        then = "train again, since its running statistics were not saved" if normalises else "publish again"
        raise ParityFailed(
            f"`{found.attribute}`: model.eval() does not reach {type(found.value).__name__} ({name}), since torch does "
            f"not look into {where}, so it stays in training mode: use {use.partition(' or ')[0]}, and {then}."
        )


def changed_weights(loaded: State, now: State) -> State:
    """Return the parameters and buffers of the checkpoint that are not as they were after loading."""
    return {
        name: value
        for name, value in loaded.items()
        if value.kind == "weight" and _digest(now.get(name)) != value.digest
    } | {name: value for name, value in now.items() if value.kind == "weight" and name not in loaded}


def refuse_changed_weights(loaded: State, now: State) -> None:
    """Raise ParityFailed if a call has changed a parameter or a buffer that the checkpoint holds."""
    changed = changed_weights(loaded, now)
    if not changed:
        return
    if all(name.rpartition(".")[2] in BATCH_NORM for name in changed):
        raise ParityFailed(
            f"forward changes {_names(changed)}: it runs a normalisation layer in training mode, so that each answer "
            "depends on the inputs before it. Do not call .train() in forward, and pass training=self.training to "
            "F.batch_norm; then publish again."
        )
    raise ParityFailed(
        f"forward changes {_names(changed)}, which the checkpoint holds: the trained values are lost with the first "
        "input, and answers depend on the inputs before. Change weights and buffers in training alone (if "
        "self.training:), save the checkpoint of the trained model, and publish again."
    )


def refuse_accumulation(before: Changed, after: Changed, loaded: State) -> None:
    """Raise ParityFailed if a second call with the same input has changed a value again."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if changed:
        raise _accumulates({name: after.get(name) or before.get(name) or loaded.get(name) for name in changed})


def refuse_rebuilt(first: RecordedState, rebuilt: RecordedState, apart: str | None) -> None:
    """Refuse what differs between the two builds; `apart` is a case that they answer differently, or None.

    Raises CheckpointRejected for weights and tensors that differ from build to build, ParityFailed for values that
    depend on earlier inputs, and for other answers.
    """
    differing = different_values(first, rebuilt)
    if tensors := {name: value for name, value in differing.items() if value.kind in TENSORS}:
        raise CheckpointRejected(_drawn(tensors, apart))
    changing = sorted({name for record in (first, rebuilt) for call in record.calls for name in call.changed})
    if remembered := [name for name in changing if _remembers(name, first, rebuilt)]:
        raise _accumulates({name: _value(name, first, rebuilt) for name in remembered})
    if apart is None:
        return
    if differing:
        raise ParityFailed(_drawn(differing, apart))
    if changing:
        values = {name: _value(name, first, rebuilt) for name in changing}
        raise _keeps_the_first(values)
    raise ParityFailed(
        f"The model answers {apart} differently when its architecture is built again and loaded with the same "
        "checkpoint, or when it is asked in another order: something that its code computes is not in the checkpoint "
        "(a random number, the time, the order of a set, hash(), memory of torch.empty, a cache). Register it as a "
        "buffer in __init__, and save the checkpoint of the trained model again."
    )


def different_values(first: RecordedState, rebuilt: RecordedState) -> dict[str, Value]:
    """Return the values that no call changes, and that differ between the two builds."""
    changing = {name for record in (first, rebuilt) for call in record.calls for name in call.changed}
    return {
        name: value
        for name, value in {**first.loaded, **rebuilt.loaded}.items()
        if name not in changing and _digest(first.loaded.get(name)) != _digest(rebuilt.loaded.get(name))
    }


def notes_of(first: RecordedState, rebuilt: RecordedState) -> list[str]:
    """Return a note for each value that differs between the builds and is harmless, since the answers are the same."""
    return [
        f"{name} differs from build to build; the answers do not."[:300] for name in different_values(first, rebuilt)
    ]


def lost_in_training(changed: Mapping[str, Value]) -> str:
    """Return the message for values that a call in training mode changes, and on which answers depend."""
    return (
        f"forward changes {_attributes(changed)} in training mode, and the answers depend on it, but the checkpoint "
        "does not hold it: the values of the training are lost. Register it in __init__ (self.register_buffer), and "
        "save the checkpoint again from the trained model; if that is gone, train again."
    )


def _remembers(name: str, first: RecordedState, rebuilt: RecordedState) -> bool:
    """Tell whether a value that calls change depends on more than the input at hand and the sizes of inputs."""
    after_first = {call.inputs: call.changed.get(name, first.loaded.get(name)) for call in first.calls}
    after_rebuilt = {call.inputs: call.changed.get(name, rebuilt.loaded.get(name)) for call in rebuilt.calls}
    both = after_first.keys() & after_rebuilt.keys()
    if all(after_first[asked] == after_rebuilt[asked] for asked in both):
        return False
    return not (_depends_on_sizes(name, first) and _depends_on_sizes(name, rebuilt))


def _depends_on_sizes(name: str, record: RecordedState) -> bool:
    """Tell whether a value stays the same from call to call as long as the inputs have the same shapes."""
    values = [call.changed.get(name, record.loaded.get(name)) for call in record.calls]
    pairs: Sequence[tuple[Call, Call]] = list(zip(record.calls, record.calls[1:], strict=False))
    return all(
        values[number] == values[number + 1] for number, (one, other) in enumerate(pairs) if one.shapes == other.shapes
    )


def _keeps_the_first(values: Mapping[str, Value | None]) -> ParityFailed:
    return ParityFailed(
        f"forward changes {_attributes(values)} with the first input, which sets it from that input or at random, and "
        "keeps it; the checkpoint does not hold it, and answers depend on it. Register it as a buffer in __init__, set "
        "it in training alone (if self.training:), and save the checkpoint of the trained model again."
    )


def _accumulates(values: Mapping[str, Value | None]) -> ParityFailed:
    return ParityFailed(
        f"forward changes {_attributes(values)} with every input: answers may depend on the inputs before, and "
        "requests are answered in any order, by many processes. Let forward change no attribute: keep such values in "
        "local variables, return them, or change them in training alone (if self.training:); then publish again."
    )


def _drawn(values: Mapping[str, Value], apart: str | None) -> str:
    what = "is loaded with other values" if any(value.kind == "weight" for value in values.values()) else "is made anew"
    found = (
        f"{_attributes(values)} {what} each time that the architecture is built (drawn at random, or left "
        "uninitialised) and is not in the checkpoint"
    )
    persistent = " and without persistent=False" if any(value.holder == "buffer" for value in values.values()) else ""
    register = (
        f"register it in __init__ (self.register_buffer){persistent}, and save the checkpoint again from the trained "
        "model; if that is gone, train again"
    )
    if apart is None:
        return (
            f"{found}. The answers to all cases are the same: if nothing reads it, remove it or fill it with "
            f"constants; otherwise {register}."
        )
    return f"{found}, so the trained values are not known, and the answers to {apart} differ: {register}."


def _value(name: str, *records: RecordedState) -> Value | None:
    for record in records:
        for call in record.calls:
            if value := call.changed.get(name):
                return value
    return next((record.loaded[name] for record in records if name in record.loaded), None)


def _is_in_training(module: Any) -> bool:
    """Tell whether a layer drops values, or takes statistics of each batch, because it is in training mode."""
    drops = type(module).__name__.endswith("Dropout") and bool(getattr(module, "p", 0))
    return bool(getattr(module, "training", False)) and (drops or getattr(module, "running_mean", None) is not None)


def _digest(value: Value | None) -> str | None:
    return None if value is None else value.digest


def _names(values: Mapping[str, object]) -> str:
    return _first_few([name or "a buffer" for name in values])


def _attributes(values: Mapping[str, Value | None]) -> str:
    return _first_few(list(dict.fromkeys(name if value is None else value.attribute for name, value in values.items())))


def _first_few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_TOLD} more" if len(names) > MAX_TOLD else ""
    told = ", ".join(f"`{name}`" for name in names[:MAX_TOLD])
    return f"{told}{more}"
