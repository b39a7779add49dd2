"""Every command that writes, with arguments that work; and the program, run in this process."""

import inspect
from pathlib import Path
from subprocess import CompletedProcess

import program

from lambdasim.cli import app
from lambdasim.cli.bills import bills, prices
from lambdasim.cli.writing import OUTPUTS

SCENARIO = """name: t
start: 2026-11-02T00:00:00Z
duration: {duration}
functions: [{{name: f, traffic: {{trace: trace.csv, align: none}}, work: {{cpu_ms: 20}}}}]
"""
TRACE = "timestamp\n" + "".join(f"2026-11-02T00:00:{second:02}Z\n" for second in range(60))
TEMPLATE = """AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: python3.12, MemorySize: 256}
"""
NOTEBOOK = "# %%\nSCENARIO = 'none.yaml'\n\n# %%\nprint(SCENARIO)\n"
GROUPS = {(): app, ("bill",): bills, ("prices",): prices}

# What each takes beside the output, {place} being a folder with the inputs that `inputs` makes.
ARGUMENTS = {
    ("simulate", "out"): "simulate {place}/s.yaml -o",
    ("sweep-memory", "out"): "sweep-memory {place}/s.yaml --sizes 128,256 --replications 2 -o",
    ("compare", "out"): "compare {place}/s.yaml {place}/longer.yaml --replications 2 -o",
    ("limits", "out"): "limits {place}/s.yaml --replications 2 --multiples 1,2 -o",
    ("break-even", "out"): "break-even {place}/s.yaml --replications 2 --multiple 1 -o",
    (
        "forecast",
        "out",
    ): "forecast {place}/s.yaml --history {place}/history.csv --month 2026-12 --paths 20 -o",
    ("calibrate", "out"): "calibrate {place}/log.txt -o",
    ("calibrate", "scenario"): "calibrate {place}/log.txt --scenario",
    ("bill price", "focus"): "bill {place}/run --focus",
    ("bill price", "xlsx"): "bill {place}/run --xlsx",
    ("bill price", "infracost"): "bill {place}/run --infracost",
    ("bill compare", "out"): "bill compare {place}/actual.csv {place}/run -o",
    ("import", "out"): "import {place}/template.yaml -o",
    ("prices refresh", "sheets"): "prices refresh --from {place}/list.json --sheets",
    ("break-even", "xlsx"): "break-even {place}/s.yaml --replications 2 --multiple 1 --xlsx",
    (
        "forecast",
        "xlsx",
    ): "forecast {place}/s.yaml --history {place}/history.csv --month 2026-12 --paths 20 --xlsx",
    ("sweep-memory", "xlsx"): "sweep-memory {place}/s.yaml --sizes 128,256 --replications 2 --xlsx",
    ("commit", "xlsx"): "commit {place}/run --xlsx",
    ("commit", "out"): "commit {place}/run -o",
    ("platforms", "out"): "platforms {place}/s.yaml --replications 1 --only cloud_run -o",
    ("report", "out"): "report {place}/s.yaml --template {place}/own.py --no-pdf -o",
    ("safety", "out"): "safety {place}/s.yaml -o",
    ("estimate", "out"): "estimate {place}/template.yaml --requests 1k/month -o",
    ("estimate", "xlsx"): "estimate {place}/template.yaml --requests 1k/month --xlsx",
    ("trap", "out"): "trap {place}/s.yaml {place}/s.yaml -o",
    ("trap", "xlsx"): "trap {place}/s.yaml {place}/s.yaml --xlsx",
    ("safety", "xlsx"): "safety {place}/s.yaml --xlsx",
    ("platforms", "xlsx"): "platforms {place}/s.yaml --replications 1 --only cloud_run --xlsx",
    ("limits", "xlsx"): "limits {place}/s.yaml --replications 2 --multiples 1,2 --xlsx",
    ("compare", "xlsx"): "compare {place}/s.yaml {place}/longer.yaml --replications 2 --xlsx",
    ("bill compare", "xlsx"): "bill compare {place}/actual.csv {place}/run --xlsx",
    ("backtest", "xlsx"): "backtest {place}/history.csv --paths 20 --xlsx",
    ("backtest", "out"): "backtest {place}/history.csv --paths 20 -o",
    (
        "forecast",
        "focus",
    ): "forecast {place}/s.yaml --history {place}/history.csv --month 2026-12 --paths 20 --focus",
}
_ALSO = {("calibrate", "scenario")}  # an input of all other commands
# Where the command writes a folder, a file that it writes there; else an ending.
FOLDERS = {
    ("simulate", "out"): "metrics.csv",
    ("sweep-memory", "out"): "report.html",
    ("compare", "out"): "report.html",
    ("limits", "out"): "report.html",
    ("break-even", "out"): "report.html",
    ("forecast", "out"): "report.html",
    ("calibrate", "out"): "scenario.yaml",
    ("bill compare", "out"): "report.html",
    ("import", "out"): "scenario.yaml",
    ("commit", "out"): "report.html",
    ("platforms", "out"): "report.html",
    ("report", "out"): "report.html",
    ("safety", "out"): "report.html",
    ("estimate", "out"): "report.html",
    ("trap", "out"): "report.html",
    ("backtest", "out"): "report.html",
}
DERIVED = {("forecast", "focus"): ("b.csv", "b.P50.csv")}
"""Where the option gives the beginning of the names of several files: what to give, and one of them."""
WRITES_NOTHING = {"bill units", "prices meters", "prices show", "schema", "validate"}
OTHER_WRITERS = {"init"}
"""Those that take what they write as an argument."""
ENDINGS = {"focus": "b.csv", "xlsx": "b.xlsx", "infracost": "b.yml", "sheets": "b.json", "scenario": "b.yaml"}


