"""What a function writes into its log itself, counted by hand."""

import json
from pathlib import Path

import pytest

from lambdasim.calibration.data.observations import observe
from lambdasim.traffic.readers.logs.reader import read_report_logs

RUNS = 5
OWN = (
    "order paid\n",
    "é" * 10,
    '{"level": "INFO", "message": "done"}',
    "[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n",
)
"""11 + 20 + 36 + 57 bytes."""
LAMBDA = (
    "END RequestId: {id}\n",
    "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE]",
    '{"type": "platform.runtimeDone", "record": {}}',
)


def log_of(path: Path, lines: tuple[str, ...], group: str | None = None) -> Path:
    events: list[dict[str, object]] = []
    for run in range(RUNS):
        request = f"{run:08x}-0000-4000-8000-000000000000"
        report = (
            f"REPORT RequestId: {request}\tDuration: 50.00 ms\tBilled Duration: 50 ms\t"
            "Memory Size: 512 MB\tMax Memory Used: 80 MB\t"
        )
        texts = (
            f"START RequestId: {request} Version: $LATEST",
            *(line.replace("{id}", request) for line in lines),
            report,
        )
        events += [
            {
                "logStreamName": "2026/11/30/[$LATEST]a",
                "timestamp": 1_764_500_000_000 + 1000 * run,
                "message": text,
            }
            | ({} if group is None else {"logGroup": group})
            for text in texts
        ]
    path.write_text(json.dumps(events))
    return path


def test_own_lines_are_counted_and_those_of_lambda_are_not(tmp_path: Path) -> None:
    assert sum(len(line.encode()) for line in OWN) == 124
    trace = read_report_logs(log_of(tmp_path / "f.json", (*OWN, *LAMBDA)))
    assert sum(trace.report().own_bytes.values()) == 124 * RUNS
    assert observe([trace]).log_bytes == 124


def test_a_log_of_nothing_but_reports_says_nothing_of_it(tmp_path: Path) -> None:
    assert observe([read_report_logs(log_of(tmp_path / "f.json", LAMBDA))]).log_bytes is None


@pytest.mark.parametrize(("function", "written"), [("a", 11), ("b", 20)])
def test_each_function_has_its_own(tmp_path: Path, function: str, written: int) -> None:
    traces = [
        read_report_logs(log_of(tmp_path / f"of-{name}.json", (line,), f"/aws/lambda/{name}"))
        for name, line in (("a", OWN[0]), ("b", OWN[1]))
    ]
    assert observe(traces, function=function).log_bytes == written
