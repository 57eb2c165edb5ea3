"""Whether a model of images is given by its preprocessing what it takes. Pure."""

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import InputSpec, Preprocess

IMAGE_TASKS = ("image-classification", "embedding")
FLOATS = ("float32", "float16", "bfloat16", "float64")


def check_image_input(manifest: Manifest) -> None:
    """Raise ManifestInvalid unless the one input is [batch, channels, height, width] as preprocess makes it."""
    preprocess = manifest.preprocess
    if manifest.task not in IMAGE_TASKS or preprocess is None:
        return
    if len(manifest.inputs) != 1 or len(manifest.inputs[0].shape) != 4:  # noqa: PLR2004 (N, C, H, W)
        raise ManifestInvalid(
            "inputs: a model of images has one input of the shape [batch, channels, height, width]: correct inputs, "
            "or publish with task: tensor."
        )
    spec = manifest.inputs[0]
    batch, channels = spec.shape[:2]
    if spec.dtype not in FLOATS:
        raise ManifestInvalid(
            f"inputs.0.dtype: images come as floats from preprocess, not as {spec.dtype}: use float32."
        )
    if not _allows(manifest, batch, 1):
        raise ManifestInvalid(
            f"inputs.0.shape: requests bring one image, the batch is {batch}: write 1 or a name there."
        )
    if channels != preprocess.channels:
        raise ManifestInvalid(
            f"inputs.0.shape: the model takes {channels} channel(s), preprocess makes {preprocess.channels} (mode "
            f"{preprocess.mode}): make them agree; mode L makes 1, RGB makes 3."
        )
    _check_size(manifest, spec, preprocess)


def made_size(preprocess: Preprocess) -> tuple[int, int] | None:
    """Return the height and width that preprocessing makes; None when they depend on the image."""
    size = preprocess.size if preprocess.crop is None else preprocess.crop
    if isinstance(size, tuple):
        return size
    return None if preprocess.crop is None else (size, size)


def _check_size(manifest: Manifest, spec: InputSpec, preprocess: Preprocess) -> None:
    made = made_size(preprocess)
    taken = spec.shape[2:]
    if made is None:
        if all(isinstance(axis, str) for axis in taken):
            return
        raise ManifestInvalid(
            f"preprocess: size: {preprocess.size} resizes the shorter side only, so height and width depend on the "
            f"image, and the model takes {taken}: add crop, or give size as [height, width]."
        )
    if not all(_allows(manifest, axis, size) for axis, size in zip(taken, made, strict=True)):
        field = "size" if preprocess.crop is None else "crop"
        raise ManifestInvalid(
            f"preprocess.{field} makes images of {list(made)} (height, width), the model takes {taken}: make them "
            "agree."
        )


def _allows(manifest: Manifest, axis: int | str, size: int) -> bool:
    if isinstance(axis, int):
        return axis == size
    bounds = manifest.axis_sizes(axis)
    return bounds.min <= size <= bounds.max
