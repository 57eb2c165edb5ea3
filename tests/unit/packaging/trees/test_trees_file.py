"""XGBoost's files, examined without XGBoost."""

import bz2
import copy
import gzip
import json
import lzma
import pickle
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import CheckpointRejected
from model_tools.packaging.limits import Limits
from model_tools.packaging.trees.trees_file import examine_trees
from model_tools.packaging.trees.ubjson import MAX_DEPTH, DamagedUbjson, parse_ubjson

TREE = {
    "left_children": [1, -1, 3, -1, -1],
    "right_children": [2, -1, 4, -1, -1],
    "split_indices": [0, 0, 1, 0, 0],
    "split_conditions": [0.5, -1.0, 2.5, 1.0, 3.0],
    "base_weights": [0.0, 0.0, 0.0, 0.0, 0.0],
    "default_left": [0, 1, 0, 0, 0],
    "split_type": [0, 0, 0, 0, 0],
    "tree_param": {"num_nodes": "5"},
}
MODEL = {
    "learner": {
        "attributes": {},
        "feature_types": [],
        "gradient_booster": {
            "name": "gbtree",
            "model": {"gbtree_model_param": {"num_parallel_tree": "1"}, "trees": [TREE], "tree_info": [0]},
        },
        "learner_model_param": {"num_feature": "2", "num_class": "0", "num_target": "1"},
        "objective": {"name": "reg:squarederror"},
    }
}
HERE = {
    "learner": (),
    "tree": ("gradient_booster", "model", "trees", 0),
    "model": ("gradient_booster", "model"),
    "booster": ("gradient_booster",),
    "parameters": ("learner_model_param",),
}


def changed(where: str, **changes: Any) -> dict[str, Any]:
    document = copy.deepcopy(MODEL)
    part: Any = document["learner"]
    for step in HERE[where]:
        part = part[step]
    part.update(changes)
    return document


def examined(tmp_path: Path, contents: Any, name: str = "trees.json", **limits: Any):
    path = tmp_path / name
    path.write_bytes(contents if isinstance(contents, bytes) else json.dumps(contents).encode())
    return examine_trees(path, limits=Limits(**limits))


def refused(tmp_path: Path, contents: Any, name: str = "trees.json", **limits: Any) -> str:
    with pytest.raises(CheckpointRejected) as caught:
        examined(tmp_path, contents, name, **limits)
    return str(caught.value)


def ubj(value: Any) -> bytes:
    """Return Universal Binary JSON as XGBoost writes it."""
    if isinstance(value, dict):
        return (
            b"{" + b"".join(length(name.encode()) + name.encode() + ubj(entry) for name, entry in value.items()) + b"}"
        )
    if isinstance(value, str):
        return b"S" + length(value.encode()) + value.encode()
    if isinstance(value, list):
        if value and all(isinstance(entry, float) for entry in value):
            return b"[$d#" + length(value) + struct.pack(f">{len(value)}f", *value)
        if value and all(isinstance(entry, int) for entry in value):
            return b"[$l#" + length(value) + struct.pack(f">{len(value)}i", *value)
        return b"[#" + length(value) + b"".join(map(ubj, value))
    return b"D" + struct.pack(">d", value)


def length(value: Any) -> bytes:
    return b"L" + struct.pack(">q", len(value))


def test_what_the_file_says_of_itself_is_read_from_either_format(tmp_path):
    first, second = examined(tmp_path, MODEL), examined(tmp_path, ubj(MODEL), "trees.ubj")
    assert (first.objective, first.features, first.classes, first.targets) == ("reg:squarederror", 2, 0, 1)
    assert first.spans == second.spans == [(0.5, 0.5), (2.5, 2.5)]
    assert (second.features, second.trees, second.rounds.total) == (2, 1, 1)


