"""The spec of task `embedding`, images, texts or numbers to vectors: `{"text"}` → `{"embedding"}`."""

from model_tools.formats.sections import Section
from model_tools.tasks.answers import AnsweredCase, require_tensor
from model_tools.tasks.spec import TaskSpec


class Embedding(Section):
    """The section `embedding` of publish.yaml."""

    normalize: bool = True
    """Scale the vector to length 1, so that a dot product is a cosine similarity."""


def check_answer(answered: AnsweredCase) -> None:
    """Accept [batch, dimensions]."""
    shape = answered.first.shape
    fits = len(shape) == 2 and shape[0] == answered.input_shapes[0][0]  # noqa: PLR2004 (the number of axes)
    require_tensor(answered, "An embedding model", "[batch, dimensions]", fits=fits)


SPEC = TaskSpec(
    name="embedding",
    summary="images, texts or numbers to vectors",
    serve="model_tools.tasks.embedding.serve:EmbeddingTask",
    sections=frozenset({"preprocess", "text"}),
    settings_name="embedding",
    settings=Embedding,
    token_inputs=("source",),
    check_answer=check_answer,
    reduced_decoding="values",
)
