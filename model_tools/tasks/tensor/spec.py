"""The spec of task `tensor`, numbers to numbers: `{"input"}` → `{"output"}`, or `{"inputs"}` → `{"outputs"}`."""

from model_tools.tasks.answers import check_some_width
from model_tools.tasks.spec import TaskSpec

SPEC = TaskSpec(
    name="tensor",
    summary="numbers to numbers",
    serve="model_tools.tasks.tensor.serve:TensorTask",
    sections=frozenset({"classes"}),
    expectations=frozenset({"output"}),
    answers_outputs=True,
    check_answer=check_some_width,
)
