"""All commands have one form: options of one name in one order, help in groups, and each says what it wrote."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import program
import pytest
from typer.main import get_command

from lambdasim.cli import app
from lambdasim.cli.group import ORDER
from lambdasim.manifest import MANIFEST

TAIL = ["out", "force", "yes", "as_json", "workers", "dask", "resume", "engine"]
SMALL = """name: small
start: 2026-11-01T00:00:00Z
duration: 10min
functions:
  - {name: f, memory_mb: 512, timeout: 30s, work: {cpu_ms: 50}, traffic: {poisson: {rate_per_s: 1}}}
"""
LOGS = "data/report_logs/aws_2rps_cloudwatch.json"


def lambdasim(*arguments: object) -> CompletedProcess[str]:
    return program.lambdasim(*arguments, COLUMNS="80")


def leaves(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(leaves(get_command(app)))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def run(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    done = lambdasim("simulate", small, "-o", out)
    assert done.returncode == 0, done.stderr
    assert said(done.stdout) == there(out)
    return out


def there(folder: Path) -> set[Path]:
    """Return the files of a folder, apart from the list of them that each folder has."""
    return {path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST}


def said(text: str) -> set[Path]:
    """Read which files a command says it wrote."""
    paths: list[Path] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("wrote "):
            first = Path(line.removeprefix("wrote "))
            paths.append(first)
            beside = ""
            for following in lines[number + 1 :]:
                if not following.startswith("  "):
                    break
                beside += " " + following.strip()
            names = beside.strip().removeprefix("and beside it ").split(",")
            paths += [first.parent / name.strip() for name in names if name.strip()]
    return set(paths)


def test_help_lists_every_command_in_the_order_of_the_work() -> None:
    text = lambdasim("-h").stdout
    assert text == lambdasim("--help").stdout
    headings = [line.removesuffix(":") for line in text.splitlines() if line.endswith(":")]
    assert headings[1:] == list(ORDER)
    listed = [line.split()[0] for line in text.split("--help")[1].splitlines() if line.startswith("  ")]
    ordered = [name for names in ORDER.values() for name in names if name in listed]
    assert [name for name in listed if name in ordered] == ordered
    assert set(get_command(app).commands) == set(ordered)  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_short_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app([*name.split(), "-h"])
    assert ended.value.code == 0
    assert "-h, --help" in capsys.readouterr().out
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_common_options_stand_in_one_order_at_the_end(name: str) -> None:
    options = [param.name for param in COMMANDS[name].params if param.param_type_name == "option"]
    common = [option for option in options if option in TAIL]
    assert options[len(options) - len(common) :] == common == [one for one in TAIL if one in common]


def test_options_of_one_name_are_of_one_kind() -> None:
    kinds: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        context = command.make_context(name, [], resilient_parsing=True)
        for param in command.params:
            if param.param_type_name == "option":
                form = param.get_help_record(context)[0].replace(" range>", ">")
                kinds.setdefault(param.opts[-1], set()).add(form)
    assert not {option: forms for option, forms in kinds.items() if len(forms) > 1}


def test_out_is_a_folder_everywhere() -> None:
    for name, command in COMMANDS.items():
        for param in command.params:
            if param.name == "out":
                assert param.opts == ["-o", "--out"], name
                assert param.help.startswith("Folder for "), name


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("simulat",), "'simulate'"),
        (("sweep",), "'sweep-memory'"),
        (("prices", "shwo"), "'show'"),
        (("bill", "comapre"), "'compare'"),
        (("limits", "x.yaml", "--ingore", "a"), "--ignore"),
        (("simulate", "x.yaml", "--ouut", "a"), "--out"),
    ],
)
def test_what_is_mistyped_gets_a_suggestion(arguments: tuple[str, ...], meant: str) -> None:
    done = lambdasim(*arguments)
    assert done.returncode == 2
    assert meant in done.stderr.splitlines()[-1]


def test_a_folder_that_is_missing_is_no_mistyped_command() -> None:
    done = lambdasim("bill", "out/october")
    assert done.returncode == 2
    assert "out/october" in done.stderr
    assert "Did you mean" not in done.stderr


def test_completion_installs_and_completes(tmp_path: Path) -> None:
    where = {"HOME": str(tmp_path), "SHELL": "/bin/bash", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "lambdasim", "--install-completion", "bash"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | where)
    assert done.returncode == 0, done.stderr
    assert any("complete" in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    asked = {"COMP_WORDS": "lambdasim sw", "COMP_CWORD": "1"}
    program = "from lambdasim.cli import app; app(prog_name='lambdasim')"
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | asked | {"_LAMBDASIM_COMPLETE": "complete_bash"},
    )
    assert found.stdout.split() == ["sweep-memory"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("sweep-memory", "{s}", "--sizes", "256,512", "--replications", "2"),
        ("compare", "{s}", "{s}", "--replications", "2"),
        ("limits", "{s}", "--multiples", "1", "--replications", "2"),
        ("break-even", "{s}", "--multiple", "1", "--replications", "2"),
        ("platforms", "{s}", "--replications", "1"),
        ("safety", "{s}"),
        ("calibrate", LOGS),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_folder_holds_what_the_command_says(
    small: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    words = [word.format(s=small) for word in arguments]
    done = lambdasim(*words, "-o", tmp_path / "text")
    assert done.returncode == 0, done.stderr
    assert said(done.stdout) == there(tmp_path / "text")
    done = lambdasim(*words, "-o", tmp_path / "json", "--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    assert said(done.stderr) == there(tmp_path / "json")


def test_json_alone_draws_no_picture(small: Path, run: Path) -> None:
    """What matplotlib would draw needs matplotlib, which is not even loaded; so this needs a process of its own."""
    commands = (
        ("simulate", small),
        ("sweep-memory", small, "--sizes", "256,512", "--replications", 2),
        ("compare", small, small, "--replications", 2),
        ("limits", small, "--multiples", 1, "--replications", 2),
        ("break-even", small, "--multiple", 1, "--replications", 2),
        ("platforms", small, "--replications", 1),
        ("bill", run),
        ("bill", "compare", "data/finance/cur2_layout.csv", run),
        ("calibrate", LOGS),
    )
    program = """
