"""Decides whether a model fits a lane, by its sizes, and puts a release into the image lane's environment. Pure.

The workflow decides after packaging, `publish` before the upload and `plan` before anything is done, all with these
functions and the same numbers. The message of a refusal tells every size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from model_tools.errors import ModelTooLarge
from model_tools.formats.release_file import ReleaseFile
from model_tools.formats.runtime_reference import PartName, RuntimeReference
from model_tools.formats.sizes import MIB, size_text
from model_tools.runtime.placement import TMP_OVERHEAD, TMP_WITH_SNAPSHOT, Placement, PlacementWish, place_bundle

LARGEST_TMP = 10_240 * MIB
"""Bytes of the largest /tmp that a function can have [gettingstarted-limits]."""
LARGEST_MEMORY = 10_240 * MIB
"""Bytes of the largest memory that a function can have [gettingstarted-limits]."""
ENVIRONMENT_BYTES = 4_096
"""Bytes that the names and values of all variables of a function may take together [gettingstarted-limits]."""
LEAST_SHARE = {"none": 0.9, "bfloat16": 0.45, "dynamic-int8": 0.2}
"""The smallest share of a checkpoint's bytes that its packed model takes, by `optimize.quantize`."""
SMALLER = "Quantise it (optimize.quantize) or publish a smaller model"
WHERE = "docs/how-to/image-lane.md"

Lane = Literal["bundle", "image"]
"""The way in which a function gets its library: from a runtime bundle, or from its container image."""


@dataclass(frozen=True)
class ModelSizes:
    """The sizes of a model, in bytes."""

    unpacked: int
    """The size of the archive's members together, which lie in /tmp while the model is loaded."""
    archive: int | None = None
    """The size of model.tar.gz; None while it is not packed yet."""


@dataclass(frozen=True)
class Fit:
    """A lane that holds a model, and the space that the model takes there."""

    lane: Lane
    placement: Placement | None
    """The place of the runtime bundle; None in the image lane, or while the bundle is not known."""
    reason: str
    """The reason for the placement, for people."""
    tmp_used: int
    """Bytes that the model, and a bundle that is placed there, take in /tmp."""
    tmp: int
    """Bytes that /tmp has."""
    least_memory: int
    """Bytes of memory that the model, and a bundle that is placed there, take at least; measuring tells the rest."""


def fit(
    sizes: ModelSizes,
    runtime: RuntimeReference | None,
    *,
    lane: Lane = "bundle",
    part: PartName = "serving",
    wish: PlacementWish = "auto",
    tmp: int = TMP_WITH_SNAPSHOT,
    memory: int | None = None,
) -> Fit:
    """Return how a model fits a lane, together with the part of the runtime bundle that it needs.

    `tmp` and `memory` are the function's /tmp and memory in bytes; without `memory`, it is the largest that Lambda has.

    Raises ModelTooLarge, which tells the sizes and the remedy, when the model does not fit.
    """
    bundle = None if runtime is None or lane == "image" else runtime.part(part).unpacked_size
    if sizes.unpacked + TMP_OVERHEAD > tmp:
        raise ModelTooLarge(_too_large_for_tmp(sizes, bundle, lane, tmp))
    placement, reason = _place(sizes, bundle, lane, wish, tmp)
    in_tmp, in_memory = (bundle if bundle and placement == place else 0 for place in ("tmp", "memory"))
    least, room = sizes.unpacked + in_memory, LARGEST_MEMORY if memory is None else memory
    if least > room:
        raise ModelTooLarge(_too_large_for_memory(sizes, in_memory, room))
    return Fit(lane, placement, reason, sizes.unpacked + in_tmp, tmp, least)


def refuse_early(checkpoint: int, quantize: str, *, lane: Lane = "bundle", tmp: int = TMP_WITH_SNAPSHOT) -> None:
    """Raise ModelTooLarge for a checkpoint of this many bytes if its model cannot fit, before it is uploaded.

    A checkpoint that passes may still be refused after packaging, when the size of its model is known.
    """
    least = int(checkpoint * LEAST_SHARE[quantize])
    try:
        fit(ModelSizes(least), None, lane=lane, tmp=tmp)
    except ModelTooLarge as error:
        raise ModelTooLarge(
            f"The checkpoint has {size_text(checkpoint)}, so {str(error)[0].lower()}{str(error)[1:]}"
        ) from error


def with_release(variables: Mapping[str, str], release: ReleaseFile, *, name: str) -> dict[str, str]:
    """Return a function's environment with the release in the variable `name`, for the image lane.

    The release's runtime is left out, since the image has its own. Raises ModelTooLarge for an environment that is
    larger than Lambda allows.
    """
    text = release.model_copy(update={"runtime": None}).model_dump_json(exclude_none=True)
    environment = {**variables, name: text}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in environment.items())
    if size > ENVIRONMENT_BYTES:
        others = size - len(name) - len(text.encode())
        raise ModelTooLarge(
            f"The function's environment variables would take {size:,} bytes, and Lambda allows {ENVIRONMENT_BYTES:,}: "
            f"the release takes {len(text.encode()):,}, the others {others:,}. Shorten the others, such as the stack's "
            "AllowedFetchHosts, or the model's name."
        )
    return environment


def _place(
    sizes: ModelSizes, bundle: int | None, lane: Lane, wish: PlacementWish, tmp: int
) -> tuple[Placement | None, str]:
    if lane == "image":
        return None, "the library is part of the image"
    if bundle is None:
        return None, "the runtime bundle is not known here"
    return place_bundle(bundle, sizes.unpacked, wish=wish, tmp=tmp)


def _too_large_for_tmp(sizes: ModelSizes, bundle: int | None, lane: Lane, tmp: int) -> str:
    told = f"The model takes {size_text(sizes.unpacked)} unpacked, and /tmp has {size_text(tmp)} for it"
    if sizes.unpacked + TMP_OVERHEAD > LARGEST_TMP:
        return f"{told}; {size_text(LARGEST_TMP)} are the most there is. {SMALLER}."
    if lane == "image":
        needed = -(-(sizes.unpacked + TMP_OVERHEAD) // MIB)
        return f"{told}. Deploy with ImageTmpSize={needed} or more, without snapshots ({WHERE})."
    more = f"; the runtime bundle takes {size_text(bundle)} more, in memory" if bundle else ""
    way = f"{SMALLER}, or serve it from a container image, whose function may have a larger /tmp ({WHERE})"
    return f"{told}{more}: it does not fit the bundle lane. {way}."


def _too_large_for_memory(sizes: ModelSizes, in_memory: int, room: int) -> str:
    least = sizes.unpacked + in_memory
    parts = f"the model takes {size_text(sizes.unpacked)}"
    if in_memory:
        parts += f", the runtime bundle in memory {size_text(in_memory)}"
    told = f"The function has {size_text(room)} of memory, and at least {size_text(least)} are needed: {parts}"
    if least <= LARGEST_MEMORY:
        return f"{told}. Deploy with a larger InferenceMemorySize (`model-tools plan` measures how large)."
    return f"{told}. No Lambda function has so much. {SMALLER}."
