"""Knows the names under which weights are saved in several files, and the line of Python that joins these. Pure."""

import re
from pathlib import PurePosixPath

SHARD = re.compile(r"(?P<stem>.+)-\d+-of-(?P<count>\d+)\.(?P<suffix>safetensors|bin|pt|pth)")
"""The name of one of the files, such as model-00001-of-00002.safetensors."""
SHARD_INDEX = ".index.json"
"""The ending of the file that says in which of the files each weight is."""


def shard_problem(name: str) -> str | None:
    """Return the fault of naming one of several files of weights, or their index, as checkpoint; None for other names.

    A file that is the only one of its set holds all weights.
    """
    name = PurePosixPath(name).name
    if name.endswith(SHARD_INDEX):
        stem, _, suffix = name.removesuffix(SHARD_INDEX).rpartition(".")
        return f"{name} is the index of weights that are saved in several files: join these by {_joining(stem, suffix)}"
    shard = SHARD.fullmatch(name)
    if shard is None or int(shard["count"]) == 1:
        return None
    line = _joining(shard["stem"], shard["suffix"])
    return f"{name} is one of {int(shard['count'])} files that hold the weights together: join these by {line}"


def _joining(stem: str, suffix: str) -> str:
    files = f"sorted(pathlib.Path('.').glob('{stem}-*-of-*.{suffix}'))"
    if suffix == "safetensors":
        imports, load, save = (
            "import pathlib, safetensors.torch",
            "safetensors.torch.load_file(f)",
            "safetensors.torch.save_file",
        )
    else:
        imports, load, save = "import pathlib, torch", "torch.load(f, weights_only=True)", "torch.save"
    joined = f"weights.{'safetensors' if suffix == 'safetensors' else 'pt'}"
    return (
        f"`{imports}; {save}({{n: t for f in {files} for n, t in {load}.items()}}, '{joined}')` in their folder, and "
        f"name {joined} as checkpoint in publish.yaml"
    )
