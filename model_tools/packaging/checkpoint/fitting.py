"""Brings the weights of a file to the names and forms of an architecture, or says why they do not fit it."""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.shared_weights import shared_names, tied_note
from model_tools.packaging.checkpoint.weight_forms import SAVE, form_problem, plain_weights
from model_tools.packaging.checkpoint.weight_names import (
    COUNTER,
    WRAPPERS,
    Match,
    listed,
    match_names,
    parts_of,
    plain_names,
    wrapper_note,
)
from model_tools.packaging.checkpoint.weight_remedies import saving_line
from model_tools.packaging.checkpoint.weight_sets import Weights


@dataclass(frozen=True)
class Fitted:
    """Weights by the names of an architecture."""

    state: Mapping[str, torch.Tensor]
    versions: Mapping[str, Mapping[str, object]] | None = None
    """The versions of the modules by their names, by which torch brings older weights up to date."""
    notes: tuple[str, ...] = ()
    """Sentences that say what was done to the weights, for the evidence."""
    absent: frozenset[str] = frozenset()
    """The names of the architecture that the weights may lack."""

    def as_state_dict(self) -> "OrderedDict[str, torch.Tensor]":
        """Return the weights as torch's load_state_dict takes them."""
        state = OrderedDict(self.state)
        if self.versions is not None:
            state._metadata = OrderedDict(self.versions)  # type: ignore[attr-defined]  # noqa: SLF001 (torch reads it)
        return state


@dataclass(frozen=True)
class _Architecture:
    """The names that an architecture has, and which of them a file may lack."""

    state: Mapping[str, object]
    shared: Mapping[str, str]
    counters: frozenset[str]
    unsaved: Mapping[str, torch.Tensor]
    """The buffers that the architecture does not save (persistent=False)."""
    buffers: frozenset[str]
    """The buffers that the architecture saves, such as the statistics of BatchNorm."""
    embeddings: frozenset[str]
    """The weights of embeddings, to which others are often tied."""

    def match(self, names: Collection[str]) -> Match:
        """Return how the names in a file match those of the architecture."""
        optional = self.counters | self.unsaved.keys()
        return match_names(names, [*self.state, *self.unsaved], optional=optional, shared=self.shared)

    def fits(self, weights: Mapping[str, torch.Tensor]) -> bool:
        """Tell whether weights have the names and shapes of the architecture."""
        match = self.match(weights)
        return match.is_complete and not any(
            _other_shape(weights[name], self.state.get(new)) for name, new in match.renamed.items()
        )


def fit_weights(model: torch.nn.Module, weights: Mapping[str, torch.Tensor], *, where: str) -> Fitted:
    """Return a file's weights by the architecture's names, in plain form.

    Raises CheckpointRejected when some are missing, left over, or of another shape.
    """
    architecture = _architecture(model)
    plain, notes = plain_weights(weights, architecture.state)
    match = architecture.match(plain)
    if not match.is_complete:
        raise CheckpointRejected(_misfit(architecture, plain, match, weights, where))
    state = {match.renamed[name]: tensor for name, tensor in plain.items() if name in match.renamed}
    _refuse_other_shapes(state, architecture.state, where)
    left_out = [name for name in plain if name not in match.renamed]
    notes += [note for note in (wrapper_note(match.renamed), tied_note(architecture.shared, state)) if note]
    notes += _leave_unsaved_out(state, architecture.unsaved, where)
    notes += _dense(state, architecture.state)
    if left_out or architecture.counters - state.keys():
        notes.append(f"BatchNorm's counters ({COUNTER}), which only training uses, are not those of the file.")
    held = {architecture.shared[name] for name in state if name in architecture.shared}
    absent = architecture.counters | {name for name, label in architecture.shared.items() if label in held}
    versions = getattr(weights, "versions", None)
    return Fitted(state, None if versions is None else _renamed_versions(versions, match.renamed), tuple(notes), absent)


