"""A custom model from its folder to the archive, and its wheels from an index to the upload, with the real pip."""

import json
import tarfile
from pathlib import Path

import pytest

from model_tools.cli.errors import UserError
from model_tools.cli.model_source import find_model, prepare_upload
from model_tools.cli.wheels import missing_wheels, with_wheels
from tests.support.packaging.model_folders import sample, write_model
from tests.support.packaging.packing import package_model
from tests.unit.packaging.custom.test_code import PREDICTOR, wheel

WHEEL = "words-1.2-py3-none-any.whl"


def custom_folder(folder: Path, files=None) -> Path:
    wanted = {
        "predictor.py": PREDICTOR, "data/names.csv": "a,b\n", "samples/a.json": sample({"name": "a"}, answer={"b": 1}),
        "requirements.txt": "words==1.2\n",
    }  # fmt: skip
    return write_model(
        folder, task="custom", samples="samples/*.json", files={**wanted, **(files or {})},
        custom={"include": ["data/*"], "requirements": "requirements.txt"},
    )  # fmt: skip


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """Return a folder that pip takes for all there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_custom_models_code_stands_before_the_model_in_its_archive(tmp_path):
    folder = custom_folder(tmp_path / "model", {f"wheels/{WHEEL}": wheel("words", "1.2")})
    package = package_model(folder, tmp_path / "package")
    with tarfile.open(package.archive) as tar:
        names = tar.getnames()
        assert tar.extractfile("code/predictor.py").read().decode() == PREDICTOR
    assert names == [
        "manifest.json", "parity.json", "code/data/names.csv", "code/net.py", "code/predictor.py",
        "code/words-1.2.dist-info/METADATA", "code/words-1.2.dist-info/WHEEL", "code/words/__init__.py", "model.pt",
    ]  # fmt: skip
    assert json.loads(package.samples.read_text())["expect"] == {"answer": {"b": 1}}


def test_wheels_that_the_folder_lacks_are_downloaded_and_uploaded_with_it(tmp_path, index):
    (index / WHEEL).write_bytes(wheel("words", "1.2"))
    model = find_model(custom_folder(tmp_path / "model"))
    assert missing_wheels(model) == ["words==1.2"]
    (tmp_path / "wheels").mkdir()
    complete = prepare_upload(with_wheels(model, tmp_path / "wheels"))
    assert f"wheels/{WHEEL}" in [upload.key for upload in complete.uploads]
    assert complete.prefix != prepare_upload(model).prefix


def test_a_folder_with_all_its_wheels_needs_no_download(tmp_path):
    folder = custom_folder(tmp_path / "model", {f"wheels/{WHEEL}": wheel("words", "1.2")})
    assert missing_wheels(find_model(folder)) == []


def test_what_has_no_pure_python_wheel_is_told_in_pips_words(tmp_path, index):
    (index / "words-1.2-cp311-cp311-manylinux_2_28_x86_64.whl").write_bytes(wheel("words", "1.2"))
    (tmp_path / "wheels").mkdir()
    with pytest.raises(UserError, match=r"words==1\.2.*Only pure-Python wheels"):
        with_wheels(find_model(custom_folder(tmp_path / "model")), tmp_path / "wheels")
