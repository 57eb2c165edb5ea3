"""The spec of task `image-classification`: `{"image"}` → `{"class", "confidence"}`."""

from model_tools.tasks.answers import AnsweredCase, check_width, require_tensor
from model_tools.tasks.spec import TaskSpec


def check_answer(answered: AnsweredCase) -> None:
    """Accept [batch, classes] with as many classes as the classes file has names."""
    shape = answered.first.shape
    fits = len(shape) == 2  # noqa: PLR2004 (the number of axes)
    require_tensor(answered, "An image classifier", "[batch, classes]", fits=fits)
    check_width(answered.classes or (), shape[1], where=answered.classes_file)


SPEC = TaskSpec(
    name="image-classification",
    summary="an image to the likeliest classes",
    serve="model_tools.tasks.image_classification.serve:ImageClassification",
    sections=frozenset({"classes", "preprocess"}),
    required=("classes", "preprocess"),
    options=("n_predictions", "top_k"),
    expectations=frozenset({"class", "min_confidence"}),
    check_answer=check_answer,
    reduced_decoding="confidences",
)
