"""What packaging refuses once a model is loaded, with its real child processes: why, where, and what to do."""

import textwrap
from pathlib import Path

import pytest
import torch

from model_tools.errors import (
    CheckpointRejected,
    ClassesMismatch,
    ManifestInvalid,
    ModelTooLarge,
    ParityFailed,
    PublishError,
    TraceFailed,
)
from model_tools.packaging.limits import Limits
from tests.support.packaging.model_folders import (
    CLASSIFIER,
    LINEAR,
    LINEAR_FIELDS,
    build,
    sample,
    write_classifier,
    write_folder,
    write_model,
)
from tests.support.packaging.packing import package_model


def linear(body: str) -> str:
    """Return the linear model with another `forward`; its body begins in line 10."""
    return LINEAR.replace(
        "return self.layer(x)\n", textwrap.indent(textwrap.dedent(body).strip(), " " * 12).lstrip() + "\n"
    )


def refused(error: type[PublishError], folder: Path, tmp_path: Path, **limits: float) -> str:
    with pytest.raises(error) as caught:
        package_model(folder, tmp_path / "package", limits=Limits(**limits))
    assert type(caught.value) is error
    assert not list((tmp_path / "package").iterdir()), "a refusal leaves nothing behind"
    return str(caught.value)


def test_a_branch_on_the_inputs_values_is_found_and_named_by_its_line(tmp_path):
    code = linear("""
        x = self.layer(x)
        if x.sum() > -1e9:
            x = x + 1
        return x
    """)
    message = refused(ParityFailed, write_model(tmp_path / "model", code), tmp_path)
    assert "net.py, line 11: `if x.sum() > -1e9:`" in message
    assert "torch.where" in message


@pytest.mark.parametrize(
    "line", ["return torch.from_numpy(2 * self.layer(x).numpy())", "return self.layer(x) * x.sum().item()"]
)
def test_values_that_leave_torch_are_refused_with_what_to_use_instead(line, tmp_path):
    message = refused(ParityFailed, write_model(tmp_path / "model", linear(line)), tmp_path)
    assert f"net.py, line 10: `{line}`" in message
    assert "takes them out of torch (.item(), .numpy())" in message
    assert "torch's operators instead of NumPy's" in message
    assert "leave out what only checks" in message


def test_a_batch_size_baked_into_the_trace_is_explained(tmp_path):
    code = linear("return self.layer(x.reshape(int(x.shape[0]), 4))")
    message = refused(ParityFailed, write_model(tmp_path / "model", code), tmp_path)
    assert "not for seed 401 (usual, 1x4)" in message
    assert "A size is baked in" in message


def test_a_model_that_draws_random_numbers_is_refused(tmp_path):
    code = linear("return nn.functional.dropout(self.layer(x))")
    assert "F.dropout" in refused(ParityFailed, write_model(tmp_path / "model", code), tmp_path)


def test_nan_weights_are_named_before_any_code_runs(tmp_path):
    weights = build(LINEAR).state_dict()
    weights["layer.bias"][1] = float("nan")
    folder = write_model(
        tmp_path / "model", linear("return self.layer(x)") + "\n    raise SystemExit('ran')\n", weights=weights
    )
    assert "NaN or infinite values in layer.bias" in refused(CheckpointRejected, folder, tmp_path)


def test_nan_answers_are_refused_with_the_input_that_gave_them(tmp_path):
    message = refused(ParityFailed, write_model(tmp_path / "model", linear("return self.layer(x).log()")), tmp_path)
    assert "The model answers NaN in its output at [1, 0] (1 of 4 values) to seed 101" in message
    assert "inputs: range" in message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda weights: weights.pop("layer.bias"), "it lacks layer.bias", id="missing"),
        pytest.param(
            lambda weights: weights.update(extra=torch.ones(1)),
            "it has extra, which the architecture has not",
            id="extra",
        ),
        pytest.param(
            lambda weights: weights.update({"layer.weight": torch.ones(2, 9)}),
            "layer.weight is [2, 9], the architec",
            id="another shape",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, told):
    weights = dict(build(LINEAR).state_dict())
    change(weights)
    assert told in refused(CheckpointRejected, write_model(tmp_path / "model", weights=weights), tmp_path)


def test_too_few_classes_are_told_after_the_model_has_answered(tmp_path):
    folder = write_classifier(tmp_path / "model")
    (folder / "classes.txt").write_text("disc\nring\n")
    message = refused(ClassesMismatch, folder, tmp_path)
    assert message.startswith("classes.txt names 2 classes, the model answers 3 values: add the 1 missing")


