"""What is written otherwise than by an option: a first scenario, its notebook, requests, finished points, a refresh."""

import os
import resource
from pathlib import Path

import pytest
from writers import SCENARIO, TEMPLATE, TRACE, lambdasim

VICTIM = b"not ours\n"
WRITERS = {
    "init": ("init {place}/out/a.yaml", "a.yaml"),
    "init --example": ("init --example java_snapstart", "java_snapstart.yaml"),
    "init --notebook": ("init {place}/out/a.yaml --notebook", "my_scenario.ipynb"),
    "import aws --commands": ("import aws {place}/out --commands --until 2026-11-01", "lambda.json"),
    "import --refresh": ("import {place}/template.yaml --refresh -o {place}/out", "scenario.yaml"),
    "--resume": ("compare {place}/s.yaml {place}/longer.yaml --replications 2 --resume {place}/out", ""),
}
EXPORT = """{"Functions": [{"FunctionName": "f", "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
"Runtime": "python3.12", "MemorySize": 512, "Timeout": 3,
"Architectures": ["x86_64"], "PackageType": "Zip", "CodeSize": 1}]}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands read; an example is written where one is."""
    for name, duration in (("s", "2min"), ("longer", "3min")):
        (tmp_path / f"{name}.yaml").write_text(SCENARIO.format(duration=duration))
    (tmp_path / "trace.csv").write_text(TRACE)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    return tmp_path


def ready(writer: str, place: Path) -> str:
    """Make what the writer needs in its folder, and give its command."""
    if writer == "import --refresh":
        assert lambdasim(f"import {place}/template.yaml -o {place}/out").returncode == 0
        (place / "template.yaml").write_text((place / "template.yaml").read_text().replace("256", "512"))
    if writer == "import aws --commands":
        (place / "out" / "functions.json").write_text(EXPORT)
    return WRITERS[writer][0].format(place=place)


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("writer", WRITERS)
def test_it_writes_and_leaves_no_unfinished_file(writer: str, place: Path) -> None:
    command, before = ready(writer, place), state(place / "out")
    done = lambdasim(command)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done
    after = state(place / "out")
    assert after != before
    assert not [name for name in after if name.endswith(".tmp")]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_leaves_what_was_there(writer: str, place: Path) -> None:
    command, before = ready(writer, place), state(place / "out")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limits[1]))
    try:
        done = lambdasim(command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (done.returncode, done.stderr.endswith("File too large\n")) == (1, True), done
    assert state(place / "out") == before


@pytest.mark.parametrize("writer", [name for name, (_, file) in WRITERS.items() if file])
def test_no_link_is_followed(writer: str, place: Path) -> None:
    command, file = ready(writer, place), place / "out" / WRITERS[writer][1]
    if writer == "import aws --commands":
        done = lambdasim(command)
        file = max((place / "out").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        assert done.returncode == 0
    file.unlink(missing_ok=True)
    for there in (False, True):
        outside = place / "outside"
        if there:
            outside.write_bytes(VICTIM)
        file.symlink_to(outside)
        done = lambdasim(command)
        assert done.returncode in (1, 2), done
        assert "Traceback" not in done.stderr
        assert outside.exists() == there
        assert not there or outside.read_bytes() == VICTIM
        file.unlink()


@pytest.mark.parametrize("writer", ["import --refresh", "--resume", "import aws --commands"])
def test_no_folder_is_a_link(writer: str, place: Path) -> None:
    command = ready(writer, place)
    os.rename(place / "out", place / "other")
    (place / "out").symlink_to(place / "other")
    before = state(place / "other")
    done = lambdasim(command)
    assert (done.returncode, "is a link; name the folder itself" in done.stderr) == (2, True), done
    assert state(place / "other") == before


def test_a_file_that_is_there_is_not_replaced(place: Path) -> None:
    for writer in ("init", "init --example"):
        (place / "out" / WRITERS[writer][1]).write_bytes(VICTIM)
        done = lambdasim(WRITERS[writer][0].format(place=place))
        assert (done.returncode, "is there already and is not replaced" in done.stderr) == (2, True)
        assert (place / "out" / WRITERS[writer][1]).read_bytes() == VICTIM
