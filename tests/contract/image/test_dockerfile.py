"""What the Dockerfile copies, pins, runs and leaves out."""

import re
import subprocess
import sys
from pathlib import Path

from model_tools.bundling.layer import NOT_IN_THE_LAYER
from tests.support.image.dockerfile import FOLDER, ROOT, ignored, read_dockerfile

ARGUMENTS, STAGES = read_dockerfile()


def test_hadolint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([linter, FOLDER / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_every_stage_stands_on_the_base_image_of_the_functions_python() -> None:
    template = (ROOT / "template.yaml").read_text()
    runtime = re.search(r"Runtime: python([\d.]+)", template)

    assert runtime is not None
    assert {"BASE": f"public.ecr.aws/lambda/python:{runtime.group(1)}"} == ARGUMENTS
    assert {stage.base for stage in STAGES.values()} == {"${BASE}"}


def test_it_copies_of_the_library_what_the_layer_holds() -> None:
    copied = {word for text in STAGES["code"].all("COPY") for word in text.split()[:-1]}
    rooms = {path.parent.name for path in (ROOT / "model_tools").glob("*/__init__.py")}

    assert copied == {"model_tools", "functions/inference/app.py"}
    assert {room for room in rooms if ignored(f"model_tools/{room}")} == set(NOT_IN_THE_LAYER)


def test_the_layer_leaves_out_the_rooms_that_no_function_needs() -> None:
    (named,) = re.findall(r"^NOT_IN_THE_LAYER := (.+)", (ROOT / "model_tools" / "Makefile").read_text(), re.MULTILINE)

    assert set(named.split()) == set(NOT_IN_THE_LAYER)


def test_it_takes_out_what_the_layer_leaves_to_lambdas_python() -> None:
    (left_out,) = re.findall(r"^IN_THE_RUNTIME := (.+)", (ROOT / "model_tools" / "Makefile").read_text(), re.MULTILINE)
    removed = " ".join(text for text in STAGES["packages"].all("RUN") if text.startswith("rm -rf"))

    assert {f"/packages/{name}" for name in left_out.split()} <= set(removed.split())


def test_everything_that_is_installed_is_pinned_by_the_constraints() -> None:
    install = next(text for text in STAGES["packages"].all("RUN") if "pip install" in text)
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in _lines(ROOT / "constraints.txt")}
    wanted = [re.split(r"[\[=]", line)[0].lower() for line in _lines(FOLDER / "image-requirements.txt")]

    assert {"--constraint", "--only-binary=:all:", "--no-cache-dir"} <= set(install.split())
    assert {*wanted, "torch", "xgboost-cpu"} <= pinned
    assert "TORCH=\"torch==$(sed -n 's/^torch==//p' constraints.txt)+cpu\"" in install


def test_the_image_starts_the_handler_with_the_base_images_entry_point() -> None:
    last = STAGES[""]

    assert list(STAGES)[-1] == ""
    assert last.all("CMD") == ['["app.lambda_handler"]']
    assert {instruction for instruction, _ in last.lines} == {"COPY", "CMD"}


def test_nothing_secret_gets_into_a_layer() -> None:
    told = [text for stage in STAGES.values() for word in ("ARG", "ENV") for text in stage.all(word)]

    assert told == ['EXTRA=""']
    assert not any(instruction == "ADD" for stage in STAGES.values() for instruction, _ in stage.lines)


def test_the_build_sees_what_is_copied_and_no_more() -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for stage in STAGES.values()
        for text in stage.all("COPY")
        for pattern in text.split()[:-1]
        if "--from=" not in text
        for path in ROOT.glob(pattern)
    }

    kept_away = {".git/config", ".env", "samconfig.toml", "build/digits/checkpoint.pt", "functions/trace_model/app.py"}

    assert {path for path in sources if ignored(path)} == set()
    assert {path for path in kept_away if not ignored(path)} == set()
    assert ignored("model_tools/aws/__pycache__")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_cfn_lint_finds_nothing_in_the_repositorys_template() -> None:
    linter = Path(sys.executable).with_name("cfn-lint")

    done = subprocess.run([linter, FOLDER / "repository.yaml"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")
