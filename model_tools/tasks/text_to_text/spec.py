"""The spec of task `text-to-text`, an encoder–decoder: `{"text"}` → `{"text", "score"}`."""

from model_tools.errors import ClassesMismatch
from model_tools.tasks.answers import AnsweredCase, require_tensor
from model_tools.tasks.spec import TaskSpec


def check_answer(answered: AnsweredCase) -> None:
    """Accept [batch, target, vocabulary] whose last axis is as long as the target vocabulary."""
    shape = answered.first.shape
    fits = len(shape) == 3 and shape[:2] == list(answered.input_shapes[1])  # noqa: PLR2004 (the number of axes)
    require_tensor(answered, "A text-to-text model", "[batch, target, vocabulary]", fits=fits)
    if shape[2] != answered.target_tokens:
        raise ClassesMismatch(
            f"text.target_vocabulary has {answered.target_tokens:,} tokens, the model scores {shape[2]:,}: publish the "
            "vocabulary that the model was trained with, one token a line."
        )


SPEC = TaskSpec(
    name="text-to-text",
    summary="a text to a text",
    serve="model_tools.tasks.text_to_text.serve:TextToText",
    sections=frozenset({"text"}),
    required=("text",),
    token_inputs=("source", "target"),
    writes_text=True,
    ranks=lambda _: True,
    instead_of_ranking="Let forward return the logits of the next token.",
    options=("beams", "max_tokens"),
    option_examples=({"beams": 2}, {"max_tokens": 1}),
    check_answer=check_answer,
)
