"""The spec of task `image-classification`: `{"image"}` → `{"class", "confidence"}`."""

from model_tools.tasks.answers import AnsweredCase, check_names, require_tensor
from model_tools.tasks.spec import TaskSpec


def check_answer(answered: AnsweredCase) -> None:
    """Accept [batch, classes] with a name for each class, or [batch, 1] and [batch] with two names."""
    shape, rows = answered.first.shape, answered.input_shapes[0][0]
    fits = len(shape) in (1, 2) and shape[0] == rows
    require_tensor(answered, "An image classifier", "[batch, classes]", fits=fits)
    check_names(answered.classes or (), shape[1] if len(shape) > 1 else 1, where=answered.classes_file)


SPEC = TaskSpec(
    name="image-classification",
    summary="an image to the likeliest classes",
    serve="model_tools.tasks.image_classification.serve:ImageClassification",
    sections=frozenset({"classes", "preprocess"}),
    required=("classes", "preprocess"),
    options=("n_predictions", "top_k"),
    option_examples=({"top_k": 1}, {"n_predictions": 1}),
    ranks=lambda _: True,
    instead_of_ranking="Publish it with task: custom, whose predictor answers all the values.",
    expectations=frozenset({"class", "min_confidence"}),
    check_answer=check_answer,
    reduced_decoding="confidences",
)
