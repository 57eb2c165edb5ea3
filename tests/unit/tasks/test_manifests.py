"""publish.yaml: what is accepted, and that every refusal names the field and what to do about it."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest
from model_tools.formats.paths import is_inside
from model_tools.tasks.manifests import named_files
from tests.support.manifests import parse_manifest

TENSOR = {
    "name": "line",
    "task": "tensor",
    "checkpoint": "weights.pt",
    "architecture": "net:Net",
    "inputs": [{"shape": ["batch", 4]}],
}
IMAGES = {**TENSOR, "task": "image-classification", "classes": "classes.txt", "preprocess": {"size": 224, "crop": 200}}
TREES = {"name": "price", "task": "tabular", "checkpoint": "trees.json", "inputs": [{"shape": ["batch", 4]}]}
TEXT = {
    **TENSOR,
    "task": "text-to-text",
    "inputs": [{"shape": ["batch", "source"], "dtype": "int64"}, {"shape": ["batch", "target"], "dtype": "int64"}],
    "text": {"source_vocabulary": "source.txt", "target_vocabulary": "target.txt"},
}

BILLIONS = "\n".join(
    f"{name}: &{name} [{', '.join([before] * 9)}]"
    for before, name in zip(["x", "*a", "*b", "*c", "*d", "*e"], "abcdef", strict=True)
)


def parse(base=TENSOR, **changes) -> Manifest:
    fields = {name: value for name, value in {**base, **changes}.items() if value is not None}
    return parse_manifest(yaml.safe_dump(fields))


def refusal(base=TENSOR, **changes) -> str:
    with pytest.raises(ManifestInvalid) as caught:
        parse(base, **changes)
    message = str(caught.value)
    assert message.startswith("publish.yaml")
    assert "\n" not in message
    return message


def test_what_is_not_said_has_its_default():
    manifest = parse()
    assert manifest.inputs[0].dtype == "float32"
    assert manifest.optimize.freeze is True
    assert manifest.optimize.channels_last == "auto"
    assert (manifest.axis_sizes("batch").min, manifest.axis_sizes("batch").max) == (1, 4)


def test_an_axis_may_have_sizes_of_its_own():
    manifest = parse(axes={"batch": {"min": 2, "max": 16}})
    assert (manifest.axis_sizes("batch").min, manifest.axis_sizes("batch").max) == (2, 16)


def test_a_manifest_survives_the_way_through_json():
    manifest = parse(
        IMAGES, arguments={"depth": 3, "names": ["a", None, True, 0.5]}, inputs=[{"shape": ["n", 3, 200, 200]}]
    )
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"name": None}, "name: is missing: add it", id="no name"),
        pytest.param(
            {"name": "Not A Name"}, "name: may hold lower-case letters, digits and hyphens", id="a name with capitals"
        ),
        pytest.param(
            {"task": "poetry"},
            "task: 'poetry' is no kind of task: There is image-classification, tensor, tabular",
            id="unknown task",
        ),
        pytest.param({"task": "tabula"}, "did you mean tabular?", id="misspelt task"),
        pytest.param({"settings": {"normalize": True}}, "settings: is not a field of it", id="unknown section"),
        pytest.param(
            {"task": "embedding", "embedding": {"normalise": True}},
            "embedding.normalise: is not a field of it",
            id="misspelt setting",
        ),
        pytest.param(
            {"checkpont": "x.pt"},
            "checkpont: is not a field of it: remove it or correct its spelling (architecture,",
            id="unknown field",
        ),
        pytest.param(
            {"checkpoint": "../weights.pt"},
            "checkpoint: '../weights.pt' leaves the model's folder; name a file in it",
            id="checkpoint above the folder",
        ),
        pytest.param(
            {"checkpoint": "/etc/weights.pt"},
            "checkpoint: '/etc/weights.pt' leaves the model's folder, as an absolute path does",
            id="absolute checkpoint",
        ),
        pytest.param(
            {"checkpoint": "weights.h5"},
            "checkpoint must end in .pt, .pth, .ckpt, .pth.tar, .bin, .pt2, .safetensors",
            id="unknown kind of checkpoint",
        ),
        pytest.param({"checkpoint": "trees.model"}, "booster.save_model('model.json')", id="file of XGBoost"),
        pytest.param({"checkpoint": "trees.pkl"}, "load it where it was trained", id="pickle"),
        pytest.param({"checkpoint": "trees.joblib"}, "load it where it was trained", id="joblib"),
        pytest.param(
            {"checkpoint": "w.safetensors", "architecture": None},
            "name the code as architecture: module:Callable",
            id="safetensors without architecture",
        ),
        pytest.param(
            {"checkpoint": "w.pt2"}, "a .pt2 file brings its own graph: remove architecture", id="pt2 with architecture"
        ),
        pytest.param(
            {"architecture": "net.py"},
            "architecture: 'net.py' is not of the form module:Callable",
            id="architecture without callable",
        ),
        pytest.param(
            {"architecture": None, "arguments": {"depth": 3}},
            "remove them or add architecture",
            id="arguments without architecture",
        ),
        pytest.param(
            {"arguments": {"a b": 3}},
            "arguments: 'a b' cannot be the name of an argument",
            id="an argument with a blank",
        ),
        pytest.param(
            {"arguments": {"limit": float("inf")}},
            "arguments: limit is infinite or not a number",
            id="an infinite argument",
        ),
        pytest.param({"inputs": []}, "inputs: List should have at least 1 item", id="no inputs"),
        pytest.param({"inputs": [{"shape": [0, 4]}]}, "inputs.0.shape: 0 is no size: write", id="an empty dimension"),
        pytest.param({"inputs": [{"shape": [1.5]}]}, "inputs.0.shape: 1.5 is no size: write", id="half a size"),
        pytest.param({"inputs": [{"shape": [-1, 4]}]}, "-1 is no size: give an axis", id="size as in ONNX"),
        pytest.param({"inputs": [{"shape": [None, 4]}]}, "null is no size: give an axis", id="size as in Keras"),
        pytest.param({"inputs": [{"shape": ["N", 4]}]}, "'N' is no name of an axis", id="capital axis"),
        pytest.param(
            {"inputs": [{"shape": [1], "type": "float32"}]},
            "inputs.0.type: is not a field of it: remove it or co",
            id="unknown field of an input",
        ),
        pytest.param(
            {"inputs": [{"shape": [1], "dtype": "float"}]},
            "inputs.0.dtype: Input should be 'float32'",
            id="unknown dtype",
        ),
        pytest.param(
            {"inputs": [{"shape": [1], "range": [3, 1]}]},
            "inputs.0: range: 3 … 1 is not from a smaller",
            id="a falling range",
        ),
        pytest.param(
            {"inputs": [{"shape": [1], "range": [0, float("nan")]}]}, "inputs.0: range: 0 … nan", id="a range to NaN"
        ),
        pytest.param(
            {"inputs": [{"shape": [1], "dtype": "uint8", "range": [0, 256]}]},
            "range: 0 … 256 holds no uint8",
            id="a range beyond uint8",
        ),
        pytest.param(
            {"inputs": [{"shape": [1], "dtype": "int64", "range": [0.2, 0.8]}]},
            "range: 0.2 … 0.8 holds no int64",
            id="a range without integers",
        ),
        pytest.param(
            {"inputs": [{"shape": [1], "dtype": "bool", "range": [0, 1]}]},
            "a bool is true or false: remove range",
            id="a range of bool",
        ),
        pytest.param(
            {"axes": {"batch": {"min": 5, "max": 4}}},
            "axes.batch: min (5) is larger than max (4)",
            id="an axis with min above max",
        ),
        pytest.param(
            {"axes": {"words": {"max": 4}}}, "axes names words, which no input's shape uses", id="an axis of no input"
        ),
        pytest.param(
            {"task": "image-classification"},
            "task image-classification needs classes and preprocess",
            id="images without classes",
        ),
        pytest.param(
            {"optimize": {"quantize": "int4"}},
            "optimize.quantize: Input should be 'none', 'dynamic-int8' or 'bfloat16'",
            id="unknown quantization",
        ),
        pytest.param(
            {"optimize": {"tolerance": 0.1}},
            "tolerance is for a quantised model: remove it, or set quantize",
            id="tolerance without quantization",
        ),
        pytest.param({"task": "text-to-text"}, "task text-to-text needs text", id="text-to-text without text"),
        pytest.param({"task": "custom"}, "task custom needs custom and samples", id="custom without code"),
        pytest.param(
            {"custom": {}},
            "custom means nothing for task tensor: remove it, or correct task (custom)",
            id="custom for a tensor model",
        ),
        pytest.param(
            {"text": {"source_vocabulary": "a"}},
            "text means nothing for task tensor: remove it, or correct task (",
            id="text for a tensor model",
        ),
        pytest.param(
            {"task": "custom", "samples": "s", "custom": {"predictor": "serve"}},
            "'serve' is no Python file",
            id="a predictor that is no file",
        ),
        pytest.param(
            {"task": "custom", "samples": "s", "custom": {"include": ["../*"]}},
            "'../*' leaves the model's folder",
            id="code from outside the folder",
        ),
        pytest.param(
            {"results": {"prefix": "no-slash"}},
            "results.prefix: String should match pattern",
            id="results prefix without slash",
        ),
        pytest.param({"results": {"above_bytes": 1}}, "results.above_bytes", id="results above too few bytes"),
        pytest.param(
            {"checkpoint": "trees.json"},
            "trees.json is an XGBoost model, which is published with task: tabular",
            id="trees for a tensor model",
        ),
    ],
)
def test_each_refusal_names_the_field_and_the_remedy(changes, told):
    assert told in refusal(**changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"architecture": "net:Net"}, "an XGBoost model needs no architecture: remove it", id="architecture"
        ),
        pytest.param({"optimize": {"freeze": False}}, "optimize is for PyTorch models: remove it", id="optimize"),
        pytest.param(
            {"inputs": [{"shape": ["batch", "features"]}]},
            "an XGBoost model takes one table: write inputs: [{shape:",
            id="a named axis of features",
        ),
        pytest.param(
            {"inputs": [{"shape": [1, 4]}, {"shape": [1, 4]}]}, "an XGBoost model takes one table", id="two inputs"
        ),
    ],
)
def test_trees_take_one_table_and_no_code(changes, told):
    assert told in refusal(TREES, **changes)


def test_rounds_are_all_or_those_up_to_the_best_one_of_trees():
    assert parse(TREES).settings == {"rounds": None}
    assert parse(TREES, trees={"rounds": "best"}).settings == {"rounds": "best"}
    assert "trees.rounds: " in refusal(TREES, trees={"rounds": "7"})
    assert "trees: rounds is for XGBoost models: remove it" in refusal(task="tabular", trees={"rounds": "all"})
    assert "trees means nothing for task tensor: remove it" in refusal(trees={"rounds": "all"})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"text": {"source_vocabulary": "a.txt"}},
            "text.target_vocabulary belongs to task text-to-text",
            id="no target vocabulary",
        ),
        pytest.param(
            {"task": "embedding"},
            "text.target_vocabulary belongs to task text-to-text",
            id="an embedding with two vocabularies",
        ),
        pytest.param(
            {"inputs": [{"shape": ["n", "s"], "dtype": "int64"}]},
            "a model of text takes token ids: write inputs: [{sh",
            id="one input",
        ),
        pytest.param({"inputs": [{"shape": ["n", "s"]}] * 2}, "a model of text takes token ids", id="inputs of floats"),
        pytest.param(
            {"inputs": [{"shape": ["n", 9], "dtype": "int64"}] * 2},
            "[batch, source], dtype: int64, range: [0, <last",
            id="a fixed length",
        ),
        pytest.param(
            {"text": {**TEXT["text"], "source_vocabulary": "/a"}},
            "text.source_vocabulary: '/a' leaves the model's fold",
            id="absolute vocabulary",
        ),
        pytest.param({"text": {**TEXT["text"], "beams": 0}}, "text.beams", id="no beams"),
        pytest.param({"preprocess": {"size": 8}}, "preprocess means nothing for task text-to-text", id="preprocessing"),
    ],
)
def test_a_model_of_text_takes_token_ids_and_has_its_vocabularies(changes, told):
    assert told in refusal(TEXT, **changes)


def test_the_library_that_a_model_needs_is_known_from_its_checkpoint():
    assert (parse(TREES).library, parse(TEXT).library) == ("xgboost", "torch")


def test_all_files_that_a_manifest_names_are_known_by_field():
    assert named_files(parse(TEXT)) == {
        "checkpoint": "weights.pt",
        "text.source_vocabulary": "source.txt",
        "text.target_vocabulary": "target.txt",
    }
    custom = parse(task="custom", samples="s/*.json", classes="c.txt", custom={"requirements": "requirements.txt"})
    assert named_files(custom) == {
        "checkpoint": "weights.pt",
        "classes": "c.txt",
        "custom.predictor": "predictor.py",
        "custom.requirements": "requirements.txt",
    }


@pytest.mark.parametrize(
    ("preprocess", "told"),
    [
        pytest.param(
            {"size": 224, "mode": "RGB", "mean": [0.5]},
            "preprocess: mean has 1 values, mode RGB has 3 channel(s)",
            id="one mean for three channels",
        ),
        pytest.param({"size": 224, "mode": "L", "std": [0]}, "preprocess.std.0", id="a deviation of zero"),
        pytest.param({"size": -1}, "preprocess.size", id="a negative size"),
    ],
)
def test_preprocessing_is_checked_by_channel(preprocess, told):
    assert told in refusal(IMAGES, preprocess=preprocess)


def test_all_problems_are_told_at_once():
    message = refusal(name=None, task="poetry")
    assert "name:" in message
    assert "task:" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("name: [", "is not YAML", id="unclosed list"),
        pytest.param(
            "just text", "must be a mapping of fields such as `name: digits`; it is the value 'just text'", id="text"
        ),
        pytest.param("", "must be a mapping", id="empty"),
        pytest.param("when: 2001-99-99", "when: is not a field", id="date"),
        pytest.param("[" * 5000, "nested too deeply", id="deep nesting"),
        pytest.param("name: &a [*a]", "holds itself by an alias", id="an alias of itself"),
        pytest.param(BILLIONS, "stands for more than 100,000 values", id="a billion laughs"),
    ],
)
def test_text_that_is_no_manifest_is_refused_in_words(text, told):
    with pytest.raises(ManifestInvalid) as caught:
        parse_manifest(text)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 3000


@given(st.text(max_size=60))
def test_any_text_is_either_a_manifest_or_refused(text):
    with pytest.raises(ManifestInvalid):
        parse_manifest(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*Manifest.model_fields, "other"]), json_values)
def test_any_value_of_any_field_is_either_accepted_or_refused_by_name(field, value):
    try:
        manifest = parse_manifest(json.dumps({**IMAGES, field: value}))
    except ManifestInvalid as error:
        message = str(error)
    else:
        message = "publish.yaml is fine"
        assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest
    assert message.startswith("publish.yaml")


@given(st.text(alphabet="ab./\\\0", max_size=12))
def test_a_path_inside_has_no_way_out(path):
    from pathlib import PurePosixPath

    if is_inside(path):
        joined = PurePosixPath("/model").joinpath(path)
        assert ".." not in joined.parts
        assert joined.is_relative_to("/model")