def test_a_classifier_must_answer_one_row_of_scores_an_image(tmp_path):
    folder = write_classifier(tmp_path / "model")
    (folder / "net.py").write_text(
        textwrap.dedent(CLASSIFIER.replace("self.head(x.flatten(1))", "[self.head(x.flatten(1))]"))
    )
    assert "this model answers a tuple" in refused(TraceFailed, folder, tmp_path)


def test_the_users_exception_comes_with_its_line(tmp_path):
    folder = write_model(tmp_path / "model", linear("return self.layer(x)[{'no': 'key'}['absent']]"))
    message = refused(TraceFailed, folder, tmp_path)
    assert "KeyError: 'absent' (net.py, line 10: `return self.layer(x)" in message


def test_an_architecture_that_ends_the_process_is_told_with_its_line(tmp_path):
    folder = write_model(tmp_path / "model")
    (folder / "net.py").write_text("import os\nprint('last words', flush=True)\nos._exit(7)\n")
    message = refused(TraceFailed, folder, tmp_path)
    assert "Importing net fails: the code ends its process with os._exit (net.py, line 3: `os._exit(7)`)" in message


def test_an_architecture_that_hangs_is_given_up(tmp_path):
    folder = write_model(tmp_path / "model")
    (folder / "net.py").write_text("import time\ntime.sleep(600)\n")
    assert "within 3 s" in refused(TraceFailed, folder, tmp_path, child_seconds=3)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self._command = f"touch {target}"

    def __reduce__(self):
        import os

        return os.system, (self._command,)


def test_a_pickle_that_wants_more_than_weights_runs_nothing_and_is_named(tmp_path):
    ran = tmp_path / "ran"
    folder = write_model(tmp_path / "model", weights={"state_dict": {}, "hook": Bomb(ran)})
    message = refused(CheckpointRejected, folder, tmp_path)
    assert "posix.system" in message
    assert not ran.exists()


def test_a_whole_pickled_model_is_refused_with_the_way_to_save_its_weights(tmp_path):
    folder = write_model(tmp_path / "model")
    torch.save(torch.nn.Linear(4, 2), folder / "weights.pt", _use_new_zipfile_serialization=False)
    message = refused(CheckpointRejected, folder, tmp_path)
    assert "holds a whole model (torch.nn.modules.linear.Linear)" in message
    assert "torch.load('weights.pt', weights_only=False).state_dict()" in message


def test_a_pickle_hidden_in_the_sample_inputs_of_a_pt2_runs_nothing(tmp_path):
    import io
    import zipfile

    ran = tmp_path / "ran"
    folder = write_folder(tmp_path / "model", {**LINEAR_FIELDS, "checkpoint": "program.pt2"})
    torch.export.save(torch.export.export(build(LINEAR), (torch.randn(2, 4),)), tmp_path / "good.pt2")
    bomb = io.BytesIO()
    torch.save(((Bomb(ran),), {}), bomb)
    with zipfile.ZipFile(tmp_path / "good.pt2") as good, zipfile.ZipFile(folder / "program.pt2", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, bomb.getvalue() if name.endswith("sample_inputs/model.pt") else good.read(name))
    assert "program.pt2 cannot be loaded (UnpicklingError" in refused(CheckpointRejected, folder, tmp_path)
    assert not ran.exists()


def test_a_program_exported_for_one_size_says_how_to_export_it_for_all(tmp_path):
    folder = write_folder(tmp_path / "model", {**LINEAR_FIELDS, "checkpoint": "program.pt2"})
    torch.export.save(torch.export.export(build(LINEAR), (torch.randn(2, 4),)), folder / "program.pt2")
    message = refused(TraceFailed, folder, tmp_path)
    assert "dynamic_shapes" in message
    assert "seed 401 (usual, 1x4)" in message


def test_sample_inputs_that_are_no_tensor_are_named(tmp_path):
    files = {"samples/a.json": sample({"input": [[1.0, 2.0, 3.0, "four"]]})}
    folder = write_model(tmp_path / "model", files=files, samples="samples/*.json")
    assert refused(ManifestInvalid, folder, tmp_path).startswith("samples/a.json: the event's input is no tensor")


def test_a_traced_model_that_outgrows_its_limit_is_refused(tmp_path):
    message = refused(ModelTooLarge, write_model(tmp_path / "model"), tmp_path, model_bytes=100)
    assert "100 is the limit" in message


def test_an_output_that_is_no_tensor_is_named(tmp_path):
    folder = write_model(tmp_path / "model", linear("return {'scores': self.layer(x), 'hidden': None}"))
    assert "output 'hidden' is None" in refused(TraceFailed, folder, tmp_path)
