"""Reads YAML as YAML 1.2 defines its core schema, and refuses what people could read in two ways.

PyYAML follows YAML 1.1, to which `1e-5` is a text, `NO` is false, `010` is eight and `12:30` is 750. Only its parser is
used here; what a scalar means is decided by CORE. Of YAML 1.1 the merge key `<<` stays, since many files have it.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from model_tools.errors import ManifestInvalid

MAX_NODES = 100_000
"""Values in a text, counted each time that a YAML alias repeats them: a few lines can stand for billions."""
SURROGATE = re.compile("[\ud800-\udfff]")
"""Lone surrogates: they cannot be encoded as UTF-8, and so not stored."""
PREFIX = "tag:yaml.org,2002:"
"""The beginning of the tags that `!!` stands for."""
CORE: Mapping[str, tuple[str, str]] = {
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    "merge": (r"<<", "<"),
}
"""The unquoted scalars that are no text (YAML 1.2.2, section 10.3.2), with the characters that they begin with."""


REASONS: Mapping[str, str] = {
    "'\\t'": "a tab stands where YAML wants blanks",
    "while scanning an alias": "a text that begins with * is read as an alias: write it in quotes",
    "undefined alias": "a text that begins with * is read as an alias: write it in quotes",
    "cannot start any token": "no unquoted text begins with this character: write the text in quotes",
    "mapping values are not allowed here": (
        "a second colon stands in the line, or it is indented otherwise than the lines above: write a text with a "
        "colon in quotes, and begin fields of one mapping below one another"
    ),
}
"""The reasons in words for words in PyYAML's messages that do not say what to do."""


class _Parser(yaml.SafeLoader):
    """PyYAML's parser with the scalars of CORE instead of those of YAML 1.1."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own attribute, filled below)


for _kind, (_pattern, _first) in CORE.items():
    _starts = [*_first, *([""] if _kind == "null" else [])]
    _Parser.add_implicit_resolver(PREFIX + _kind, re.compile(rf"(?:{_pattern})\Z"), _starts)


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Return the fields of a YAML text. Raises ManifestInvalid, which names the line, for text that is no mapping.

    It is raised as well for a key that stands twice, a tag that YAML does not define, and too many values.
    """
    try:
        node = _Parser(text).get_single_node()
        data = None if node is None else _Reading(where).value(node)
    except yaml.MarkedYAMLError as error:
        context = error.context if error.context in REASONS else None
        raise _not_yaml(where, error.problem_mark, f"{context or error.problem or error.context}") from error
    except yaml.YAMLError as error:  # characters that YAML forbids
        raise _not_yaml(where, None, " ".join(str(error).split())) from error
    except RecursionError as error:
        raise _not_yaml(where, None, "its values are nested too deeply") from error
    if not isinstance(data, Mapping):
        kind = "a list" if isinstance(data, list) else "empty" if data is None else f"the value {str(data)[:60]!r}"
        raise ManifestInvalid(f"{where} must be a mapping of fields such as `name: digits`; it is {kind}.")
    if sum(1 for _ in walk(data)) > MAX_NODES:
        raise too_many_values(where)
    if any(isinstance(value, str) and SURROGATE.search(value) for value in walk(data)):
        raise ManifestInvalid(f"{where} has half of a character in it (\\ud800 … \\udfff): write the whole character.")
    return dict(data)


def walk(value: object) -> Iterator[object]:
    """Yield a value and all values in it; the walk stops after MAX_NODES + 1."""
    pending = [value]
    for _ in range(MAX_NODES + 1):
        if not pending:
            return
        node = pending.pop()
        yield node
        if isinstance(node, Mapping):
            pending += [*node.keys(), *node.values()][:MAX_NODES]
        elif isinstance(node, list):
            pending += node[:MAX_NODES]


def too_many_values(where: str) -> ManifestInvalid:
    """Return the refusal of a text whose aliases or merge keys repeat its values too often."""
    return ManifestInvalid(f"{where} stands for more than {MAX_NODES:,} values: write them out, without YAML aliases.")


