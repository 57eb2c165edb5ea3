"""Writes the lines of Python that messages give to convert a checkpoint. Pure."""

from pathlib import PurePath

CONVERTED = "weights.pt"
"""The name of the file that such a line writes."""


def at(path: tuple[str | int, ...]) -> str:
    """Return the keys that lead to a part of a saved object as Python indexes, such as `['model']`."""
    return "".join(f"[{key!r}]" for key in path) or "the top of the file"


def loading(name: str, path: tuple[str | int, ...] = ()) -> str:
    """Return the expression that loads the weights in a file, found under some keys."""
    if PurePath(name).suffix == ".safetensors":
        return f"safetensors.torch.load_file({name!r})"
    indexes = "".join(f"[{key!r}]" for key in path)
    return f"torch.load({name!r}, weights_only=True){indexes}"


def saving_line(name: str, path: tuple[str | int, ...] = (), *, prefix: str = "", each: str = "") -> str:
    """Return the line that saves the weights under some keys of a file, and what to do with the result.

    `prefix` selects the names that begin with it, and is removed from them; `each` is an expression for a tensor `t`.
    """
    source = loading(name, path)
    if prefix or each:
        key = f"n.removeprefix({prefix!r})" if prefix else "n"
        condition = f" if n.startswith({prefix!r})" if prefix else ""
        source = f"{{{key}: {each or 't'} for n, t in {source}.items(){condition}}}"
    return f"`torch.save({source}, {CONVERTED!r})`, and name {CONVERTED} as checkpoint in publish.yaml"
