"""No command that writes follows a link, replaces an input or a file of others, or leaves half of its files.

The cases come from the table of commands: one that is new and writes has to be in ``writers.ARGUMENTS``.
"""

import os
import resource
import shutil
from pathlib import Path

import program
import pytest
from writers import (
    ARGUMENTS,
    DERIVED,
    ENDINGS,
    FOLDERS,
    GROUPS,
    OTHER_WRITERS,
    WRITES_NOTHING,
    commands,
    inputs,
    lambdasim,
    writers,
)  # fmt: skip

from lambdasim.manifest import MANIFEST

READS = {
    "scenario", "scenarios", "history", "sources", "folder", "folders", "actual", "source", "effect_on", "price_book",
    "price_sheet", "usage", "exports", "before", "after", "template",
}  # fmt: skip
POINTS = {"resume"}
REFUSALS = (
    "is an input of this command",
    "did not write",
    "was changed since it was imported",
    "is part of another result",
)
VICTIM = b"not ours\n"
every_writer = pytest.mark.parametrize("writer", sorted(ARGUMENTS), ids=" ".join)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    inputs(place)
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy of all inputs."""
    return shutil.copytree(made, tmp_path / "place")


def target(writer: tuple[str, str], where: Path) -> tuple[Path, Path]:
    """Say what to give the option, and one file that is written then."""
    if writer in FOLDERS:
        return where / "out", where / "out" / FOLDERS[writer]
    given, written = DERIVED.get(writer, (ENDINGS[writer[1]],) * 2)
    return where / "out" / given, where / "out" / written


def run(writer: tuple[str, str], place: Path, output: Path, more: str = "") -> tuple[int, str]:
    done = lambdasim(f"{ARGUMENTS[writer].format(place=place)} {output} {more}")
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_command_that_writes_is_here() -> None:
    assert writers() == set(ARGUMENTS)


def test_every_other_command_is_known_to_write_nothing_or_is_tested_by_itself() -> None:
    """So that a new command that writes by an argument cannot be forgotten; see test_other_writers."""
    assert set(commands()) - {name for name, _ in writers()} == WRITES_NOTHING | OTHER_WRITERS


def test_every_parameter_that_names_a_file_is_read_or_written() -> None:
    """A parameter that holds a path is listed as one or the other, or the tests above would not see it."""
    for group in GROUPS.values():
        for command in group.registered_commands:
            assert command.callback is not None
            for name, kind in command.callback.__annotations__.items():
                if "pathlib" in str(kind):
                    assert name in READS | POINTS | {one for _, one in ARGUMENTS}, (command.name, name)
    assert any("force" in names for names in commands().values())


@every_writer
def test_a_file_of_others_stays_and_our_own_is_written_again(writer: tuple[str, str], place: Path) -> None:
    """The life of a place: another's file, ours, ours again, edited by hand, no room on the disk, force."""
    output, file = target(writer, place)
    file.parent.mkdir()
    file.write_bytes(VICTIM)
    status, told = run(writer, place, output)
    assert (status, contents(place / "out")) == (2, {file.name: VICTIM})
    assert f"\n{file}: " in f"\n{told}"
    assert "lambdasim did not write" in told or "was changed since it was imported" in told
    assert run(writer, place, output, "--force")[0] == 0
    first = contents(place / "out")
    assert first[file.name] != VICTIM
    assert MANIFEST in first

    file.write_bytes(VICTIM)
    status, told = run(writer, place, output)
    assert (status, contents(place / "out")) == (2, first | {file.name: VICTIM})
    assert "changed since lambdasim wrote it" in told or "was changed since it was imported" in told
    file.write_bytes(first[file.name])

    outside = place / "outside"
    outside.write_bytes(VICTIM)
    for name in (".records.parquet.partial", f".{file.name}.partial", f".{file.name}.tmp"):
        (file.parent / name).symlink_to(outside)
    assert run(writer, place, output)[0] == 0
    for link in file.parent.glob(".*"):
        link.unlink()
    assert contents(place / "out") == first
    assert outside.read_bytes() == VICTIM

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        status, told = run(writer, place, output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (status, contents(place / "out")) == (1, first)
    assert told.endswith("File too large\n")


@every_writer
def test_no_link_is_followed(writer: tuple[str, str], place: Path) -> None:
    """Neither in the place of the file, nor of the manifest, nor with force."""
    output, file = target(writer, place)
    outside = place / "outside"
    outside.write_bytes(VICTIM)
    file.parent.mkdir()
    for name in (file.name, MANIFEST):
        link = file.parent / name
        link.symlink_to(outside)
        for more in ("", "--force"):
            status, told = run(writer, place, output, more)
            assert (status, outside.read_bytes()) == (2, VICTIM)
            assert told == f"{link}: cannot be written: is a link\n"
        link.unlink()
        assert not contents(file.parent)


@pytest.mark.parametrize("writer", sorted(FOLDERS), ids=" ".join)
def test_no_folder_is_a_link(writer: tuple[str, str], place: Path) -> None:
    """Neither to a folder nor to nothing; a link above it is the user's own way."""
    output, _ = target(writer, place)
    other = place / "other"
    for there in (False, True):
        if there:
            other.mkdir()
        output.symlink_to(other)
        for more in ("", "--force"):
            status, told = run(writer, place, output, more)
            assert (status, told) == (
                2,
                f"{output}: cannot be written: is a link; name the folder itself, {other.resolve()}\n",
            )
        output.unlink()
    assert not contents(other)


@every_writer
def test_what_is_no_file_is_not_replaced(writer: tuple[str, str], place: Path) -> None:
    output, file = target(writer, place)
    file.parent.mkdir()
    os.mkfifo(file)
    assert run(writer, place, output) == (2, f"{file}: cannot be written: is no regular file\n")
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    file.unlink()
    file.mkdir()
    assert run(writer, place, output) == (2, f"{file}: cannot be written: is a folder\n")


@every_writer
def test_no_input_is_replaced(writer: tuple[str, str], place: Path) -> None:
    """Each input by its own name, by a hard link in the output's place, and where lambdasim wrote it once."""
    output, file = target(writer, place)
    words = ARGUMENTS[writer].format(place=place).split()
    read = [Path(word) for word in words if word.startswith(str(place))]
    read += [place / "trace.csv"] if place / "s.yaml" in read else []
    parts = [one for path in read for one in ([path / "usage.json"] if path.is_dir() else [path])]
    file.parent.mkdir()
    for part in parts:
        before = part.read_bytes()
        if writer not in FOLDERS and writer not in DERIVED:
            status, told = run(writer, place, part)
            assert (status, part.read_bytes()) == (2, before), part
            assert any(one in told for one in REFUSALS)
        os.link(part, file)
        status, told = run(writer, place, output)
        assert (status, part.read_bytes()) == (2, before), part
        assert any(one in told for one in REFUSALS)
        file.unlink()


def test_two_outputs_of_one_command_are_two_files(tmp_path: Path, place: Path) -> None:
    """Before the first is written: half a result would look like a whole one."""
    written = tmp_path / "w.csv"
    options = ["--focus", str(written), "--xlsx", str(tmp_path / "x" / ".." / "w.csv")]
    told = program.lambdasim("bill", place / "run", *options)
    assert told.returncode == 2
    assert "--xlsx: must be another file than that of --focus" in told.stderr
    assert not written.exists()


@pytest.mark.parametrize("writer", sorted(set(ARGUMENTS) - set(DERIVED)), ids=" ".join)
def test_a_device_is_no_place_for_a_file(writer: tuple[str, str], place: Path) -> None:
    status, told = run(writer, place, Path("/dev/full"))
    assert status in (1, 2)
    assert told in (
        "/dev/full: cannot be written: is no regular file\n",
        "/dev/full: must be a folder, and is a file\n",
    )


@every_writer
def test_a_place_where_nothing_can_be_made_is_named(writer: tuple[str, str], place: Path) -> None:
    """The kernel lets nobody make files there, root neither."""
    output, _ = target(writer, Path("/proc/self"))
    status, told = run(writer, place, output)
    assert status == 1
    assert told.startswith("/proc/self/out")
    assert len(told.splitlines()) == 1


@every_writer
def test_two_writers_do_not_share_a_folder(writer: tuple[str, str], place: Path) -> None:
    """The other holds the folder in a process of its own, and lets go when it is killed."""
    import signal
    import subprocess
    import sys

    from lambdasim import outputs

    output, file = target(writer, place)
    file.parent.mkdir()
    holder = (
        "import sys,time\nfrom pathlib import Path\nfrom lambdasim.outputs import claimed\n"
        f"with claimed(Path({str(file.parent)!r})):\n print('held', flush=True)\n time.sleep(600)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    patience, outputs._PATIENCE_S = outputs._PATIENCE_S, 0.1  # type: ignore[misc]
    try:
        status, told = run(writer, place, output)
    finally:
        outputs._PATIENCE_S = patience  # type: ignore[misc]
        other.send_signal(signal.SIGKILL)
        other.wait()
        other.stdout.close()
    assert (status, contents(place / "out")) == (2, {})
    assert told == f"{file.parent}: is being written by another lambdasim; wait, or write elsewhere\n"
