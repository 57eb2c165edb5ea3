"""Checks that the members of PyTorch's zips are those that torch writes, each where torch looks for it.

torch reads such a zip by names, with capital and small letters alike, below the folder of the first member. A member
that torch would take for another one, or pass over, is refused.
"""

import re
import zipfile
from typing import Literal

Layout = Literal["state_dict", "torchscript", "pt2"]

_COMMON = r"version|byteorder|\.format_version|\.storage_alignment|\.data/[\w.]+"
MEMBERS: dict[Layout, re.Pattern[str]] = {
    "state_dict": re.compile(rf"data\.pkl|data/\d+|{_COMMON}"),
    "torchscript": re.compile(
        rf"(data|constants|traced_inputs|attributes|bytecode|mobile_debug_handles)\.pkl|"
        rf"(data|constants|traced_inputs|attributes|bytecode|tensors)/\d+|code/.+\.(py|debug_pkl)|extra/.+|{_COMMON}"
    ),
    "pt2": re.compile(
        rf"models/model\.json|data/(weights|constants)/[\w.]+|data/sample_inputs/model\.pt|"
        rf"archive_format|archive_version|extra/.+|{_COMMON}"
    ),
}
"""The names that torch writes below the top folder, by the kind of the file."""


def misplaced_entry(archive: zipfile.ZipFile, layout: Layout) -> str:
    """Return what is wrong with a zip's members, an empty string if nothing is."""
    members = archive.infolist()
    top = members[0].filename.partition("/")[0]
    seen: dict[str, str] = {}
    if archive.comment or min(member.header_offset for member in members):
        return "it has bytes before its first member or behind its directory"
    for member in members:
        folder, _, name = member.filename.partition("/")
        if member.is_dir():
            continue
        if folder != top:
            return f"it has members in two folders, {top!r} and {folder!r}"
        if name.lower() in seen:
            return f"it has the members {seen[name.lower()]!r} and {name!r}, which torch takes for the same"
        seen[name.lower()] = name
        if not MEMBERS[layout].fullmatch(name):
            return f"it has the member {member.filename!r}, which torch does not write there"
    return ""
