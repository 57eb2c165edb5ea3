"""Names the files that are no model of XGBoost's `.json` or `.ubj`, and says how to save them as one. Pure.

Nothing in them is executed; a pickle is only read for the names that it would import.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

SAVE = "save it with booster.save_model('model.json')"
PICKLED_SAVE = (
    "load it where it was trained (with pickle.load or joblib.load), and save the model with "
    "model.save_model('model.json')"
)
PICKLE = ("is a pickle, so loading it could run code", PICKLED_SAVE)
COMPRESSED_PICKLE = ("is compressed, as joblib writes pickles, so loading it could run code", PICKLED_SAVE)
OLD_BINARY = (
    "is in XGBoost's old binary format, which XGBoost reads up to version 3.0",
    "load it with XGBoost 3.0 or older: booster = xgboost.Booster(model_file=…); booster.save_model('model.json')",
)
OBJECTIVE_PLACE = 144
"""The byte at which the objective's name stands in an old binary file: after 136 bytes of numbers and its length."""
OLDEST_PICKLE = re.compile(rb"c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n")
"""The head of a pickle of protocol 0: the module and the name of what it imports first."""
OBJECTIVE = re.compile(rb"(reg|binary|multi|rank|survival|count):[a-z]+")
LIGHTGBM = (
    "is a model of LightGBM, which is not served",
    "train it with XGBoost, or publish a PyTorch model or a model with code of its own (task custom)",
)
CATBOOST = ("is a model of CatBoost, which is not served", LIGHTGBM[1])
HEADS: Mapping[bytes, tuple[str, str]] = {
    b"\x80": PICKLE,
    b"\x78": COMPRESSED_PICKLE,
    b"BZh": COMPRESSED_PICKLE,
    b"\xfd7zXZ": COMPRESSED_PICKLE,
    b"\x5d\x00\x00": COMPRESSED_PICKLE,
    b"\x1f\x8b": ("is compressed by gzip", "decompress it with gunzip, or " + SAVE),
    b"PK\x03\x04": ("is a zip, as torch.save writes", SAVE),
    b"binf": OLD_BINARY,
    b"bs64": OLD_BINARY,
    b"tree\nversion=": LIGHTGBM,
    b"CBM1": CATBOOST,
    b"booster[": ("is the text of booster.dump_model, which XGBoost cannot load", SAVE),
    b"\xef\xbb\xbf": (
        "begins with a byte order mark, as editors on Windows write it, which XGBoost cannot read",
        SAVE + ", or save it as UTF-8 without that mark",
    ),
    b"\xff\xfe": (
        "is text in UTF-16, as PowerShell writes what > redirects, which XGBoost cannot read",
        SAVE + ", or save it as UTF-8 without a byte order mark",
    ),
    b"version https:/": ("is a Git LFS pointer, not the file itself", "run git lfs pull, and publish again"),
}
"""What a file is and how to save it, by its first bytes."""

SIGNS: Sequence[tuple[set[str], tuple[str, str]]] = (
    ({"Config", "Model"}, ("is a snapshot of memory, as pickling a Booster makes it", SAVE)),
    ({"learner.learner_train_param"}, ("holds the settings of booster.save_config, and no trees", SAVE)),
    ({"oblivious_trees"}, CATBOOST),
    ({"tree_info", "feature_names"}, LIGHTGBM),
)
"""The fields by which JSON of another kind is known, what it is, and how to save its model."""


def foreign_format(data: bytes, pickled_names: Iterable[str]) -> tuple[str, str] | None:
    """Return what a file of another format is, and how to save its model; None for a file that may be a model.

    `pickled_names` are the names that a pickle would import, which are looked at only if the file is one.
    """
    found = next((known for head, known in HEADS.items() if data.startswith(head)), None)
    if found is None and OLDEST_PICKLE.match(data):
        found = PICKLE
    if found is None and OBJECTIVE.match(data, OBJECTIVE_PLACE):
        found = OLD_BINARY
    names = ", ".join(list(pickled_names)[:5]) if found == PICKLE else ""
    return (f"{PICKLE[0]} (it wants {names})", PICKLE[1]) if names else found


def foreign_document(document: object) -> tuple[str, str] | None:
    """Return what a JSON document of another kind is, and how to save its model; None for what may be a model."""
    if isinstance(document, list) and document and isinstance(document[0], dict) and "nodeid" in document[0]:
        return "holds the trees of booster.dump_model, which XGBoost cannot load", SAVE
    if not isinstance(document, dict):
        return "holds no XGBoost model", SAVE
    learner = document.get("learner")
    fields = {*document, *(f"learner.{name}" for name in (learner if isinstance(learner, dict) else ()))}
    return next((found for signs, found in SIGNS if signs <= fields), None)
