"""The exercises leave out nothing that a manifest can say: what is not used is not in a bundle."""

from typing import get_args

import pytest

from model_tools.bundling.exercises.catalogue import MODELS
from model_tools.bundling.exercises.folders import make_folders
from model_tools.bundling.exercises.public_modules import MODULES
from model_tools.bundling.recipes import RECIPES
from model_tools.bundling.use import Step, publication
from model_tools.errors import ManifestInvalid, ModelNotFound
from model_tools.formats.manifest import CHECKPOINT_SUFFIXES, Library
from model_tools.formats.sections import Optimize
from model_tools.tasks.manifests import named_files
from model_tools.tasks.registry import SPECS
from tests.support.manifests import parse_manifest

MANIFESTS = [{"optimize": {}, **model.manifest} for model in MODELS]


def test_every_task_has_an_exercise():
    assert {model.task for model in MODELS} == set(SPECS)


def test_every_kind_of_checkpoint_has_an_exercise():
    assert {f".{model.checkpoint.partition('.')[2]}" for model in MODELS} == set(CHECKPOINT_SUFFIXES)


def test_every_quantisation_has_an_exercise():
    wanted = set(get_args(Optimize.model_fields["quantize"].annotation))

    assert {manifest["optimize"].get("quantize", "none") for manifest in MANIFESTS} == wanted


def test_every_runtime_has_a_recipe_and_exercises():
    runtimes = set(get_args(Library))

    assert {model.library for model in MODELS} == runtimes == set(RECIPES) == set(MODULES)


@pytest.mark.parametrize("runtime", get_args(Library))
def test_the_exercises_folders_have_manifests_that_name_their_runtime(runtime, tmp_path):
    make_folders(runtime, tmp_path, lambda _model, path: path.touch(), {f"image.{kind}": "" for kind in
                 ("jpg", "png", "webp", "gif", "bmp", "tif")})  # fmt: skip
    folders = list(tmp_path.iterdir())

    assert len(folders) == len([model for model in MODELS if model.library == runtime])
    for folder in folders:
        manifest = parse_manifest((folder / "publish.yaml").read_text())
        assert manifest.library == runtime
        assert [(folder / name).is_file() for name in named_files(manifest).values()]


def test_only_a_model_with_code_of_its_own_is_served_with_the_whole_bundle(tmp_path):
    make_folders("torch", tmp_path, lambda _model, path: path.touch(), {f"image.{kind}": "" for kind in
                 ("jpg", "png", "webp", "gif", "bmp", "tif")})  # fmt: skip
    parts = {folder.name: publication(folder, "torch")[1].part for folder in tmp_path.iterdir()}

    assert {name for name, part in parts.items() if part == "whole"} == {"custom-bin"}
    assert Step("any").part == "whole"


def test_a_users_model_counts_for_the_runtime_that_runs_it_only(tmp_path):
    make_folders("xgboost", tmp_path, lambda _model, path: path.touch())

    with pytest.raises(ManifestInvalid, match="is a model for xgboost, not for torch"):
        publication(tmp_path / "tabular-ubj", "torch")
    with pytest.raises(ModelNotFound):
        publication(tmp_path, "torch")
