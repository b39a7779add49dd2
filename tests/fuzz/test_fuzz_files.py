"""Every other reader of files, fed with spoilt files; and the proof, from the readers' own source, that none is left out."""
# ruff: noqa: E501

import ast
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from types import FrameType

import pytest
from fuzzing import Target, fuzz
from hypothesis import strategies as st

import lambdasim as ls
import lambdasim.outputs
from lambdasim import finance
from lambdasim.calibration.data.tuning import tuning_statistics
from lambdasim.errors import LambdaSimError
from lambdasim.finance.origin import Origin
from lambdasim.manifest import MANIFEST, Manifest, checksum
from lambdasim.templates.account.comparison import counted_beside
from lambdasim.templates.account.read import read_account
from lambdasim.templates.folder_files import FolderFiles, NotFollowedError
from lambdasim.templates.reading import read_source
from lambdasim.templates.samconfig import sam_settings
from lambdasim.templates.usage_file import read_usage
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.scenario_writer import COUNTED, COUNTED_FORM
from tests.templates.test_round_trip import (
    Truth,
    as_cloudformation,
    as_sam,
    as_serverless,
    as_terraform,
)

PACKAGE = Path(lambdasim.__file__).parent
DATA = Path(__file__).parents[2] / "data"
EXAMPLES = [one for one in sorted((PACKAGE / "examples").glob("*.yaml")) if one.name != "template.yaml"]
SCENARIO = b"""name: t
start: 2026-11-02T00:00:00Z
duration: 2min
functions:
- {name: f, memory_mb: 512, traffic: {poisson: {rate_per_s: 1}}, work: {cpu_ms: {lognormal: {p50: 20, p95: 30}}}}
- {name: g, trigger: {type: sqs}, traffic: {constant: {rate_per_s: 1}}, work: {io_ms: 5}, payload: {request_kb: 3}}
"""
WITH_FILE = b"""name: t
start: 2026-11-02T00:00:00Z
duration: 2min
functions: [{name: f, traffic: {constant: {rate_per_s: 1}}, work: {cpu_ms: {empirical: {file: %s}}}}]
"""
WITH_MACHINE = b"""name: t
start: 2026-11-02T00:00:00Z
duration: 2min
functions: [{name: a, work: {cpu_ms: 5}}]
state_machines: [{name: m, definition: %s, traffic: {constant: {rate_per_s: 1}}}]
"""
MACHINE = json.dumps({"StartAt": "A", "States": {
    "A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:a", "Next": "B",
          "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2.0}]},
    "B": {"Type": "Wait", "Seconds": 5, "Next": "C"}, "C": {"Type": "Parallel", "End": True, "Branches": [
        {"StartAt": "D", "States": {"D": {"Type": "Pass", "End": True}}}]},
}}).encode()  # fmt: skip
BOOKS = [
    b"name: corp\nvalid_from: 2026-01-01\nrates:\n  - {usage_type: Request, discount_percent: 5}\n",
    b"name: corp\nvalid_from: 2026-01-01\nrates:\n  - {usage_type: Lambda-GB-Second, tier: 1, usd: 0.00001}\n",
]
TRUTHS = [
    Truth("f0", 256, 9, "arm64", "python3.12", 1024, 1, True, False, 3, 2, 1, 90, "destination", (("a", "b"),), one, 5, 60)
    for one in ("http", "sqs")
]  # fmt: skip
TUNING = json.dumps(
    {"power": "512", "cost": 2e-7, "duration": 30.5, "stateMachine": {"executionCost": 4e-4, "lambdaCost": 1e-4,
     "visualization": "https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0"}}
).encode()  # fmt: skip
CHART = b"see https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0\n"
COST_EXPLORER = b'"Usage type","USW2-Request(Requests)","USW2-Lambda-GB-Second($)","Total costs($)"\n"Usage type total","3","1","4"\n'
COUNTED_SEED = json.dumps({"form": COUNTED_FORM, "functions": {"f": {"requests": 5}}}).encode()
TERRAFORM = b"""variable "memory" { default = 512 }
locals { names = ["a", "b"] }
resource "aws_lambda_function" "f" {
  function_name = "f-${var.memory}"
  runtime       = "python3.12"
  handler       = "a.b"
  memory_size   = var.memory
  timeout       = local.names[0] == "a" ? 30 : 3
  environment { variables = { A = jsonencode({ b = 1 }) } }
}
"""
NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@cache
def saved_run() -> Path:
    """Give the folder of a run."""
    folder = Path(tempfile.mkdtemp(prefix="run"))
    run = ls.simulate(ls.load_scenario_text(SCENARIO))
    ls.save(run, folder)
    return folder


