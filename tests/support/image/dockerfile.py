"""Reads the Dockerfile, and does what its lines say with folders instead of an image.

What `pip install` would fetch is linked from what is installed here; everything else is copied and removed for real.
"""

import fnmatch
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from emulator.packages.installed import read_requirements, with_dependencies
from model_tools.bundling.distributions import link_packages, package_of

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "functions" / "inference"
TASK_ROOT = "${LAMBDA_TASK_ROOT}"


@dataclass(frozen=True)
class Stage:
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    """Instruction and what follows it."""

    def all(self, instruction: str) -> list[str]:
        return [text for found, text in self.lines if found == instruction]


def read_dockerfile() -> tuple[dict[str, str], dict[str, Stage]]:
    """Return the arguments before the first stage, and the stages by name; the last one's is ""."""
    text = re.sub(r"^\s*#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.MULTILINE)
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            current = stages[name] = Stage(base)
        elif instruction and current is None:
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif instruction and current is not None:
            current.lines.append((instruction, rest))
    return arguments, stages


def ignored(path: str) -> bool:
    """Tell whether the build does not see a file, by Dockerfile.dockerignore: its last line that fits decides."""
    verdict = False
    for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            keeps, bare = pattern.startswith("!"), pattern.lstrip("!")
            parts = [path, *(parent.as_posix() for parent in Path(path).parents)]
            if any(fnmatch.fnmatchcase(part, bare.replace("**/", "*")) for part in parts):
                verdict = not keeps
    return verdict


def build(folder: Path, *, extra: str = "") -> Path:
    """Do what every stage says, in folders below `folder`; return what is the task root of the image."""
    _, stages = read_dockerfile()
    homes = {name: folder / (name or "image") for name in stages}
    for name, stage in stages.items():
        home = homes[name]
        home.mkdir(parents=True)
        workdir = ""
        for instruction, text in stage.lines:
            if instruction == "WORKDIR":
                workdir = text
            elif instruction == "COPY":
                _copy(text, homes, home, workdir)
            elif instruction == "RUN":
                _run(text, home, workdir, extra)
    return homes[""] / "var/task"


def _place(home: Path, workdir: str, path: str) -> Path:
    absolute = path.replace(TASK_ROOT, "/var/task")
    return home / (absolute if absolute.startswith("/") else f"{workdir}/{absolute}").lstrip("/")


def _copy(text: str, homes: dict[str, Path], home: Path, workdir: str) -> None:
    *sources, target = text.split()
    to = _place(home, workdir, target)
    if sources[0].startswith("--from="):
        origin = homes[sources[0].removeprefix("--from=")] / sources[1].lstrip("/")
        shutil.copytree(origin, to, symlinks=True, dirs_exist_ok=True)
        return
    for pattern in sources:
        found = sorted(ROOT.glob(pattern))
        assert found, f"COPY {pattern}: there is no such file"
        for path in found:
            if path.is_dir():
                shutil.copytree(path, to, ignore=_ignored_in)
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, to)


def _ignored_in(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if ignored((Path(folder) / name).relative_to(ROOT).as_posix())]


def _run(text: str, home: Path, workdir: str, extra: str) -> None:
    for command in text.split(" && "):
        words = shlex.split(command)
        if "pip" in words:
            target = home / words[words.index("--target") + 1].lstrip("/")
            files = [words[at + 1] for at, word in enumerate(words) if word == "--requirement"]
            wanted = [each for file in files for each in read_requirements(_place(home, workdir, file))]
            wanted += [Requirement(name) for name in ("torch", *extra.split())]
            link_packages(map(package_of, with_dependencies(wanted, "the image")), target)
        elif words[0] == "rm":
            for pattern in words[2:]:
                for path in home.glob(pattern.lstrip("/")):
                    path.unlink()  # all of them are links here
        else:
            assert words[0] in ("chmod", "python") or words[0].startswith("TORCH="), command
