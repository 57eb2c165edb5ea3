import pytest

from model_tools.bundling.distributions import canonical, closure, installed_packages, link_packages
from model_tools.errors import RuntimeMissing
from tests.support.bundling.made_up import package


def test_an_installed_package_comes_with_what_it_needs():
    packages = installed_packages(["jinja2"])

    assert set(packages) == {"jinja2", "markupsafe"}
    assert "jinja2/__init__.py" in packages["jinja2"].files
    assert (packages["jinja2"].root / "jinja2/__init__.py").is_file()


def test_a_package_that_is_not_installed_is_told_by_name():
    with pytest.raises(RuntimeMissing, match="no-such-package is not installed"):
        installed_packages(["no-such-package"])


@pytest.mark.parametrize(
    ("headers", "licence"),
    [
        pytest.param("License-Expression: MIT AND Zlib", "MIT AND Zlib", id="expression"),
        pytest.param(
            "License: long text\nClassifier: License :: OSI Approved :: MIT License", "MIT License", id="classifier"
        ),
        pytest.param("License: Apache-2.0", "Apache-2.0", id="short text"),
        pytest.param("", "", id="none"),
    ],
)
def test_a_package_tells_its_licence(headers, licence, tmp_path):
    assert package(tmp_path, "pkg", {}, headers=headers).licence == licence


def test_licences_and_metadata_go_with_any_file_of_a_package(tmp_path):
    files = ("LICENSE", "licenses/NOTICE.txt", "licenses/third_party/COPYING", "RECORD", "top_level.txt")
    one = package(tmp_path, "pkg", {**{f"pkg-1.0.dist-info/{name}": b"" for name in files}, "pkg/LICENSE": b""})

    assert one.legal_files == {
        f"pkg-1.0.dist-info/{name}" for name in ("METADATA", "LICENSE", "licenses/NOTICE.txt",
                                                 "licenses/third_party/COPYING")
    }  # fmt: skip


def test_only_what_is_linked_can_be_imported_from_a_folder(tmp_path):
    one = package(tmp_path, "one", {"one/__init__.py": b"", "one.libs/lib.so": b""})
    link_packages([one], tmp_path / "visible")

    assert sorted(path.name for path in (tmp_path / "visible").iterdir()) == ["one", "one-1.0.dist-info", "one.libs"]
    assert (tmp_path / "visible/one/__init__.py").is_file()


def test_a_part_of_the_packages_is_chosen_with_what_it_needs(tmp_path):
    headers = {"one": "Requires-Dist: two>=1; python_version > '3'\nRequires-Dist: three; extra == 'x'", "two": ""}
    packages = {name: package(tmp_path, name, {}, headers=headers.get(name, "")) for name in ("one", "two", "three")}

    assert {found.name for found in closure(["One"], packages)} == {"one", "two"}


def test_names_are_written_as_on_pypi():
    assert canonical("Typing_Extensions.x") == "typing-extensions-x"
