"""Opens a model's folder: reads its manifest, and finds the files that the manifest names inside the folder alone."""

from dataclasses import dataclass
from pathlib import Path

from model_tools.errors import ManifestInvalid, ModelNotFound
from model_tools.formats.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest
from model_tools.tasks.manifests import read_manifest


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a valid `publish.yaml`."""

    path: Path
    manifest: Manifest

    @property
    def checkpoint(self) -> Path:
        """The path of the checkpoint file. Raises ModelNotFound when it is not there."""
        return self.file(self.manifest.checkpoint, "checkpoint")

    def file(self, name: str, field: str) -> Path:
        """Return the file that a field of the manifest names.

        Raises ModelNotFound, or ManifestInvalid for a link that leaves the folder.
        """
        path = self.path / name
        self._stay_inside(path, field)
        if not path.is_file():
            raise ModelNotFound(
                f"{MANIFEST_NAME}: {field} names {name!r}, which is no file in the model's folder: add it or correct "
                f"the name ({self._listing()})."
            )
        return path

    def files(self, glob: str, field: str) -> list[Path]:
        """Return the files that a glob matches, sorted by name. Raises ManifestInvalid when there are none."""
        paths = sorted(path for path in self.path.glob(glob) if path.is_file())
        for path in paths:
            self._stay_inside(path, field)
        if not paths:
            raise ManifestInvalid(
                f"{MANIFEST_NAME}: {field} is {glob!r}, which matches no file: correct it, or remove the field."
            )
        return paths

    def relative(self, path: Path) -> str:
        """Return the path relative to the folder, by which messages name a file."""
        return path.relative_to(self.path).as_posix()

    def _stay_inside(self, path: Path, field: str) -> None:
        if not path.resolve().is_relative_to(self.path):
            raise ManifestInvalid(
                f"{MANIFEST_NAME}: {field}: {path.name} is a link to outside the model's folder: put a copy of the "
                "file there."
            )

    def _listing(self) -> str:
        names = sorted(path.name for path in self.path.iterdir())
        return f"there are {', '.join(names[:12])}{' …' if len(names) > 12 else ''}"  # noqa: PLR2004 (so many fit in a message)


def open_model_folder(folder: Path) -> ModelFolder:
    """Read and check the folder's `publish.yaml`. Raises ModelNotFound or ManifestInvalid."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise ModelNotFound(f"There is no {MANIFEST_NAME} in {folder}: add one that says how to publish the model.")
    with path.open("rb") as file:
        data = file.read(MAX_MANIFEST_BYTES + 1)
    return ModelFolder(folder.resolve(), read_manifest(data))
