"""The retention policy: which old versions may go. It is pure, and deletes nothing itself."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

PUBLISHED_BY_US = "model-tools release "
"""The beginning of the description of every version that the workflow publishes. Nothing else is ever pruned."""


@dataclass(frozen=True)
class PublishedVersion:
    """A version of the inference function."""

    number: int
    description: str


def versions_to_prune(
    versions: Sequence[PublishedVersion], *, live: int, in_use: Collection[int], released: Sequence[int], keep: int
) -> list[int]:
    """Return the versions to delete, oldest first.

    `live` is what the calling publication released; what is newer belongs to a later publication, which may be at work
    already when this one was stopped. `in_use` are those that an alias names; `released` those that were live, newest
    first, of which the first `keep` stay to go back to. What the workflow did not publish stays in any case.
    """
    kept = {*in_use, *list(dict.fromkeys(released))[:keep]}
    ours = [version.number for version in versions if version.description.startswith(PUBLISHED_BY_US)]
    return sorted(number for number in ours if number < live and number not in kept)
