"""The process that measures a model: what serves in it, and what is said when it cannot."""

from pathlib import Path

import pytest

from model_tools.bundling.clean_python import here
from model_tools.bundling.pack import pack_tree
from model_tools.errors import TraceFailed
from model_tools.formats.archive import ArchiveManifest
from model_tools.formats.runtime_reference import RuntimeReference
from model_tools.formats.sections import InputSpec
from model_tools.packaging.package import Package
from model_tools.planning.bundles import KnownBundle
from model_tools.planning.measuring import measure
from model_tools.runtime.placement import Placement

UNUSED = "a" * 64


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """Return a package whose archive nobody gets to read."""
    for name in ("model.tar.gz", "samples.jsonl", "evidence.json"):
        (tmp_path / name).touch()
    manifest = ArchiveManifest(
        name="doubled", task="tensor", inputs=[InputSpec(shape=["batch"])], output_dtype="float32",
        checkpoint_sha256=UNUSED, library_version="2.13.0", tools_version="0",
    )  # fmt: skip
    return Package(
        archive=tmp_path / "model.tar.gz", sha256=UNUSED, size=1, unpacked=1, samples=tmp_path / "samples.jsonl",
        evidence=tmp_path / "evidence.json", manifest=manifest,
    )  # fmt: skip


@pytest.fixture
def hollow(tmp_path: Path) -> KnownBundle:
    """Return a runtime bundle whose torch is none."""
    tree = tmp_path / "tree"
    (tree / "torch").mkdir(parents=True)
    (tree / "torch" / "__init__.py").write_text(
        "import sys\nraise ImportError(f'hollow {\"pytest\" in sys.modules}')\n"
    )
    packed = pack_tree(tree, tmp_path / "hollow.tar.zst", serving=["torch/__init__.py"], level=1)
    python, machine = here()
    reference = RuntimeReference(
        name="torch", uri="runtimes/hollow.tar.zst", sha256=packed.whole.sha256, size=packed.whole.size,
        unpacked_size=packed.whole.unpacked_size, serving=packed.serving, python=python, platform=machine, packages={},
    )  # fmt: skip
    return KnownBundle(reference, tmp_path / "hollow.tar.zst", "a test")


@pytest.mark.parametrize("placement", ["tmp", "memory"])
def test_the_library_comes_out_of_the_bundle_never_from_what_is_installed_here(
    package: Package, hollow: KnownBundle, placement: Placement, tmp_path: Path
) -> None:
    with pytest.raises(TraceFailed, match="hollow False"):
        measure(package, hollow, placement, tmp_path / "scratch")


def test_a_model_that_does_not_answer_in_time_is_refused(package: Package, hollow: KnownBundle, tmp_path: Path) -> None:
    with pytest.raises(TraceFailed, match="did not answer its samples within 0 s"):
        measure(package, hollow, "tmp", tmp_path / "scratch", seconds=0)
