"""The manifest of an archive is the same one to the command line, to ResolveModel and to packaging."""

import io
import re
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_tools.cli.model_source import find_model
from model_tools.errors import CheckpointRejected, ModelNotFound, PublishError
from model_tools.packaging.checkpoint.fetch import fetch_checkpoint
from model_tools.packaging.checkpoint.model_folder import open_model_folder
from model_tools.packaging.checkpoint.resolve import resolve_checkpoint
from tests.support.fakes.object_store import FakeObjectStore

URI = "s3://bucket/model.tar.gz"


def manifest(name: str) -> bytes:
    return f"{{name: {name}, task: tensor, checkpoint: model.pt, inputs: [{{shape: [1, 4]}}]}}".encode()


def packed(*paths: str, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002
    """Return an archive; each manifest in it is named after its place among the paths."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", format=format) as archive:
        for index, path in enumerate(paths):
            member = tarfile.TarInfo(path)
            if path.endswith("/"):
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
                continue
            data = manifest(f"place-{index}") if path.endswith("publish.yaml") else b"x"
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return raw.getvalue()


def readings(archive: bytes) -> tuple[str, str, str]:
    """Return the name that the command line, ResolveModel and packaging read, or the name of their refusal."""
    store = FakeObjectStore({URI: archive})

    def unpacked(folder: Path) -> str:
        return open_model_folder(fetch_checkpoint(resolve_checkpoint(URI, store), store, folder)).manifest.name

    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        (home / "model.tar.gz").write_bytes(archive)
        read = [
            lambda: find_model(home / "model.tar.gz").name,
            lambda: resolve_checkpoint(URI, store).manifest.name,
            lambda: unpacked(home / "into"),
        ]
        told = []
        for each in read:
            try:
                told.append(each())
            except PublishError as error:
                told.append(type(error).__name__)
    return told[0], told[1], told[2]


@pytest.mark.parametrize(
    ("paths", "place"),
    [
        pytest.param(["publish.yaml", "model.pt"], 0, id="at the top"),
        pytest.param(["./", "./publish.yaml", "./model.pt"], 1, id="members that begin with a dot and a slash"),
        pytest.param(["backup/publish.yaml", "publish.yaml"], 1, id="a copy before the one at the top"),
        pytest.param(["publish.yaml", "backup/publish.yaml"], 0, id="a copy after the one at the top"),
        pytest.param(["run-42/", "run-42/publish.yaml", "run-42/model.pt"], 1, id="in a folder"),
        pytest.param(["./run-42/model.pt", "./run-42/publish.yaml"], 1, id="in a folder below a dot"),
        pytest.param(["home/me/run/publish.yaml", "home/me/run/model.pt"], 0, id="packed from the root"),
        pytest.param(["run/old/publish.yaml", "run/publish.yaml"], 1, id="a copy below the one in a folder"),
        pytest.param(["._publish.yaml", "publish.yaml", "._model.pt"], 1, id="with the files of macOS"),
        pytest.param(
            ["__MACOSX/publish.yaml", "__MACOSX/._publish.yaml", "publish.yaml"], 2, id="with a folder of macOS"
        ),
        pytest.param([".DS_Store", "Icon\r", "run/Thumbs.db", "run/publish.yaml"], 3, id="with files of two systems"),
        pytest.param([".git/publish.yaml", "run/publish.yaml"], 1, id="a copy in a hidden folder"),
        pytest.param(["run/.ipynb_checkpoints/publish.yaml", "run/publish.yaml"], 1, id="a copy of a notebook"),
        pytest.param(["run\\publish.yaml", "run\\model.pt"], 0, id="backslashes of Windows"),
    ],
)
def test_the_manifest_above_all_others_is_the_one(paths: list[str], place: int) -> None:
    assert set(readings(packed(*paths))) == {f"place-{place}"}


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        pytest.param(
            ["one/publish.yaml", "two/publish.yaml"], r"one/publish.yaml, two/publish.yaml", id="side by side"
        ),
        pytest.param(
            ["a/b/publish.yaml", "old/publish.yaml"], r"old/publish.yaml, a/b/publish.yaml", id="at two depths"
        ),
        pytest.param(["model.pt"], "Add one", id="none"),
        pytest.param(["._publish.yaml", "model.pt"], "Add one", id="none but that of macOS"),
        pytest.param(["publish.yml", "model.pt"], "there is publish.yml: rename it to publish.yaml", id="other ending"),
        pytest.param(["run/Publish.YAML"], "there is run/Publish.YAML: rename it to publish.yaml", id="capitals"),
    ],
)
def test_an_archive_without_one_manifest_above_all_others_is_refused(paths: list[str], told: str) -> None:
    archive = packed(*paths)
    assert set(readings(archive)) == {"ModelNotFound"}
    with pytest.raises(ModelNotFound, match=told):
        resolve_checkpoint(URI, FakeObjectStore({URI: archive}))


@pytest.mark.parametrize("path", ["/opt/ml/model/publish.yaml", "/publish.yaml", "../run/publish.yaml"])
def test_a_manifest_outside_the_model_s_folder_is_named_as_the_reason(path: str) -> None:
    archive = packed(path, "model.pt")
    assert set(readings(archive)[:2]) == {"CheckpointRejected"}
    with pytest.raises(CheckpointRejected, match=rf"holds '{re.escape(path)}', which is no path inside the"):
        resolve_checkpoint(URI, FakeObjectStore({URI: archive}))


def test_an_archive_with_the_manifest_twice_is_never_published(tmp_path: Path) -> None:
    store = FakeObjectStore({URI: packed("publish.yaml", "publish.yaml")})
    with pytest.raises(CheckpointRejected, match=r"two members named 'publish\.yaml'"):
        fetch_checkpoint(resolve_checkpoint(URI, store), store, tmp_path / "into")


def test_an_archive_with_another_manifest_than_the_recorded_one_is_refused(tmp_path: Path) -> None:
    store = FakeObjectStore({URI: packed("publish.yaml")})
    pin = resolve_checkpoint(URI, store)
    other = pin.model_copy(update={"manifest": pin.manifest.model_copy(update={"name": "other"})})
    with pytest.raises(CheckpointRejected, match="recorded by another manifest"):
        fetch_checkpoint(other, store, tmp_path / "into")


PARTS = st.sampled_from(["a", "b", ".", ".git", "__MACOSX"])
MEMBERS = st.lists(
    st.builds(
        lambda folders, name: "/".join([*folders, name]),
        st.lists(PARTS, max_size=3),
        st.sampled_from(["publish.yaml", "publish.yml", "model.pt", "._publish.yaml"]),
    ),
    min_size=1, max_size=6, unique_by=lambda path: path.replace("./", ""),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(MEMBERS)
def test_the_three_readers_never_differ(paths: list[str]) -> None:
    assert len(set(readings(packed(*paths)))) == 1