def test_boosters_with_dropout_are_understood(tmp_path):
    model = MODEL["learner"]["gradient_booster"]
    dart = {"name": "dart", "gbtree": model, "weight_drop": [1.0]}
    assert examined(tmp_path, changed("learner", gradient_booster=dart)).trees == 1
    assert "to which output each tree belongs" in refused(
        tmp_path, changed("learner", gradient_booster={**dart, "weight_drop": []})
    )


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        pytest.param(b"", "is no JSON", id="empty"),
        pytest.param(b"[1]", "holds no XGBoost model", id="list"),
        pytest.param(b"{}", "has no field 'learner', which XGBoost writes", id="empty object"),
        pytest.param(b'{"learner": 5}', "has a field of another type than XGBoost", id="learner of another type"),
        pytest.param(b'{"a": 1, "a": 2}', "the field 'a' stands in an object twice", id="field twice"),
        pytest.param(b"[" * 100_000, "is no JSON", id="deep nesting"),
        pytest.param(b"{L\0", "holds UBJSON, and XGBoost goes by the ending", id="UBJSON named JSON"),
        pytest.param(
            pickle.dumps(Path("x")), "is a pickle, so loading it could run code (it wants pathlib", id="pickle"
        ),
        pytest.param(
            pickle.dumps(Path("x"), protocol=0), "is a pickle, so loading it could run code (it", id="oldest pickle"
        ),
        pytest.param(zlib.compress(pickle.dumps(1)), "compressed, as joblib writes pickles", id="joblib"),
        pytest.param(bz2.compress(pickle.dumps(1)), "compressed, as joblib writes pickles", id="joblib by bzip2"),
        pytest.param(lzma.compress(pickle.dumps(1)), "compressed, as joblib writes pickles", id="joblib by xz"),
        pytest.param(
            lzma.compress(pickle.dumps(1), format=lzma.FORMAT_ALONE),
            "compressed, as joblib writes pickles",
            id="joblib by lzma",
        ),
        pytest.param(gzip.compress(b"{}", mtime=0), "is compressed by gzip", id="gzip"),
        pytest.param(b"binf\0\0", "in XGBoost's old binary format", id="old binary format"),
        pytest.param(b"bs64\tAAAA", "in XGBoost's old binary format", id="old binary format as text"),
        pytest.param(
            b"\0\0\0\x3f\4" + bytes(131) + struct.pack("<q", 14) + b"multi:softprob\6",
            "in XGBoost's old binary format, which XGBoost reads up to version 3.0: load it with XGBoost 3.0 or older",
            id="binary format before version 1.2",
        ),
        pytest.param(b"PK\x03\x04", "is a zip, as torch.save writes", id="zip"),
        pytest.param(b"tree\nversion=v4\n", "is a model of LightGBM", id="LightGBM"),
        pytest.param(b'{"name": "tree", "tree_info": [], "feature_names": []}', "of LightGBM", id="LightGBM as JSON"),
        pytest.param(b"CBM1\0", "is a model of CatBoost", id="CatBoost"),
        pytest.param(b'{"oblivious_trees": [], "features_info": {}}', "is a model of CatBoost", id="CatBoost as JSON"),
        pytest.param(b"booster[0]:\n0:[f1<0.5]", "is the text of booster.dump_model", id="dump as text"),
        pytest.param(b'[{"nodeid": 0}]', "holds the trees of booster.dump_model", id="dump as JSON"),
        pytest.param(b'{"learner": {"learner_train_param": {}}}', "the settings of booster.save_config", id="settings"),
        pytest.param(b'{"Config": {}, "Model": {}}', "is a snapshot of memory", id="snapshot"),
        pytest.param(b"\xef\xbb\xbf{}", "begins with a byte order mark", id="byte order mark"),
        pytest.param("{}".encode("utf-16"), "is text in UTF-16", id="UTF-16 of PowerShell"),
        pytest.param(b"version https://git-lfs", "is a Git LFS pointer", id="Git LFS pointer"),
    ],
)
def test_what_is_no_model_is_refused_in_words(tmp_path, contents, told):
    assert told in refused(tmp_path, contents)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        pytest.param(
            changed("tree", left_children=[1, -1, 0, -1, -1]), "its nodes form no tree", id="circle to the root"
        ),
        pytest.param(changed("tree", left_children=[1, -1, 1, -1, -1]), "its nodes form no tree", id="circle"),
        pytest.param(
            changed("tree", left_children=[1, -1, 9, -1, -1]), "its nodes form no tree", id="child beyond the end"
        ),
        pytest.param(
            changed("tree", left_children=[1, -1, 2.5, -1, -1]), "its nodes form no tree", id="child of a fraction"
        ),
        pytest.param(changed("tree", left_children=[1, -1, -2, -1, -1]), "its nodes form no tree", id="negative child"),
        pytest.param(changed("tree", left_children=[1, -1, -1, -1, -1]), "a node has one child only", id="one child"),
        pytest.param(changed("tree", left_children=[1, -1]), "its arrays differ in length", id="too few nodes"),
        pytest.param(
            changed("tree", tree_param={"num_nodes": "6"}), "its arrays differ in length", id="too many nodes announced"
        ),
        pytest.param(changed("tree", split_indices=[0, 0, 2, 0, 0]), "asks for feature 2 of 2", id="feature too large"),
        pytest.param(
            changed("tree", split_indices=[-1, 0, 1, 0, 0]), "asks for feature -1 of 2", id="feature negative"
        ),
        pytest.param(
            changed("tree", split_conditions=[0.5, float("nan"), 2.5, 1, 3]),
            "split_conditions has NaN or infinite",
            id="split at NaN",
        ),
        pytest.param(
            changed("tree", split_conditions=[0.5, float("inf"), 2.5, 1, 3]),
            "training diverged",
            id="split at infinity",
        ),
        pytest.param(
            changed("tree", leaf_weights=[float("-inf")]),
            "leaf_weights has NaN or infinite values",
            id="leaf of minus infinity",
        ),
        pytest.param(changed("model", trees=[]), "it has no trees", id="no trees"),
        pytest.param(
            changed("model", tree_info=[1]), "to which output each tree belongs", id="trees of an unknown output"
        ),
        pytest.param(changed("model", tree_info=[]), "to which output each tree belongs", id="trees of no output"),
        pytest.param(changed("parameters", num_feature="0"), "it has 0 features", id="no features"),
        pytest.param(changed("parameters", num_feature="99999999999"), "features", id="too many features"),
        pytest.param(changed("booster", name="gblinear"), "is a linear model (gblinear), no trees", id="linear model"),
        pytest.param(
            changed("tree", split_type=[1, 0, 0, 0, 0]), "was trained with categorical features", id="categorical split"
        ),
        pytest.param(
            changed("learner", feature_types=["c", "q"]),
            "was trained with categorical features",
            id="categorical feature",
        ),
    ],
)
def test_trees_that_xgboost_would_stumble_over_are_refused_before_it_sees_them(tmp_path, document, told):
    assert told in refused(tmp_path, document)


