import unicodedata
from pathlib import Path

import pytest

from model_tools.errors import CheckpointRejected, ModelNotFound
from model_tools.packaging.checkpoint.folder_files import by_normal_path, files_below
from model_tools.packaging.checkpoint.model_folder import ModelFolder, open_model_folder

DECOMPOSED = unicodedata.normalize("NFD", "modèle.pt")


def put(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")


def model_folder(folder: Path, *paths: str, checkpoint: str = "model.pt", samples: str = "") -> ModelFolder:
    put(folder, *paths)
    lines = ["name: x", "task: tensor", f"checkpoint: '{checkpoint}'", "inputs: [{shape: [1, 4]}]"]
    (folder / "publish.yaml").write_text("\n".join([*lines, f"samples: '{samples}'"] if samples else lines))
    return open_model_folder(folder)


def test_hidden_files_and_those_of_the_operating_system_are_not_listed(tmp_path: Path) -> None:
    put(
        tmp_path,
        "model.pt",
        "._model.pt",
        ".DS_Store",
        ".git/config",
        "a/Thumbs.db",
        "a/b.txt",
        "__MACOSX/c",
        "__pycache__/n.pyc",
    )
    assert list(files_below(tmp_path)) == ["a/b.txt", "model.pt"]


def test_hidden_files_are_listed_if_the_manifest_writes_their_names_out(tmp_path: Path) -> None:
    put(tmp_path, ".cache/model.pt", ".git/config", ".hidden", "model.pt")
    assert list(files_below(tmp_path, [".cache/model.pt"])) == [".cache/model.pt", "model.pt"]
    assert list(files_below(tmp_path, [".*"])) == ["model.pt"]


def test_two_spellings_of_one_name_are_refused() -> None:
    with pytest.raises(CheckpointRejected, match="two spellings of one name"):
        by_normal_path([("modèle.pt", 1), (DECOMPOSED, 2)])


def test_a_name_of_a_file_and_of_a_folder_is_refused() -> None:
    with pytest.raises(CheckpointRejected, match="a file 'a' and a folder of the same name"):
        by_normal_path([("a", 1), ("a/b", 2)])


def test_a_name_with_a_control_character_is_refused() -> None:
    with pytest.raises(CheckpointRejected, match="control character"):
        by_normal_path([("a\tb", 1)])


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        pytest.param("model.pt", "./model.pt", id="this folder"),
        pytest.param("weights/model.pt", "weights//model.pt", id="two slashes"),
        pytest.param("weights/model.pt", "weights\\model.pt", id="backslash"),
        pytest.param(DECOMPOSED, "modèle.pt", id="accents as macOS stores them"),
        pytest.param("modèle.pt", DECOMPOSED, id="accents as macOS writes them"),
        pytest.param(".cache/model.pt", ".cache/model.pt", id="hidden"),
    ],
)
def test_a_file_is_found_by_each_spelling_of_its_name(tmp_path: Path, stored: str, named: str) -> None:
    assert model_folder(tmp_path, stored, checkpoint=named).checkpoint == tmp_path / stored


def test_a_file_in_other_case_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"There is Model\.pt: upper and lower case count"):
        _ = model_folder(tmp_path, "Model.pt", checkpoint="model.pt").checkpoint


def test_samples_of_macos_are_no_samples(tmp_path: Path) -> None:
    folder = model_folder(tmp_path, "model.pt", "samples/one.json", "samples/._one.json", samples="samples/*.json")
    assert folder.files("samples/*.json", "samples") == [tmp_path / "samples/one.json"]


def test_a_manifest_with_almost_its_name_is_told(tmp_path: Path) -> None:
    put(tmp_path, "publish.yml")
    with pytest.raises(ModelNotFound, match=r"there is publish\.yml: rename it to publish\.yaml"):
        open_model_folder(tmp_path)
