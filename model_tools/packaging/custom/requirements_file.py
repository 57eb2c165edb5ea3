"""Reads a custom model's requirements file, which holds pinned versions and optional digests. Pure."""

import re
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from model_tools.errors import ManifestInvalid
from model_tools.formats.text_files import decode_text

MAX_BYTES = 1 << 20
"""The largest size of a requirements file."""
HASH = re.compile(r"\s--hash=sha256:([0-9a-f]{64})(?=\s|$)")
"""Matches pip's option for the digest of a wheel."""


@dataclass(frozen=True)
class PinnedRequirement:
    """The version, extras and digests of a package in the file."""

    version: str
    extras: frozenset[str]
    sha256: frozenset[str]
    """The digests of the wheels that are accepted, 64 hex digits each; if empty, any wheel is accepted."""


def parse_requirements(data: bytes, *, where: str) -> dict[str, PinnedRequirement]:
    """Return the packages by their normalised names. Raises ManifestInvalid for a line that is no pin."""
    text = decode_text(data, where=where, max_bytes=MAX_BYTES, kind="list of requirements")
    pinned: dict[str, PinnedRequirement] = {}
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        stripped = re.sub(r"(^|\s)#.*", "", line).strip()
        if not stripped:
            continue
        digests = HASH.findall(stripped)
        requirement = _parse_line(HASH.sub("", stripped), where)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        name = canonicalize_name(requirement.name)
        if name in pinned:
            raise ManifestInvalid(f"{where} names {name} twice: remove one.")
        (specifier,) = requirement.specifier
        pinned[name] = PinnedRequirement(specifier.version, frozenset(requirement.extras), frozenset(digests))
    return pinned


def _parse_line(line: str, where: str) -> Requirement:
    told = f"{where}: {line[:120]!r}"
    if line.startswith("-"):
        raise ManifestInvalid(f"{told} is an option of pip: write pins only, such as six==1.17.0.")
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        raise ManifestInvalid(f"{told} is no requirement: write a pin, such as six==1.17.0.") from error
    specifiers = list(requirement.specifier)
    exact = len(specifiers) == 1 and specifiers[0].operator == "==" and not specifiers[0].version.endswith("*")
    if requirement.url is not None or not exact:
        raise ManifestInvalid(f"{told} pins no version: write {requirement.name}==<version>.")
    return requirement
