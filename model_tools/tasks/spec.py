"""What is known of every kind of task: the fields that each `<kind>/spec.py` fills in. Pure.

Whoever needs to know something of a task reads its spec, so a new kind is one package and one line in the registry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from model_tools.formats.manifest import Library, Manifest
from model_tools.formats.runtime_reference import PartName
from model_tools.formats.sections import Section
from model_tools.tasks.answers import AnsweredCase
from model_tools.tasks.own_code import OwnCode
from model_tools.tasks.requests.form import RequestForm
from model_tools.tasks.requests.images import ImageRequests
from model_tools.tasks.requests.numbers import NumberRequests
from model_tools.tasks.requests.texts import TextRequests

InputSection = Literal["classes", "preprocess", "text"]
"""The optional sections of publish.yaml that several kinds of tasks share."""
Expected = Literal["class", "min_confidence", "output"]
"""The fields of a sample's `expect` that only the answers of some tasks have; `answer` fits all of them."""
Comparison = Literal["confidences", "values"]
"""The way in which two answers are compared: as shares after a softmax, or relative to their magnitude."""


def form_by_sections(manifest: Manifest) -> RequestForm:
    """Return how a model is asked whose sections tell it: with an image, with text, else with numbers."""
    if manifest.preprocess is not None:
        return ImageRequests()
    return TextRequests() if manifest.text is not None else NumberRequests()


def accept_any_answer(answered: AnsweredCase) -> None:
    """Accept every answer: its form is of no matter to the task."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """All that is known of one kind of task, except how it answers requests."""

    name: str
    """The value of `task` in publish.yaml."""
    summary: str
    """The input and the output, as a phrase for the documentation."""
    serve: str
    """The class that answers requests, as `module:Class`; imported inside the inference function alone."""
    sections: frozenset[InputSection] = frozenset()
    """The shared sections that mean something for the task."""
    settings_name: str | None = None
    """The key of the task's own section in publish.yaml; None for a task without one."""
    settings: type[Section] | None = None
    """The fields of that section."""
    required: tuple[str, ...] = ()
    """The optional parts of publish.yaml that a model of this task must have."""
    libraries: frozenset[Library] = frozenset({"torch"})
    """The libraries whose models can serve the task."""
    token_inputs: tuple[str, ...] = ()
    """The names of the inputs that take token ids when the model reads text."""
    writes_text: bool = False
    """The task has a target vocabulary, in which its answers are written."""
    request_form: Callable[[Manifest], RequestForm] = form_by_sections
    """Tells how a model of a manifest is asked."""
    options: tuple[str, ...] = ()
    """Further fields that a request may have."""
    expectations: frozenset[Expected] = frozenset()
    """The fields of `expect` that samples may have beside `answer`."""
    answers_outputs: bool = False
    """A request of numbers is answered with the outputs of the model as they are, in `output`."""
    check_answer: Callable[[AnsweredCase], None] = accept_any_answer
    """Raises TraceFailed or ClassesMismatch for an answer that serving could make nothing of."""
    reduced_decoding: Comparison | None = None
    """The comparison that answers to images decoded at reduced size must pass before serving may decode so; None for a
    task that always decodes in full."""

    @property
    def has_own_code(self) -> bool:
        """Whether a model of this task brings serving code."""
        return self.settings is not None and issubclass(self.settings, OwnCode)

    @property
    def bundle_part(self) -> PartName:
        """The part of a runtime bundle that serves the task: code of a model's own may import all of it."""
        return "whole" if self.has_own_code else "serving"
