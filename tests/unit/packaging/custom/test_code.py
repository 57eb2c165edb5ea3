"""A custom model's own code: what is taken along, and what is refused before anything of it runs."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelNotFound, ModelTooLarge, PublishError
from model_tools.formats import archive as archive_format
from model_tools.packaging.checkpoint.model_folder import open_model_folder
from model_tools.packaging.custom import code as custom_code
from model_tools.packaging.custom.code import check_predictor, collect_code
from model_tools.tasks.manifests import own_code_of

MANIFEST = """
name: own
task: custom
checkpoint: weights.pt
architecture: net:Net
inputs: [{shape: [1, 4]}]
samples: samples/*.json
custom: {include: ["data/*.csv"]}
"""
PREDICTOR = "def respond(output, request, context):\n    return {}\n"


def wheel(name: str, version: str, files: dict[str, str] | None = None, needs: tuple[str, ...] = ()) -> bytes:
    """Return a pure-Python wheel."""
    buffer = io.BytesIO()
    metadata = "\n".join([f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {need}" for need in needs)])
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in (files or {f"{name}/__init__.py": f"version = {version!r}\n"}).items():
            archive.writestr(path, text)
        archive.writestr(f"{name}-{version}.dist-info/METADATA", f"{metadata}\n\n")
        archive.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return buffer.getvalue()


def folder(tmp_path: Path, files: dict[str, str | bytes] | None = None, requirements: str | None = None):
    manifest = MANIFEST
    contents: dict[str, str | bytes] = {
        "predictor.py": PREDICTOR, "net.py": "", "data/a.csv": "1,2\n", "weights.pt": "w", **(files or {}),
    }  # fmt: skip
    if requirements is not None:
        manifest = manifest.replace("custom: {", "custom: {requirements: requirements.txt, ")
        contents["requirements.txt"] = requirements
    for name, content in {"publish.yaml": manifest, **contents}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_model_folder(tmp_path)


def collected(model_folder) -> dict[str, bytes]:
    return collect_code(model_folder, own_code_of(model_folder.manifest))


def refused(kind: type[PublishError], model_folder) -> str:
    with pytest.raises(PublishError) as caught:
        collected(model_folder)
    assert type(caught.value) is kind
    return str(caught.value)


def test_python_files_and_what_is_included_come_along_and_nothing_hidden(tmp_path):
    files = {"own/steps.py": "x = 1", ".venv/lib/a.py": "", "__pycache__/b.py": "", "notes.txt": "", "data/b.json": ""}
    assert sorted(collected(folder(tmp_path, files))) == [
        "code/data/a.csv",
        "code/net.py",
        "code/own/steps.py",
        "code/predictor.py",
    ]


def test_the_checkpoint_is_not_shipped_as_it_is(tmp_path):
    model_folder = folder(tmp_path, {"data/more.csv": ""})
    custom = own_code_of(model_folder.manifest).model_copy(update={"include": ["*.pt", "data/*"]})
    assert sorted(collect_code(model_folder, custom)) == [
        "code/data/a.csv",
        "code/data/more.csv",
        "code/net.py",
        "code/predictor.py",
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        pytest.param("def respond(:", "predictor.py, line 1 is no Python", id="syntax error"),
        pytest.param("x = '\0'", "is no Python", id="null byte"),
        pytest.param("(" * 3000, "is no Python", id="deep nesting"),
        pytest.param(
            "def answer(request): ...", "defines none of the functions preprocess, predict, respond", id="no step"
        ),
        pytest.param("class A:\n    def predict(self): ...", "defines none of the functions", id="a method"),
        pytest.param("async def predict(model, inputs, context): ...", "line 1: predict is async", id="an async step"),
    ],
)
def test_a_predictor_that_cannot_be_one_is_refused(source, told):
    with pytest.raises(ManifestInvalid) as caught:
        check_predictor(source.encode(), where="predictor.py")
    assert told in str(caught.value)


def test_a_predictor_that_is_not_there_is_named(tmp_path):
    model_folder = folder(tmp_path)
    (tmp_path / "predictor.py").unlink()
    assert "custom.predictor names 'predictor.py'" in refused(ModelNotFound, model_folder)


def test_a_glob_without_files_is_refused(tmp_path):
    model_folder = folder(tmp_path)
    (tmp_path / "data" / "a.csv").unlink()
    assert "custom.include is 'data/*.csv', which matches no file" in refused(ManifestInvalid, model_folder)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "secret.py").write_text("secret = 1")
    model_folder = folder(tmp_path / "model")
    (tmp_path / "model" / "steps.py").symlink_to(tmp_path / "secret.py")
    assert "steps.py is a link to outside the model's folder" in refused(ManifestInvalid, model_folder)


@pytest.mark.parametrize("limit", ["MAX_CODE_FILES", "MAX_CODE_BYTES"])
def test_too_much_code_is_refused_with_its_largest_file(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(custom_code, limit, 2)
    assert "the largest is predictor.py" in refused(ModelTooLarge, folder(tmp_path))
    assert archive_format.MAX_CODE_FILES > 2


def test_wheels_are_unpacked_as_they_would_be_installed(tmp_path):
    data = wheel(
        "words", "1.2",
        {"words/__init__.py": "a", "words/b.pyc": "x", "words-1.2.data/purelib/more.py": "m",
         "words-1.2.data/scripts/run": "s"},
        ("idna>=3; python_version > '3'", "tests; extra == 'dev'", "torch"),
    )  # fmt: skip
    model_folder = folder(
        tmp_path,
        {"wheels/words-1.2-py3-none-any.whl": data, "wheels/idna-3.4-py3-none-any.whl": wheel("idna", "3.4")},
        f"words==1.2 \\\n  --hash=sha256:{hashlib.sha256(data).hexdigest()}\nidna==3.4  # of words\n",
    )
    assert sorted(name for name in collected(model_folder) if "words" in name or "more" in name or "idna" in name) == [
        "code/idna-3.4.dist-info/METADATA",
        "code/idna-3.4.dist-info/WHEEL",
        "code/idna/__init__.py",
        "code/more.py",
        "code/words-1.2.dist-info/METADATA",
        "code/words-1.2.dist-info/WHEEL",
        "code/words/__init__.py",
    ]


def test_a_missing_wheel_is_told_with_the_command_that_gets_it(tmp_path):
    message = refused(ManifestInvalid, folder(tmp_path, requirements="words==1.2"))
    assert "requirements.txt names words==1.2, whose wheel is not in wheels/" in message
    assert (
        "pip download --only-binary=:all: --no-deps --implementation py --abi none --platform any --dest wheels "
        "--requirement requirements.txt" in message
    )


WORDS = "wheels/words-1.2-py3-none-any.whl"
OUTSIDE = wheel("words", "1.2", {"../evil.py": "x"})


@pytest.mark.parametrize(
    ("files", "requirements", "error", "told"),
    [
        pytest.param(
            {WORDS: wheel("words", "1.2")},
            "",
            ManifestInvalid,
            "is not named in requirements.txt",
            id="wheel without pin",
        ),
        pytest.param(
            {WORDS: wheel("words", "1.2")}, "words==1.3", ManifestInvalid, "pins words==1.3, once", id="another version"
        ),
        pytest.param(
            {WORDS: wheel("words", "1.2")},
            f"words==1.2 --hash=sha256:{'0' * 64}",
            ManifestInvalid,
            "none of those",
            id="another hash",
        ),
        pytest.param(
            {WORDS: wheel("words", "1.2", needs=("idna",))},
            "words==1.2",
            ManifestInvalid,
            "does not name idna, which",
            id="unnamed dependency",
        ),
        pytest.param(
            {WORDS: wheel("words", "1.2", needs=("idna<3",)), "wheels/idna-3.4-py3-none-any.whl": wheel("idna", "3.4")},
            "words==1.2\nidna==3.4",
            ManifestInvalid,
            "words==1.2 needs idna<3, and idna==3.4 is pinned",
            id="contradicting dependency",
        ),
        pytest.param(
            {WORDS: wheel("words", "1.2", {"words/a.so": ""})},
            "words==1.2",
            ManifestInvalid,
            "native code (words/a.so)",
            id="native code",
        ),
        pytest.param(
            {WORDS: wheel("words", "1.2", {"net.py": ""})},
            "words==1.2",
            ManifestInvalid,
            "'net', which is the name of",
            id="a module of the model",
        ),
        pytest.param(
            {"wheels/words-1.2-cp311-cp311-manylinux_2_28_x86_64.whl": b""},
            "words==1.2",
            ManifestInvalid,
            "is built for one platform",
            id="built for a platform",
        ),
        pytest.param(
            {"wheels/words.whl": b""}, "words==1.2", ManifestInvalid, "is no name of a wheel", id="no wheel name"
        ),
        pytest.param({WORDS: b"PK no zip"}, "words==1.2", CheckpointRejected, "is damaged", id="no zip"),
        pytest.param(
            {WORDS: OUTSIDE}, "words==1.2", CheckpointRejected, "twice or outside itself", id="files outside the wheel"
        ),
        pytest.param({}, "words>=1.2", ManifestInvalid, "pins no version: write words==<version>", id="open version"),
        pytest.param({}, "words==1.*", ManifestInvalid, "pins no version", id="any version"),
        pytest.param({}, "--index-url http://example.com", ManifestInvalid, "is an option of pip", id="option of pip"),
        pytest.param({}, "words @ http://example.com/words.whl", ManifestInvalid, "pins no version", id="URL"),
        pytest.param({}, "not a requirement", ManifestInvalid, "is no requirement", id="no requirement"),
        pytest.param({}, "words==1.2\nWords==1.2", ManifestInvalid, "names words twice", id="pin twice"),
    ],
)
def test_wheels_and_requirements_that_do_not_fit_are_refused(tmp_path, files, requirements, error, told):
    assert told in refused(error, folder(tmp_path, files, requirements))


def test_a_wheel_that_inflates_beyond_the_limit_is_refused(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("words/zeros.py", bytes(archive_format.MAX_CODE_BYTES + 1))
    message = refused(CheckpointRejected, folder(tmp_path, {WORDS: buffer.getvalue()}, "words==1.2"))
    assert "inflates to more than" in message
