"""Reads publish.yaml into a manifest that can be trusted: checks the fields, then the further demands of its task."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    SECTIONS,
    SHARED_SECTIONS,
    Manifest,
    problems_of,
    render_problems,
)
from model_tools.formats.sections import Optimize
from model_tools.formats.text_files import decode_text
from model_tools.formats.yaml_text import parse_yaml
from model_tools.tasks.own_code import OwnCode
from model_tools.tasks.registry import SPECS, spec_of
from model_tools.tasks.spec import TaskSpec

SETTINGS = "settings"
"""The manifest's field for the task's own section; in publish.yaml each task has a name of its own for the section."""


def read_manifest(data: bytes, *, where: str = MANIFEST_NAME) -> Manifest:
    """Return the manifest that the bytes of a publish.yaml describe; messages call the file `where`.

    Raises ManifestInvalid, which names each wrong field and the remedy.
    """
    given = parse_yaml(decode_text(data, where=where, max_bytes=MAX_MANIFEST_BYTES, kind="manifest"), where)
    spec = _find_spec(given)
    fields, problems = _with_settings(given, spec)
    problems = [*_foreign_settings(given, spec), *problems]
    try:
        manifest = Manifest.model_validate(fields)
    except ValidationError as error:
        raise ManifestInvalid(render_problems([*problems, *problems_of(error, _sections())], where)) from error
    if spec is not None and not problems and (problem := _problem(manifest, spec, given)):
        problems = [problem]
    if problems:
        raise ManifestInvalid(render_problems(problems, where))
    return manifest


def named_files(manifest: Manifest) -> dict[str, str]:
    """Return the files that a manifest names, by field; files that only a glob names are not among them."""
    own, section = own_code_of(manifest), spec_of(manifest.task).settings_name
    named = {} if own is None else {f"{section}.{field}": path for field, path in own.named_files.items()}
    return manifest.named_files | named


def globs_of(manifest: Manifest) -> list[str]:
    """Return the globs of the files that a manifest names."""
    own = own_code_of(manifest)
    return [*([manifest.samples] if manifest.samples else []), *(() if own is None else own.include)]


def own_code_of(manifest: Manifest) -> OwnCode | None:
    """Return the section by which a model brings serving code; None if its task has no such section."""
    return OwnCode.model_validate(manifest.settings) if spec_of(manifest.task).has_own_code else None


def _find_spec(fields: Mapping[str, Any]) -> TaskSpec | None:
    task = fields.get("task")
    return SPECS.get(task) if isinstance(task, str) else None


def _sections() -> dict[str, type[BaseModel]]:
    own = {spec.settings_name: spec.settings for spec in SPECS.values() if spec.settings_name and spec.settings}
    return {**SECTIONS, **own}


def _foreign_settings(fields: Mapping[str, Any], spec: TaskSpec | None) -> list[str]:
    """Return the problem of each section that belongs to another task, or that of an unknown task."""
    if spec is None:
        return [_unknown_task(fields["task"])] if "task" in fields else []
    return [
        f"{name} means nothing for task {spec.name}: remove it, or correct task ({other.name})"
        for other in SPECS.values()
        if (name := other.settings_name) is not None and name in fields and name != spec.settings_name
    ]


def _unknown_task(task: object) -> str:
    close = difflib.get_close_matches(str(task), SPECS, n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"task: {str(task)[:60]!r} is no kind of task: {meant}There is {', '.join(SPECS)}"


def _with_settings(fields: Mapping[str, Any], spec: TaskSpec | None) -> tuple[dict[str, Any], list[str]]:
    """Return the fields with the task's own section in SETTINGS, its defaults filled in, and the section's problems."""
    names = {other.settings_name for other in SPECS.values()}
    rest = {name: value for name, value in fields.items() if name not in names}
    if SETTINGS in rest:
        known = ", ".join(sorted({*Manifest.model_fields, *filter(None, names)} - {SETTINGS}))
        return {name: value for name, value in rest.items() if name != SETTINGS}, [
            f"{SETTINGS}: is not a field of it: remove it or correct its spelling ({known})"
        ]
    if spec is None or spec.settings is None or spec.settings_name is None:
        return rest, []
    given = fields.get(spec.settings_name)
    try:
        section = spec.settings.model_validate({} if given is None else given)
    except ValidationError as error:
        return rest, problems_of(error, {"": spec.settings}, within=spec.settings_name)
    return {**rest, SETTINGS: section.model_dump(mode="json")}, []


def _problem(manifest: Manifest, spec: TaskSpec, given: Mapping[str, Any]) -> str | None:
    """Return the first demand of the task that the manifest does not meet, with the remedy; None when it meets all."""
    return (
        _library_problem(manifest, spec)
        or _sections_problem(manifest, spec, given)
        or _text_problem(manifest, spec)
        or spec.request_form(manifest).problem(manifest)
    )


def _library_problem(manifest: Manifest, spec: TaskSpec) -> str | None:
    """Return why the manifest does not fit its library: trees serve few tasks, have no code, and take one table."""
    if manifest.library not in spec.libraries:
        able = " or ".join(other.name for other in SPECS.values() if manifest.library in other.libraries)
        return f"{manifest.checkpoint} is an XGBoost model, which is published with task: {able}"
    if manifest.library != "xgboost":
        return None
    if manifest.architecture is not None:
        return "an XGBoost model needs no architecture: remove it"
    if manifest.optimize != Optimize():
        return "optimize is for PyTorch models: remove it"
    shape = manifest.inputs[0].shape
    if len(manifest.inputs) != 1 or len(shape) != 2 or not isinstance(shape[1], int):  # noqa: PLR2004 (rows, columns)
        return "an XGBoost model takes one table: write inputs: [{shape: [batch, <number of features>]}]"
    return None


def _sections_problem(manifest: Manifest, spec: TaskSpec, given: Mapping[str, Any]) -> str | None:
    missing = [field for field in spec.required if given.get(field) is None]
    if missing:
        return f"task {spec.name} needs {' and '.join(missing)}"
    for section in SHARED_SECTIONS:
        if section not in spec.sections and getattr(manifest, section) is not None:
            tasks = ", ".join(other.name for other in SPECS.values() if section in other.sections)
            return f"{section} means nothing for task {spec.name}: remove it, or correct task ({tasks})"
    if manifest.scores is not None and not spec.ranks(manifest):
        return _scores_problem(manifest, spec)
    if manifest.preprocess is not None and manifest.text is not None:
        return "a model takes images or text: remove preprocess or text"
    return None


def _scores_problem(manifest: Manifest, spec: TaskSpec) -> str:
    if manifest.library == "xgboost":
        return "scores is for PyTorch models, since the objective says what trees answer: remove it"
    if (
        "classes" in spec.sections
        and manifest.classes is None
        and spec.ranks(manifest.model_copy(update={"classes": "x"}))
    ):
        return f"scores means nothing for a model of task {spec.name} without classes: remove it, or add classes"
    return f"scores means nothing for task {spec.name}, which does not rank classes: remove it"


def _text_problem(manifest: Manifest, spec: TaskSpec) -> str | None:
    """Return why a manifest does not fit a model of text, whose inputs are token ids [batch, tokens]."""
    if manifest.text is None:
        return None
    if (manifest.text.target_vocabulary is not None) != spec.writes_text:
        able = ", ".join(other.name for other in SPECS.values() if other.writes_text)
        return f"text.target_vocabulary belongs to task {able}, which writes text; no other task does"
    if len(manifest.inputs) != len(spec.token_inputs) or any(
        spec_of_input.dtype != "int64" or len(spec_of_input.shape) != 2 or not isinstance(spec_of_input.shape[1], str)  # noqa: PLR2004 (N, tokens)
        for spec_of_input in manifest.inputs
    ):
        shapes = ", ".join(
            f"{{shape: [batch, {name}], dtype: int64, range: [0, <last id>]}}" for name in spec.token_inputs
        )
        return f"a model of text takes token ids: write inputs: [{shapes}]"
    return None
