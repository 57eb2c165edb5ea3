"""The own code of a model around it: `preprocess`, `predict` and `respond` in a predictor, or some of them.

What such a model answers is its own affair, so nothing is known of it beforehand: its samples are required, and images
are always decoded in full, since nothing could prove that a reduced one is answered alike.
"""

from model_tools.tasks.own_code import OwnCode
from model_tools.tasks.requests.form import RequestForm
from model_tools.tasks.spec import TaskSpec

SPEC = TaskSpec(
    name="custom",
    summary="the own code of a model around it",
    serve="model_tools.tasks.custom.serve:CustomTask",
    sections=frozenset({"classes", "preprocess"}),
    settings_name="custom",
    settings=OwnCode,
    required=("custom", "samples"),
    request_form=lambda _: RequestForm(),
)
