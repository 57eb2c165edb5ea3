from pathlib import Path

import pytest

from model_tools.errors import TrainingFailed
from model_tools.packaging.children.trainer import run_trainer

WRITES = """
import pathlib, sys
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
output.mkdir()
(output / "publish.yaml").write_text(" ".join(sys.argv[3:]))
print("accuracy 98 %")
"""


def train(folder: Path, code: str | None, *arguments: str, seconds: float = 60) -> list[str]:
    trainer = folder / "trainer"
    trainer.mkdir()
    if code is not None:
        (trainer / "train.py").write_text(code)
    reported: list[str] = []
    run_trainer(trainer, folder / "output", arguments, seconds=seconds, report=reported.append)
    return reported


def test_a_trainer_gets_its_arguments_and_what_it_last_said_is_reported(tmp_path: Path) -> None:
    reported = train(tmp_path, WRITES, "--seed", "5")

    assert (tmp_path / "output" / "publish.yaml").read_text() == "--seed 5"
    assert "accuracy 98 %" in reported[0]


def test_a_trainer_has_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very secret")

    reported = train(tmp_path, f"{WRITES}\nimport os\nprint(sorted(k for k in os.environ if 'AWS' in k))")

    assert "[]" in reported[0]


@pytest.mark.parametrize(
    ("code", "seconds", "told"),
    [
        (None, 60, "has no train.py"),
        ("raise SystemExit('no data set at /data')", 60, "no data set at /data"),
        ("import time; time.sleep(60)", 0.5, "was not done within"),
        ("print('done')", 60, "wrote no publish.yaml"),
    ],
)
def test_a_trainer_that_fails_is_told_with_what_it_wrote(
    tmp_path: Path, code: str | None, seconds: float, told: str
) -> None:
    with pytest.raises(TrainingFailed) as caught:
        train(tmp_path, code, seconds=seconds)

    assert told in str(caught.value)
