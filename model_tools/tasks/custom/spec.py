"""The spec of task `custom`: a predictor brings `preprocess`, `predict` and `respond`, or some of them.

The form of such a model's requests and answers is not known beforehand. So samples are required, and images are always
decoded in full: no proof could show that a reduced image is answered alike.
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