def without_wrappers(weights: Mapping[str, torch.Tensor]) -> Iterator[Fitted]:
    """Yield the weights by the names that they may have without wrappers, in the form in which the file has them."""
    versions = getattr(weights, "versions", None)
    for renamed in plain_names(weights):
        yield Fitted(
            {renamed[name]: tensor for name, tensor in weights.items()},
            None if versions is None else _renamed_versions(versions, renamed),
            tuple(note for note in [wrapper_note(renamed)] if note),
        )


def _architecture(model: torch.nn.Module) -> _Architecture:
    state = model.state_dict()
    counters = {
        f"{name}.{COUNTER}" if name else COUNTER for name, part in model.named_modules() if isinstance(part, _NormBase)
    }
    unsaved = {name: buffer for name, buffer in model.named_buffers() if name not in state and not is_lazy(buffer)}
    embeddings = {f"{name}.weight" for name, part in model.named_modules() if isinstance(part, torch.nn.Embedding)}
    buffers = frozenset(name for name, _ in model.named_buffers() if name in state)
    return _Architecture(
        state, shared_names(state), frozenset(counters & state.keys()), unsaved, buffers, frozenset(embeddings)
    )


def _misfit(
    architecture: _Architecture,
    plain: Mapping[str, torch.Tensor],
    match: Match,
    weights: Mapping[str, torch.Tensor],
    where: str,
) -> str:
    if match.is_ambiguous:
        return (
            f"{where} fits the architecture in more than one way, since it lacks names of tied weights: save all "
            f"weights by their names, without wrappers: `{SAVE}`."
        )
    unexpected = list(match.unexpected.values())
    parts = _fitting_parts(architecture, plain)
    path = weights.path if isinstance(weights, Weights) else ()
    others = [name for name in plain if not parts or not name.startswith(parts[0])]
    if len(parts) > 1 or (parts and architecture.fits({name: plain[name] for name in others})):
        named = " and ".join(
            [*(f"below `{part}`" for part in parts), *(["without a prefix"] if len(parts) == 1 else [])]
        )
        return (
            f"{where} holds several sets of weights that fit the architecture, {named}, and it is not said which one "
            f"shall answer: save that one alone, such as {saving_line(where, path, prefix=parts[-1])}."
        )
    if parts:
        return (
            f"{where} holds more than the architecture's weights: those below `{parts[0]}` fit it, and beside them "
            f"there is {listed(others)}. If the model answers without these, save the weights alone: "
            f"{saving_line(where, path, prefix=parts[0])}."
        )
    form = form_problem(match.missing, unexpected, where)
    if form is not None:
        return form
    if match.missing and not unexpected and architecture.buffers.issuperset(match.missing):
        return (
            f"{where} holds parameters only, and lacks {listed(match.missing)}: these are buffers of the architecture, "
            "such as the statistics of BatchNorm, which model.named_parameters() and averages over it leave out. Save "
            f"the whole model where it is trained, after its weights were set: `{SAVE}`."
        )
    problems = []
    if match.missing:
        problems.append(f"it lacks {listed(match.missing)}")
    if unexpected:
        problems.append(f"it has {listed(unexpected)}, which the architecture has not")
    remedy = "ublish the code and the arguments that the model was trained with."
    hint = _tying_hint(architecture, plain, match)
    return (
        f"{where} does not fit the architecture: {'; '.join(problems)}. "
        f"{f'{hint} Otherwise p' if hint else 'P'}{remedy}"
    )


def _fitting_parts(architecture: _Architecture, plain: Mapping[str, torch.Tensor]) -> list[str]:
    """Return the prefixes behind which weights stand that fit the whole architecture."""
    return [
        prefix
        for prefix, names in parts_of(plain)
        if architecture.fits({name.removeprefix(prefix): plain[name] for name in names})
    ]


