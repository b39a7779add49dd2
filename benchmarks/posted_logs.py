"""Prints which logs in shapes that people post come back as they were; `docs/validation.md` keeps the figures.

Run with ``python benchmarks/posted_logs.py [SEED ...]``, from the project's folder. Each log is written from runs of a
small simulator of its own (`posted_runs.py`), so the truth is known apart from what is read. Asked of each: every run,
cold start and failure is read; billed GB-s of log and truth are equal, and those of the twin within 2 % or the log's
sampling interval; p50, p95 and p99 of the twin within 3 % or theirs; counts within binomial intervals; nothing is
marked. A log that goes over a change is held against its last part.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.posted_runs import (
    BEGAN_S,
    Event,
    Random,
    Run,
    Setting,
    about,
    iso,
    json_events,
    report_line,
    runs_of,
    text_events,
)
from benchmarks.round_trips import fails
from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.errors import LambdaSimError

FAILURES: Final = {"timeout": 0.03, "crash": 0.02, "out_of_memory": 0.01, "error": 0.04}
GROUP: Final = "/aws/lambda/orders"
CHANGE_S: Final = 2_000.0
SAME: Final = 0.002
EARLY_S: Final = 0.002
Writer = Callable[[list[Run]], str]


def parts(events: list[Event], size: int) -> list[list[Event]]:
    """Cut events into parts."""
    return [events[first : first + size] for first in range(0, len(events), size)]


def ms(second: float) -> int:
    """Give ms since 1970."""
    return round(second * 1000)


def lines(row: Callable[[float, str, Any], str], *, status: bool = True, app: bool = True) -> Writer:
    """Write an event a row."""
    return lambda runs: "".join(row(*event) for event in text_events(runs, status=status, app=app))


def document(row: Callable[[float, str, Any], Any], put: Callable[[list[Any]], Any] = list) -> Writer:
    """Write one JSON document."""
    return lambda runs: json.dumps(put([row(*event) for event in text_events(runs)]), indent=1)


def table(names: list[str], row: Callable[[float, str, Any], list[Any]], *, status: bool = True) -> Writer:
    """Write CSV of events."""
    return lambda runs: rows_of(names, (row(*event) for event in text_events(runs, status=status)))


def rows_of(names: list[str], rows: Iterable[list[Any]]) -> str:
    """Write CSV."""
    written = io.StringIO()
    csv.writer(written).writerows([names, *rows])
    return written.getvalue()


def insights(runs: list[Run]) -> str:
    """Write the fields of REPORT lines, newest first."""
    names = [
        "@timestamp",
        "@requestId",
        "@duration",
        "@billedDuration",
        "@initDuration",
        "@memorySize",
        "@logStream",
    ]
    rows = (
        [
            iso(run.end_s).replace("T", " ")[:-1],
            run.request,
            f"{run.ms:.2f}",
            run.billed_ms,
            "" if run.init_ms is None else run.init_ms,
            f"{run.memory_mb * 10**6:.2E}",
            run.log_stream,
        ]
        for run in sorted(runs, key=lambda run: -run.end_s)
    )
    return rows_of(names, rows)


def named_by_hand(runs: list[Run]) -> str:
    """Write a query's result with names of its author's own."""
    names = ["@timestamp", "duration", "billed_duration", "init_duration", "memory_size"]
    rows = (
        [iso(run.end_s).replace("T", " ")[:-1], run.ms, run.billed_ms, run.init_ms or "", run.memory_mb]
        for run in runs
    )
    return rows_of(names, rows)


def markdown(runs: list[Run]) -> str:
    """Write Logs Insights' copy as Markdown, its query above it."""
    head = "**CloudWatch Logs Insights**\nregion: eu-west-1\n---\n| @timestamp | @message | @logStream |\n"
    rows = (
        f"| {iso(second).replace('T', ' ')[:-1]} | {text.strip().replace(chr(10), ' ')} | {stream} |\n"
        for second, stream, text in text_events(runs)
    )
    return head + "| --- | --- | --- |\n" + "".join(rows)


