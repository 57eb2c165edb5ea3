"""A child process of packaging that runs what its job says, without torch: for what may become of any child."""

from pathlib import Path
from typing import NoReturn

from pydantic import BaseModel

from model_tools.packaging.children.worker import answer_job


class OddJob(BaseModel):
    """Code to run in the child."""

    code: str


class OddResult(BaseModel):
    """What the code leaves in `told`."""

    status: str = "done"
    told: object


def run_code(job: OddJob, scratch: Path) -> OddResult:
    """Run the code, with its scratch folder at hand."""
    names: dict[str, object] = {"scratch": scratch}
    exec(job.code, names)  # noqa: S102 (that is the point)
    return OddResult(told=names.get("told"))


def main(scratch: Path) -> NoReturn:
    """Do the job in a scratch folder, and end the process."""
    answer_job(OddJob, run_code, scratch)