class _Reading:
    """Turns the nodes of one text into plain values; what an alias repeats is turned once."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._values: dict[yaml.Node, Any] = {}
        self._open: set[yaml.Node] = set()
        self._merged = 0

    def value(self, node: yaml.Node) -> Any:
        if node in self._values:
            return self._values[node]
        if node in self._open:
            raise self._refusal(node, "a value holds itself by an alias: write it out")
        self._open.add(node)
        if isinstance(node, yaml.MappingNode):
            value: Any = self._mapping(node)
        elif isinstance(node, yaml.SequenceNode):
            value = self._sequence(node)
        elif isinstance(node, yaml.ScalarNode):
            value = self._scalar(node)
        else:
            raise TypeError(type(node))
        self._open.remove(node)
        self._values[node] = value
        return value

    def _sequence(self, node: yaml.SequenceNode) -> list[Any]:
        self._require_tag(node, "seq")
        return [self.value(item) for item in node.value]

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        self._require_tag(node, "map")
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{PREFIX}merge":
                merged = self._merge(value_node) | merged
                continue
            key = self._key(key_node)
            if key in own:
                raise self._refusal(
                    key_node, f"{key!r} stands here again, after line {lines[key]}: remove one of the two"
                )
            own[key], lines[key] = self.value(value_node), key_node.start_mark.line + 1
        return merged | own

    def _merge(self, node: yaml.Node) -> dict[str, Any]:
        """Return the fields that `<<` brings: those of a mapping, or of a list of them, where the first one wins."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        fields: dict[str, Any] = {}
        for source in sources:
            value = self.value(source)
            if not isinstance(value, dict):
                raise self._refusal(node, "<< brings no mapping: write an alias of one, or the fields themselves")
            self._merged += len(value)
            if self._merged > MAX_NODES:
                raise too_many_values(self._where)
            fields = value | fields
        return fields

    def _key(self, node: yaml.Node) -> str:
        key = self.value(node)
        if not isinstance(key, str):
            raise self._refusal(node, "a field's name is no text: write it in quotes")
        if key != key.strip() or any(not letter.isprintable() for letter in key):
            raise self._refusal(node, f"the field's name {key!a} has a blank or an invisible character: remove it")
        return key

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        kind, text = node.tag.removeprefix(PREFIX), str(node.value)
        if kind == "str":
            return _with_whole_characters(text)
        self._require_tag(node, "null", "bool", "int", "float", "merge")
        if not re.fullmatch(CORE["float" if kind == "float" else kind][0], text):
            raise self._refusal(node, f"{text[:60]!r} is not of the type !!{kind}")
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return self._integer(node, text)
        return self._float(node, text) if kind == "float" else text

    def _integer(self, node: yaml.Node, text: str) -> int:
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        try:
            return int(text, base)
        except ValueError as error:
            raise self._refusal(node, f"a number of {len(text):,} digits is too long") from error

    def _float(self, node: yaml.Node, text: str) -> float:
        plain = text.lower().replace(".inf", "inf").replace(".nan", "nan")
        number = float(plain)
        if math.isinf(number) and "inf" not in plain:
            raise self._refusal(node, f"{text[:60]} is too large for a number: write .inf where infinity is meant")
        return number

    def _require_tag(self, node: yaml.Node, *kinds: str) -> None:
        if node.tag not in {PREFIX + kind for kind in kinds}:
            shown = node.tag.replace(PREFIX, "!!")[:60]
            raise self._refusal(node, f"the tag {shown} has no meaning here: remove it")

    def _refusal(self, node: yaml.Node, problem: str) -> ManifestInvalid:
        return ManifestInvalid(f"{self._where}, line {node.start_mark.line + 1}: {problem}.")


def _with_whole_characters(text: str) -> str:
    r"""Return a text in which both halves of a character, as JSON writes it (`\ud83d\ude00`), are one character."""
    if not SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _not_yaml(where: str, mark: yaml.Mark | None, problem: str) -> ManifestInvalid:
    place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    problem = next((told for words, told in REASONS.items() if words in problem), problem)
    return ManifestInvalid(f"{where} is not YAML: {place}{problem}. Correct it.")
