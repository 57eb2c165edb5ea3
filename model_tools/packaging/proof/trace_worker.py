"""The child process that loads a checkpoint, runs the user's code, records the eager model's answers and traces it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors.torch import save_file

from model_tools.errors import ManifestInvalid, ParityFailed, TraceFailed
from model_tools.packaging.checkpoint.architecture import build_model, user_code_errors
from model_tools.packaging.checkpoint.compiled import load_program, load_trained_script, traceable_program
from model_tools.packaging.checkpoint.special_tensors import refuse_special_tensors
from model_tools.packaging.checkpoint.weights import load_weights, read_weights, refuse_non_finite
from model_tools.packaging.children.messages import SAMPLES_FILE
from model_tools.packaging.children.worker import answer_job
from model_tools.packaging.limits import MAX_EXPECTED_NUMBERS
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.eager_wrappers import remove_backward_hooks, replace_wrappers
from model_tools.packaging.proof.example_inputs import draw_inputs, inputs_from_lists
from model_tools.packaging.proof.integer_ranges import with_integer_ranges
from model_tools.packaging.proof.last_operator import last_operator
from model_tools.packaging.proof.lost_control_flow import refuse_lost_control_flow
from model_tools.packaging.proof.masked_rows import filled_rows
from model_tools.packaging.proof.messages import (
    REFERENCE_FILE,
    TRACED_FILE,
    UNQUANTIZED_FILE,
    OutputTensor,
    TraceJob,
    TraceResult,
)
from model_tools.packaging.proof.model_outputs import Outputs, observe, take_apart
from model_tools.packaging.proof.non_finite import refuse_non_finite_answer
from model_tools.packaging.proof.quantization import quantize
from model_tools.packaging.proof.saving import save_traced
from model_tools.packaging.proof.seeds import FIRST_SEED, seed_all
from model_tools.packaging.proof.state_messages import STATE_FILE
from model_tools.packaging.proof.tracing import Traced, freeze, in_memory_format, trace_model
from model_tools.packaging.proof.watched_model import WatchedModel, leave_record
from model_tools.packaging.stopwatch import Stopwatch
from model_tools.tensors.dtypes import DTYPE_NAMES

Inputs = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory."""

    reference: Any
    """The eager model, whose answers the traced one must give."""
    traceable: Any
    """The model in the form that is traced; for most kinds of checkpoints it is the same."""
    notes: Sequence[str] = ()
    """Sentences that say how the weights were brought to the architecture."""


@dataclass(frozen=True)
class References:
    """The eager model's inputs and answers for each case."""

    inputs: list[Inputs]
    outputs: list[Outputs]
    notes: dict[str, None] = field(default_factory=dict)
    """Sentences on rows that the model answers with NaN."""


def trace_checkpoint(job: TraceJob, scratch: Path) -> TraceResult:
    """Do the job: load, check, answer the parity cases, trace and save. Raises subclasses of PublishError."""
    torch.set_num_threads(1)
    seed_all(FIRST_SEED)
    watch = Stopwatch()
    loaded = load(job)
    watched = WatchedModel(loaded.reference, job.folder)
    manifest, range_notes = with_integer_ranges(loaded.reference, job.manifest, job.trace)
    job = job.model_copy(update={"manifest": manifest})
    watch.lap("load")
    references = answer_cases(watched, job, scratch)
    leave_record(watched, scratch / STATE_FILE)
    watch.lap("answer")
    first = references.outputs[0]
    scripted = isinstance(loaded.traceable, torch.jit.ScriptModule)
    dtypes = [tensor.dtype for tensor in first.tensors]
    sizes_read = [] if scripted else refuse_lost_control_flow(loaded.traceable, job, dtypes)
    watch.lap("watch")
    traced = _traced(loaded.traceable, job)
    operator = last_operator(traced.module)
    if job.manifest.optimize.quantize != "none":
        save_traced(traced.module, scratch / UNQUANTIZED_FILE)
        traced = _quantized(loaded, first, job)
    _save(traced, references, scratch)
    watch.lap("trace")
    return TraceResult(
        structure=first.structure,
        outputs=[
            OutputTensor(name=name, dtype=DTYPE_NAMES[tensor.dtype])
            for name, tensor in zip(first.names, first.tensors, strict=True)
        ],
        shapes=[[list(tensor.shape) for tensor in outputs.tensors] for outputs in references.outputs],
        values=[[observe(tensor) for tensor in outputs.tensors] for outputs in references.outputs],
        last_operator=operator,
        answers=[
            _small_answer(outputs) for case, outputs in zip(job.cases, references.outputs, strict=True) if case.sample
        ],
        channels_last=traced.channels_last,
        notes=[*loaded.notes, *range_notes, *references.notes],
        tracer_notes=list(traced.notes),
        sizes_read=sizes_read,
        torch_version=torch.__version__,
        seconds=watch.seconds,
    )


def load(job: TraceJob) -> Loaded:
    """Load the checkpoint according to its kind; its weights are checked before any of the user's code runs."""
    if job.kind == "torchscript":
        script = load_trained_script(job.checkpoint)
        refuse_non_finite(dict(script.state_dict()))
        return Loaded(script, script)
    if job.kind == "pt2":
        program = load_program(job.checkpoint)
        refuse_non_finite(program.state_dict)
        return Loaded(program.module(), traceable_program(program))
    weights = read_weights(job.checkpoint)
    refuse_non_finite(weights)
    replace_wrappers(job.folder)
    model = build_model(job.manifest, job.folder)
    refuse_special_tensors(model)
    with user_code_errors(job.folder, "Loading the weights into the model"):
        notes = load_weights(model, weights, where=job.checkpoint.name)
        model.eval()
    remove_backward_hooks(model)
    return Loaded(model, model, notes)


