"""A folder whose files were not written together is refused by name, by all that read it; a killed writer shows."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from writers import lambdasim

import lambdasim as ls
from lambdasim import finance
from lambdasim.errors import InputError
from lambdasim.manifest import MANIFEST
from lambdasim.outputs import OutputFolder
from lambdasim.results.files.saved import PARTS, RUN, check_run_folder

QUEUE = (
    "{name: q, start: '2026-11-01T00:00:00Z', duration: 10m, functions: [{name: f, runtime: python3.12, timeout: 10s,"
    " work: {io_ms: 20}, trigger: {type: sqs}, traffic: {constant: {rate_per_s: 0.%d}}, calls: [{function: g}]},"
    " {name: g, work: {io_ms: 5}, trigger: {type: sdk}}, {name: m, memory_mb: 2048, runtime: python3.12,"
    " architecture: arm64, managed_instances: {instance_type: m7g.large, min_environments: %d}, work: {io_ms: 5},"
    " traffic: {constant: {rate_per_s: 1}}}]}"
)
NAMES = ("scenario.json", "summary.json", "usage.json")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs that differ, of functions with a queue, with a call, and on managed instances: every part is there."""
    place = tmp_path_factory.mktemp("two")
    for name, number in (("one", 50), ("other", 80)):
        ls.save(ls.simulate(ls.load_scenario_text(QUEUE % (number, number))), place / name)
    return place / "one", place / "other"


READERS: dict[str, Callable[[Path], object]] = {
    "load_usage": ls.load_usage,
    "load_run": ls.load_run,
    "of_folders": lambda folder: finance.OwnedRuns.of_folders([folder]).usage,
    "origin": finance.Origin.of_folder,
    "price date": finance.scenario_price_date,
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("reader", READERS)
def test_a_part_of_another_run_is_refused_by_name(
    two: tuple[Path, Path], tmp_path: Path, part: str, reader: str
) -> None:
    mixed = shutil.copytree(two[0], tmp_path / "mixed")
    READERS[reader](mixed)
    shutil.copyfile(two[1] / part, mixed / part)
    with pytest.raises(InputError, match=rf"{part}: is not as it was written"):
        READERS[reader](mixed)


@pytest.mark.parametrize("command", ["bill", "commit", "bill compare data/finance/cur2_layout.csv"])
def test_commands_refuse_it_with_one_sentence(two: tuple[Path, Path], tmp_path: Path, command: str) -> None:
    mixed = shutil.copytree(two[0], tmp_path / "mixed")
    shutil.copyfile(two[1] / "usage.json", mixed / "usage.json")
    done = lambdasim(f"{command} {mixed}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{mixed / 'usage.json'}: is not as it was written: another run's, or changed since; "
        "run `lambdasim simulate --out` again\n"
    )


def test_a_folder_without_its_manifest_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(two[0], tmp_path / "run")
    (folder / MANIFEST).unlink()
    with pytest.raises(InputError, match=f"{MANIFEST}: is missing"):
        ls.load_usage(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"written_by": "lambdasim"}', b'{"written_by": "me", "unfinished": [], "files": {}}',
     b'{"written_by": "lambdasim", "unfinished": [], "files": {"../usage.json": {"part_of": "run", "sha256": []}}}',
     b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_manifest_is_as_if_there_were_none(
    two: tuple[Path, Path], tmp_path: Path, content: bytes
) -> None:
    folder = shutil.copytree(two[0], tmp_path / "run")
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(InputError, match="is missing"):
        ls.load_usage(folder)
    with pytest.raises(InputError, match="did not write"):
        ls.save(ls.simulate(arrivals_s=[0], durations_ms=1), folder)


def test_a_manifest_reaches_no_other_folder(tmp_path: Path) -> None:
    """One that names files elsewhere is none, and nothing that it names is removed."""
    victim, folder = tmp_path / "victim.csv", tmp_path / "run"
    victim.write_bytes(b"1")
    with OutputFolder(folder, RUN) as place:
        place.add("a.csv", b"1")
    content = json.loads((folder / MANIFEST).read_text())
    content["files"]["../victim.csv"] = content["files"]["a.csv"]
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match="did not write"), OutputFolder(folder, RUN) as place:
        place.add("b.csv", b"2")
    assert victim.read_bytes() == b"1"


def test_what_an_earlier_run_left_and_this_one_has_not_goes(tmp_path: Path) -> None:
    """But not where it was edited since, and not what belongs to another result."""
    with OutputFolder(tmp_path, RUN) as place:
        for name in ("kept.csv", "stale.csv", "edited.csv"):
            place.add(name, b"1")
    with OutputFolder(tmp_path, "focus", whole=False) as place:
        place.add("bill.csv", b"1")
    (tmp_path / "edited.csv").write_bytes(b"2")
    with OutputFolder(tmp_path, RUN) as place:
        place.add("kept.csv", b"3")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bill.csv",
        "edited.csv",
        "kept.csv",
        MANIFEST,
    ]


def _write(folder: Path, content: bytes) -> None:
    with OutputFolder(folder, RUN) as place:
        for name in NAMES:
            place.add(name, content)


def _killed_at(step: int, folder: Path) -> bool:
    """Write in a process of its own that ends without a word at its n-th move of a file; say whether it came there."""
    child = os.fork()
    if not child:
        moves, move = 0, os.replace

        def one_less(*args: str) -> None:
            nonlocal moves
            if moves == step:
                os._exit(9)
            moves += 1
            move(*args)

        os.replace = one_less  # type: ignore[assignment]
        _write(folder, b"new")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_writer_killed_at_any_step_leaves_old_new_or_a_folder_that_says_so(
    tmp_path: Path, before: bytes | None
) -> None:
    seen, step = set(), 0
    while True:
        folder = tmp_path / str(step)
        if before is not None:
            _write(folder, before)
        killed = _killed_at(step, folder)
        found = {(folder / name).read_bytes() for name in NAMES if (folder / name).exists()}
        try:
            check_run_folder(folder)
            assert found in (({before} if before else set()), {b"new"})
            seen.add("whole")
        except InputError as error:
            seen.add("refused" if "was not written to its end" in str(error) else str(error))
        _write(folder, b"again")
        check_run_folder(folder)
        assert {(folder / name).read_bytes() for name in NAMES} == {b"again"}
        assert len(list(folder.iterdir())) == len(NAMES) + 1  # nothing lies about
        step += 1
        if not killed:
            break
    assert step == len(NAMES) + 3
    assert seen == {"whole", "refused"}
