"""The pages of the documentation, as a reader meets them: headings, links, tables, code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")], key=lambda page: page.as_posix()
)
"""Every page that is part of the repository."""

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
CELL = re.compile(r"^\|((?:[^|\\]|\\.)*)\|", re.MULTILINE)


def page(name: str) -> str:
    """Return the text of a page by its path below docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    """Return how a test names a page."""
    return path.relative_to(ROOT).as_posix()


def blocks(text: str, language: str) -> list[str]:
    """Return the contents of the code blocks of a language, in order."""
    return [
        re.sub(rf"^{indent}", "", code, flags=re.MULTILINE)
        for indent, kind, code in FENCE.findall(text)
        if kind == language
    ]


def prose(text: str) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Return the targets of a page's links that lead to files of the repository or to headings."""
    return [target for target in LINK.findall(prose(text)) if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    found: dict[str, int] = {}
    for _, heading in HEADING.findall(prose(text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {f"{slug}-{count}" if count else slug for slug, last in found.items() for count in range(last + 1)}


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, down to the next heading that is no deeper; empty if there is none."""
    lines = text.splitlines(keepends=True)
    level, found, in_code = 0, [], False
    for line in lines:
        in_code ^= line.startswith("```")
        match = None if in_code else HEADING.match(line)
        if match and level and len(match[1]) <= level:
            break
        if level:
            found.append(line)
        elif match and match[2].strip("`") == heading:
            level = len(match[1])
    return "".join(found)


def described(text: str) -> set[str]:
    """Return the names, in backticks, in the first column of the tables of a text."""
    return {name for cell in CELL.findall(text) for name in re.findall(r"`([^`]+)`", cell)}
