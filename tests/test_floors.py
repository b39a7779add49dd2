"""The house: imports only go down, no circle anywhere, rooms stay small; and each check fails where it should."""

import ast
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lambdasim

PACKAGE = Path(lambdasim.__file__).parent
# From the ground up. Rooms that share a floor know nothing of each other; "" is the public door.
FLOORS = (
    ("wording", "units", "version", "compiling", "abandoning"),
    ("errors",),
    ("arguments", "atomic", "manifest"),
    ("outputs", "yaml_text", "door"),
    ("catalog", "views"),
    ("specs",),
    ("draws",),
    ("traffic",),
    ("models",),
    ("engine",),
    ("billing",),
    ("results",),
    ("study", "finance"),
    ("calibration", "templates"),
    ("plots",),
    ("report",),
    ("",),
    ("cli",),
    ("__main__",),
)
BELOW_BILLING = {"errors", "units", "wording", "views", "catalog", "specs"}
MOST_MODULES = 15
Graph = Mapping[str, set[str]]


def modules_of(package: Path) -> dict[str, Path]:
    """Return the modules below a package, by dotted name without the package's own."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, package: Path, modules: Iterable[str]) -> set[str]:
    """Return what a module imports of its package, in whatever form: inside a function, for types, by name."""
    known = set(modules)
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom():
                assert node.level == 0, f"{path}: imports are absolute"
                home = node.module or ""
                names += [f"{home}.{alias.name}" for alias in node.names]
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(str(name)), *_]
            ):
                if called in {"import_module", "__import__"}:
                    names.append(name)
            case _:
                pass
    found = set()
    for name in names:
        first, *rest = name.split(".")
        if first == package.name:
            # The longest part that is a module: the rest are names inside it.
            found.add(next(m for n in range(len(rest), -1, -1) if (m := ".".join(rest[:n])) in known))
    return found


@cache
def graph_of(package: Path) -> Graph:
    """Return each module with what it imports of its package; the package's own module, the door, is left out."""
    modules = modules_of(package)
    every = {name: imports_of(path, package, modules) for name, path in modules.items() if name}
    # A room's __init__ may gather names of its own modules; they may not know it.
    return {name: found - {name} for name, found in every.items()}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def upward_imports(graph: Graph, floors: tuple[tuple[str, ...], ...]) -> list[str]:
    """Return each import that goes up, or to another room of the same floor."""
    level = {name: number for number, floor in enumerate(floors) for name in floor}
    return [
        f"{module} -> {other or 'the public door'}"
        for module, others in graph.items()
        for other in sorted(others)
        if room(other) != room(module) and level.get(room(other), len(floors)) >= level[room(module)]
    ]


def circle_of(graph: Graph) -> list[str]:
    """Return a circle of imports, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def folder_graphs(graph: Graph) -> dict[str, dict[str, set[str]]]:
    """Return for each folder which of its children imports which; a child is a module or a folder within."""
    found: dict[str, dict[str, set[str]]] = {}
    for module, others in graph.items():
        mine = module.split(".")
        for other in others:
            theirs = other.split(".")
            depth = next((n for n, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), None)
            if depth is not None:
                children = found.setdefault(".".join(mine[:depth]), {})
                children.setdefault(mine[depth], set()).add(theirs[depth])
    return found


def circles(package: Path) -> list[str]:
    graph = graph_of(package)
    found = [" -> ".join(circle)] if (circle := circle_of(graph)) else []
    for folder, children in folder_graphs(graph).items():
        if circle := circle_of(children):
            found.append(f"in {folder or package.name}: {' -> '.join(circle)}")
    return found


def crowded_folders(package: Path) -> list[str]:
    folders = {path.parent for path in package.rglob("*.py")}
    sizes = {
        folder: len([path for path in folder.glob("*.py") if path.stem != "__init__"]) for folder in folders
    }
    return [f"{folder.name}: {size} modules" for folder, size in sizes.items() if size > MOST_MODULES]


def test_imports_only_go_down() -> None:
    assert not upward_imports(graph_of(PACKAGE), FLOORS)


def test_no_circle_of_modules_or_folders() -> None:
    assert not circles(PACKAGE)


def test_studies_know_nothing_of_each_other() -> None:
    between = folder_graphs(graph_of(PACKAGE))["study"]
    rooms = {path.name for path in (PACKAGE / "study").iterdir() if path.is_dir()}
    assert not [
        (name, others & rooms) for name, others in between.items() if name in rooms and others & rooms
    ]


def test_billing_knows_no_engine() -> None:
    graph = graph_of(PACKAGE)
    found = {room(other) for module, others in graph.items() if room(module) == "billing" for other in others}
    assert found - {"billing"} <= BELOW_BILLING


def test_every_room_has_a_floor() -> None:
    named = [name for floor in FLOORS for name in floor]
    assert sorted(named) == sorted({"", *map(room, graph_of(PACKAGE))})


def test_rooms_are_small() -> None:
    assert not crowded_folders(PACKAGE)


def test_no_module_is_a_drawer() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert not [path for path in lengths if path.stem in {"utils", "helpers", "misc", "common"}]
    assert sorted(lengths.values())[len(lengths) // 2] < 200
    assert max(lengths.values()) < 500


def test_test_modules_have_names_of_their_own() -> None:
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert len(names) == len(set(names))


Plant = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write a small package: a ground floor, two rooms above it, and whatever a test adds."""

    def write(extra: Mapping[str, str]) -> Path:
        files = {
            "__init__.py": "",
            "ground.py": "X = 1\n",
            "left/__init__.py": "",
            "left/a.py": "",
            "left/b.py": "",
        }
        files |= {"right/__init__.py": "", "right/c.py": "from house.ground import X\n", **extra}
        for name, text in files.items():
            path = tmp_path / "house" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "house"

    return write