def answer_cases(model: Any, job: TraceJob, scratch: Path) -> References:
    """Return the eager model's answer to every case.

    Raises ParityFailed for NaN or an answer that changes from call to call, TraceFailed for any other failure.
    """
    samples = iter(json.loads((scratch / SAMPLES_FILE).read_text(encoding="utf-8")))
    references = References([], [])
    for case in job.cases:
        inputs = _sample_inputs(case, next(samples), job) if case.sample else draw_inputs(case, job.manifest.inputs)
        outputs = _answer(model, inputs, case, job)
        if case.spread != "wide" and not case.sample and not outputs.are_finite:
            inputs, outputs = _without_masked_rows(model, inputs, outputs, case, job, references)
        if not references.outputs:
            _refuse_randomness(outputs, _answer(model, inputs, case, job))
        elif (outputs.structure, outputs.names) != (references.outputs[0].structure, references.outputs[0].names):
            raise TraceFailed(
                f"The model answers {outputs.structure} {list(outputs.names)} to {case.label}, and something else to "
                "other inputs: let forward always return the same structure."
            )
        if case.spread != "wide":
            refuse_non_finite_answer(outputs, case)
        references.inputs.append(inputs)
        references.outputs.append(outputs)
    return references


def _without_masked_rows(
    model: Any, inputs: Inputs, outputs: Outputs, case: Case, job: TraceJob, references: References
) -> tuple[Inputs, Outputs]:
    """Return inputs without rows that mask everything, and their answer, if only such rows are answered with NaN."""
    for filled, note in filled_rows(inputs, job.manifest.inputs):
        answered = _answer(model, filled, case, job)
        if answered.are_finite:
            references.notes[note] = None
            return filled, answered
    return inputs, outputs


def _answer(model: Any, inputs: Inputs, case: Case, job: TraceJob) -> Outputs:
    advice = (
        "The .pt2 program was exported for other sizes: export it with dynamic_shapes for the axes that publish.yaml "
        "names. "
        if job.kind == "pt2" and case.shapes != job.trace.shapes
        else ""
    )
    with torch.no_grad(), user_code_errors(job.folder, f"{advice}Asking the model {case.label}"):
        outputs = take_apart(model(*(tensor.clone() for tensor in inputs)))
        # The answers are copied, since a model may return views of its input or of its own buffers.
        return Outputs(outputs.structure, outputs.names, tuple(tensor.clone() for tensor in outputs.tensors))


def _traced(model: Any, job: TraceJob) -> Traced:
    if isinstance(model, torch.jit.ScriptModule):
        # A scripted model is not traced again, which would lose its control flow.
        channels_last = job.manifest.optimize.channels_last is True
        if channels_last:
            in_memory_format(model, channels_last=True)
        return Traced(freeze(model, job.manifest), channels_last, notes=())
    return trace_model(model, job)


def _quantized(loaded: Loaded, answered: Outputs, job: TraceJob) -> Traced:
    kind = job.manifest.optimize.quantize
    with user_code_errors(job.folder, f"Quantising the model (optimize: {{quantize: {kind}}})"):
        model = quantize(loaded.traceable, kind, answered)
    fast = torch.backends.mha.get_fastpath_enabled()
    # The fast path of nn.TransformerEncoderLayer reads weights that quantised layers do not have.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        return _traced(model, job)
    except TraceFailed as error:
        raise TraceFailed(
            f"{error} Without optimize: {{quantize: {kind}}} the model is traced: remove it, or write forward so that "
            "it does not depend on its layers' kind or dtype."
        ) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _save(traced: Traced, references: References, scratch: Path) -> None:
    tensors: dict[str, torch.Tensor] = {}
    for number, (inputs, outputs) in enumerate(zip(references.inputs, references.outputs, strict=True)):
        tensors |= {f"{number}.in.{index}": tensor.contiguous() for index, tensor in enumerate(inputs)}
        tensors |= {f"{number}.out.{index}": tensor.contiguous() for index, tensor in enumerate(outputs.tensors)}
    save_file(tensors, scratch / REFERENCE_FILE)
    save_traced(traced.module, scratch / TRACED_FILE)


def _sample_inputs(case: Case, values: Sequence[Any], job: TraceJob) -> Inputs:
    try:
        inputs = inputs_from_lists(values, job.manifest.inputs)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise ManifestInvalid(
            f"{case.sample}: the event's input is no tensor ({error}): correct the sample."
        ) from error
    if [list(tensor.shape) for tensor in inputs] != case.shapes:
        raise ManifestInvalid(f"{case.sample}: the event's nested lists differ in length: correct the sample.")
    return inputs


def _refuse_randomness(first: Outputs, second: Outputs) -> None:
    for name, one, other in zip(first.names, first.tensors, second.tensors, strict=True):
        if one.shape != other.shape or not torch.equal(torch.nan_to_num(one), torch.nan_to_num(other)):
            raise ParityFailed(
                f"The model answers the same input differently each time{f' (output {name})' if name else ''}: it "
                "draws random numbers, reads memory that was never written (torch.empty), or changes its own state in "
                "forward. Use nn.Dropout (off in eval mode) instead "
                "of F.dropout without training=self.training, and keep no state."
            )


def _small_answer(outputs: Outputs) -> list[Any] | None:
    tensor = outputs.tensors[0]
    small = outputs.structure == "tensor" and tensor.dim() > 0 and tensor.numel() <= MAX_EXPECTED_NUMBERS
    return tensor.tolist() if small else None


def main(scratch: Path) -> NoReturn:
    """Do the job in a scratch folder, and end the process."""
    answer_job(TraceJob, trace_checkpoint, scratch)
