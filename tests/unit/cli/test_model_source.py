import hashlib
import io
import tarfile
import unicodedata
from dataclasses import replace

import pytest

from model_tools.cli.errors import UserError
from model_tools.cli.model_source import find_model, prepare_upload
from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelNotFound

MANIFEST = """
name: digits
task: image-classification
checkpoint: checkpoint.pt
architecture: digits_net:DigitsNet
inputs: [{shape: [1, 1, 8, 8]}]
classes: classes.txt
preprocess: {size: [8, 8], mode: L}
samples: samples/*.json
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "digits"
    (folder / "samples").mkdir(parents=True)
    for name, text in {
        "publish.yaml": MANIFEST,
        "checkpoint.pt": "weights",
        "classes.txt": "a\nb\n",
        "digits_net.py": "x = 1",
        "samples/seven.json": "{}",
    }.items():
        (folder / name).write_text(text)
    return folder


def keys(model) -> list[str]:
    return [upload.key for upload in prepare_upload(model).uploads]


def test_a_folder_is_taken_whole_but_for_what_is_hidden_or_pythons_own(folder):
    for unwanted in (".git/config", "__pycache__/digits_net.pyc", ".DS_Store", "samples/.hidden"):
        (folder / unwanted).parent.mkdir(exist_ok=True)
        (folder / unwanted).write_text("x")

    assert keys(find_model(folder)) == [
        "checkpoint.pt",
        "classes.txt",
        "digits_net.py",
        "publish.yaml",
        "samples/seven.json",
    ]


def test_the_same_contents_go_to_the_same_place_and_other_contents_elsewhere(folder):
    first = prepare_upload(find_model(folder))
    again = prepare_upload(find_model(folder))
    (folder / "checkpoint.pt").write_text("other weights")
    other = prepare_upload(find_model(folder))

    assert first.prefix.startswith("uploads/digits/")
    assert first.prefix == first.model_key == again.prefix
    assert other.prefix != first.prefix


def test_files_that_swap_their_contents_are_another_model(folder):
    first = prepare_upload(find_model(folder)).prefix
    (folder / "checkpoint.pt").write_text("a\nb\n")
    (folder / "classes.txt").write_text("weights")

    assert prepare_upload(find_model(folder)).prefix != first


def test_a_renamed_file_is_another_model(folder):
    first = prepare_upload(find_model(folder)).prefix
    (folder / "samples" / "seven.json").rename(folder / "samples" / "siete.json")

    assert prepare_upload(find_model(folder)).prefix != first


def test_the_etag_is_known_before_the_upload(folder):
    uploads = {upload.key: upload for upload in prepare_upload(find_model(folder)).uploads}

    assert uploads["checkpoint.pt"].etag == hashlib.md5(b"weights").hexdigest()  # noqa: S324
    assert uploads["checkpoint.pt"].size == 7


def test_a_checkpoint_is_taken_with_what_its_manifest_names(folder):
    (folder / "epoch-1.pt").write_text("an older checkpoint")
    model = find_model(folder / "checkpoint.pt")

    assert "epoch-1.pt" not in keys(model)
    assert {"publish.yaml", "checkpoint.pt", "classes.txt", "digits_net.py", "samples/seven.json"} == set(keys(model))
    assert prepare_upload(model).model_key.endswith("/checkpoint.pt")


CUSTOM = """
name: own
task: custom
checkpoint: checkpoint.pt
inputs: [{shape: [1, 4]}]
custom: {predictor: serve/predictor.py, include: ["data/*.csv"], requirements: requirements.txt}
samples: samples/*.json
"""
TEXT = """
name: words
task: text-to-text
checkpoint: checkpoint.pt
inputs: [{shape: [batch, source], dtype: int64}, {shape: [batch, target], dtype: int64}]
text: {source_vocabulary: vocabularies/source.txt, target_vocabulary: vocabularies/target.txt}
"""


@pytest.mark.parametrize(
    ("manifest", "wanted", "others"),
    [
        pytest.param(
            CUSTOM,
            {"serve/predictor.py", "steps.py", "data/a.csv", "requirements.txt", "wheels/a-1-py3-none-any.whl"},
            {"data/a.json", "wheels/notes.txt"},
            id="custom",
        ),
        pytest.param(
            TEXT,
            {"vocabularies/source.txt", "vocabularies/target.txt"},
            {"vocabularies/old.txt", "steps.py"},
            id="text",
        ),
    ],
)
def test_a_checkpoint_of_each_kind_is_taken_with_all_that_it_needs(tmp_path, manifest, wanted, others):
    always = {"publish.yaml", "checkpoint.pt"} | ({"samples/a.json"} if "samples" in manifest else set())
    for name in always | wanted | others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "publish.yaml").write_text(manifest)

    assert set(keys(find_model(tmp_path / "checkpoint.pt"))) == always | wanted


def test_a_vocabulary_that_is_not_there_is_named(tmp_path):
    (tmp_path / "publish.yaml").write_text(TEXT)
    (tmp_path / "checkpoint.pt").write_text("x")

    with pytest.raises(ModelNotFound, match=r"names text.source_vocabulary: vocabularies/source.txt"):
        find_model(tmp_path)


def test_requirements_are_known_to_whoever_downloads_them(tmp_path):
    for name in ("checkpoint.pt", "serve/predictor.py", "data/a.csv", "requirements.txt", "samples/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "publish.yaml").write_text(CUSTOM)

    assert find_model(tmp_path).requirements == tmp_path / "requirements.txt"
    assert find_model(tmp_path / "checkpoint.pt").requirements == tmp_path / "requirements.txt"


def test_a_file_from_elsewhere_goes_where_it_is_said_to(folder, tmp_path):
    (tmp_path / "elsewhere").write_text("wheel")
    model = replace(find_model(folder), added=(("wheels/a.whl", tmp_path / "elsewhere"),))

    assert "wheels/a.whl" in keys(model)
    assert prepare_upload(model).prefix != prepare_upload(find_model(folder)).prefix


def test_a_checkpoint_that_its_manifest_does_not_publish_is_refused(folder):
    (folder / "epoch-1.pt").write_text("an older checkpoint")

    with pytest.raises(ManifestInvalid, match=r"publishes 'checkpoint.pt', but you named 'epoch-1.pt'"):
        find_model(folder / "epoch-1.pt")


def test_a_manifest_named_itself_means_its_folder(folder):
    assert find_model(folder / "publish.yaml") == find_model(folder)


def pack(path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def test_an_archive_is_sent_as_it_is_under_its_models_name(tmp_path):
    path = tmp_path / "model.tar.gz"
    pack(path, {"./checkpoint.pt": b"x", "./publish.yaml": MANIFEST.encode()})
    prepared = prepare_upload(find_model(path))

    assert [upload.path for upload in prepared.uploads] == [path]
    assert prepared.model_key.startswith("uploads/digits/")
    assert prepared.model_key.endswith("/model.tar.gz")


def test_an_archive_without_a_manifest_is_refused(tmp_path):
    pack(tmp_path / "model.tar.gz", {"checkpoint.pt": b"x"})

    with pytest.raises(ModelNotFound, match=r"has no publish\.yaml in it"):
        find_model(tmp_path / "model.tar.gz")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "model.tar.gz").write_bytes(b"not an archive")

    with pytest.raises(CheckpointRejected, match="pack it anew with `tar czf`"):
        find_model(tmp_path / "model.tar.gz")


@pytest.mark.parametrize("missing", ["checkpoint.pt", "classes.txt", "samples/seven.json"])
def test_a_file_that_the_manifest_names_must_be_there(folder, missing):
    (folder / missing).unlink()

    with pytest.raises(ModelNotFound, match=f"names {missing.partition('.')[0].partition('/')[0]}"):
        find_model(folder)


def test_a_folder_without_a_manifest_is_refused(folder):
    (folder / "publish.yaml").unlink()

    with pytest.raises(ModelNotFound, match=r"has no publish.yaml"):
        find_model(folder)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"name: [", id="no YAML"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"name: digits\n", id="missing fields"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_path(folder, content):
    (folder / "publish.yaml").write_bytes(content)

    with pytest.raises(ManifestInvalid, match=r"digits/publish\.yaml"):
        find_model(folder)


def test_other_files_are_no_models(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"x")

    with pytest.raises(UserError, match="is no model"):
        find_model(tmp_path / "model.onnx")
    with pytest.raises(ModelNotFound, match="no file or folder"):
        find_model(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param("./checkpoint.pt", "checkpoint.pt", id="this folder"),
        pytest.param("samples/../checkpoint.pt", "checkpoint.pt", id="detour"),
        pytest.param("weights\\checkpoint.pt", "weights/checkpoint.pt", id="backslash"),
        pytest.param("weights//checkpoint.pt", "weights/checkpoint.pt", id="two slashes"),
        pytest.param(".weights/checkpoint.pt", ".weights/checkpoint.pt", id="hidden folder"),
        pytest.param("modèle.pt", unicodedata.normalize("NFD", "modèle.pt"), id="accents as macOS stores them"),
    ],
)
def test_a_checkpoint_may_be_named_in_any_spelling(folder, written, stored):
    (folder / "publish.yaml").write_text(MANIFEST.replace("checkpoint.pt", f"'{written}'"))
    (folder / stored).parent.mkdir(exist_ok=True)
    (folder / "checkpoint.pt").rename(folder / stored)

    found = find_model(folder)

    assert folder / stored in found.files
    assert found.manifest.checkpoint in keys(found)


def test_a_name_in_other_case_is_told(folder):
    (folder / "checkpoint.pt").rename(folder / "Checkpoint.pt")

    with pytest.raises(ModelNotFound, match=r"There is Checkpoint\.pt: upper and lower case count"):
        find_model(folder)


def test_hidden_samples_alone_are_no_samples(folder):
    (folder / "samples/seven.json").rename(folder / "samples/._seven.json")

    with pytest.raises(ModelNotFound, match="fits no file"):
        find_model(folder)


@pytest.mark.parametrize("name", ["publish.yml", "Publish.yaml", "publish.yaml.txt"])
def test_a_manifest_with_almost_its_name_is_told(folder, name):
    (folder / "publish.yaml").rename(folder / name)

    for given in (folder, folder / name, folder / "checkpoint.pt"):
        with pytest.raises(ModelNotFound, match=rf"there is {name}: rename it to publish\.yaml"):
            find_model(given)


@pytest.mark.parametrize("name", ["modèle.tar.gz", "modèle.pt"], ids=["archive", "checkpoint"])
def test_the_uri_names_the_key_under_which_the_file_is_stored(folder, name):
    path = folder / unicodedata.normalize("NFD", name)
    (folder / "publish.yaml").write_text(MANIFEST.replace("checkpoint.pt", "modèle.pt"))
    (folder / "checkpoint.pt").rename(folder / unicodedata.normalize("NFD", "modèle.pt"))
    if name.endswith(".gz"):
        pack(path, {"publish.yaml": MANIFEST.encode()})

    prepared = prepare_upload(find_model(path))

    assert prepared.model_key.removeprefix(prepared.prefix) in {upload.key for upload in prepared.uploads}


def test_the_checkpoint_is_known_by_any_spelling_and_not_in_an_archive(folder, tmp_path):
    (folder / "publish.yaml").write_text(MANIFEST.replace("checkpoint.pt", "./checkpoint.pt"))
    pack(tmp_path / "model.tar.gz", {"publish.yaml": MANIFEST.encode()})

    assert find_model(folder).checkpoint == folder / "checkpoint.pt"
    assert find_model(tmp_path / "model.tar.gz").checkpoint is None


@pytest.mark.parametrize("written", ["samples", "./samples/"], ids=["plain", "with slashes"])
def test_samples_that_name_a_folder_are_told_how_to_name_its_files(folder, written):
    (folder / "publish.yaml").write_text(MANIFEST.replace("samples/*.json", written))

    with pytest.raises(ModelNotFound, match=r"It is a folder: write samples/\* for the files in it"):
        find_model(folder)
