"""The section of publish.yaml by which a model brings serving code of its own. Pure."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, field_validator, model_validator

from model_tools.formats.paths import named_path, normal_path
from model_tools.formats.sections import Section

STEPS: Mapping[str, tuple[str, ...]] = {
    "preprocess": ("request",), "predict": ("model", "inputs"), "respond": ("output", "request"),
}  # fmt: skip
"""The functions that a predictor may define, each with its parameters; a last parameter `context` is optional."""


class OwnCode(Section):
    """The predictor of a custom model, and the files and packages that it needs."""

    predictor: str = "predictor.py"
    """The Python file that defines preprocess, predict and respond, or some of them."""
    include: list[str] = Field(default_factory=list, max_length=100)
    """Globs of further files that the predictor reads; the folder's Python files are always included."""
    requirements: str | None = None
    """A requirements.txt of pinned pure-Python packages, whose wheels lie in `wheels/`."""

    @property
    def named_files(self) -> dict[str, str]:
        """The files that the section names, by field; files that only a glob names are not among them."""
        named = {"predictor": self.predictor, "requirements": self.requirements}
        return {field: path for field, path in named.items() if path is not None}

    @field_validator("predictor", "requirements")
    @classmethod
    def _inside_the_folder(cls, value: str | None) -> str | None:
        return named_path(value)

    @field_validator("include")
    @classmethod
    def _globs_inside_the_folder(cls, value: list[str]) -> list[str]:
        return [normal_path(glob) for glob in value]

    @model_validator(mode="after")
    def _a_python_file(self) -> Self:
        if not self.predictor.endswith(".py"):
            raise ValueError(f"predictor: {self.predictor!r} is no Python file")
        return self
