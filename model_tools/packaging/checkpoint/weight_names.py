"""Matches the names of weights in a file with those of an architecture, though wrappers have put names in between.

DataParallel, torch.compile, FSDP and others wrap a module, or a part of it: the wrapped module becomes the only member
of the wrapper, and every name below gets one more component. A component is removed only where it is the only member of
its module, so no two names can become one. Pure: it knows names, not tensors.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

WRAPPERS = frozenset(
    {"module", "_orig_mod", "model", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"}
)
"""The components that wrappers put before names: DataParallel and AveragedModel (`module`), torch.compile, Lightning
modules (`model`), FSDP, activation checkpoints, and Lightning Fabric."""
COUNTER = "num_batches_tracked"
"""BatchNorm's counter, which it uses in training alone. Torch before 0.4.1 did not save it, frozen ones have none."""
MAX_SHARED = 6
"""The number of names of tied weights for which every choice of those that the file holds is tried."""
MAX_TOLD = 5
"""The number of names that a message lists."""


@dataclass(frozen=True)
class Match:
    """The names of a file that are names of the architecture."""

    renamed: Mapping[str, str]
    """The architecture's name of each name in the file that has one."""
    missing: list[str]
    """The names of the architecture that the file lacks."""
    unexpected: Mapping[str, str]
    """The names in the file that the architecture has not, each with its form without what wrappers have added."""
    is_ambiguous: bool = False
    """There is another complete match, since names of tied weights are missing."""

    @property
    def is_complete(self) -> bool:
        """Tell whether every name has its only counterpart."""
        return not self.missing and not self.unexpected and not self.is_ambiguous


def match_names(
    names: Collection[str], expected: Collection[str], *, optional: Collection[str] = (), shared: Mapping[str, str]
) -> Match:
    """Return how the names in a file match an architecture's: as they are, or without wrappers on both sides.

    The `optional` names may be missing. `shared` says which names are of one tensor, by giving each the same label; the
    file may hold any of them. If nothing matches completely, the match with the fewest differences is returned.
    Names that are the architecture's as they are come first, as torch takes them.
    """
    best = _match({name: name for name in names}, {name: name for name in expected}, optional, shared)
    if best.is_complete:
        return best
    complete: list[Match] = []
    for candidate in outer_prefixes_removed(names):
        for match in _matches(candidate, expected, optional, shared):
            best = min(best, match, key=lambda match: len(match.missing) + len(match.unexpected))
            if match.is_complete and all(not _is_alike(match, other, shared) for other in complete):
                complete.append(match)
    return best if len(complete) < 2 else replace(complete[0], is_ambiguous=True)  # noqa: PLR2004 (two are a choice)


def contracted_names(names: Collection[str]) -> dict[str, str]:
    """Return each name without the wrapper components that are the only members of their modules."""
    members: dict[tuple[str, ...], set[str]] = {}
    for name in names:
        parts = tuple(name.split("."))
        for depth, part in enumerate(parts):
            members.setdefault(parts[:depth], set()).add(part)
    return {name: ".".join(_kept(tuple(name.split(".")), members)) for name in names}


def without_wrappers(name: str) -> str:
    """Return a name without any component that a wrapper may have added."""
    *modules, leaf = name.split(".")
    return ".".join([part for part in modules if part not in WRAPPERS] + [leaf])


def wrapper_note(renamed: Mapping[str, str]) -> str | None:
    """Return the sentence that says what was removed from names, or added to them; None if nothing was."""
    changed = {name: new for name, new in renamed.items() if name != new}
    if not changed:
        return None
    removed = sorted({part for name, new in changed.items() for part in _difference(name, new)})
    added = sorted({part for name, new in changed.items() for part in _difference(new, name)})
    sentences = []
    if removed:
        sentences.append(f"{_quoted(removed)} was removed from {len(changed)} of {len(renamed)} names of weights.")
    if added:
        sentences.append(f"{_quoted(added)} was added to {len(changed)} of {len(renamed)} names of weights.")
    return " ".join(sentences)


def plain_names(names: Collection[str]) -> Iterator[dict[str, str]]:
    """Yield the names in each form that they may have without wrappers, the nearest to theirs first."""
    for candidate in outer_prefixes_removed(names):
        yield candidate
        yield _compose(candidate, contracted_names(candidate.values()))


