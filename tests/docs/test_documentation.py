"""The documentation: its reference names everything, its commands are run, and a fault in one is an error."""

import json
import re

import jsonschema
import pytest

import lambdasim as ls
from docs.build import HERE, assembled_text, command_page, pages_of, python_page, schema_page
from docs.key_examples import WHOLE, key_examples, written_examples
from docs.run import CommandFailedError, with_outputs

TREES = re.compile(r"^```\{toctree\}.*?^```", re.MULTILINE | re.DOTALL)


def test_the_reference_has_every_key_of_a_scenario() -> None:
    page = "\n".join(schema_page())
    schema = json.loads((HERE / "scenario.schema.json").read_text())
    for name, definition in [("The scenario", schema), *schema["$defs"].items()]:
        table = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for key in definition.get("properties", {}):
            assert f"\n| `{key}` | " in table, f"{name}: {key}"
    assert "integer ≥ 128 ≤ 10240" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert all(line.endswith(" |") for line in rows)  # an example is one line
    assert "| required | `2026-11-02T08:00:00Z` |" in page


def test_every_key_of_a_scenario_has_an_example_that_the_schema_allows() -> None:
    schema = json.loads((HERE / "scenario.schema.json").read_text())
    definitions = {WHOLE: schema, **schema["$defs"]}
    shown = key_examples(schema)
    missing = [
        (name, key)
        for name, one in definitions.items()
        for key in one.get("properties", {})
        if (name, key) not in shown
    ]
    assert missing == []
    jsonschema.Draft202012Validator.check_schema(schema)
    for name, written in written_examples().items():
        for key, value in written.items():
            allowed = {**definitions[name]["properties"][key], "$defs": schema["$defs"]}
            jsonschema.Draft202012Validator(allowed).validate(value)


def test_the_reference_has_every_command_and_option() -> None:
    page = "\n".join(command_page())
    for name in ("simulate", "sweep-memory", "bill compare", "prices show", "report"):
        assert f"\n### lambdasim {name}\n" in page
    assert "| `-o`, `--out` |" in page
    assert "| `--pdf`, `--no-pdf` |" in page


def test_every_command_has_a_page_that_shows_how_to_use_it() -> None:
    page = "\n".join(command_page())
    for part in page.split("\n### lambdasim ")[1:]:
        name = part.split("\n")[0]
        assert pages_of(name), name
    assert "How to: ." not in page


def test_the_reference_has_every_public_name() -> None:
    page = "\n".join(python_page())
    for name in ls.__all__:
        if type(getattr(ls, name)).__name__ != "module" and not name.startswith("__"):
            assert f":: lambdasim.{name}\n" in page, name


def test_every_page_is_in_a_table_of_contents() -> None:
    trees = "".join(TREES.findall(assembled_text("index.md")))
    for page in HERE.glob("*.md"):
        assert page.stem == "index" or re.search(rf"^{page.stem}$", trees, re.MULTILINE), page.name


def test_commands_are_run_and_shown_with_what_they_print() -> None:
    page = "```yaml\n# file: a.txt\nsix: 6\n```\n\n```console\n$ cat a.txt\n$ rm -r /nowhere  # doc: not run\n```\n"
    shown = with_outputs(page, "page.md")
    assert "$ cat a.txt\nsix: 6\n$ rm -r /nowhere\n```" in shown
    version = with_outputs("```console\n$ lambdasim --version\n```\n", "page.md")
    assert f"lambdasim {ls.__version__}" in version


@pytest.mark.slow
def test_every_command_of_the_readme_runs_in_an_empty_folder() -> None:
    shown = with_outputs((HERE.parent / "README.md").read_text(), "README.md")
    assert "wrote report/report.html" in shown


@pytest.mark.parametrize("inside", ["```console\n$ cat missing\n```\n", "```python\n1 / 0\n```\n"])
def test_a_command_that_fails_is_an_error_with_its_page(inside: str) -> None:
    with pytest.raises(CommandFailedError, match=r"(?s)page.md: .*(missing|ZeroDivisionError)"):
        with_outputs(inside, "page.md")
