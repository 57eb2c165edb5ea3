"""The remedies for errors that a user's code often raises, told by what the error's class and text look like."""

import re
from dataclasses import dataclass

CORRECT_IT = "Correct it and try it once by hand"
"""The remedy for an error of the user's code that no other remedy fits."""
NOT_IN_THE_FOLDER = (
    "This was raised by none of the model's own lines but by torch or by model-tools: simplify what the model does in "
    "this step, or report it with the model's folder"
)
"""The remedy for an error that comes from no line of the user's code."""
LEAVE_COMPILE_OUT = (
    "Leave torch.compile and all that belongs to it (torch._dynamo, torch._inductor) out of the architecture: it "
    "changes no answer, and a traced model does without"
)
"""The remedy for an architecture that asks for torch's compiler."""


@dataclass(frozen=True)
class Remedy:
    """What to do about an error whose "Class: text" holds the pattern."""

    pattern: str
    text: str
    step: str = ""
    """The beginning of the only step in which the remedy makes sense."""
    code: str = ""
    """A pattern that the line of code must hold as well."""


REMEDIES = (
    Remedy(
        r"^(SystemExit|KeyboardInterrupt)\b",
        "This ends the process in which the model is loaded, and there is no command line to read: put what is meant "
        'for the command line (argparse, sys.exit) below `if __name__ == "__main__":`, and give values as arguments in '
        "publish.yaml",
    ),
    Remedy(
        "^EOFError: EOF when reading a line",
        "Nobody is there to answer input(): take the value as an argument, and give it in publish.yaml (arguments)",
    ),
    Remedy(
        "^ImportError: attempted relative import with no known parent package",
        "The module is imported by itself and belongs to no package: write `from blocks import …` instead of "
        "`from .blocks import …`, or put the modules into a folder and name it (architecture: folder.module:Name)",
    ),
    Remedy(
        r"torch\._inductor|torch\._dynamo|_orig_mod|dynamo-optimized|torch\.compile\b",
        LEAVE_COMPILE_OUT,
    ),
    Remedy(
        r"Torch not compiled with|No CUDA GPUs|no NVIDIA driver|not linked with support for|MPS backend|NVTX "
        r"functions|dummy base class|Device index must not be negative|on device meta|torch\.cuda\.is_available",
        "Models are traced and served on the processor: leave .cuda(), .to('cuda') and device='cuda' out, and make new "
        "tensors where the input is (device=x.device)",
    ),
    Remedy(
        "Default process group has not been initialized|init_process_group|initializing torch.distributed",
        "Leave DistributedDataParallel and torch.distributed out of the architecture, and return the model that they "
        "wrap",
    ),
    Remedy(
        "'_OpNamespace'|Could not load this library|no attribute '_C'|Unknown builtin op",
        "Operators that are compiled from C++ or CUDA are not there where models are traced and served: write what "
        "they compute with torch's own operations",
    ),
    Remedy(
        r"No module named 'torch\.",
        "A runtime bundle has the parts of torch that models commonly use, and this is not one of them: do without it",
    ),
    Remedy(
        "^ModuleNotFoundError: No module named",
        "Where models are traced there are torch, NumPy, Pillow and safetensors, and what lies in the model's folder: "
        "put the .py files that the model needs beside the checkpoint, or do without them",
    ),
    Remedy(
        "^FileNotFoundError|^NotADirectoryError|^PermissionError",
        "Only the model's folder is there when the model is loaded: put the file into it and open it beside the module "
        "(Path(__file__).parent / name), or give its contents as arguments in publish.yaml",
    ),
    Remedy(
        "^URLError|^HTTPError|ConnectionError|^gaierror|no internet connection|Connection refused|Max retries exceeded",
        "Nothing can be counted on to be downloaded when the model is loaded: put what is needed into the model's "
        "folder, and build the net without pretrained weights (weights=None), since the checkpoint has them",
    ),
    Remedy(
        "^KeyError|^TypeError|^ValueError",
        "The process in which the model is loaded has no environment variables of yours: take the value as an "
        "argument, and give it in publish.yaml (arguments)",
        code="environ|getenv",
    ),
    Remedy(
        "of traced region cannot be understood by the tracer",
        "Let forward return a dict whose keys are texts and whose values are tensors, for example {'0': …} instead of "
        "{0: …}",
    ),
    Remedy(
        'missing the required "forward" function',
        "Write a forward in the class that architecture names, indented as one of its methods, or name the class that "
        "has it",
    ),
    Remedy(
        "No space left on device",
        "The disk of the machine that traces is full: give the tracing function a larger /tmp, or publish a smaller "
        "model",
    ),
    Remedy(
        "^RecursionError",
        "The code calls itself without an end: correct the function that is named, and try it once by hand",
    ),
    Remedy(
        r"^TypeError: .*forward\(\).*argument",
        "The model is called with the manifest's inputs as positional arguments, in their order: list an input in "
        "publish.yaml for each argument of forward that has no default, and let forward take them by position",
    ),
    Remedy(
        r"^\w*Warning: ",
        "The code turns warnings into errors (warnings.simplefilter('error') or filterwarnings): leave that to your "
        "tests, or mend what it warns of",
    ),
    Remedy(
        r"must be \w+(?: or \w+)*, not Tensor|of \(Tensor|Tensor[^(]*\)!|^KeyError: \(?tensor\(|not tensor\b",
        "While a model is traced, its sizes are tensors, and so is what is computed from them: write bool(…), int(…) "
        "or float(…) around what is passed or looked up here; if that depends on an axis that may vary, every size of "
        "the axis has to be proved",
        step="Tracing the model",
    ),
    Remedy(
        "assignment to .data cannot be recorded",
        "Write the operation itself, such as y = y + 1 or y.add_(1), instead of y.data = y + 1",
    ),
    Remedy(
        "HigherOrderOperator",
        "Operators that take functions (torch.cond, flex_attention …) cannot be traced: compute both ways and choose "
        "with torch.where, decide in a function decorated with torch.jit.script, or use scaled_dot_product_attention",
    ),
    Remedy(
        "stateless API can't be used",
        "Tracing does not know torch.func.functional_call: call the layer's function with the weights, for example "
        "torch.nn.functional.linear(x, weight, bias)",
    ),
    Remedy(
        "requires grad as a constant|doesn't have storage|does not have a grad_fn|Unsupported value kind: Tensor",
        "Tracing records no torch.autograd.grad, torch.func or torch.vmap inside forward, and no work of other "
        "threads: write what they compute with torch's operations over the batch's axis",
    ),
    Remedy(
        r"cannot be multiplied|size of tensor|[Ss]hape|channels|Expected .*-D|expected input|index out of range in self"
        r"|Expected tensor for argument|must match|dtype|must have the same",
        "Compare the inputs in publish.yaml (shape, dtype, range) with what forward takes; correct it and try it once "
        "by hand",
        step="Asking the model",
    ),
)
"""The remedies in the order in which they are looked for; the first that fits is told."""


def remedy_of(told: str, doing: str, place: str) -> str:
    """Return the remedy for an error by its "Class: text", the step that failed and its place, without the full stop.

    The place is the line of the user's code that the error came from, or empty if it came from none.
    """
    for remedy in REMEDIES:
        if remedy.step in doing and re.search(remedy.pattern, told, re.DOTALL) and re.search(remedy.code, place):
            return remedy.text
    return CORRECT_IT if place else NOT_IN_THE_FOLDER
