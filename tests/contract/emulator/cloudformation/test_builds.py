"""Building folders as `sam build` does, without a network."""

import io
import json
import os
import textwrap
import zipfile
from importlib.metadata import version

import pytest

from emulator.cloudformation.build_cache import BuildCache
from emulator.cloudformation.code_upload import CodeUploader
from emulator.errors import EmulatorError
from emulator.packages.build import LocalCode
from tests.support.emulator.templates import bare, write


class Uploads:
    """Stands in for S3 and keeps the last archive."""

    def create_bucket(self, **_: str) -> None:
        pass

    def put_object(self, *, Body: bytes, **_: str) -> None:  # noqa: N803 - boto3's name
        self.names = set(zipfile.ZipFile(io.BytesIO(Body)).namelist())
        self.body = Body


def recipe(*commands: str) -> str:
    return "".join(["build-Thing:\n", *(f"\t{command}\n" for command in commands)])


@pytest.fixture
def built(tmp_path):
    """Return a function that writes files to a folder, builds it, and returns the archive."""

    def build(files, *, is_layer=False, build_method=None):
        for name, text in files.items():
            (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "code" / name).write_text(textwrap.dedent(text))
        uploads = Uploads()
        code = LocalCode("Thing", tmp_path / "code", is_layer=is_layer, build_method=build_method)
        CodeUploader(uploads, BuildCache(tmp_path / "cache")).upload(code)
        return uploads

    return build


def test_a_functions_requirements_lie_beside_its_files(built):
    names = built({"app.py": "", "requirements.txt": f"six=={version('six')}  # small\n"}).names

    assert {"app.py", "six.py"} <= names


def test_what_a_requirement_needs_comes_with_it_and_its_extras_when_they_are_asked_for(built):
    plain = built({"requirements.txt": "aws-lambda-powertools"}, is_layer=True, build_method="python3.13").names
    traced = built(
        {"requirements.txt": "aws-lambda-powertools[tracer]"}, is_layer=True, build_method="python3.13"
    ).names

    assert "python/jmespath/__init__.py" in plain
    assert not any(name.startswith("python/aws_xray_sdk/") for name in plain)
    assert {"python/aws_xray_sdk/__init__.py", "python/wrapt/__init__.py"} <= traced


def test_a_requirement_for_another_python_is_left_out(built):
    names = built({"app.py": "", "requirements.txt": "no-such-package; python_version < '3'\n"}).names

    assert names == {"app.py", "requirements.txt"}


@pytest.mark.parametrize(
    ("requirement", "message"),
    [
        pytest.param(
            "six==0.1",
            rf"requirements.txt: six==0.1 .* it has {version('six')}: pip install 'six==0.1'",
            id="another version",
        ),
        pytest.param("no-such-package", "requirements.txt: no-such-package .* and it is not", id="not installed"),
        pytest.param("--index-url x", "does not understand '--index-url x'", id="option of pip"),
        pytest.param(
            "model-tools",
            "model-tools is installed in a way that does not say which files are its own",
            id="installed without a list of files",
        ),
    ],
)
def test_a_requirement_that_cannot_be_met_is_named_with_what_to_do(built, requirement, message):
    with pytest.raises(EmulatorError, match=message):
        built({"app.py": "", "requirements.txt": requirement + "\n"})


def test_a_makefile_decides_what_a_layer_holds(built):
    makefile = recipe(
        'python3 -m pip install --quiet --target "$(ARTIFACTS_DIR)/python" --requirement requirements.txt',
        'rm -rf "$(ARTIFACTS_DIR)/python"/six-*',
        """python3 -c 'print("made")' > "$(ARTIFACTS_DIR)/python/how" """,
        'cp kept.py "$(ARTIFACTS_DIR)/python/"',
    )
    # A library may have a package of its own that is called like one that pip needs.
    others = {"kept.py": "", "left.py": "", "packaging/__init__.py": "", "requirements.txt": "six"}
    files = {"Makefile": makefile, **others}
    names = built(files, is_layer=True, build_method="makefile").names

    assert names == {"python/six.py", "python/how", "python/kept.py"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("python3 -m pip install --target x --requirement missing.txt", "missing.txt"),
        ("python3 -m pip install --target x --upgrade six", "unrecognized arguments|required: -r"),
        ("false", "Thing: .*Makefile failed"),
    ],
)
def test_a_makefile_that_fails_says_why(built, line, message):
    with pytest.raises(EmulatorError, match=message):
        built({"Makefile": recipe(line)}, is_layer=True, build_method="makefile")


def test_a_makefile_leaves_the_source_alone(built, tmp_path):
    makefile = recipe('touch "$(ARTIFACTS_DIR)/made" beside')
    built({"Makefile": makefile}, is_layer=True, build_method="makefile")

    assert [path.name for path in (tmp_path / "code").iterdir()] == ["Makefile"]


def test_a_layer_that_is_not_built_is_taken_as_it_is(built):
    assert built({"python/shared.py": "", "requirements.txt": "six\n"}, is_layer=True).names == {
        "python/shared.py",
        "requirements.txt",
    }


def test_an_archive_is_built_once_for_the_same_content(tmp_path, built):
    files = {"app.py": "", "requirements.txt": "six\n"}
    first = built(files).body
    [kept] = (tmp_path / "cache").iterdir()
    os.utime(kept, (0, 0))

    assert built(files).body == first
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [kept.name]
    assert built({"app.py": "changed = True"}).body != first
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_deployed_function_has_its_requirements_and_nothing_else(aws, tmp_path):
    code = """
        import importlib.util

        import six

        def handler(event, context):
            return [six.__version__, importlib.util.find_spec("zstandard") is None]
    """
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"FunctionName": "built", "Handler": "app.handler", "Runtime": "python3.13"},
    }
    content = bare(Built=function) | {"Globals": {"Function": {"CodeUri": "echo/"}}}
    template = write(tmp_path, content, code=textwrap.dedent(code))
    (tmp_path / "echo" / "requirements.txt").write_text(f"six=={version('six')}\n")
    aws.deploy(template, stack_name="built")

    answer = json.load(aws.client("lambda").invoke(FunctionName="built")["Payload"])
    assert answer == [version("six"), True]


def test_a_build_method_that_is_not_known_is_refused(aws, tmp_path):
    layer = {
        "Type": "AWS::Serverless::LayerVersion",
        "Metadata": {"BuildMethod": "nodejs22.x"},
        "Properties": {"ContentUri": "shared/"},
    }
    with pytest.raises(EmulatorError, match="Shared: the emulator does not know BuildMethod nodejs22"):
        aws.deploy(write(tmp_path, bare(Shared=layer)), stack_name="node")
