"""The version of this library, as its installed metadata tell it."""

import importlib.metadata

DISTRIBUTION = "model-tools"
"""The name under which pip knows it."""


def tools_version() -> str:
    """Return the version of this library; `unknown` where its code lies without its metadata, as in a layer."""
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
