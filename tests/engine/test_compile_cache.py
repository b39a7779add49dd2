"""Compiled code that is kept on disk: whatever happens to the files, the function gives what it should."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from lambdasim.compiling import compiled_and_kept


def doubled(value: float) -> float:
    return value + value


def fresh() -> Any:
    """Compile as a new process would: what was compiled before is known from the disk alone."""
    return compiled_and_kept(doubled)


def kept(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.rglob(f"*doubled*{ending}"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(doubled, "__qualname__", "doubled")
    return tmp_path


def test_a_second_process_compiles_nothing(place: Path) -> None:
    assert fresh()(2) == 4
    again = fresh()
    assert again(2) == 4
    assert sum(again.stats.cache_hits.values()) == 1


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    path.write_bytes(b"\x00" * 500)


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", [cut, emptied, overwritten, made_a_folder])
def test_what_is_damaged_is_compiled_again(place: Path, damage: Callable[[Path], None], ending: str) -> None:
    assert fresh()(2) == 4
    (path,) = kept(place, ending)
    damage(path)
    assert fresh()(2) == 4


@pytest.mark.parametrize("damage", [cut, emptied, overwritten])
def test_what_was_compiled_again_is_kept_again(place: Path, damage: Callable[[Path], None]) -> None:
    assert fresh()(2) == 4
    damage(kept(place, ".nbc")[0])
    assert fresh()(2) == 4
    again = fresh()
    assert again(2) == 4
    assert sum(again.stats.cache_hits.values()) == 1


def test_code_for_other_arguments_under_the_same_number_is_not_taken(place: Path) -> None:
    assert fresh()(2) == 4
    assert fresh()(2.5) == 5.0
    whole, real = kept(place, ".nbc")
    shutil.copy(whole, real)
    assert fresh()(2.5) == 5.0
    assert fresh()(2) == 4


def test_a_place_that_is_gone_when_code_is_to_be_kept_is_no_matter(place: Path) -> None:
    step = fresh()
    shutil.rmtree(place)
    place.write_text("a file stands here", encoding="utf-8")
    assert step(2) == 4


def test_without_any_place_it_is_compiled_each_time(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_place(self: object) -> None:
        raise OSError

    monkeypatch.setattr(numba.core.caching._CacheLocator, "ensure_cache_path", no_place)
    assert fresh()(2) == 4
    assert not kept(place, "")
