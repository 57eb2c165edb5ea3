import io
import tarfile
from pathlib import Path

import pytest

from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelNotFound
from model_tools.packaging.checkpoint.fetch import fetch_checkpoint
from model_tools.packaging.checkpoint.resolve import resolve_checkpoint
from tests.support.fakes.object_store import FakeObjectStore

MANIFEST = b"""
name: digits
task: tensor
checkpoint: model.pt
inputs: [{shape: [1, 4]}]
"""
FOLDER = "s3://bucket/runs/42/"


def folder(**files: bytes) -> FakeObjectStore:
    contents = {"publish.yaml": MANIFEST, "model.pt": b"weights", **files}
    return FakeObjectStore({f"{FOLDER}{path}": data for path, data in contents.items()})


def tar_gz(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(FOLDER, id="folder"),
        pytest.param(FOLDER.rstrip("/"), id="folder without slash"),
        pytest.param(f"{FOLDER}publish.yaml", id="manifest"),
        pytest.param(f"{FOLDER}model.pt", id="checkpoint"),
    ],
)
def test_folder_manifest_and_checkpoint_all_mean_the_folder(uri: str) -> None:
    pin = resolve_checkpoint(uri, folder())

    assert pin.kind == "folder"
    assert [file.path for file in pin.files] == ["model.pt", "publish.yaml"]
    assert pin.manifest.name == "digits"


def test_what_is_uploaded_after_the_pin_is_not_in_it() -> None:
    store = folder()
    pin = resolve_checkpoint(FOLDER, store)
    store.put(f"{FOLDER}model.pt", b"other weights")

    (model,) = [file for file in pin.files if file.path == "model.pt"]

    assert store.read(model.uri, max_bytes=100, version_id=model.version_id) == b"weights"
    assert resolve_checkpoint(FOLDER, store).digest != pin.digest


def test_a_neighbouring_folder_whose_name_begins_alike_is_not_in_it() -> None:
    store = folder()
    store.put("s3://bucket/runs/421/other.pt", b"")

    assert len(resolve_checkpoint(FOLDER.rstrip("/"), store).files) == 2


def test_every_file_that_the_manifest_names_must_be_there() -> None:
    text = b"""
name: words
task: embedding
checkpoint: model.pt
inputs: [{shape: [batch, words], dtype: int64}]
text: {source_vocabulary: words.txt}
"""
    with pytest.raises(ModelNotFound, match=r"names text.source_vocabulary: words.txt, which is not in"):
        resolve_checkpoint(FOLDER, folder(**{"publish.yaml": text}))


def test_an_archive_is_pinned_whole_and_its_manifest_read_from_within() -> None:
    archive = tar_gz({"model/weights.bin": b"x" * 100_000, "model/publish.yaml": MANIFEST})
    store = FakeObjectStore({"s3://bucket/job/output/model.tar.gz": archive})

    pin = resolve_checkpoint("s3://bucket/job/output/model.tar.gz", store)

    assert (pin.kind, len(pin.files), pin.manifest.checkpoint) == ("archive", 1, "model.pt")