def loki(runs: list[Run]) -> str:
    """Write an answer of Loki's API."""
    streams: dict[str, list[list[str]]] = {}
    for second, stream, text in text_events(runs):
        streams.setdefault(stream, []).append([f"{ms(second)}000000", text])
    result = [{"stream": {"log_stream": name}, "values": rows[::-1]} for name, rows in streams.items()]
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}})


def subscription(runs: list[Run]) -> str:
    """Write records of Firehose, one after another without a line's end."""
    written = []
    for part in parts(text_events(runs), 40):
        by_stream: dict[str, list[Event]] = {}
        for event in part:
            by_stream.setdefault(event[1], []).append(event)
        for stream, events in by_stream.items():
            kept = [{"id": "1", "timestamp": ms(second), "message": text} for second, _, text in events]
            written.append(
                {"messageType": "DATA_MESSAGE", "logGroup": GROUP, "logStream": stream, "logEvents": kept}
            )
    return "".join(map(json.dumps, written))


def telemetry(runs: list[Run]) -> str:
    """Write batches of the Telemetry API, one a line."""
    return "\n".join(json.dumps([event[2] for event in part]) for part in parts(json_events(runs), 5))


def kibana(second: float) -> str:
    """Write a moment as Kibana shows it."""
    return f"Sep 14, 2026 @ {iso(second)[11:23]}"


SHAPES: Final[dict[str, Writer]] = {
    "aws logs tail": lines(lambda second, stream, text: f"{iso(second, 6)[:-1]}+00:00 {stream} {text}"),
    "aws logs tail, short": lines(lambda second, _, text: f"{iso(second)[:19]} {text}"),
    "filter-log-events": document(
        lambda second, stream, text: {"logStreamName": stream, "timestamp": ms(second), "message": text},
        lambda rows: {"events": rows, "searchedLogStreams": []},
    ),
    "filter-log-events, text": lines(
        lambda second, stream, text: (
            f"EVENTS\t{'3' * 56}\t{ms(second) + 900}\t{stream}\t{text}\t{ms(second)}\n"
        )
    ),
    "filter-log-events, YAML": lambda runs: yaml.safe_dump(
        {
            "events": [
                {"message": text, "timestamp": ms(second)} for second, _, text in text_events(runs, app=False)
            ]
        }
    ),
    "--query, pairs": document(lambda second, _, text: [ms(second), text]),
    "--query, messages": document(lambda _second, _stream, text: text),
    "console, CSV": table(["timestamp", "message"], lambda second, _, text: [ms(second), text]),
    "console, CSV without status": table(
        ["timestamp", "message", "logStreamName"],
        lambda second, stream, text: [ms(second), text, stream],
        status=False,
    ),
    "console, copied": lines(lambda second, _, text: f"{iso(second)}\n\n{text}\n"),
    "sam logs": lines(
        lambda second, stream, text: f"\x1b[34m{stream}\x1b[0m \x1b[36m{iso(second, 6)[:-1]}\x1b[0m {text}"
    ),
    "Logs Insights, fields": insights,
    "Logs Insights, own names": named_by_hand,
    "Logs Insights, Markdown": markdown,
    "Logs Insights, REPORT lines": lambda runs: rows_of(
        ["@timestamp", "@message", "@logStream"],
        ([iso(run.end_s).replace("T", " ")[:-1], report_line(run), run.log_stream] for run in runs),
    ),
    "JSON log format": lambda runs: "\n".join(json.dumps(event[2]) for event in json_events(runs)),
    "Telemetry API": telemetry,
    "subscription": subscription,
    "Datadog, API": document(
        lambda second, stream, text: {
            "attributes": {"timestamp": iso(second), "message": text, "aws": {"s": stream}}
        },
        lambda rows: {"data": rows},
    ),
    "Datadog, CSV": table(
        ["Date", "Host", "Service", "Message"],
        lambda second, _, text: [iso(second), "x", "orders", text.strip()],
    ),
    "Splunk, JSON": lines(
        lambda second, _, text: json.dumps({"result": {"_raw": text.strip(), "_time": iso(second)}}) + "\n"
    ),
    "Splunk, CSV": table(["_raw", "_time", "host"], lambda second, _, text: [text.strip(), iso(second), "x"]),
    "logcli, JSON": lines(
        lambda second, stream, text: (
            json.dumps({"labels": {"s": stream}, "line": text, "timestamp": iso(second)}) + "\n"
        )
    ),
    "Loki, API": loki,
    "Grafana, CSV": table(
        ["labels", "Time", "Line"], lambda second, _, text: ["{}", ms(second), text.strip()]
    ),
    "Kibana, CSV": table(
        ["@timestamp", "message", "aws.log_stream"],
        lambda second, stream, text: [kibana(second), text.strip(), stream],
    ),
    "Elasticsearch": document(
        lambda second, stream, text: {
            "_source": {"@timestamp": iso(second), "message": text, "s": {"log_stream": stream}}
        },
        lambda rows: {"hits": {"hits": rows}},
    ),
    "New Relic, JSON": document(
        lambda second, stream, text: {"timestamp": ms(second), "message": text, "aws.logStream": stream}
    ),
    "New Relic, CSV": table(
        ["aws.logGroup", "message", "timestamp"], lambda second, _, text: [GROUP, text.strip(), ms(second)]
    ),
}
"""Ways to write a log."""
SILENT: Final = ("Logs Insights, fields", "Logs Insights, own names")
"""Shapes without the outcome of a run."""

