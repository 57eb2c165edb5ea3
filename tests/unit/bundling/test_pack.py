import hashlib
import os
import subprocess

import pytest
import zstandard

from model_tools.bundling.pack import pack_tree
from model_tools.runtime.contents import read_bundle
from tests.support.runtime.bundles import pack_files

FILES = {
    "pkg/__init__.py": b"one\n" * 1000,
    "pkg/__pycache__/__init__.cpython-311.pyc": b"code" * 500,
    "pkg/lib.so": bytes(range(256)) * 2000,
    "other/data.bin": b"x" * 5000,
}
SERVING = {"pkg/__init__.py", "pkg/lib.so"}


@pytest.fixture
def tree(tmp_path):
    for name, data in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "tree"


def packed_files(packed, bundle, part):
    reference = pack_files({}).reference.model_copy(
        update={**packed.whole.model_dump(), "serving": packed.serving, "uri": str(bundle)}
    )
    files = read_bundle(reference, lambda uri: open(uri, "rb"), part)  # noqa: SIM115, PTH123 (read_bundle closes it)
    return {file.name: b"".join(map(bytes, file.chunks)) for file in files}


def test_a_packed_folder_can_be_read_in_parts_and_whole(tree, tmp_path):
    packed = pack_tree(tree, tmp_path / "bundle", serving=SERVING, level=3)

    assert packed_files(packed, tmp_path / "bundle", "whole") == FILES
    assert packed_files(packed, tmp_path / "bundle", "serving") == {name: FILES[name] for name in SERVING}


def test_a_runtime_without_a_rest_is_one_part(tree, tmp_path):
    packed = pack_tree(tree, tmp_path / "bundle", serving=set(FILES), level=3)

    assert packed_files(packed, tmp_path / "bundle", "serving") == FILES
    assert packed_files(packed, tmp_path / "bundle", "whole") == FILES


def test_the_same_folder_gives_the_same_bytes_whenever_and_on_however_many_processors(tree, tmp_path, monkeypatch):
    large = b"".join(hashlib.sha256(bytes([number % 251])).digest() * 1000 for number in range(400))
    (tree / "large.so").write_bytes(large)  # more than one job of the compressor
    first = pack_tree(tree, tmp_path / "first", serving=SERVING, level=1)
    for path in tree.rglob("*"):
        os.utime(path, (1, 1))
    (tree / "pkg/__init__.py").chmod(0o600)
    for count in (1, 7):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert pack_tree(tree, tmp_path / "second", serving=SERVING, level=1) == first
        assert (tmp_path / "second").read_bytes() == (tmp_path / "first").read_bytes()


def test_any_tar_reads_a_bundle_once_it_is_decompressed(tree, tmp_path):
    pack_tree(tree, tmp_path / "bundle", serving=SERVING, level=3)
    with (tmp_path / "bundle").open("rb") as file, (tmp_path / "bundle.tar").open("wb") as tar:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        tar.write(reader.read())
    listed = subprocess.run(["tar", "-tf", tmp_path / "bundle.tar"], check=True, capture_output=True, text=True)

    assert sorted(listed.stdout.split()) == sorted(FILES)


def test_sizes_count_whole_blocks_and_folders(tree, tmp_path):
    packed = pack_tree(tree, tmp_path / "bundle", serving=SERVING, level=3)

    # one, two and 125 blocks; and the folders ., pkg
    assert packed.serving.unpacked_size == 4096 * (1 + 125 + 2)
    # … and other/data.bin with two, the compiled code with one, and the folders other, __pycache__
    assert packed.whole.unpacked_size == 4096 * (1 + 125 + 2 + 1 + 4)
    assert packed.whole.size == (tmp_path / "bundle").stat().st_size > packed.serving.size