import json, sys
from lambdasim.cli import app
for words in json.load(sys.stdin):
    app(words, standalone_mode=False)
    print("-----")
    assert "matplotlib" not in sys.modules, words
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([[*map(str, words), "--json"] for words in commands]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split("-----\n")
    assert len(answers) == len(commands) + 1
    for answer in answers[:-1]:
        json.loads(answer)


def test_files_have_options_of_their_own_names(run: Path, tmp_path: Path) -> None:
    focus, book, usage = tmp_path / "f.csv", tmp_path / "b.xlsx", tmp_path / "u.yml"
    done = lambdasim("bill", run, "--focus", focus, "--xlsx", book, "--infracost", usage)
    assert done.returncode == 0, done.stderr
    assert said(done.stdout) == {focus, book, usage} == there(tmp_path)
    sheets = tmp_path / "sheets.json"
    done = lambdasim("prices", "refresh", "--from", "data/finance/price_list_layout.json", "--sheets", sheets)
    assert said(done.stdout) == {sheets}
    assert sheets.exists()
    scenario = tmp_path / "own" / "fitted.yaml"
    done = lambdasim("calibrate", LOGS, "--scenario", scenario)
    assert done.returncode == 0, done.stderr
    assert said(done.stdout) == there(scenario.parent) >= {scenario}


def test_too_little_memory_is_told_without_a_traceback(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wants_more(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("lambdasim.load_scenario", wants_more)
    told = lambdasim("validate", small)
    assert told.returncode == 1
    assert told.stderr.startswith("there is not enough memory for this")


def test_a_file_as_folder_is_refused_with_the_right_option() -> None:
    done = lambdasim("calibrate", LOGS, "-o", "fitted.yaml")
    assert done.returncode == 2
    assert "--scenario fitted.yaml" in done.stderr
    assert len(done.stderr.splitlines()) == 1
