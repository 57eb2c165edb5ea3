"""Zip archives of local folders."""

import io
import zipfile

from emulator.cloudformation.code_upload import zip_folder


def test_code_is_zipped_without_caches(tmp_path):
    (tmp_path / "package" / "__pycache__").mkdir(parents=True)
    (tmp_path / "package" / "__pycache__" / "a.pyc").write_bytes(b"")
    (tmp_path / "package" / "a.py").write_text("A = 1\n")
    archive = zip_folder(tmp_path)
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["package/a.py"]
    assert zip_folder(tmp_path) == archive
