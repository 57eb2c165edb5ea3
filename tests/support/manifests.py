"""Manifests for tests, read as publish.yaml is."""

from model_tools.formats.manifest import Manifest
from model_tools.tasks.manifests import read_manifest


def parse_manifest(text: str) -> Manifest:
    """Return the manifest that a YAML text describes. Raises ManifestInvalid."""
    return read_manifest(text.encode())
