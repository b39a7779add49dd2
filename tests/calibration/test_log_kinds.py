"""Kinds of logs that public reports show, made with a known truth: what is read of them, and what the twin repeats."""

import csv
import io
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generated_logs import GENERATED, Log, moment
from test_round_trips import assert_repeated

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.reading import read_observations
from lambdasim.errors import InputError
from lambdasim.traffic.readers.logs.reader import read_report_logs

BEGAN = datetime(2026, 8, 3, tzinfo=UTC)
RUNTIME = "nodejs:22.v10"


class Platform:
    """Objects of the Telemetry API, of environments that are not named: all write into one file."""

    def __init__(self) -> None:
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.number = 0

    def put(self, second: float, kind: str, **record: Any) -> None:
        at = (BEGAN + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.events.append((second, {"time": at, "type": f"platform.{kind}", "record": record}))

    def run(
        self,
        second: float,
        ms: float,
        *,
        init_ms: float | None = None,
        inside_ms: float | None = None,
        status: str = "success",
    ) -> float:
        """Add a run; give the second at which it ends."""
        self.number += 1
        request, metrics = f"{self.number:08x}-0000-4000-8000-000000000000", {}
        start = {"initializationType": "on-demand", "phase": "init"}
        begin = second + (init_ms or 0) / 1000
        if init_ms is not None:
            self.put(second, "initStart", runtimeVersion=RUNTIME, **start)
            self.put(begin, "initReport", status="success", metrics={"durationMs": init_ms}, **start)
            metrics["initDurationMs"] = init_ms
        self.put(begin, "start", requestId=request, version="$LATEST")
        if inside_ms is not None:
            start["phase"] = "invoke"
            ended = begin + inside_ms / 1000
            self.put(ended, "initReport", status="success", metrics={"durationMs": inside_ms}, **start)
        end = begin + ms / 1000
        billed = int(np.ceil(ms + (init_ms or 0)))
        metrics |= {"durationMs": ms, "billedDurationMs": billed, "memorySizeMB": 512, "maxMemoryUsedMB": 80}
        error = {"errorType": "Runtime.ExitError"} if status == "error" else {}
        self.put(end, "report", requestId=request, status=status, metrics=metrics, **error)
        return end

    def text(self) -> str:
        return "\n".join(json.dumps(event) for _, event in sorted(self.events, key=lambda each: each[0]))


def two_at_once(rng: np.random.Generator) -> tuple[Platform, int, int]:
    """Two requests every 20 s, one of which crashes now and then; give the log, its cold starts and INITs inside runs."""
    log, broken, cold, inside = Platform(), [False, False], 0, 0
    for k in range(300):
        for place in range(2):
            init = round(400 * float(np.exp(0.06 * rng.standard_normal())), 3)
            ms = 60 * float(np.exp(0.15 * rng.standard_normal()))
            failed = rng.random() < 0.08
            again = init if broken[place] else None
            cold, inside = cold + (k == 0), inside + (again is not None)
            log.run(
                20.0 * k + 0.015 * place,
                round(ms + (again or 0) + (90 if again or k == 0 else 0), 3),
                init_ms=init if k == 0 else None,
                inside_ms=again,
                status="error" if failed else "success",
            )
            broken[place] = failed
    return log, cold, inside


def test_starts_of_environments_that_write_among_each_other_stay_with_their_runs(tmp_path: Path) -> None:
    log, cold, inside = two_at_once(np.random.default_rng(8))
    path = tmp_path / "telemetry.json"
    path.write_text(log.text(), encoding="utf-8")
    runs = read_observations([path]).runs
    assert (int(runs.cold.sum()), int(runs.inside.sum())) == (cold, inside)
    assert (runs.duration_ms[runs.inside] > 400).all()
    assert (runs.duration_ms[~runs.inside & ~runs.cold] < 150).all()
    found = calibrate_logs([path])
    assert_repeated(found.round_trip)
    assert found.init is not None
    assert found.init.median_ms.value == pytest.approx(400, rel=0.03)


def test_a_warm_run_takes_no_init_of_another_environment(tmp_path: Path) -> None:
    """By hand: a warm run ends while another environment starts; both reports are right behind the initReport."""
    log = Platform()
    log.run(0.0, 40.0, init_ms=300.0)
    log.run(99.9, 450.0)
    log.run(100.0, 40.0, init_ms=300.5)
    path = tmp_path / "two.json"
    path.write_text(log.text(), encoding="utf-8")
    frame = read_report_logs(path).frame()
    assert frame["init_ms"].isna().tolist() == [False, True, False]


def answers(events: list[dict[str, Any]]) -> dict[str, str]:
    """Two answers of the AWS CLI in one file, as ``>>`` leaves them."""
    half = len(events) // 2
    pages = events[:half], events[half:]
    return {
        "objects": "".join(json.dumps({"events": page, "nextToken": "t"}, indent=2) + "\n" for page in pages),
        "token first": "".join(json.dumps({"nextToken": "t", "events": page}) + "\n" for page in pages),
        "lists": "\n".join(json.dumps(page, indent=1) for page in pages),
        "list, then object": json.dumps(pages[0]) + json.dumps({"events": pages[1]}),
    }


@pytest.mark.parametrize("shape", ["objects", "token first", "lists", "list, then object"])
def test_answers_that_were_appended_to_one_file_are_read_whole(shape: str, tmp_path: Path) -> None:
    log = Log()
    for k in range(40):
        log.run(10.0 * k, 50.0 + k)
    events = [
        {"logStreamName": "s", "timestamp": 1_785_000_000_000 + 10_000 * k, "message": line.partition(" ")[2]}
        for k, line in enumerate(log.lines)
    ]
    path = tmp_path / "pages.json"
    path.write_text(answers(events)[shape], encoding="utf-8")
    assert sorted(read_report_logs(path).frame()["duration_ms"]) == [50.0 + k for k in range(40)]


@pytest.mark.parametrize(
    "header", [("Date", "Service", "Message"), ("_time", "host", "_raw"), ("TIME", "x", "message")]
)
def test_tables_of_other_tools_with_time_and_message_are_read(
    header: tuple[str, ...], tmp_path: Path
) -> None:
    log, file = Log(), io.StringIO()
    for k in range(30):
        log.run(10.0 * k, 50.0 + k, init_ms=300.0 if k == 0 else None)
    rows = csv.writer(file)
    rows.writerow(header)
    rows.writerows((line.partition(" ")[0], "orders", line.partition(" ")[2]) for line in log.lines)
    path = tmp_path / "export.csv"
    path.write_text(file.getvalue(), encoding="utf-8")
    frame = read_report_logs(path).frame()
    assert frame["duration_ms"].tolist() == [50.0 + k for k in range(30)]
    assert frame["init_ms"].tolist()[0] == 300
    assert moment(10.0)[:19] in str(np.datetime64(int(frame["timestamp_us"][1]), "us")) + "Z"


def of_streams(levels_ms: list[float], name: Callable[[int], str]) -> str:
    rng, log = np.random.default_rng(4), Log(1769)
    for k in range(40 * len(levels_ms)):
        place = k // 40
        ms = levels_ms[place] * float(np.exp(0.03 * rng.standard_normal()))
        init = 500.0 if k % 40 == 0 else None
        log.run(10.0 * k + 900 * place, ms, init_ms=init, stream=f"{place:032x}")
        log.lines[-1] = log.lines[-1].replace("[$LATEST]", f"[{name(place)}]")
    return log.text()


def test_versions_are_named_and_their_difference_is_no_speed_of_cpus(tmp_path: Path) -> None:
    path = tmp_path / "deployed.log"
    levels = [100.0, 102.0, 99.0, 101.0, 160.0, 163.0, 158.0, 161.0]
    path.write_text(of_streams(levels, lambda place: "41" if place < 4 else "42"), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.speeds is None or found.speeds.spread < 0.03
    assert any(line.startswith("the log has 2 versions of the function") for line in found.findings())
    assert_repeated(found.round_trip)


def test_levels_farther_apart_than_cpus_are_differences_between_runs(tmp_path: Path) -> None:
    path = tmp_path / "tenants.log"
    levels = [60.0, 240.0, 61.0, 250.0, 59.0, 235.0]
    path.write_text(of_streams(levels, lambda _: "$LATEST"), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.speeds is None
    assert any("more than CPUs differ" in line for line in found.findings())
    assert_repeated(found.round_trip)


def test_few_cold_starts_learn_from_init_inside_runs(tmp_path: Path) -> None:
    """One environment, one cold start, 30 crashes: the law of INIT is that of all 31."""
    rng, log, broken = np.random.default_rng(3), Log(512), False
    inside = []
    for k in range(600):
        init = 700 * float(np.exp(0.1 * rng.standard_normal()))
        failed = rng.random() < 0.05
        if broken:
            inside.append(init)
        ms = 60 * float(np.exp(0.1 * rng.standard_normal())) + (init if broken else 0)
        log.run(
            10.0 * k, ms, "crash" if failed else "success", init_ms=init if k == 0 else None, stream="a" * 32
        )
        broken = failed
    path = tmp_path / "crashing.log"
    path.write_text(log.text(), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.init is not None
    assert found.init.values_ms.mean() == pytest.approx(np.mean(inside), rel=0.03)
    assert_repeated(found.round_trip)


def invoked(log: Log) -> str:
    """Give the answer of ``aws lambda invoke --log-type Tail``: no line has a time."""
    text = "\n".join(line.partition(" ")[2] for line in log.lines)
    return json.dumps({"StatusCode": 200, "LogResult": b64encode(text.encode()).decode()})


def searched(log: Log) -> str:
    """Give what a search in OpenSearch finds of a log group that streams into it."""
    hits = [
        {
            "_index": "cwl-2026.08.03",
            "_source": {
                "@timestamp": line.partition(" ")[0],
                "@message": line.partition(" ")[2],
                "@log_group": "/aws/lambda/orders",
                "@log_stream": "2026/08/03/[$LATEST]a",
            },
        }
        for line in log.lines
    ]
    return json.dumps({"took": 3, "hits": {"total": {"value": len(hits)}, "hits": hits}}, indent=1)


def queried_as_json_fields(log: Log) -> str:
    """Give an export of Logs Insights over a log in JSON, whose fields are those of ``platform.report``."""
    lines = [
        "@timestamp,record.metrics.durationMs,record.metrics.billedDurationMs,record.metrics.memorySizeMB,record.status"
    ]
    for line in log.lines:
        ms = line.partition("Duration: ")[2].partition(" ms")[0]
        lines.append(f"{line[:23].replace('T', ' ')},{ms},{int(np.ceil(float(ms)))},512,success")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("shape", "name", "times"),
    [
        (invoked, "answer.json", False),
        (searched, "hits.json", True),
        (queried_as_json_fields, "query.csv", True),
    ],
)
def test_what_other_commands_and_tools_give_is_read(
    shape: Callable[[Log], str], name: str, times: bool, tmp_path: Path
) -> None:
    log = Log()
    for k in range(12):
        log.run(10.0 * k, 50.0 + k)
    path = tmp_path / name
    path.write_text(shape(log), encoding="utf-8")
    runs = read_observations([path]).runs
    assert runs.duration_ms.tolist() == [50.0 + k for k in range(12)]
    assert runs.has_times is times
    assert runs.ended("success").all()


def test_environments_that_live_for_longer_than_the_catalog_lets_them_have_an_age(tmp_path: Path) -> None:
    """Two streams serve for 15 hours without a pause: two cold starts, where an age of some hours makes a dozen."""
    rng, log = np.random.default_rng(3), Log(512)
    for k in range(900):
        place = k % 2
        init = 400.0 if k < 2 else None
        log.run(
            120.0 * (k // 2),
            90 * float(np.exp(0.1 * rng.standard_normal())),
            init_ms=init,
            stream=f"{place:032x}",
        )
    path = tmp_path / "long.log"
    path.write_text(log.text(), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.lasting.is_longer
    assert any("grew older" in line for line in found.findings())
    assert_repeated(found.round_trip)


def test_a_keep_alive_is_found_between_those_that_are_tried(tmp_path: Path) -> None:
    """Environments that end after 600 idle seconds: the cold starts are the log's, and so is what they are billed."""
    rng, log, last = np.random.default_rng(5), Log(1024), -1e9
    for second in np.cumsum(rng.exponential(240, 300)):
        new = second - last > 600
        ms = 50 * float(np.exp(0.2 * rng.standard_normal())) + (450 if new else 0)
        log.run(float(second), ms, init_ms=900.0 if new else None)
        last = float(second)
    path = tmp_path / "idle.log"
    path.write_text(log.text(), encoding="utf-8")
    trip = calibrate_logs([path]).round_trip
    assert trip is not None
    assert_repeated(trip)
    row = trip.row("GB-s, with INIT")
    assert row.twin == pytest.approx(row.log, rel=0.03)


def test_quantiles_of_few_environments_are_known_as_well_as_those_are(tmp_path: Path) -> None:
    """Sixteen streams, each its own speed: hundreds of runs of each are worth hardly more than sixteen."""
    path = tmp_path / "speeds.log"
    path.write_text(GENERATED["own_speeds"](np.random.default_rng(8)), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.speeds is not None
    assert 1 / 100 < found.speeds.worth < 1 / 80
    assert_repeated(found.round_trip)


def test_restores_of_a_runtime_without_snap_start_are_one_error(tmp_path: Path) -> None:
    path = tmp_path / "restored.log"
    path.write_text(GENERATED["restored"](np.random.default_rng(7)), encoding="utf-8")
    with pytest.raises(InputError, match=r"runtime: must be one with SnapStart, .* got 'nodejs22.x'"):
        calibrate_logs([path], runtime="nodejs22.x")


def test_a_runtime_that_nobody_measured_is_replaced_where_the_log_has_no_init(tmp_path: Path) -> None:
    log = Log(512)
    for k in range(30):
        log.run(10.0 * k, 50 + k % 7)
    path = tmp_path / "warm.log"
    path.write_text(f"{moment(0)} INIT_START Runtime Version: nodejs:99.v1\n{log.text()}", encoding="utf-8")
    found = calibrate_logs([path])
    assert found.runtime == "python3.13"
    assert any("nodejs99.x, whose INIT nobody measured" in line for line in found.findings())
