"""The house: imports only go down, and modules stay small."""

import ast
from pathlib import Path

import pytest

import lambdasim

PACKAGE = Path(lambdasim.__file__).parent
FLOORS = {
    "door": 0, "version": 0, "errors": 0, "units": 0, "compiling": 0, "atomic": 0, "wording": 0, "views": 0, "catalog": 0,
    "specs": 1, "draws": 2, "traffic": 3, "models": 4, "engine": 5,
    "billing": 6, "results": 7, "study": 8, "finance": 8, "calibration": 9, "templates": 9, "plots": 10, "report": 11,
    "cli": 12, "__main__": 12,
}  # fmt: skip
OWN_TO_BILLING = {"errors", "units", "wording", "views", "catalog", "specs", "billing"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = [name.split(".") for name in names if name.startswith("lambdasim.")]
    return {part[1] for part in parts}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_go_down(path: Path) -> None:
    own = FLOORS[room_of(path)]
    upward = {room for room in rooms_imported(path) if FLOORS[room] > own}
    assert not upward


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_billing_knows_no_engine(path: Path) -> None:
    if room_of(path) == "billing":
        assert rooms_imported(path) <= OWN_TO_BILLING


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in MODULES} <= set(FLOORS)


def test_no_module_is_a_drawer() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert not [path for path in MODULES if path.stem in {"utils", "helpers", "misc", "common"}]
    assert sorted(lengths.values())[len(lengths) // 2] < 200
    assert max(lengths.values()) < 500


def test_test_modules_have_names_of_their_own() -> None:
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert len(names) == len(set(names))
