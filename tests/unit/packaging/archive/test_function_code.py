import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

from model_tools.errors import ModelTooLarge
from model_tools.formats.release_file import ArchiveReference, ReleaseFile
from model_tools.packaging.archive import function_code
from model_tools.packaging.archive.function_code import build_function_code

ARCHIVE = ArchiveReference(uri="s3://b/models/digits/ab/model.tar.gz", sha256="ab" * 32, size=10, unpacked=20)
RELEASE = ReleaseFile(release_id="digits-1", execution="run-1", archive=ARCHIVE)


def base_zip(path: Path, names: list[str], *, seconds: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, seconds)), f"content of {name}\n" * 10)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_contents_decide_the_bytes(tmp_path: Path) -> None:
    one = base_zip(tmp_path / "one.zip", ["app.py", "lib/x.py"])
    two = base_zip(tmp_path / "two.zip", ["lib/x.py", "app.py"], seconds=40)

    build_function_code(one, RELEASE, tmp_path / "a.zip")
    build_function_code(two, RELEASE, tmp_path / "b.zip")

    assert digest(tmp_path / "a.zip") == digest(tmp_path / "b.zip")


def test_the_release_file_of_an_earlier_publication_is_replaced(tmp_path: Path) -> None:
    base = base_zip(tmp_path / "base.zip", ["app.py"])
    build_function_code(base, RELEASE, tmp_path / "first.zip")
    second = RELEASE.model_copy(update={"execution": "run-2"})
    build_function_code(tmp_path / "first.zip", second, tmp_path / "second.zip")

    with zipfile.ZipFile(tmp_path / "second.zip") as archive:
        assert archive.namelist() == ["app.py", "release.json"]
        assert json.loads(archive.read("release.json"))["execution"] == "run-2"
    assert digest(tmp_path / "first.zip") != digest(tmp_path / "second.zip")


def test_files_can_be_read_by_the_user_that_lambda_runs_as(tmp_path: Path) -> None:
    build_function_code(base_zip(tmp_path / "base.zip", ["app.py"]), RELEASE, tmp_path / "code.zip")

    with zipfile.ZipFile(tmp_path / "code.zip") as archive:
        assert {oct(info.external_attr >> 16) for info in archive.infolist()} == {oct(0o644)}


def test_code_that_lambda_would_not_take_is_refused_before_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_code, "MAX_UNZIPPED_BYTES", 100)

    with pytest.raises(ModelTooLarge, match=r"Lambda takes 100: remove dependencies"):
        build_function_code(base_zip(tmp_path / "base.zip", ["app.py"]), RELEASE, tmp_path / "code.zip")


def test_nothing_of_the_base_is_lost(tmp_path: Path) -> None:
    big = os.urandom(3 << 20)
    with zipfile.ZipFile(tmp_path / "base.zip", "w") as archive:
        archive.writestr("lib/native.so", big)

    build_function_code(tmp_path / "base.zip", RELEASE, tmp_path / "code.zip")

    with zipfile.ZipFile(tmp_path / "code.zip") as archive:
        assert archive.read("lib/native.so") == big
