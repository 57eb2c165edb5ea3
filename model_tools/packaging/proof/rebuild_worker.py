"""The child process that builds the model once more, under other seeds, and asks it in reverse order.

Whatever the checkpoint does not hold comes out differently here: random numbers, uninitialised memory, the order of
sets, `hash()` of texts (the process has another hash seed), and what the model keeps of the inputs before.
"""

import time
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import safe_open

from model_tools.formats.sizes import MIB
from model_tools.packaging.checkpoint.architecture import user_code_errors
from model_tools.packaging.children.worker import answer_job
from model_tools.packaging.proof.messages import REFERENCE_FILE
from model_tools.packaging.proof.model_outputs import take_apart
from model_tools.packaging.proof.seeds import SECOND_SEED, filled_memory, moved_clock, seed_all
from model_tools.packaging.proof.state_messages import LARGE_BYTES, STATE_FILE, RebuildJob, RebuildResult, RecordedState
from model_tools.packaging.proof.state_refusals import MAX_NOTES, notes_of, refuse_rebuilt
from model_tools.packaging.proof.tolerance import tolerance_of
from model_tools.packaging.proof.trace_worker import load
from model_tools.packaging.proof.training_state import refuse_lost_training
from model_tools.packaging.proof.watched_model import WatchedModel
from model_tools.tensors.dtypes import DTYPE_NAMES

SMALL_BYTES = 4 * MIB
"""Checkpoints up to this size are built BUILDS times, since two draws from few values are often equal."""
BUILDS = 8
"""The number of builds of a small model: two values that are equally likely then agree in one case of 256."""


def rebuild(job: RebuildJob, _scratch: Path) -> RebuildResult:
    """Do the job. Raises CheckpointRejected and ParityFailed, which name what differs."""
    began = time.perf_counter()
    torch.set_num_threads(1)
    recorded = RecordedState.model_validate_json((job.recorded / STATE_FILE).read_bytes())
    size = job.trace.checkpoint.stat().st_size
    has_code = job.trace.kind == "state_dict"
    builds = BUILDS if has_code and size <= SMALL_BYTES else 1
    notes: dict[str, None] = {}
    with filled_memory(), moved_clock():
        for number in range(builds):
            seed_all(SECOND_SEED + number)
            model = load(job.trace).reference
            watched = WatchedModel(model, job.trace.folder, only={call.inputs for call in recorded.calls})
            known = len(notes)
            notes |= dict.fromkeys(notes_of(recorded, watched.loaded))
            if number == 0 or len(notes) > known:
                _compare(watched, recorded, job)
        if has_code and size <= LARGE_BYTES:
            _refuse_lost_training(model, job)
    return RebuildResult(builds=builds, notes=list(notes)[:MAX_NOTES], seconds=round(time.perf_counter() - began, 3))


def _compare(watched: WatchedModel, recorded: RecordedState, job: RebuildJob) -> None:
    """Ask every case, the last one first, and refuse what differs from the first build."""
    apart = None
    with safe_open(job.recorded / REFERENCE_FILE, framework="pt") as file:
        for number in reversed(range(len(job.trace.cases))):
            if not _answers_alike(watched, number, file, job):
                apart = job.trace.cases[number].label
    rebuilt = watched.recorded()
    refuse_rebuilt(recorded, rebuilt, apart)


def _refuse_lost_training(model: Any, job: RebuildJob) -> None:
    """Call the model in training mode, and refuse what its answers depend on afterwards if the checkpoint lacks it."""
    with safe_open(job.recorded / REFERENCE_FILE, framework="pt") as file:
        refuse_lost_training(
            model, job.trace.folder, _inputs(0, file, job), lambda: _answers_alike(model, 0, file, job)
        )


def _answers_alike(model: Any, number: int, file: Any, job: RebuildJob) -> bool:
    """Tell whether the model answers a case as the first build did."""
    label = job.trace.cases[number].label
    with torch.no_grad(), user_code_errors(job.trace.folder, f"Asking the model {label} in another order"):
        answered = take_apart(model(*_inputs(number, file, job))).tensors
    expected = [file.get_tensor(f"{number}.out.{index}") for index in range(job.outputs)]
    return len(answered) == len(expected) and all(map(same_answer, answered, expected))


def _inputs(number: int, file: Any, job: RebuildJob) -> list[torch.Tensor]:
    return [file.get_tensor(f"{number}.in.{index}").clone() for index in range(len(job.trace.manifest.inputs))]


def same_answer(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Tell whether two answers are the same, up to rounding in the dtype's tolerance."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.numel() == 0 or torch.equal(one.nan_to_num(), other.nan_to_num()):
        return True
    if not one.is_floating_point():
        return False
    tolerance = tolerance_of(DTYPE_NAMES[one.dtype])
    exact, found = other.double(), one.double()
    # The median measures the rounding of sums in another order; a few huge values do not loosen it.
    allowed = tolerance.of_scale * float(exact.nan_to_num(posinf=0.0, neginf=0.0).abs().median())
    return torch.allclose(found, exact, rtol=tolerance.of_value, atol=allowed, equal_nan=True)


def main(scratch: Path) -> NoReturn:
    """Do the job in a scratch folder, and end the process."""
    answer_job(RebuildJob, rebuild, scratch)
