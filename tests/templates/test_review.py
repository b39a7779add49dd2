"""What a change of a template costs: the same traffic and work before and after, in the terminal and in an action."""
# ruff: noqa: E501

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml
from program import lambdasim

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.templates.review import reviewed

GIT = shutil.which("git") or "git"
ROOT = Path(__file__).parents[2]
BEFORE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 20, MemorySize: 512, Runtime: python3.12}}
Resources:
  Api: {Type: AWS::Serverless::Function, Properties: {Events: {Get: {Type: HttpApi}}}}
  Old: {Type: AWS::Serverless::Function, Properties: {Events: {T: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}}}}
"""
AFTER = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 20, MemorySize: 1024, Runtime: python3.12}}
Resources:
  Api: {Type: AWS::Serverless::Function, Properties: {Events: {Get: {Type: HttpApi}}, Timeout: 2}}
  New: {Type: AWS::Serverless::Function, Properties: {Events: {Get: {Type: HttpApi}}}}
"""
SCENARIO = """
name: today
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
functions:
  - name: Api
    memory_mb: 512
    timeout: 20s
    runtime: python3.12
    work: {io_ms: 250}
    trigger: {type: api_gateway_http}
    traffic: {constant: {rate_per_s: 3}}
"""


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "before.yaml").write_text(BEFORE)
    (tmp_path / "after.yaml").write_text(AFTER)
    return tmp_path / "before.yaml", tmp_path / "after.yaml"


def test_only_settings_differ(sides: tuple[Path, Path]) -> None:
    found = reviewed(*sides, ["Api=2/s", "New=1/s"])
    before, after = (found.scenarios[name].function("Api") for name in ("before", "after"))
    assert (before.memory_mb, after.memory_mb) == (512, 1024)
    # A shorter timeout alone would have led to a smaller guess.
    assert (before.work, before.traffic, before.init_ms) == (after.work, after.traffic, after.init_ms)
    assert [(one.function, one.setting, one.before, one.after) for one in found.changes] == [
        ("Api", "memory", "512 MB", "1,024 MB"), ("Api", "timeout", "20s", "2s"), ("New", "", "", "new"), ("Old", "", "there", "gone"),
    ]  # fmt: skip


def test_the_same_template_costs_the_same(sides: tuple[Path, Path]) -> None:
    found = reviewed(sides[0], sides[0], ["1M/month"])
    compared = ls.compare(found.scenarios, replications=2)
    assert not found.changes
    bill = compared.difference("after")
    assert (bill.mean, bill.low, bill.high) == (0, 0, 0)


def test_a_template_takes_what_a_scenario_knows(sides: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "scenario.yaml").write_text(SCENARIO)
    for paths, template in (
        ((tmp_path / "app", sides[1]), "after"),
        ((sides[1], tmp_path / "app"), "before"),
    ):
        found = reviewed(*paths)
        known = ls.load_scenario(tmp_path / "app").function("Api")
        taken = found.scenarios[template].function("Api")
        assert (taken.work, taken.traffic, taken.memory_mb) == (known.work, known.traffic, 1024)
        assert found.scenarios[template].duration_us == 3_600_000_000
    # Two scenarios stay as they are.
    other = tmp_path / "other.yaml"
    other.write_text(SCENARIO.replace("250", "300"))
    assert reviewed(tmp_path / "app", other).scenarios["after"].function("Api").work.io_ms.mean() == 300


@pytest.mark.parametrize("requests", [["Nobody=1/s"], ["often"]])
def test_volumes_are_checked(sides: tuple[Path, Path], requests: list[str]) -> None:
    with pytest.raises(InputError, match="--requests"):
        reviewed(*sides, requests)


def test_what_a_file_says_is_no_markup(tmp_path: Path) -> None:
    hostile = BEFORE.replace("MemorySize: 512", "MemorySize: 512, Architectures: [arm64]")
    for name, text in (("a.yaml", BEFORE), ("b.yaml", hostile)):
        (tmp_path / name).write_text(text.replace("python3.12", "'python3.12</td>@team'"))
    found = reviewed(tmp_path / "a.yaml", tmp_path / "b.yaml", ["Api=1/s"])
    assert "</td>" not in found.markdown()
    assert "@team" not in found.markdown()


def run(*args: object, cwd: Path) -> CompletedProcess[str]:
    return lambdasim(*args, cwd=cwd, on_warning="error")