def _tying_hint(architecture: _Architecture, plain: Mapping[str, torch.Tensor], match: Match) -> str:
    """Return what to do when the only missing weight may have been tied to that of an embedding, or the reverse."""
    if len(match.missing) != 1 or match.unexpected:
        return ""
    missing = match.missing[0]
    wanted = architecture.state[missing]
    alike = [
        match.renamed[name]
        for name, tensor in plain.items()
        if tensor.shape == getattr(wanted, "shape", None)
        and (match.renamed[name] in architecture.embeddings or missing in architecture.embeddings)
    ]
    if not alike:
        return ""
    return (
        f"If training tied it to another weight, such as {alike[0]}, let the architecture do so when it is built: "
        f"self.{missing} = self.{alike[0]}."
    )


def _refuse_other_shapes(state: Mapping[str, torch.Tensor], expected: Mapping[str, object], where: str) -> None:
    wrong = {name: value for name, value in state.items() if _other_shape(value, expected.get(name))}
    if not wrong:
        return
    if any(value.numel() == 0 for value in wrong.values()):
        raise CheckpointRejected(
            f"{where} holds no numbers for {listed(wrong)}: DeepSpeed (ZeRO 3) and FSDP leave such a file when the "
            "weights are spread over processes. Gather them where the model is trained; DeepSpeed writes "
            "zero_to_fp32.py for that beside the checkpoint: `python zero_to_fp32.py . gathered`."
        )
    told = [
        f"{name} is {list(value.shape)}, the architecture has {list(expected[name].shape)}"  # type: ignore[attr-defined]
        for name, value in list(wrong.items())[:5]
    ]
    more = f"; and {len(wrong) - len(told)} more" if len(wrong) > len(told) else ""
    raise CheckpointRejected(
        f"{where} does not fit the architecture: {'; '.join(told)}{more}. Give the architecture the arguments that the "
        "model was trained with (arguments: in publish.yaml)."
    )


def _other_shape(value: object, wanted: object) -> bool:
    if not isinstance(value, torch.Tensor) or not isinstance(wanted, torch.Tensor) or is_lazy(wanted):
        return False
    return value.shape != wanted.shape


def _leave_unsaved_out(state: dict[str, torch.Tensor], unsaved: Mapping[str, torch.Tensor], where: str) -> list[str]:
    """Remove buffers that the architecture makes itself, and refuse those whose numbers are not those of the file."""
    names = [name for name in state if name in unsaved]
    for name in names:
        value = state.pop(name)
        if value.shape != unsaved[name].shape or not torch.equal(value.to(unsaved[name].dtype), unsaved[name]):
            raise CheckpointRejected(
                f"{where} holds the buffer {name}, which the architecture does not load (persistent=False) and fills "
                "with other numbers: register it with persistent=True, or build the architecture with the arguments "
                "that the model was trained with."
            )
    if not names:
        return []
    return [f"Buffers that the architecture makes itself have the same numbers there: {listed(names)}."]


def _dense(state: dict[str, torch.Tensor], expected: Mapping[str, object]) -> list[str]:
    names = [
        name
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
        and value.layout != torch.strided
        and getattr(expected.get(name), "layout", None) == torch.strided
    ]
    for name in names:
        state[name] = state[name].to_dense()
    return [f"Sparse weights were made dense: {listed(names)}."] if names else []


def _renamed_versions(
    versions: Mapping[str, Mapping[str, object]], renamed: Mapping[str, str]
) -> dict[str, Mapping[str, object]]:
    """Return the versions by the architecture's names of modules; a wrapper's own gives way to that of its member."""
    result = {}
    for module, version in versions.items():
        prefix = f"{module}." if module else ""
        name = next((name for name in renamed if name.startswith(prefix)), None)
        if name is not None:
            result[_renamed_module(name.removeprefix(prefix), renamed[name])] = version
    return result


def _renamed_module(inner: str, name: str) -> str:
    """Return the module in which the weight `name` stands as `inner`, which may have wrappers or lack some."""
    rest = name.split(".")
    for part in reversed(inner.split(".")):
        while rest and rest[-1] != part and rest[-1] in WRAPPERS and part not in WRAPPERS:
            rest.pop()
        if rest and rest[-1] == part:
            rest.pop()
    return ".".join(rest)
