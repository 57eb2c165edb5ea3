"""The list of all kinds of tasks. A new kind is a package beside this file and a line here."""

from collections.abc import Mapping

from model_tools.tasks.custom.spec import SPEC as CUSTOM
from model_tools.tasks.embedding.spec import SPEC as EMBEDDING
from model_tools.tasks.image_classification.spec import SPEC as IMAGE_CLASSIFICATION
from model_tools.tasks.object_detection.spec import SPEC as OBJECT_DETECTION
from model_tools.tasks.spec import TaskSpec
from model_tools.tasks.tabular.spec import SPEC as TABULAR
from model_tools.tasks.tensor.spec import SPEC as TENSOR
from model_tools.tasks.text_to_text.spec import SPEC as TEXT_TO_TEXT

SPECS: Mapping[str, TaskSpec] = {
    spec.name: spec
    for spec in (IMAGE_CLASSIFICATION, TENSOR, TABULAR, TEXT_TO_TEXT, EMBEDDING, OBJECT_DETECTION, CUSTOM)
}
"""The specs by their names, in the order in which messages and the documentation name them."""


def spec_of(task: str) -> TaskSpec:
    """Return the spec of a task that a checked manifest names. Raises KeyError for any other."""
    return SPECS[task]