def parts_of(names: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each prefix behind which only some of the names stand, with those names."""
    for candidate in outer_prefixes_removed(names):
        groups: dict[str, list[str]] = {}
        for name, short in candidate.items():
            first, dot, _ = short.partition(".")
            if dot:
                groups.setdefault(f"{name.removesuffix(short)}{first}.", []).append(name)
        yield from groups.items()


def listed(names: Collection[object]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - MAX_TOLD} more" if len(names) > MAX_TOLD else ""
    return ", ".join(str(name) for name in list(names)[:MAX_TOLD]) + more


def _quoted(parts: Iterable[str]) -> str:
    return " and ".join(f"`{part}.`" for part in parts)


def _match(
    names: Mapping[str, str], expected: Mapping[str, str], optional: Collection[str], shared: Mapping[str, str]
) -> Match:
    """Match names by their short forms: `names` gives the file's names theirs, `expected` has them as keys."""
    renamed = {name: expected[short] for name, short in names.items() if short in expected}
    if len(set(renamed.values())) < len(renamed):
        return Match({}, list(expected.values()), names)
    held = {shared[name] for name in renamed.values() if name in shared}
    found = set(renamed.values())
    missing = [
        name
        for name in expected.values()
        if name not in found and name not in optional and shared.get(name) not in held
    ]
    unexpected = {
        name: short
        for name, short in names.items()
        if name not in renamed and f"{name.removesuffix(COUNTER)}running_mean" not in renamed
    }
    return Match(renamed, missing, unexpected)


def outer_prefixes_removed(names: Collection[str]) -> Iterator[dict[str, str]]:
    """Yield the names as they are, and without each component that stands before all of them, whatever its name."""
    current = {name: name for name in names}
    while current:
        yield dict(current)
        firsts = {name.partition(".")[0] for name in current.values()}
        if len(firsts) > 1 or not all("." in name for name in current.values()):
            return
        current = {name: short.partition(".")[2] for name, short in current.items()}


def _matches(
    names: Mapping[str, str], expected: Collection[str], optional: Collection[str], shared: Mapping[str, str]
) -> Iterator[Match]:
    """Yield the matches of names as they are, and without wrappers for each choice of expected names in the file."""
    yield _match(names, {name: name for name in expected}, optional, shared)
    short_names = _compose(names, contracted_names(names.values()))
    for present in _presences(names.values(), expected, optional, shared):
        short_expected = {short: name for name, short in contracted_names(present).items()}
        # A name that the file lacks is given a key that no name can have.
        absent = {f"\0{name}": name for name in expected if name not in present}
        yield _match(short_names, {**short_expected, **absent}, optional, shared)


def _presences(
    names: Iterable[str], expected: Collection[str], optional: Collection[str], shared: Mapping[str, str]
) -> Iterator[Collection[str]]:
    """Yield the sets of expected names that the file may hold: they decide which components are the only members.

    If no expected name has a wrapper's component, the file's names say which they are. Otherwise every choice of tied
    names is tried; if there are too many of these, the file must hold them all.
    """
    seen = {without_wrappers(name) for name in names}
    certain = {
        name for name in expected if name not in shared and (name not in optional or without_wrappers(name) in seen)
    }
    if all(without_wrappers(name) == name for name in expected):
        yield certain | {name for name in shared if name in seen}
    elif len(shared) > MAX_SHARED:
        yield certain | shared.keys()
    else:
        tied = sorted(shared)
        for count in range(len(tied), -1, -1):
            for held in itertools.combinations(tied, count):
                yield certain | set(held)


def _is_alike(one: Match, other: Match, shared: Mapping[str, str]) -> bool:
    """Tell whether two matches give the same tensors of the architecture to a file's names."""
    return all(shared.get(name, name) == shared.get(other.renamed[key], "") or name == other.renamed[key]
               for key, name in one.renamed.items())  # fmt: skip


def _kept(parts: tuple[str, ...], members: Mapping[tuple[str, ...], set[str]]) -> Iterator[str]:
    for depth, part in enumerate(parts):
        is_wrapper = part in WRAPPERS and depth < len(parts) - 1 and len(members[parts[:depth]]) == 1
        if not is_wrapper:
            yield part


def _compose(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    return {name: second[short] for name, short in first.items()}


def _difference(longer: str, shorter: str) -> Iterator[str]:
    """Yield the components of a name that another lacks."""
    yield from (Counter(longer.split(".")) - Counter(shorter.split("."))).elements()
