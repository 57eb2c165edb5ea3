"""Finds the manifest among the files of a model: the same one for the command line, ResolveModel and packaging."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from model_tools.errors import ModelNotFound
from model_tools.formats.manifest import MANIFEST_NAME
from model_tools.formats.paths import is_hidden

NEAR_NAMES = frozenset({"publish.yaml", "publish.yml", "publish.yaml.txt", "publish.yml.txt", "publish.json"})
"""Names, in lower case, that people give to a manifest by mistake."""
SHOWN = 12
"""The number of files' names that a message lists."""


def is_near_name(name: str) -> bool:
    """Tell whether a file's name is almost that of the manifest, such as `publish.yml` or `Publish.yaml`."""
    return name != MANIFEST_NAME and name.lower() in NEAR_NAMES


def is_manifest(path: str) -> bool:
    """Tell whether a path in its normal form is that of a manifest; in a hidden or foreign folder there is none."""
    return PurePosixPath(path).name == MANIFEST_NAME and not is_hidden(path)


def choose_manifest(paths: Iterable[str], *, where: str) -> str:
    """Return the path of an archive's manifest among the paths of its files, which are in their normal form.

    It is the manifest whose folder holds all the others: the one at the top, else the only one, else the one whose
    folder the others lie in. Raises ModelNotFound when there is none, or several could be meant.
    """
    present = list(paths)
    found = sorted((path for path in present if is_manifest(path)), key=lambda path: (path.count("/"), path))
    if not found:
        raise ModelNotFound(f"{where} has no {MANIFEST_NAME} in it{near_names_text(present)}")
    folder = found[0].removesuffix(MANIFEST_NAME)
    if not all(path.startswith(folder) for path in found):
        raise several_manifests(found, where=where)
    return found[0]


def several_manifests(found: Sequence[str], *, where: str) -> ModelNotFound:
    """Return the refusal of an archive with several manifests of which none stands above the others."""
    return ModelNotFound(
        f"{where} holds several models ({_listed(found)}), and none of these files stands above the others: pack each "
        "model in an archive of its own."
    )


def near_names_text(paths: Iterable[str]) -> str:
    """Return the end of a sentence that says that there is no manifest: a file with almost its name, or what to add."""
    near = [path for path in paths if is_near_name(PurePosixPath(path).name) and not is_hidden(path)]
    if near:
        return f"; there is {_listed(sorted(near))}: rename it to {MANIFEST_NAME}."
    return ", which says how to publish what is there. Add one; the README shows a complete example."


def present_text(wanted: str, present: Collection[str]) -> str:
    """Return a sentence on the files that are there, beginning with one whose name is almost the wanted one."""
    other_case = sorted(path for path in present if path.casefold() == wanted.casefold())
    if other_case:
        return f"There is {other_case[0]}: upper and lower case count"
    shown = sorted(path for path in present if not is_hidden(path))
    close = get_close_matches(wanted, shown, n=1)
    return f"There is: {_listed([*close, *(path for path in shown if path not in close)])}"


def _listed(paths: Sequence[str]) -> str:
    return f"{', '.join(paths[:SHOWN])}{' …' if len(paths) > SHOWN else ''}"