SMALL_HOUSE = (("ground",), ("left", "right"))


def test_a_sound_house_passes(plant: Plant) -> None:
    package = plant({"left/a.py": "from house.left.b import y\nfrom house import ground\n"})
    assert not upward_imports(graph_of(package), SMALL_HOUSE)
    assert not circles(package)
    assert not crowded_folders(package)


@pytest.mark.parametrize(
    "line",
    [
        "import house.left.a",
        "import house.left.a as a",
        "from house import left",
        "from house.left import a",
        "from house.left.a import z",
        "def f():\n    from house.left import a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import house.left",
        "from importlib import import_module\nimport_module('house.left.a')",
        "import importlib\nimportlib.import_module('house.left')",
        "__import__('house.left')",
    ],
)
def test_an_import_upward_is_seen_in_every_form(plant: Plant, line: str) -> None:
    upward = upward_imports(graph_of(plant({"ground.py": line})), SMALL_HOUSE)
    assert len(upward) == 1
    assert upward[0].startswith("ground -> left")


def test_the_door_may_not_be_imported_from_inside(plant: Plant) -> None:
    assert upward_imports(graph_of(plant({"left/a.py": "import house"})), SMALL_HOUSE) == [
        "left.a -> the public door"
    ]


def test_a_relative_import_is_refused(plant: Plant) -> None:
    with pytest.raises(AssertionError, match="absolute"):
        graph_of(plant({"left/a.py": "from . import b"}))


def test_a_room_beside_is_not_below(plant: Plant) -> None:
    package = plant({"left/a.py": "from house.right.c import X"})
    assert upward_imports(graph_of(package), SMALL_HOUSE) == ["left.a -> right.c"]


def test_a_circle_of_modules_is_seen(plant: Plant) -> None:
    package = plant({"left/a.py": "import house.left.b", "left/b.py": "def f():\n    import house.left.a"})
    assert any("left.a" in circle for circle in circles(package))


def test_a_circle_of_folders_is_seen_where_modules_have_none(plant: Plant) -> None:
    package = plant(
        {
            "left/one/__init__.py": "",
            "left/one/p.py": "from house.left.two import q",
            "left/one/r.py": "",
            "left/two/__init__.py": "",
            "left/two/q.py": "",
            "left/two/s.py": "from house.left.one import r",
        }
    )
    assert not circle_of(graph_of(package))
    assert circles(package) == ["in left: one -> two -> one"] or circles(package) == [
        "in left: two -> one -> two"
    ]


def test_a_crowded_folder_is_seen(plant: Plant) -> None:
    names = {f"right/m{number}.py": "" for number in range(MOST_MODULES)}
    assert crowded_folders(plant(names)) == [f"right: {MOST_MODULES + 1} modules"]
