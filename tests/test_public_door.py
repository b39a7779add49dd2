"""The public door: one table of names, all of which load, and nothing that users need behind it."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import lambdasim as ls

ROOT = Path(__file__).parents[1]
SHOWN_TO_USERS = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("notebooks/[0-9]*.py")),
    *sorted(ROOT.glob("notebooks/[0-9]*.ipynb")),
]
ROOMS_OF_THEIR_OWN = {"catalog", "finance", "plots"}


def table(door: ModuleType = ls) -> dict[str, str]:
    """Read a door's stub as Python, which the door itself does not."""
    nodes = ast.parse(Path(str(door.__file__)).with_suffix(".pyi").read_text(encoding="utf-8")).body
    return {
        alias.asname or "": node.module or ""
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize(("door", "least"), [(ls, 50), (ls.finance, 25), (ls.plots, 20)])
def test_completion_shows_the_table(door: ModuleType, least: int) -> None:
    assert dir(door) == sorted(table(door)) == sorted(door.__all__)
    assert len(dir(door)) == len(set(dir(door))) > least


@pytest.mark.parametrize("door", [ls.finance, ls.plots])
def test_every_name_of_a_room_loads_from_where_type_checkers_see_it(door: ModuleType) -> None:
    for name, module in table(door).items():
        found = getattr(door, name)
        assert found is getattr(sys.modules[module], name)


@pytest.mark.parametrize("name", sorted(table()))
def test_every_public_name_loads_from_where_type_checkers_see_it(name: str) -> None:
    found, module = getattr(ls, name), table()[name]
    if name in ROOMS_OF_THEIR_OWN:
        assert found is sys.modules[f"{module}.{name}"]
    else:
        assert found is getattr(sys.modules[module], name)


def test_no_public_name_hides_a_room() -> None:
    rooms = {path.stem for path in Path(ls.__file__).parent.iterdir()} - ROOMS_OF_THEIR_OWN
    assert not rooms & set(ls.__all__)


def test_a_name_that_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="simulat"):
        _ = ls.simulat  # type: ignore[attr-defined]


def deep_imports(text: str) -> list[str]:
    """Find imports that go behind the door; ``from lambdasim import finance`` does not."""
    return re.findall(r"(?:from|import) lambdasim\.[\w.]+", text)


@pytest.mark.parametrize("path", SHOWN_TO_USERS, ids=lambda path: path.name)
def test_what_users_are_shown_needs_no_deep_import(path: Path) -> None:
    assert not deep_imports(path.read_text(encoding="utf-8"))


def test_a_deep_import_would_be_seen() -> None:
    assert deep_imports(">>> from lambdasim.specs.base import revised\n>>> import lambdasim as ls")
    assert not deep_imports("from lambdasim import finance")


@pytest.mark.parametrize("path", SHOWN_TO_USERS, ids=lambda path: path.name)
def test_every_name_that_users_are_shown_is_public(path: Path) -> None:
    names = set(re.findall(r"\bls\.(\w+)", path.read_text(encoding="utf-8")))
    assert names <= set(ls.__all__)


def test_the_import_loads_nothing_heavy() -> None:
    heavy = {"numpy", "pandas", "matplotlib", "numba", "simpy", "scipy", "pydantic", "yaml", "typer"}
    code = "import lambdasim, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(loaded.stdout.split())
    assert {name for name in loaded.stdout.split() if name.startswith("lambdasim.")} == {
        "lambdasim.door",
        "lambdasim.version",
    }
