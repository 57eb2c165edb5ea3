"""Writes the operators that a compiled file may call, sorted by rule from what this torch has registered.

    python -m tests.support.packaging.list_operators

Run it after a new version of torch, and review the difference: each new operator is allowed unless a rule refuses it.
"""

import re
import textwrap
from pathlib import Path

import torch

TARGET = Path(__file__).parents[3] / "model_tools/packaging/checkpoint/operator_lists.py"

NAMESPACES = (
    "aten", "prim", "quantized", "_quantized", "quantization", "sparse", "mkldnn", "mkldnn_prepacked", "mkl", "onednn",
)  # fmt: skip
"""The namespaces of torch's own library that compute on a processor. What others hold (c10d, symm_mem, profiler …) is
refused as a whole."""

RULES = {
    "it reads or writes files": r"aten::(from_file|save)",
    "it calls other processes": r"prim::rpc_.*",
    "it calls Python": r"prim::(PythonOp|IgnoredPythonOp)",
    "it reads the clock, or serves torch's own profiler": r"prim::(TimePoint|AddStatValue|profile.*)",
    "it addresses memory without checks": r"aten::(set|set_|set_data|_reshape_alias.*|_nested_view_from_buffer.*|"
    r"_sparse_\w+_tensor_unsafe)|mkldnn::data_ptr",
    "it serves training alone": r"aten::(_fused_(adam|adamw|sgd|adagrad).*|_amp_.*|backward|_backward|dist_backward|"
    r"retain_grad)",
    "it needs a GPU or another accelerator": r"aten::(_?cudnn_(?!is_).*|_cufft.*|_?miopen.*|.*_mps(_.*)?|_mps.*|"
    r"_cslt.*|_triton.*|record_stream|_efficient_attention.*|_flash_attention.*|"
    r"_scaled_dot_product_(cudnn|efficient|flash|fused)_attention(?!_for_cpu).*|_fill_mem_eff.*|_sparse_semi.*|"
    r"_propagate_xla.*|_thnn_.*)",
    "it exists for torch's own tests": r"aten::(_test_.*|_foobar)",
}
"""Why an operator is refused: the end of a sentence, and the names for which it holds."""


def sorted_operators() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the allowed operators by namespace, and the refused ones by reason."""
    registered = {schema.name for schema in torch._C._jit_get_all_schemas()}
    allowed: dict[str, list[str]] = {namespace: [] for namespace in NAMESPACES}
    refused: dict[str, list[str]] = {reason: [] for reason in RULES}
    for operator in sorted(registered):
        namespace, _, name = operator.partition("::")
        if namespace not in allowed:
            continue
        reason = next((reason for reason, names in RULES.items() if re.fullmatch(names, operator)), None)
        if reason is None:
            allowed[namespace].append(name)
        else:
            refused[reason].append(operator)
    return allowed, refused


def written() -> str:
    """Return the module's text."""
    allowed, refused = sorted_operators()
    lines = [
        '"""Lists the operators that a compiled file may call, and those that it may not, with the reason.',
        "",
        "tests/support/packaging/list_operators.py writes this file by rule from what torch has registered; a test",
        "fails when a new version of torch has an operator that is in neither list. The names are separated by blanks.",
        '"""',
        "",
        "ALLOWED: dict[str, str] = {",
        *_entries(allowed),
        '"""Operators that compute on a processor, by namespace."""',
        "",
        "REFUSED: dict[str, str] = {",
        *_entries(refused),
        '"""Operators of the same namespaces that are refused, by the reason, which is the end of a sentence."""',
        "",
    ]
    return "\n".join(lines)


def _entries(lists: dict[str, list[str]]) -> list[str]:
    lines = []
    for key, names in lists.items():
        lines += [f'    "{key}": """', *_wrapped(names), '    """,']
    return [*lines, "}"]


def _wrapped(names: list[str]) -> list[str]:
    return textwrap.wrap(
        " ".join(names), 120, initial_indent=" " * 8, subsequent_indent=" " * 8, break_on_hyphens=False
    )


if __name__ == "__main__":
    TARGET.write_text(written(), encoding="utf-8")
