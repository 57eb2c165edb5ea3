import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_tools.formats.paths import is_foreign, is_hidden, matching, named_path, normal_path, stored_path

NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\:"), min_size=1, max_size=8
).filter(lambda name: name not in {".", ".."})
VISIBLE = st.text("abz09é", min_size=1, max_size=4)
SEPARATORS = st.sampled_from(["/", "//", "/./", "\\", "\\.\\", "/aside/../"])


@pytest.mark.parametrize(
    ("written", "form"),
    [
        pytest.param("./model.pt", "model.pt", id="this folder"),
        pytest.param("././model.pt", "model.pt", id="this folder twice"),
        pytest.param("samples//a.json", "samples/a.json", id="two slashes"),
        pytest.param("models\\x.pt", "models/x.pt", id="backslash of Windows"),
        pytest.param(".\\models\\x.pt", "models/x.pt", id="this folder on Windows"),
        pytest.param("samples/", "samples", id="slash at the end"),
        pytest.param("a/../b.pt", "b.pt", id="detour"),
        pytest.param("a/./b/../c.pt", "a/c.pt", id="detour within"),
        pytest.param(unicodedata.normalize("NFD", "modèle.pt"), "modèle.pt", id="accents as macOS writes them"),
        pytest.param("with blanks and (1).pt", "with blanks and (1).pt", id="blanks"),
        pytest.param(".cache/model.pt", ".cache/model.pt", id="hidden folder"),
        pytest.param("Model.PT", "Model.PT", id="upper case stays"),
    ],
)
def test_each_spelling_of_a_path_has_one_form(written: str, form: str) -> None:
    assert normal_path(written) == form


@pytest.mark.parametrize(
    ("written", "told"),
    [
        pytest.param("/etc/passwd", "leaves the model's folder", id="absolute"),
        pytest.param("\\\\server\\share\\x.pt", "leaves the model's folder", id="network share"),
        pytest.param("C:\\models\\x.pt", "leaves the model's folder", id="drive"),
        pytest.param("c:/models/x.pt", "leaves the model's folder", id="drive with slashes"),
        pytest.param("../x.pt", "leaves the model's folder", id="above"),
        pytest.param("a/../../x.pt", "leaves the model's folder", id="above by a detour"),
        pytest.param("a\\..\\..\\x.pt", "leaves the model's folder", id="above on Windows"),
        pytest.param("", "names no file", id="empty"),
        pytest.param(".", "names no file", id="folder itself"),
        pytest.param("a/..", "names no file", id="folder itself by a detour"),
        pytest.param("a\0b", "control character", id="null character"),
        pytest.param("a\nb", "control character", id="line break"),
        pytest.param("a\ud800", "not text in UTF-8", id="half of a character"),
        pytest.param("é" * 128, "255 bytes", id="too long in UTF-8"),
    ],
)
def test_a_path_that_names_no_file_of_the_folder_is_refused(written: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        normal_path(written)


def test_a_stored_path_has_no_detours() -> None:
    assert stored_path("./a/b.pt") == "a/b.pt"
    with pytest.raises(ValueError, match=r"`\.\.`"):
        stored_path("a/../b.pt")


@pytest.mark.parametrize("path", ["._model.pt", "__MACOSX/model.pt", "a/.DS_Store", "a/Thumbs.db", "__pycache__/n.pyc"])
def test_files_of_the_operating_system_cannot_be_named(path: str) -> None:
    assert is_foreign(path)
    with pytest.raises(ValueError, match="never published"):
        named_path(path)


@settings(deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=5), st.data())
def test_however_a_path_is_written_its_form_is_the_same(names: list[str], data: st.DataObject) -> None:
    plain = normal_path("/".join(names))
    written = names[0] + "".join(data.draw(SEPARATORS) + name for name in names[1:])
    for spelling in (written, f"./{written}", f"{written}/", unicodedata.normalize("NFD", written)):
        assert normal_path(spelling) == plain


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_form_is_its_own_form_and_stays_in_the_folder(text: str) -> None:
    try:
        form = normal_path(text)
    except ValueError:
        return
    assert normal_path(form) == form == stored_path(form)
    assert not form.startswith("/")
    assert not {"", ".", ".."} & set(form.split("/"))


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        pytest.param("samples/*.json", ["samples/a.json", "samples/b.json"], id="one folder"),
        pytest.param("samples/?.json", ["samples/a.json", "samples/b.json"], id="one letter"),
        pytest.param("samples/[b-z].json", ["samples/b.json"], id="range of letters"),
        pytest.param("samples/[!a].json", ["samples/b.json"], id="other letters"),
        pytest.param("**/*.json", ["deep/er/c.json", "samples/a.json", "samples/b.json", "top.json"], id="any folder"),
        pytest.param("samples/**", ["samples/a.json", "samples/b.json"], id="all below a folder"),
        pytest.param("**/er/**", ["deep/er/c.json"], id="all below any folder of a name"),
        pytest.param("*.json", ["top.json"], id="top only"),
        pytest.param("top.json", ["top.json"], id="name written out"),
        pytest.param("*", ["top.json"], id="all at the top"),
        pytest.param(".aside/*.json", [".aside/d.json"], id="hidden folder written out"),
        pytest.param(".*", [], id="dot with a wildcard"),
        pytest.param("samples/._*", [], id="files of macOS"),
        pytest.param("samples/.a.json", ["samples/.a.json"], id="hidden file written out"),
        pytest.param("SAMPLES/*.json", [], id="other case"),
        pytest.param("samples", [], id="folder"),
    ],
)
def test_globs_match_files_as_in_a_shell_and_never_hidden_ones(glob: str, matched: list[str]) -> None:
    paths = [
        "top.json", "samples/a.json", "samples/b.json", "samples/._a.json", "samples/.a.json", ".aside/d.json",
        "deep/er/c.json", "deep/.er/c.json", "__MACOSX/samples/a.json", "Thumbs.db", ".DS_Store",
    ]  # fmt: skip
    assert matching(glob, paths) == matched


@settings(deadline=None)
@given(
    st.lists(st.lists(NAMES, min_size=1, max_size=4), max_size=6),
    st.sampled_from(["**", "**/*", "*", "*/*", "**/*/**"]),
)
def test_a_wildcard_never_matches_a_hidden_file(paths: list[list[str]], glob: str) -> None:
    assert not any(is_hidden(path) for path in matching(glob, ["/".join(names) for names in paths]))


@settings(deadline=None)
@given(st.lists(VISIBLE, min_size=1, max_size=5), st.data())
def test_a_path_is_matched_by_itself_with_parts_replaced_by_wildcards(names: list[str], data: st.DataObject) -> None:
    parts = [data.draw(st.sampled_from([name, "*", f"{name[0]}*", f"*{name[-1]}", "?" * len(name)])) for name in names]
    first = data.draw(st.integers(0, len(parts)))
    last = data.draw(st.integers(first, len(parts) - 1)) if first < len(parts) else first
    glob = "/".join([*parts[:first], "**", *parts[last:]]) if last < len(parts) else "/".join(parts)
    assert matching(glob, ["/".join(names)]) == ["/".join(names)]
    assert not matching(f"{'/'.join(parts)}/x", ["/".join(names)])
