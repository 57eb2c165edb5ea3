from pathlib import Path

from model_tools.cli import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "command-line.md"


def test_the_committed_page_is_what_the_commands_say_now():
    assert PAGE.read_text() == reference.page(), "the page is older than the commands: make reference"


def test_every_command_has_a_section_with_its_synopsis_an_example_and_its_exit_codes():
    _, *sections = reference.page().split("\n## model-tools ")

    assert [section.splitlines()[0] for section in sections] == [
        "plan",
        "publish",
        "watch",
        "invoke",
        "releases",
        "runtime build",
        "local up",
    ]
    for section in sections:
        name = section.splitlines()[0]
        assert f"```\nmodel-tools {name} [OPTIONS]" in section
        assert f"```sh\nmodel-tools {name}" in section
        assert "| exit code | meaning |\n|---|---|\n| `0` |" in section
        assert "| `2` |" in section


def test_options_that_commands_share_are_described_once():
    page = reference.page()

    for option in ("--endpoint-url URL", "--profile PROFILE", "--json", "--debug"):
        assert page.count(f"| `{option}` |") == 1