def lambdasim(arguments: str) -> CompletedProcess[str]:
    """Run the program with the words of a line."""
    return program.lambdasim(*arguments.split())


def commands() -> dict[str, list[str]]:
    """Name the parameters of every command that there is, by the words that call it."""
    found = {}
    for words, group in GROUPS.items():
        for command in group.registered_commands:
            assert command.callback is not None
            name = " ".join((*words, command.name or command.callback.__name__))
            found[name] = list(inspect.signature(command.callback).parameters)
    return found


def writers() -> set[tuple[str, str]]:
    """Name every parameter by which a command writes."""
    return {
        (name, one) for name, parameters in commands().items() for one in parameters if one in OUTPUTS
    } | _ALSO


def inputs(place: Path) -> None:
    """Make all that the commands read."""
    days = "".join(
        f"2026-{month:02}-{day:02}T00:00:00Z,{20 + day % 7}\n"
        for month in (9, 10, 11)
        for day in range(1, 31)
    )
    (place / "s.yaml").write_text(SCENARIO.format(duration="2min"))
    (place / "longer.yaml").write_text(SCENARIO.format(duration="3min"))
    (place / "trace.csv").write_text(TRACE)
    (place / "history.csv").write_text("timestamp,count\n" + days)
    rows = [
        f"2026-11-02T00:00:{n:02} REPORT RequestId: 00000000-0000-4000-8000-{n:012} "
        f"Duration: {20 + n % 5}.00 ms Billed Duration: {20 + n % 5} ms "
        f"Memory Size: 512 MB Max Memory Used: 70 MB"
        for n in range(40)
    ]
    (place / "template.yaml").write_text(TEMPLATE)
    (place / "own.py").write_text(NOTEBOOK)
    (place / "log.txt").write_text("\n".join(rows) + "\n")
    (place / "actual.csv").write_text(Path("data/finance/cur2_layout.csv").read_text())
    (place / "list.json").write_text(Path("data/finance/price_list_layout.json").read_text())
    done = lambdasim(f"simulate {place}/s.yaml -o {place}/run")
    assert done.returncode == 0, done
