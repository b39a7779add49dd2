"""What a function writes into its log itself, counted by hand, and exports that do not hold all of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdasim.calibration.data.observations import Observations, observe
from lambdasim.traffic.readers.logs.own_lines import kind_of
from lambdasim.traffic.readers.logs.reader import read_report_logs

RUNS = 5
STREAM = "2026/11/30/[$LATEST]0123456789abcdef"
OWN = (
    "order paid\n",
    "é" * 10,
    '{"level": "INFO", "message": "done"}',
    "[ERROR] KeyError: 'x'\n  in handler\n",
    '{"_aws": {"CloudWatchMetrics": []}, "orders": 1}',
)
"""11 + 20 + 36 + 35 + 48 bytes."""
OWN_BYTES = 150
LAMBDA = (
    "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE]",
    '{"type": "platform.runtimeDone", "record": {}}',
)
Event = tuple[int, int, str]
"""Run, moment [ms since 1970] and message."""


def events_of(
    lines: tuple[str, ...], *, ended: str = "", own: Callable[[int], bool] = lambda _: True
) -> list[Event]:
    """Give the events of runs of which some write lines of their own."""
    events = []
    for run in range(RUNS):
        request = f"{run:08x}-0000-4000-8000-000000000000"
        texts = (
            f"START RequestId: {request} Version: $LATEST\n",
            *(line.replace("{id}", request) for line in (lines if own(run) else ())),
            f"END RequestId: {request}\n",
            f"REPORT RequestId: {request}\tDuration: 50.00 ms\tBilled Duration: 50 ms\t"
            f"Memory Size: 512 MB\tMax Memory Used: 80 MB\t{ended}\n",
        )
        events += [(run, 1_764_500_000_000 + 1000 * run, text) for text in texts]
    return events


def written(path: Path, events: list[Event], group: str | None = None) -> Path:
    named = {} if group is None else {"logGroup": group}
    path.write_text(
        json.dumps(
            [{"logStreamName": STREAM, "timestamp": ms, "message": text} | named for _, ms, text in events]
        )
    )
    return path


def observed(folder: Path, events: list[Event]) -> Observations:
    return observe([read_report_logs(written(folder / "f.json", events))])


def test_own_lines_are_counted_and_those_of_lambda_are_not(tmp_path: Path) -> None:
    assert sum(len(line.encode()) for line in OWN) == OWN_BYTES
    found = observed(tmp_path, events_of((*OWN, *LAMBDA)))
    assert found.log_bytes == OWN_BYTES
    (told,) = [note for note in found.notes if "log_bytes" in note]
    assert f"{OWN_BYTES + 5 * 26}" in told, "with what an event has beside its message"


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-30T00:00:03.000Z 0000-4000-8000 Task timed out after 3.00 seconds",
        "RequestId: 0000-4000-8000 Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
        '{"event_type": "performance"}',
    ],
)
def test_how_runs_end_is_told_by_lambda(line: str) -> None:
    assert kind_of(line) == "lambda"


def test_a_log_of_nothing_but_lines_of_lambda_says_nothing_of_it(tmp_path: Path) -> None:
    found = observed(tmp_path, events_of(LAMBDA))
    assert found.log_bytes is None
    assert [note for note in found.notes if "writes none, or whose lines a filter left out" in note]


def test_events_that_stand_twice_count_as_runs_do(tmp_path: Path) -> None:
    assert observed(tmp_path, events_of(OWN) * 2).log_bytes == OWN_BYTES


FILTERS: dict[str, Callable[[Event], bool]] = {
    "reports and errors": lambda event: event[2].startswith(("REPORT", "[ERROR]")),
    "reports and what was paid": lambda event: event[2].startswith(("REPORT", "order")),
    "no ends": lambda event: not event[2].startswith("END"),
    "a word that each line of Lambda has": lambda event: "RequestId" in event[2],
    "lines of runs and errors": lambda event: (
        event[2].startswith(("START", "END", "REPORT")) or "ERROR" in event[2]
    ),
    "one line in three": lambda event: (
        hash((event[0], len(event[2]))) % 3 == 0 or event[2].startswith("REPORT")
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filtered_export_writes_no_bytes_and_says_so(tmp_path: Path, name: str) -> None:
    events = [one for one in events_of((*OWN, "RequestId: 1 begins")) if FILTERS[name](one)]
    found = observed(tmp_path, events)
    assert found.log_bytes is None
    (told,) = [note for note in found.notes if "log_bytes" in note]
    assert "the bill has no line of CloudWatch Logs" in told


def test_runs_that_failed_say_nothing_of_others(tmp_path: Path) -> None:
    found = observed(tmp_path, events_of(OWN, ended="Status: error\tError Type: KeyError"))
    assert found.log_bytes is None
    assert [note for note in found.notes if "every run in it failed" in note]


def test_runs_that_write_nothing_count(tmp_path: Path) -> None:
    found = observed(tmp_path, events_of(OWN, own=lambda run: run == 0))
    assert found.log_bytes == round(OWN_BYTES / RUNS)


def test_a_whole_log_beside_a_filtered_one_counts_alone(tmp_path: Path) -> None:
    whole = read_report_logs(written(tmp_path / "a.json", events_of(OWN)))
    reports = [one for one in events_of(OWN[:1]) if one[2].startswith(("REPORT", "order"))]
    later = [(run, ms + 10**6, text.replace("-0000-", "-1111-")) for run, ms, text in reports]
    found = observe([whole, read_report_logs(written(tmp_path / "b.json", later))], function="a")
    assert found.log_bytes == OWN_BYTES
    assert [note for note in found.notes if note.startswith("not counted for uses.log_bytes: b.json")]


@pytest.mark.parametrize(("function", "size"), [("a", 11), ("b", 20)])
def test_each_function_has_its_own(tmp_path: Path, function: str, size: int) -> None:
    traces = [
        read_report_logs(written(tmp_path / f"of-{name}.json", events_of((line,)), f"/aws/lambda/{name}"))
        for name, line in (("a", OWN[0]), ("b", OWN[1]))
    ]
    assert observe(traces, function=function).log_bytes == size


@pytest.mark.parametrize("named", [True, False])
def test_functions_in_one_file_have_their_own_where_each_line_says_whose_it_is(
    tmp_path: Path, named: bool
) -> None:
    path, rows = tmp_path / "both.json", []
    for name, line in (("a", OWN[0]), ("b", OWN[1])):
        for _, ms, text in events_of((line,)):
            row: dict[str, object] = {
                "logStreamName": STREAM,
                "timestamp": ms,
                "message": text.replace("-0000-", f"-{name * 4}-"),
            }
            if named or "RequestId" in text:
                row["logGroup"] = f"/aws/lambda/{name}"
            rows.append(row)
    path.write_text(json.dumps(rows))
    assert observe([read_report_logs(path)], function="a").log_bytes == (11 if named else None)


def iso(ms: int) -> str:
    return f"2026-11-30T00:00:{ms // 1000 % 60:02}.{ms % 1000:03}"


HEADS: dict[str, Callable[[int], str]] = {
    "aws logs tail": lambda ms: f"{iso(ms)}000+00:00 {STREAM} ",
    "aws logs tail, short": lambda ms: f"{iso(ms)[:19]} ",
    "sam logs": lambda ms: f"{STREAM} {iso(ms)}000 ",
    "export to S3": lambda ms: f"{iso(ms)}Z ",
    "text of the CLI": lambda ms: f"{ms} ",
    "none": lambda _: "",
}
TEXT = ("order paid", "2026-11-30T00:00:01.000Z\t0000\tINFO\tdone", "[ERROR] KeyError: 'x'\n  at line 3")
"""10 + 39 + 33 bytes; the second begins with a time of its own."""


@pytest.mark.parametrize("head", HEADS)
def test_lines_of_text_are_counted_without_what_tools_write_before_them(tmp_path: Path, head: str) -> None:
    path = tmp_path / "f.log"
    path.write_text("\n".join(HEADS[head](ms) + text.rstrip("\n") for _, ms, text in events_of(TEXT)))
    found = observe([read_report_logs(path, naive="utc", timeless=True)])
    several = (
        1 if head == "none" else 0
    )  # lines without a beginning are events of their own, without their line's end
    assert found.log_bytes == sum(map(len, TEXT)) - several == 82 - several


def test_lines_behind_other_words_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "f.log"
    lines = [f"app | {iso(ms)}Z {text.strip()}" for _, ms, text in events_of(("order paid",))]
    path.write_text("\n".join(lines))
    assert observe([read_report_logs(path)]).log_bytes is None
