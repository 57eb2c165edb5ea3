"""Opens a model's folder: reads its manifest, and finds the files that the manifest names inside the folder alone."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model_tools.errors import ManifestInvalid, ModelNotFound
from model_tools.formats.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest
from model_tools.formats.manifest_place import near_names_text, present_text
from model_tools.formats.paths import folder_text, matching, normal_path
from model_tools.packaging.checkpoint.folder_files import files_below
from model_tools.tasks.manifests import globs_of, named_files, read_manifest


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a valid `publish.yaml`."""

    path: Path
    manifest: Manifest

    @cached_property
    def present(self) -> dict[str, Path]:
        """The folder's files by the normal form of their paths; hidden ones only if the manifest writes them out."""
        return files_below(self.path, names_in(self.manifest))

    @property
    def checkpoint(self) -> Path:
        """The path of the checkpoint file. Raises ModelNotFound when it is not there."""
        return self.file(self.manifest.checkpoint, "checkpoint")

    def file(self, name: str, field: str) -> Path:
        """Return the file that a field of the manifest names.

        Raises ModelNotFound, or ManifestInvalid for a link that leaves the folder.
        """
        path = self.present.get(normal_path(name))
        if path is None:
            self._stay_inside(self.path / name, field)  # folders that are links are not in the list
            raise ModelNotFound(
                f"{MANIFEST_NAME}: {field} names {name!r}, which is no file in the model's folder: add it or correct "
                f"the name. {present_text(normal_path(name), self.present)}."
            )
        self._stay_inside(path, field)
        return path

    def files(self, glob: str, field: str) -> list[Path]:
        """Return the files that a glob matches, sorted by name. Raises ManifestInvalid when there are none."""
        paths = [self.present[path] for path in matching(normal_path(glob), self.present)]
        for path in paths:
            self._stay_inside(path, field)
        if not paths:
            raise ManifestInvalid(
                f"{MANIFEST_NAME}: {field} is {glob!r}, which matches no file: correct it, or remove the field."
                f"{folder_text(normal_path(glob), self.present)}"
            )
        return paths

    def relative(self, path: Path) -> str:
        """Return the normal form of the path relative to the folder, by which messages name a file."""
        return normal_path(path.relative_to(self.path).as_posix())

    def _stay_inside(self, path: Path, field: str) -> None:
        if not path.resolve().is_relative_to(self.path):
            raise ManifestInvalid(
                f"{MANIFEST_NAME}: {field}: {path.name} is a link to outside the model's folder: put a copy of the "
                "file there."
            )


def names_in(manifest: Manifest) -> list[str]:
    """Return the paths and the globs of files that the manifest names."""
    return [*named_files(manifest).values(), *globs_of(manifest)]


def open_model_folder(folder: Path) -> ModelFolder:
    """Read and check the folder's `publish.yaml`. Raises ModelNotFound or ManifestInvalid."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise ModelNotFound(f"{folder} has no {MANIFEST_NAME}{near_names_text(files_below(folder))}")
    with path.open("rb") as file:
        data = file.read(MAX_MANIFEST_BYTES + 1)
    return ModelFolder(folder.resolve(), read_manifest(data))
