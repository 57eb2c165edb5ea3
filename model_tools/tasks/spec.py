"""The specification of a kind of task: the fields that each `<kind>/spec.py` fills in. Pure.

All other code learns about a task from its spec alone, so a new kind needs one package and one line in the registry.
"""

from collections.abc import Callable, Mapping
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
"""The fields of a sample's `expect` that only some tasks know; the field `answer` fits all tasks."""
Comparison = Literal["confidences", "values"]
"""The way in which two answers are compared: as probabilities after a softmax, or relative to their magnitude."""


def form_by_sections(manifest: Manifest) -> RequestForm:
    """Return images for a manifest with `preprocess`, texts for one with `text`, else numbers."""
    if manifest.preprocess is not None:
        return ImageRequests()
    return TextRequests() if manifest.text is not None else NumberRequests()


def accept_any_answer(answered: AnsweredCase) -> None:
    """Accept every answer, for a task that can serve any."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """All that is known of one kind of task, except how it answers requests."""

    name: str
    """The value of `task` in publish.yaml."""
    summary: str
    """The input and the output, as a phrase for the documentation."""
    serve: str
    """The class that answers requests, as `module:Class`; only the inference function imports it."""
    sections: frozenset[InputSection] = frozenset()
    """The shared sections that the task uses; any other is refused."""
    settings_name: str | None = None
    """The key of the task's own section in publish.yaml; None for a task without one."""
    settings: type[Section] | None = None
    """The model of the fields of the task's own section."""
    required: tuple[str, ...] = ()
    """The fields of publish.yaml that are optional in general and required for this task."""
    libraries: frozenset[Library] = frozenset({"torch"})
    """The libraries whose models can serve the task."""
    token_inputs: tuple[str, ...] = ()
    """The names of the inputs that take token ids when the model reads text."""
    writes_text: bool = False
    """The task has a target vocabulary, in which its answers are written."""
    request_form: Callable[[Manifest], RequestForm] = form_by_sections
    """Returns the form of requests to a model with this manifest."""
    options: tuple[str, ...] = ()
    """Further fields that a request may have."""
    option_examples: tuple[Mapping[str, object], ...] = ()
    """Options that any model of the task must be able to follow; made-up samples ask for each of them."""
    ranks: Callable[[Manifest], bool] = lambda _: False
    """Tells whether the task makes probabilities of the outputs of a model with this manifest."""
    instead_of_ranking: str = ""
    """The way to publish a model whose outputs are no scores of which exactly one is right, as a sentence."""
    expectations: frozenset[Expected] = frozenset()
    """The fields of `expect` that samples may have beside `answer`."""
    answers_outputs: bool = False
    """The answer to a request of numbers holds the model's unchanged outputs, in `output`."""
    check_answer: Callable[[AnsweredCase], None] = accept_any_answer
    """Raises TraceFailed or ClassesMismatch for a model's answer that the task cannot turn into a response."""
    reduced_decoding: Comparison | None = None
    """The comparison that answers to images decoded at reduced size must pass before serving may decode so.

    None stands for a task that always decodes in full.
    """

    @property
    def has_own_code(self) -> bool:
        """True when a model of this task brings its own serving code."""
        return self.settings is not None and issubclass(self.settings, OwnCode)

    @property
    def bundle_part(self) -> PartName:
        """The part of a runtime bundle that serving the task needs; a model's own code may import all of a bundle."""
        return "whole" if self.has_own_code else "serving"