def seeds_of_run(name: str) -> list[bytes]:
    return [(saved_run() / name).read_bytes()]


class WaitedError(BaseException):
    """No error that a reader could take for one of the system."""


def put(path: Path, place: Path) -> None:
    """Give a file another name, whatever kind of file it is."""
    place.unlink(missing_ok=True)
    os.link(path, place)


def part_of_run(name: str, read: Callable[[Path], object]) -> Callable[[Path, object], object]:
    """Put a spoilt file into a run's folder; where that is drawn, with a manifest that says it belongs there."""

    def wholly(path: Path, options: object) -> None:
        folder = path.parent / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(saved_run(), folder)
        put(path, folder / name)
        if options and name != MANIFEST:
            known = Manifest.of(folder)
            assert known is not None
            known.checksums[name] = (checksum(folder / name),)
            (folder / MANIFEST).write_bytes(known.content())
        read(folder)

    return wholly


def with_values(path: Path) -> object:
    return ls.load_scenario_text(WITH_FILE % path.name.encode(), base_dir=path.parent)


def with_machine(path: Path) -> object:
    return ls.load_scenario_text(WITH_MACHINE % path.name.encode(), base_dir=path.parent)


def template(path: Path) -> None:
    """Read a template, and draft the scenario of what was found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draft_scenario(read_source(path))


def part_of_template(path: Path) -> None:
    """Read a file that a template names, as a document and as text."""
    files = FolderFiles(path.parent)
    with suppress(NotFollowedError):
        files.document(path)
    with suppress(NotFollowedError):
        files.text(path)


def samconfig(path: Path) -> None:
    put(path, path.parent / "samconfig.toml")
    sam_settings(path.parent)


def beside(path: Path) -> None:
    put(path, path.parent / COUNTED)
    counted_beside(path.parent)


def notebook(path: Path) -> None:
    """Open a notebook of one's own; where it could be run, it is not."""
    from lambdasim.report.notebook import build

    build._opened(path, str(path))


def quiet(read: Callable[[Path], object]) -> Callable[[Path, object], object]:
    def wholly(path: Path, options: object) -> None:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            read(path)

    return wholly


def rendered(render: Callable[..., object]) -> bytes:
    return json.dumps(render(TRUTHS)).encode()


EITHER: st.SearchStrategy[object] = st.booleans()


@cache
def targets() -> list[Target]:
    """List what is read, by kind of file."""
    load = {
        "scenario.json": ls.load_run, "usage.json": ls.load_usage, "summary.json": ls.load_run,
        "metrics.csv": ls.hourly_usage, "records.parquet": ls.load_run, "items.parquet": ls.load_run,
        MANIFEST: ls.load_run,
    }  # fmt: skip
    found = [
        Target("scenario", quiet(ls.load_scenario), [SCENARIO, *(one.read_bytes() for one in EXAMPLES)], ending=".yaml"),
        Target("values of a law", quiet(with_values), [b"ms\n1.5\n2\n", b"ms\n7\n"], ending=".csv"),
        Target("state machine", quiet(with_machine), [MACHINE], ending=".json"),
        Target("price book", quiet(finance.read_price_book), BOOKS, ending=".yaml"),
        Target("price list", quiet(finance.refresh_prices), [(DATA / "finance" / "price_list_layout.json").read_bytes()], ending=".json"),
        Target("real bill", quiet(finance.read_actual_bill), [(DATA / "finance" / "cur2_layout.csv").read_bytes()], ending=".csv"),
        Target("zipped bill", quiet(finance.read_actual_bill), [zipped_bill()], ending=".zip"),
        Target("bill in parts", quiet(bill_in_parts), [(DATA / "finance" / "cur2_layout.csv").read_bytes()], ending=".csv"),
        Target("manifest of a bill", quiet(bill_with_manifest), [b'{"dataFiles": ["s3://b/p/a.csv"]}', b'{"reportKeys": ["p/a.csv"]}'], ending=".json"),
        Target("focus", quiet(finance.check_focus), focus_seeds(), ending=".csv", longest=20_000),
        Target("power tuning", quiet(ls.read_power_tuning), [TUNING], ending=".json"),
        Target("tuning", quiet(tuning_statistics), [TUNING, CHART], ending=".json"),
        Target("templates", quiet(template), [rendered(one) for one in (as_sam, as_cloudformation, as_terraform, as_serverless)], ending=".json"),
        Target("terraform", quiet(template), [TERRAFORM], ending=".tf"),
        Target("part of a template", quiet(part_of_template), [b"memory: 512\n", b"A: 5\n"], ending=".yml"),
        Target("usage file", quiet(read_usage), [usage_seed()], ending=".yml"),
        Target("samconfig", quiet(samconfig), [b'version = 0.1\n[default.deploy.parameters]\nregion = "eu-west-1"\nparameter_overrides = "A=1"\n'], ending=".toml"),
        Target("account", quiet(lambda path: read_account([path])), [account_seed()], ending=".json"),
        Target("counts beside", quiet(beside), [COUNTED_SEED], ending=".json"),
        Target("notebook", quiet(notebook), [NOTEBOOK], ending=".ipynb"),
    ]  # fmt: skip
    return found + [
        Target(f"run: {name}", part_of_run(name, read), seeds_of_run(name), EITHER)
        for name, read in load.items()
    ]