INIT: Final = about(420.0, 0.08)
FIRST: Final = about(60.0, 0.2)


def work(
    before_ms: float, after_ms: float | None = None, spread: float = 0.12
) -> Callable[[Random, float], float]:
    """Give a law of work that may change once."""
    return lambda rng, second: about(
        before_ms if after_ms is None or second < CHANGE_S else after_ms, spread
    )(rng)


def restored(rng: Random) -> tuple[float, int]:
    """Draw the loading of a snapshot, and the billed part of a restore [ms]."""
    return rng.uniform(150, 300), int(rng.integers(90, 400))


def changed(before: Any, after: Any) -> Callable[[float], Any]:
    """Give what is set before and after the change."""
    return lambda second: before if second < CHANGE_S else after


SITUATIONS: Final[dict[str, tuple[float, int, Setting, Writer]]] = {
    "failures of all kinds": (
        3.0, 800, Setting(work(350, spread=0.3), INIT, FIRST, failures=FAILURES), SHAPES["aws logs tail"]),
    "most runs time out": (
        0.2, 150, Setting(work(85), INIT, failures={"timeout": 0.85}), SHAPES["aws logs tail"]),
    "a deployment": (
        0.3, 1200, Setting(work(80, 200), INIT, FIRST, version=changed("41", "42")), SHAPES["aws logs tail"]),
    "a deployment, START alone names it": (
        0.3, 1200, Setting(work(80, 200), INIT, version=changed("41", "42")), SHAPES["aws logs tail, short"]),
    "versions by turns": (
        0.5, 1000, Setting(work(90), INIT, version=lambda second: "5" if int(second) % 5 else "6"),
        SHAPES["aws logs tail"]),
    "a larger size, other work": (
        0.3, 1200, Setting(work(90, 300), INIT, memory_mb=changed(512, 1024)), SHAPES["aws logs tail"]),
    "a larger size, the same work": (
        0.3, 1200, Setting(work(60 + 70 * 1769 / 512, 60 + 70 * 1769 / 1024), INIT, memory_mb=changed(512, 1024)),
        SHAPES["aws logs tail"]),
    "a longer timeout": (
        0.3, 1400, Setting(work(900, spread=0.5), INIT, timeout_ms=changed(3_000.0, 6_000.0), failures={"timeout": 0.03}),
        SHAPES["aws logs tail"]),
    "INIT fails and runs again inside": (
        1 / 400, 500,
        Setting(work(120), about(1500, 0.06), about(80, 0.1), timeout_ms=lambda _: 10_000.0, init_fails=0.3),
        SHAPES["aws logs tail"]),
    "an extension works on": (
        0.2, 500, Setting(work(40), INIT, FIRST, after_ms=about(700, 0.15)), SHAPES["JSON log format"]),
    "provisioned concurrency spills over": (
        3.0, 900, Setting(work(700, spread=0.2), about(900, 0.06), ready=2), SHAPES["aws logs tail"]),
    "SnapStart, text": (
        1 / 300, 400, Setting(work(55), first_ms=FIRST, restore_ms=restored),
        SHAPES["aws logs tail"]),
    "SnapStart, Telemetry API": (
        1 / 300, 400, Setting(work(55), first_ms=FIRST, restore_ms=restored),
        telemetry),
}  # fmt: skip
"""Arrivals a second, how many, what the function does, and how its log is written."""


