"""Compiled code that is kept on disk: whatever happens to the files, the function gives what it should."""

import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from lambdasim.compiling import compiled_and_kept, fingerprint, reached
from lambdasim.engine.kernel.plain.advance import advance


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


CHAIN = {
    "outer.py": "from chain import middle\n\ndef step(n):\n    return middle.twice(n) + middle.MORE\n",
    "middle.py": "from chain.inner import plus\nfrom chain.numbers import MORE\n\ndef twice(n):\n    return plus(n, n)\n",
    "inner.py": "def plus(n, m):\n    return n + m\n",
    "numbers.py": "MORE = 3\nUNUSED = 4\n",
    "other.py": "def unrelated(n):\n    return n\n",
}


def key_of_chain(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: str) -> str:
    (folder / "chain").mkdir(exist_ok=True)
    for name, source in {**CHAIN, **{f"{name}.py": text for name, text in changes.items()}}.items():
        (folder / "chain" / name).write_text(source, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(sys, "dont_write_bytecode", True)
        for name in [name for name in sys.modules if name.partition(".")[0] == "chain"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return fingerprint(importlib.import_module("chain.outer").step)


def test_a_change_anywhere_in_the_chain_changes_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of_chain(tmp_path, monkeypatch)
    assert key_of_chain(tmp_path, monkeypatch) == key
    assert key_of_chain(tmp_path, monkeypatch, inner="def plus(n, m):\n    return n - m\n") != key
    assert key_of_chain(tmp_path, monkeypatch, numbers="MORE = 2\n") != key
    assert key_of_chain(tmp_path, monkeypatch, numbers="MORE = 3\nUNUSED = 5\n") == key
    assert key_of_chain(tmp_path, monkeypatch, other="def unrelated(n):\n    return -n\n") == key


def test_the_engines_key_reaches_draws_the_calendar_rates_and_words() -> None:
    files, constants = reached(advance)
    assert {Path(file).stem for file in files} >= {"steps", "calendar", "draws", "compiled", "state"}
    assert {name.partition("=")[0] for name in constants} >= {
        "NEVER",
        "NS_PER_US",
        "COLD",
        "_MULTIPLY_1",
        "FIXED_POINT_BITS",
    }
