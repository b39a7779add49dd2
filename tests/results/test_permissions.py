"""Files that may not be read or written end a command with one sentence that names them.

As root, what runs here runs without root's power to overlook permissions, so that nothing is skipped.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import program
import pytest

import lambdasim as ls

SCENARIO = """name: t
start: 2026-11-02T00:00:00Z
duration: 2min
functions: [{name: f, traffic: {constant: {rate_per_s: 1}}}]
"""
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION_3 = 0x20080522
PR_GET_SECUREBITS, PR_SET_SECUREBITS = 27, 28
NO_SETUID_FIXUP = 1 << 2  # else access(2) asks what root could take up again


class Whose(ctypes.Structure):
    """Whose capabilities, as the system asks: those of this thread."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


Sets = ctypes.c_uint32 * 6  # effective, permitted and inheritable, of capabilities 0 to 31 and of the others


def checked(number: int) -> int:
    if number < 0:
        raise OSError(ctypes.get_errno(), "capabilities")
    return number


@contextmanager
def permissions_obeyed() -> Iterator[None]:
    """Lay down for a while what lets root read and write everything; threads that begin in it do so too."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    whose, sets = Whose(CAPABILITY_VERSION_3, 0), Sets()
    checked(libc.capget(ctypes.byref(whose), sets))
    fewer = Sets(sets[0] & ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH), *sets[1:])
    bits = checked(libc.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0))
    checked(libc.prctl(PR_SET_SECUREBITS, bits | NO_SETUID_FIXUP, 0, 0, 0))
    checked(libc.capset(ctypes.byref(whose), fewer))
    try:
        yield
    finally:
        checked(libc.capset(ctypes.byref(whose), sets))
        checked(libc.prctl(PR_SET_SECUREBITS, bits, 0, 0, 0))


def lambdasim(*arguments: object) -> subprocess.CompletedProcess[str]:
    with permissions_obeyed():
        return program.lambdasim(*arguments)


def obey_permissions() -> None:
    """Give up what lets root read and write everything; holds from the next program on."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            checked(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))


def a_process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lambdasim", *map(str, arguments)],
        capture_output=True, text=True, check=False, preexec_fn=obey_permissions, env=os.environ | environment,
    )  # fmt: skip


def one_sentence(done: subprocess.CompletedProcess[str], status: int) -> str:
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    return done.stderr.strip()


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder, to be copied."""
    folder = tmp_path_factory.mktemp("simulated")
    ls.save(ls.simulate(ls.load_scenario_text(SCENARIO), keep_records=False), folder)
    return folder


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing may be written."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@pytest.mark.parametrize("command", ["validate", "simulate"])
def test_an_unreadable_scenario_is_named(command: str, scenario: Path) -> None:
    scenario.chmod(0)
    told = one_sentence(lambdasim(command, scenario), 2)
    assert told.endswith(f"path '{scenario}' is not readable.")


def test_an_unreadable_trace_is_named_with_its_line(scenario: Path) -> None:
    (scenario.parent / "t.csv").write_text("timestamp\n2026-11-02T00:00:00Z\n", encoding="utf-8")
    scenario.write_text(SCENARIO.replace("constant: {rate_per_s: 1}", "trace: t.csv"), encoding="utf-8")
    assert lambdasim("validate", scenario).returncode == 0
    (scenario.parent / "t.csv").chmod(0)
    told = one_sentence(lambdasim("validate", scenario), 2)
    assert told == f"{scenario}:4: functions.0.traffic.trace: must be a file that may be read, got 't.csv'"


def test_a_folder_in_which_nothing_may_be_written_is_named(scenario: Path, closed: Path) -> None:
    told = one_sentence(lambdasim("simulate", scenario, "--out", closed), 1)
    assert told == f"{closed}: Permission denied"
    told = one_sentence(lambdasim("simulate", scenario, "--out", closed / "new"), 1)
    assert told == f"{closed / 'new'}: Permission denied"
    told = one_sentence(lambdasim("simulate", scenario, "--replications", 2, "--resume", closed / "new"), 1)
    assert told == f"{closed / 'new'}: Permission denied"
    assert not list(closed.iterdir())


def test_a_file_in_the_place_of_the_folder_is_named(scenario: Path) -> None:
    told = one_sentence(lambdasim("simulate", scenario, "--out", scenario), 1)
    assert told == f"{scenario}: must be a folder, and is a file"


@pytest.mark.parametrize("option", ["--focus", "--xlsx", "--infracost"])
def test_a_file_that_may_not_be_written_is_named_and_not_the_one_beside_it(
    option: str, simulated: Path, closed: Path
) -> None:
    place = closed / {"--focus": "x.csv", "--xlsx": "x.xlsx", "--infracost": "x.yml"}[option]
    assert one_sentence(lambdasim("bill", simulated, option, place), 1) == f"{place}: Permission denied"


@pytest.mark.parametrize("name", ["usage.json", "summary.json"])
def test_an_unreadable_file_of_a_run_is_named(name: str, simulated: Path, tmp_path: Path) -> None:
    run = shutil.copytree(simulated, tmp_path / "run")
    (run / name).chmod(0)
    assert one_sentence(lambdasim("bill", run), 2) == f"{run / name}: cannot be read: Permission denied"


def test_neither_the_home_nor_the_package_need_be_writable(
    scenario: Path, closed: Path, tmp_path: Path
) -> None:
    package = tmp_path / "installed" / "lambdasim"
    shutil.copytree(Path(ls.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    out = tmp_path / "out"
    try:
        done = a_process(
            "simulate", scenario, "--out", out,
            HOME=str(closed), XDG_CACHE_HOME=str(closed), NUMBA_CACHE_DIR="", PYTHONPATH=str(package.parent),
        )  # fmt: skip
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert (out / "report.html").is_file()
    assert not list(package.rglob("__pycache__"))