def bill_in_parts(path: Path) -> object:
    """Read a file as one part of a bill, beside that of another account."""
    with tempfile.TemporaryDirectory() as folder:
        good = (DATA / "finance" / "cur2_layout.csv").read_bytes()
        Path(folder, "a.csv").write_bytes(re.sub(rb"\b[0-9]{12}\b", b"999999999999", good))
        put(path, Path(folder, "b.csv"))
        return finance.read_actual_bill(folder)


def bill_with_manifest(path: Path) -> object:
    """Read a file as the manifest of a bill's parts."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(DATA / "finance" / "cur2_layout.csv", Path(folder, "a.csv"))
        put(path, Path(folder, "x-Manifest.json"))
        return finance.read_actual_bill(folder)


def focus_seeds() -> list[bytes]:
    path = Path(tempfile.mkdtemp(prefix="focus")) / "bill.csv"
    finance.write_focus(ls.simulate(ls.load_scenario_text(SCENARIO)).charges(), path, origin=Origin())
    return [path.read_bytes()]


def zipped_bill() -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.write(DATA / "finance" / "cur2_layout.csv", "cur2.csv")
    return archive.getvalue()


def usage_seed() -> bytes:
    return b"version: 0.1\nresource_usage:\n  aws_lambda_function.f:\n    monthly_requests: 100000\n    request_duration_ms: 250\n"


def account_seed() -> bytes:
    return json.dumps({"Functions": [{
        "FunctionName": "f", "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "Runtime": "python3.12",
        "MemorySize": 512, "Timeout": 3, "Architectures": ["arm64"], "PackageType": "Zip", "CodeSize": 100,
    }]}).encode()  # fmt: skip


def readers() -> set[str]:
    """Name the modules that read files: each says so to `outputs.noted_input`, or an output could replace its input."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "noted_input":
                found.add(".".join(("lambdasim", *path.relative_to(PACKAGE).with_suffix("").parts)))
    return found


def test_no_reader_is_left_out(tmp_path: Path) -> None:
    """Each module that reads files is reached by a good file of some target, here or among those of traffic."""
    from test_fuzz_traffic import TARGETS

    reached: set[str] = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is lambdasim.outputs.noted_input.__code__ and frame.f_back:
            reached.add(frame.f_back.f_globals["__name__"])

    for target in (*targets(), *TARGETS):
        path = tmp_path / f"good{target.ending}"
        for content in target.seeds:
            path.write_bytes(content)
            before = sys.getprofile()
            sys.setprofile(watch)
            try:
                target.read(path, None)
            except LambdaSimError as refused:
                raise AssertionError(f"{target.name}: a good file is refused: {refused}") from None
            finally:
                sys.setprofile(before)
    assert readers() - reached == set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes here")
def test_no_reader_waits_for_a_pipe_without_a_writer(tmp_path: Path) -> None:
    """A reader that hangs looks just like one that is slow."""
    from test_fuzz_traffic import TARGETS

    def ring(*_: object) -> None:
        raise WaitedError

    waited, before = [], signal.signal(signal.SIGALRM, ring)
    try:
        for target in (*targets(), *TARGETS):
            path = tmp_path / f"pipe{target.ending}"
            if not path.exists():
                os.mkfifo(path)
            signal.alarm(2)
            try:
                target.read(path, None)
            except LambdaSimError:
                pass
            except WaitedError:
                waited.append(target.name)
            finally:
                signal.alarm(0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert waited == []


@pytest.mark.fuzz
@pytest.mark.parametrize("number", range(len(targets())), ids=lambda number: targets()[number].name)
def test_a_reader_returns_or_raises_our_errors(number: int, tmp_path: Path) -> None:
    fuzz(targets()[number], tmp_path)