def misses(path: Path, runs: list[Run], *, silent: bool) -> list[str]:
    """Name what does not come back; see the module."""
    try:
        found = calibrate_logs([path])
    except LambdaSimError as error:
        return [f"refused: {str(error)[:120]}"]
    data, trip = found.observations, found.round_trip
    assert data is not None
    assert trip is not None
    if any(
        reason.startswith(("runs of older", "runs under another", "runs at other"))
        for reason in data.left_out
    ):
        first_s = data.runs.arrival_us[0] / 10**6 - BEGAN_S
        runs = [run for run in runs if run.at_s >= first_s - EARLY_S]
    wrong = [row.measure for row in trip.rows if fails(row)] + [
        f"{row.measure} marked" for row in trip.marked
    ]
    counts = {
        "runs": (len(data.runs), len(runs)),
        "cold": (int(data.runs.cold.sum()), sum(run.is_cold for run in runs)),
    }
    for kind in () if silent else FAILURES:
        counts[kind] = int(data.runs.ended(kind).sum()), sum(run.outcome == kind for run in runs)
    wrong += [f"{name} {seen} for {true}" for name, (seen, true) in counts.items() if seen != true]
    gb_s = sum(run.billed_ms * run.memory_mb for run in runs) / 1_024_000
    read = trip.row("GB-s, with INIT").log
    return wrong + ([f"GB-s {read:.4g} for {gb_s:.4g}"] if abs(read / gb_s - 1) > SAME else [])


def main() -> None:
    """Write every log, and tell which hold."""
    seeds = [int(word) for word in sys.argv[1:]] or [1]
    count, missed = 0, 0
    usual = Setting(work(85, spread=0.25), INIT, FIRST, failures={"error": 0.04, "timeout": 0.02})
    logs = {name: (0.4, 400, usual, writer) for name, writer in SHAPES.items()} | SITUATIONS
    with TemporaryDirectory() as folder:
        for seed in seeds:
            for name, (rate_per_s, number, setting, writer) in logs.items():
                rng = np.random.default_rng([seed, *name.encode()])
                runs = runs_of(rng, np.cumsum(rng.exponential(1 / rate_per_s, number)), setting)
                path = Path(folder) / "orders.log"
                path.write_text(writer(runs), encoding="utf-8")
                wrong = misses(path, runs, silent=name in SILENT)
                count, missed = count + 1, missed + bool(wrong)
                print(f"{name}, seed {seed}: {', '.join(wrong) or 'holds'}", flush=True)
    print(f"{count} logs, {count - missed} hold")


if __name__ == "__main__":
    main()