@pytest.mark.parametrize(
    ("uri", "store", "error", "told"),
    [
        pytest.param(
            "s3://bucket/nothing/",
            folder(),
            ModelNotFound,
            "There is nothing at s3://bucket/nothing/",
            id="empty prefix",
        ),
        pytest.param(
            FOLDER, FakeObjectStore({f"{FOLDER}model.pt": b""}), ModelNotFound, "has no publish.yaml", id="no manifest"
        ),
        pytest.param(
            FOLDER,
            folder(**{"publish.yaml": b"name: digits"}),
            ManifestInvalid,
            "task: is missing",
            id="incomplete manifest",
        ),
        pytest.param(
            FOLDER, folder(**{"publish.yaml": b"\xff\xfe"}), ManifestInvalid, "is not UTF-8", id="manifest not in UTF-8"
        ),
        pytest.param(
            FOLDER,
            folder(**{"publish.yaml": MANIFEST.replace(b"model.pt", b"best.pt")}),
            ModelNotFound,
            "names checkpoint: best.pt, which is not in",
            id="missing checkpoint",
        ),
        pytest.param(
            f"{FOLDER}old.pt",
            folder(**{"old.pt": b""}),
            ManifestInvalid,
            "publishes 'model.pt', but the model URI",
            id="another checkpoint",
        ),
        pytest.param(
            FOLDER,
            FakeObjectStore({f"{FOLDER}publish.yml": MANIFEST}),
            ModelNotFound,
            "there is publish.yml: rename it to publish.yaml",
            id="manifest with another ending",
        ),
        pytest.param(
            f"{FOLDER}publish.yml",
            FakeObjectStore({f"{FOLDER}publish.yml": MANIFEST}),
            ModelNotFound,
            "there is publish.yml: rename it to publish.yaml",
            id="URI of a manifest with another ending",
        ),
        pytest.param(
            FOLDER,
            FakeObjectStore({f"{FOLDER}publish.yaml": MANIFEST, f"{FOLDER}Model.pt": b""}),
            ModelNotFound,
            "There is Model.pt: upper and lower case count",
            id="checkpoint in other case",
        ),
        pytest.param(
            FOLDER,
            folder(**{"a.txt": b"", "./a.txt": b""}),
            CheckpointRejected,
            "two spellings of one name",
            id="two spellings",
        ),
        pytest.param(
            FOLDER,
            folder(**{"model.pt/a.txt": b""}),
            CheckpointRejected,
            "a file 'model.pt' and a folder of the same name",
            id="file and folder of one name",
        ),
        pytest.param(
            "s3://bucket/my%20runs/",
            folder(),
            ModelNotFound,
            "not URL-encoded: a blank is a blank",
            id="URL-encoded key",
        ),
        pytest.param(
            "s3://b/m.tar.gz",
            FakeObjectStore({"s3://b/m.tar.gz": b"no archive"}),
            CheckpointRejected,
            "not a tar.gz",
            id="no archive",
        ),
        pytest.param(
            "s3://b/m.tar.gz",
            FakeObjectStore({"s3://b/m.tar.gz": tar_gz({"model.pt": b"x"})}),
            ModelNotFound,
            "has no publish.yaml in it",
            id="archive without manifest",
        ),
        pytest.param(
            "s3://b/m.tar.gz",
            FakeObjectStore({"s3://b/m.tar.gz": tar_gz({"a": b"x" * 900_000, "publish.yaml": MANIFEST})[:300]}),
            CheckpointRejected,
            "not a tar.gz that can be read",
            id="archive cut off",
        ),
    ],
)
def test_what_cannot_be_published_is_refused_with_what_to_do(
    uri: str, store: FakeObjectStore, error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as caught:
        resolve_checkpoint(uri, store)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param("./model.pt", "model.pt", id="this folder"),
        pytest.param("model.pt", "./model.pt", id="key that begins with a dot"),
        pytest.param("model.pt", "/model.pt", id="key with two slashes"),
        pytest.param("weights/model.pt", "weights\\model.pt", id="key with a backslash"),
        pytest.param("mod\u00e8le.pt", "mode\u0300le.pt", id="accents as macOS stores them"),
    ],
)
def test_a_file_is_found_by_each_spelling_of_its_name(written: str, stored: str, tmp_path: Path) -> None:
    manifest = MANIFEST.replace(b"model.pt", f"'{written}'".encode())
    store = FakeObjectStore({f"{FOLDER}publish.yaml": manifest, f"{FOLDER}{stored}": b"weights"})

    pin = resolve_checkpoint(FOLDER, store)

    assert pin.manifest.checkpoint in {file.path for file in pin.files}
    assert (fetch_checkpoint(pin, store, tmp_path / "into") / pin.manifest.checkpoint).read_bytes() == b"weights"


def test_files_of_the_operating_system_are_not_pinned() -> None:
    plain = resolve_checkpoint(FOLDER, folder())
    pin = resolve_checkpoint(FOLDER, folder(**{".DS_Store": b"", "._model.pt": b"", "a/Thumbs.db": b""}))

    assert pin.digest == plain.digest


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a b+c%20/", id="blank plus and per cent"),
        pytest.param(" blank/", id="blank in front"),
        pytest.param("caf\u00e9\u202f/", id="narrow no-break space"),
        pytest.param("..//", id="dots and two slashes"),
        pytest.param("tab\t/", id="tab"),
        pytest.param("line\nbreak/", id="line break"),
    ],
)
def test_the_prefix_of_a_folder_is_taken_as_it_is(name: str) -> None:
    home = f"s3://bucket/{name}"
    store = FakeObjectStore({f"{home}publish.yaml": MANIFEST, f"{home}model.pt": b"weights"})

    for uri in (home, f"{home}publish.yaml", f"{home}model.pt"):
        assert [file.uri for file in resolve_checkpoint(uri, store).files] == [f"{home}model.pt", f"{home}publish.yaml"]