def test_as_a_person_types_it(sides: tuple[Path, Path]) -> None:
    folder = sides[0].parent
    done = run(
        "compare", "--before", "before.yaml", "--after", "after.yaml", "--requests", "1M/month", "--markdown",
        "--replications", 2, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| Api | memory | 512 MB | 1,024 MB |" in done.stdout
    assert "**after** against before" in done.stdout
    for args in (("--before", "before.yaml"), ("--requests", "1M/month", "before.yaml", "after.yaml")):
        done = run("compare", *args, cwd=folder)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1


def test_the_steps_of_the_action_run(sides: tuple[Path, Path], tmp_path: Path) -> None:
    """A pull request in a real repository: the base has the state before, and the summary has the comment."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = {step["name"]: step for step in action["runs"]["steps"]}
    said = {name: one.get("default", "") for name, one in action["inputs"].items()}
    assert all(f"inputs.{name}" in (ROOT / "action.yml").read_text() for name in said)
    repository = tmp_path / "repository"
    repository.mkdir()

    def git(*args: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run([GIT, *who, *args], cwd=repository, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    (repository / "template.yaml").write_text(BEFORE)
    git("add", "-A")
    git("commit", "-qm", "before")
    base = git("rev-parse", "HEAD")
    (repository / "template.yaml").write_text(AFTER)
    tool = tmp_path / "bin"
    tool.mkdir()
    (tool / "lambdasim").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lambdasim "$@"\n')
    (tool / "lambdasim").chmod(0o755)
    output, summary = tmp_path / "output", tmp_path / "summary"
    values = {**{f"inputs.{name}": value for name, value in said.items()}, "inputs.path": "template.yaml",
              "inputs.requests": "1M/month New=2/s", "inputs.fail-above": "1%", "github.event.pull_request.base.sha": base}  # fmt: skip
    env = os.environ | {
        key: re.sub(r"\$\{\{ ([^}]*) \}\}", lambda match: values[match[1]], value)
        for key, value in steps["Compare"]["env"].items()
    }
    env |= {
        "PATH": f"{tool}:{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    # GitHub runs bash steps with these options.
    shell = ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
    done = subprocess.run(
        [*shell, steps["Compare"]["run"]],
        cwd=repository,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert "| Api | memory | 512 MB | 1,024 MB |" in summary.read_text()
    assert Path(told["markdown"]).read_text() == summary.read_text()
    # The bill grows by more than 1 %, which ends the job after the comment is written.
    assert told["status"] == "1"
    verdict = subprocess.run(
        [*shell, steps["Verdict"]["run"]], env=os.environ | {"STATUS": told["status"]}, check=False
    )
    assert verdict.returncode == 1
    values["inputs.path"] = "new.yaml"
    output.write_text("")
    summary.write_text("")
    done = subprocess.run(
        [*shell, steps["Compare"]["run"]], cwd=repository, env=env | {"SUBJECT": "new.yaml"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "new.yaml is new" in summary.read_text()


BASH = ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
CLIENT = """
import argparse, json, os, sys
# The options of `gh pr comment` that GitHub documents; others end it, as they would the real one.
top = argparse.ArgumentParser(allow_abbrev=False)
kinds = top.add_subparsers(required=True).add_parser("pr").add_subparsers(required=True)
comment = kinds.add_parser("comment", allow_abbrev=False)
comment.add_argument("number", type=int)
comment.add_argument("--body-file", type=argparse.FileType())
comment.add_argument("--edit-last", action="store_true")
comment.add_argument("--create-if-none", action="store_true")
said = top.parse_args()
assert os.environ["GH_TOKEN"], "no token"
json.dump({"number": said.number, "body": said.body_file.read(), "edits": said.edit_last, "creates": said.create_if_none},
          open(os.environ["SEEN"], "w"))
"""


def step(name: str) -> dict[str, object]:
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    return next(one for one in steps if one["name"] == name)


def test_the_step_that_comments_calls_githubs_client_as_documented(tmp_path: Path) -> None:
    """A script with the client's options stands in for it: the real one needs GitHub."""
    tool = tmp_path / "bin"
    tool.mkdir()
    (tool / "client.py").write_text(CLIENT)
    (tool / "gh").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tool / "client.py"}" "$@"\n')
    (tool / "gh").chmod(0o755)
    body, seen = tmp_path / "comment.md", tmp_path / "seen.json"
    body.write_text("| a | b |\n")
    env = os.environ | {
        "PATH": f"{tool}:{os.environ['PATH']}", "GH_TOKEN": "t", "NUMBER": "7", "MARKDOWN": str(body), "SEEN": str(seen),
    }  # fmt: skip
    assert set(step("Comment")["env"]) <= {"GH_TOKEN", "NUMBER", "MARKDOWN"}  # type: ignore[call-overload]
    subprocess.run([*BASH, str(step("Comment")["run"])], env=env, check=True)
    assert json.loads(seen.read_text()) == {
        "number": 7,
        "body": "| a | b |\n",
        "edits": True,
        "creates": True,
    }
    seen.unlink()
    body.write_text("")
    subprocess.run([*BASH, str(step("Comment")["run"])], env=env, check=True)
    assert not seen.exists()


@pytest.mark.slow
def test_the_step_that_installs_makes_the_command(tmp_path: Path) -> None:
    """A wheel of this checkout, into an environment that has what it needs already: nothing is fetched."""
    pytest.importorskip("hatchling", reason="builds the wheel")
    made = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(made, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (packages / "those_beside.pth").write_text(f"{Path(yaml.__file__).parents[1]}\n")
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {
        "PATH": f"{tmp_path / 'env' / 'bin'}:{os.environ['PATH']}", "INSTALL": str(wheel), "PIP_NO_INDEX": "1",
    }  # fmt: skip
    subprocess.run([*BASH, str(step("Install lambdasim")["run"])], env=env, cwd=tmp_path, check=True)
    command = tmp_path / "env" / "bin" / "lambdasim"
    shown = subprocess.run(
        [command, "--version"], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ls.__version__ in shown.stdout
    done = subprocess.run(
        [command, "init"], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "wrote scenario.yaml" in done.stdout


def test_json_is_json(sides: tuple[Path, Path]) -> None:
    done = run(
        "compare",
        "--before",
        "before.yaml",
        "--after",
        "after.yaml",
        "--json",
        "--replications",
        2,
        cwd=sides[0].parent,
    )
    assert json.loads(done.stdout)


def test_what_each_function_gets_of_a_volume_is_said_as_it_is(sides: tuple[Path, Path]) -> None:
    found = reviewed(*sides, ["2M/month"])
    rates = {
        state: {one.name: one.traffic for one in spec.functions if one.name in ("Api", "New")}
        for state, spec in found.scenarios.items()
    }
    assert rates["before"]["Api"] == rates["after"]["Api"] == rates["after"]["New"]
    assert any("over the 2 entry points of both states" in one for one in found.assumed)
    assert sum("shared out evenly" in one for one in found.assumed) == 1
