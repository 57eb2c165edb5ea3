"""TorchScript and `.pt2` files as checkpoints: refused before anything of them is run, or published as they are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from model_tools.errors import CheckpointRejected, ParityFailed, PublishError, TraceFailed
from model_tools.packaging import package
from model_tools.packaging.children.workers import Workers
from model_tools.packaging.proof.prove_trace import PARITY_WORKER
from tests.support.packaging import packing
from tests.support.packaging.compiled_models import (
    Functional,
    replace_in_code,
    rewrite,
    script_that_restores,
    script_with_body,
)
from tests.support.packaging.model_folders import LINEAR_FIELDS, write_folder, write_model
from tests.support.packaging.packing import package_model

FIELDS = {**LINEAR_FIELDS, "inputs": [{"shape": ["batch", 2, 8]}], "checkpoint": "m.pt"}


def refused(error: type[PublishError], folder, tmp_path) -> str:
    with pytest.raises(error) as caught:
        package_model(folder, tmp_path / "package")
    assert type(caught.value) is error
    return str(caught.value)


@pytest.mark.parametrize("when", ["when it is loaded", "when it is asked"])
def test_a_file_that_writes_files_is_refused_and_has_not_run(when, tmp_path):
    target = tmp_path / "written"
    folder = write_folder(tmp_path / "model", FIELDS)
    line = f'torch.save(torch.ones([1]), "{target}")'
    if when == "when it is loaded":
        script_that_restores(folder / "m.pt", line)
    else:
        script_with_body(folder / "m.pt", line, "return x")
    message = refused(CheckpointRejected, folder, tmp_path)
    assert message.startswith("m.pt calls aten::save (code/__torch__/")
    assert not target.exists()


def test_operators_of_other_libraries_are_refused_with_the_truth(tmp_path):
    folder = write_folder(tmp_path / "model", FIELDS)
    script_with_body(folder / "m.pt", "return ops.torchvision.nms(x, x, 0.5)")
    message = refused(CheckpointRejected, folder, tmp_path)
    assert "the operators of torchvision are not served: leave nms out of the model's code" in message
    assert "save it again with torch.jit.save" not in message


NORMS = nn.Sequential(nn.Conv1d(2, 2, 3, padding=1), nn.BatchNorm1d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 3))


def test_a_model_traced_in_training_mode_is_published_after_the_remedy(tmp_path):
    folder = write_folder(tmp_path / "model", FIELDS)
    torch.jit.save(torch.jit.trace(NORMS.train(), torch.randn(3, 2, 8), check_trace=False), folder / "m.pt")
    message = refused(CheckpointRejected, folder, tmp_path)
    assert message.startswith("m.pt was traced in training mode: aten::batch_norm computes in it as in training")
    assert "Call model.eval() before torch.jit.trace" in message
    torch.jit.save(torch.jit.trace(NORMS.eval(), torch.randn(3, 2, 8)), folder / "m.pt")
    package_model(folder, tmp_path / "second")


def test_a_scripted_model_in_training_mode_is_published_in_eval_mode(tmp_path):
    folder = write_folder(tmp_path / "model", FIELDS)
    torch.jit.save(torch.jit.script(NORMS.train()), folder / "m.pt")
    packaged = package_model(folder, tmp_path / "package")
    assert packaged.manifest.format == "torchscript"


def test_functions_that_compute_alike_in_both_modes_are_published(tmp_path):
    folder = write_folder(tmp_path / "model", {**FIELDS, "inputs": [{"shape": [1, 2, 8]}]})
    torch.jit.save(torch.jit.trace(Functional().train(), torch.randn(1, 2, 8)), folder / "m.pt")
    package_model(folder, tmp_path / "package")


def test_weights_that_were_cut_and_packed_again_are_refused(tmp_path):
    folder = write_model(tmp_path / "model")
    path = next(folder.glob("*.pt"))
    rewrite(path, lambda name, contents: contents[:-4] if name == "data/0" else contents)
    assert "is damaged (data/0 has 28 bytes of the 32 that its tensors need)" in refused(
        CheckpointRejected, folder, tmp_path
    )


def test_an_operator_of_its_own_cannot_be_served(tmp_path):
    """The architecture's code runs and is traced; the file that it wrote is refused before it is loaded elsewhere."""
    code = """
        import torch
        from torch import nn

        library = torch.library.Library("my_library", "DEF")
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(4, 2)

            def forward(self, x):
                return torch.ops.my_library.twice(self.layer(x))
    """
    folder = write_model(tmp_path / "model", code)
    message = refused(TraceFailed, folder, tmp_path)
    assert message.startswith("The traced model calls my_library::twice (code/__torch__")
    assert "leave twice out of the model's code, or write it with torch's own operators" in message


class Meddler(Workers):
    """Changes the model's file after it was proved, as a process could that was left over."""

    def run(self, module: str, job: Any, *arguments: Any, **options: Any) -> Any:
        result = packing._WORKERS.run(module, job, *arguments, **options)
        if module == PARITY_WORKER:
            with Path(job.model).open("ab") as file:
                file.write(b"more")
        return result


def test_a_file_that_changes_while_it_is_proved_is_refused(tmp_path):
    folder = write_model(tmp_path / "model")
    with Meddler() as workers, pytest.raises(ParityFailed, match="file was changed while it was proved"):
        package.package_model(folder, tmp_path / "package", workers=workers)


def test_random_numbers_are_left_to_the_proof(tmp_path):
    folder = write_folder(tmp_path / "model", FIELDS)
    script_with_body(folder / "m.pt", "return torch.add(x, torch.randn_like(x))")
    assert "answers the same input differently each time" in refused(ParityFailed, folder, tmp_path)


def test_code_that_was_tampered_with_is_not_called_damaged(tmp_path):
    folder = write_folder(tmp_path / "model", FIELDS)
    script_with_body(folder / "m.pt", "return x")
    replace_in_code(folder / "m.pt", "return x", "t = torch\n    return t.neg(x)")
    message = refused(CheckpointRejected, folder, tmp_path)
    assert "torch is used as a value" in message
    assert "damaged" not in message