@pytest.mark.parametrize("binary", [False, True], ids=["JSON named UBJSON", "UBJSON named JSON"])
def test_a_model_in_the_other_format_than_its_ending_says_is_to_be_renamed(tmp_path, binary):
    contents, name = (ubj(MODEL), "trees.json") if binary else (MODEL, "trees.ubj")
    right = "trees.ubj" if binary else "trees.json"
    assert f"rename it to {right}" in refused(tmp_path, contents, name)
    assert examined(tmp_path, contents, right).trees == 1


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    assert "10 is the limit for trees" in refused(tmp_path, MODEL, trees_bytes=10)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"", "it ends within a value", id="empty"),
        pytest.param(b"{", "it ends within a value", id="open object"),
        pytest.param(b"Sl\x00\x00\x00\x09abc", "it ends within a value", id="text cut off"),
        pytest.param(b"[$l#l\x7f\xff\xff\xff", "it ends within a value", id="numbers cut off"),
        pytest.param(b"[$Z#l\x7f\xff\xff\xff", "has no type of numbers or no length", id="array of nulls"),
        pytest.param(b"[#l\x7f\xff\xff\xff", "is longer than the file", id="array longer than the file"),
        pytest.param(b"[#i\xff", "the length at byte 4 is none", id="negative length"),
        pytest.param(b"SU\x01\xff", "is not UTF-8", id="no UTF-8"),
        pytest.param(b"{U\x01aZU\x01aZ}", "the field 'a' stands in an object twice", id="field twice"),
        pytest.param(b"[" * (MAX_DEPTH + 2), "is nested deeper than", id="deep nesting"),
        pytest.param(b"x", "byte 0 is no type of a value", id="unknown type"),
        pytest.param(b"Z ", "1 bytes follow its end", id="tail"),
    ],
)
def test_damaged_ubjson_is_refused_with_its_place(data, told):
    with pytest.raises(DamagedUbjson) as caught:
        parse_ubjson(data)
    assert told in str(caught.value)


json_values = st.recursive(
    st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(json_values)
def test_what_is_written_as_ubjson_is_read_again(value):
    def plain(read: Any) -> Any:
        if isinstance(read, dict):
            return {name: plain(entry) for name, entry in read.items()}
        return read if isinstance(read, str | float) else [plain(entry) for entry in read]

    def as_float32(given: Any) -> Any:
        if isinstance(given, dict):
            return {name: as_float32(entry) for name, entry in given.items()}
        if isinstance(given, list):
            narrow = bool(given) and all(isinstance(entry, float) for entry in given)
            return [struct.unpack("f", struct.pack("f", e))[0] if narrow else as_float32(e) for e in given]
        return given

    try:
        data = ubj(value)
    except OverflowError:
        return  # beyond float32
    assert plain(parse_ubjson(data)) == as_float32(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_either_ubjson_or_refused(data):
    with suppress(DamagedUbjson):
        parse_ubjson(data)
