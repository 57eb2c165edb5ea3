"""Imports the modules that users' code commonly imports. It runs as a module with the name of a runtime."""

import importlib
import sys
from collections.abc import Mapping

from model_tools.formats.manifest import Library

MODULES: Mapping[Library, tuple[str, ...]] = {
    "torch": (
        "torch.amp", "torch.ao.nn.quantized.dynamic", "torch.ao.quantization", "torch.autograd.functional",
        "torch.backends.cpu", "torch.backends.mkldnn", "torch.distributions", "torch.fft", "torch.func", "torch.jit",
        "torch.linalg", "torch.nn", "torch.nn.attention", "torch.nn.functional", "torch.nn.init",
        "torch.nn.intrinsic", "torch.nn.modules.lazy", "torch.nn.parallel", "torch.nn.quantized.dynamic",
        "torch.nn.utils", "torch.nn.utils.fusion", "torch.nn.utils.parametrizations", "torch.nn.utils.parametrize",
        "torch.nn.utils.prune", "torch.nn.utils.rnn", "torch.nn.utils.stateless", "torch.nn.utils.weight_norm",
        "torch.optim", "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.overrides", "torch.quantization",
        "torch.random", "torch.signal.windows", "torch.sparse", "torch.special", "torch.testing",
        "torch.utils.checkpoint", "torch.utils.data", "torch.utils.data.datapipes.iter", "torch.utils.dlpack",
        "torch.utils.mkldnn",
        "numpy", "numpy.exceptions", "numpy.fft", "numpy.lib.recfunctions", "numpy.lib.stride_tricks", "numpy.linalg",
        "numpy.ma", "numpy.polynomial", "numpy.random", "numpy.strings", "numpy.typing",
        "PIL.ExifTags", "PIL.Image", "PIL.ImageChops", "PIL.ImageColor", "PIL.ImageDraw", "PIL.ImageEnhance",
        "PIL.ImageFile", "PIL.ImageFilter", "PIL.ImageFont", "PIL.ImageMath", "PIL.ImageOps", "PIL.ImageSequence",
        "PIL.ImageStat", "PIL.ImageTransform",
        "safetensors.numpy", "safetensors.torch",
    ),
    "xgboost": ("numpy", "numpy.linalg", "numpy.random", "scipy.sparse", "xgboost", "xgboost.callback"),
}  # fmt: skip


def import_all(runtime: Library) -> None:
    """Import every module of the runtime's list. Raises ImportError for a module that the library does not have."""
    for name in MODULES[runtime]:
        importlib.import_module(name)


if __name__ == "__main__":
    import_all("xgboost" if sys.argv[1] == "xgboost" else "torch")
