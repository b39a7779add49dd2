"""Runs that Lambda cannot have run are bad rows in every table of single invocations, not measurements."""

import json
from pathlib import Path

import pytest

from lambdasim.errors import TraceError
from lambdasim.traffic.readers import read_events_csv, read_insights, read_report_logs
from lambdasim.traffic.readers.possible import longest_ms
from lambdasim.traffic.trace import BadRows

LONGEST = longest_ms()
BEYOND = f"must be at most {LONGEST:,} ms, the longest that Lambda allows, got "
BAD = [
    (f"{LONGEST + 1}", "", "", f"{BEYOND}{LONGEST + 1:,}"),
    ("1e12", "", "", BEYOND),
    ("120.5", "20", "", "must not be below the Duration of 120.5 ms, got 20"),
    ("120.5", f"{2 * LONGEST + 1}", "", f"must be at most {2 * LONGEST:,} ms"),
    ("120.5", "121", f"{LONGEST + 1}", BEYOND),
    (f"{LONGEST - 500}", "20000", "", "must not be below the Duration"),
    (f"{LONGEST + 1500}", f"{LONGEST}", "", f"must be at most {LONGEST + 1000:,} ms"),
]
GOOD = [
    (f"{LONGEST}", "", ""),
    ("120.5", "121", ""),
    ("120.5", "351", "230"),
    (f"{LONGEST + 500}", f"{LONGEST}", ""),
    ("", "", ""),
    ("0", "1", ""),
]


def table(folder: Path, header: str, rows: list[tuple[str, ...]]) -> Path:
    lines = [f"2026-11-02 00:00:0{n}.000Z,{','.join(row)}" for n, row in enumerate(rows)]
    if header.startswith("@"):
        lines = [line.replace("Z", "") for line in lines]
    (folder / "t.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder / "t.csv"


@pytest.mark.parametrize(("duration", "billed", "init", "said"), BAD)
def test_an_impossible_run_is_a_bad_row(
    duration: str, billed: str, init: str, said: str, tmp_path: Path
) -> None:
    rows = [("10", "11", ""), (duration, billed, init), ("12", "13", "")]
    path = table(tmp_path, "time,duration_ms,billed_ms,init_ms", rows)
    with pytest.raises(TraceError) as refused:
        read_events_csv(path).frame()
    assert "t.csv, row 3: " in str(refused.value)
    assert said in str(refused.value)
    trace = read_events_csv(path, on_bad_row=BadRows.SKIP)
    assert (trace.summary().invocations, trace.report().skipped) == (2, 1)

    path = table(tmp_path, "@timestamp,@duration,@billedDuration,@initDuration", rows)
    with pytest.raises(TraceError) as refused:
        read_insights(path).frame()
    assert said in str(refused.value)
    names = ("@timestamp", "@duration", "@billedDuration", "@initDuration")
    results = [
        [
            {"field": name, "value": value}
            for name, value in zip(names, ("2026-11-02 00:00:00.000", *row), strict=True)
        ]
        for row in rows
    ]
    (tmp_path / "t.json").write_text(json.dumps({"results": results, "status": "Complete"}))
    with pytest.raises(TraceError, match="result 2") as refused:
        read_insights(tmp_path / "t.json").frame()
    assert said in str(refused.value)


def test_what_may_have_been_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, "time,duration_ms,billed_ms,init_ms", list(GOOD))
    assert read_events_csv(path).summary().invocations == len(GOOD)


def test_a_run_beyond_its_timeout_is_possible_only_where_it_was_cut_off(tmp_path: Path) -> None:
    header, late = "time,duration_ms,billed_ms,status", f"{LONGEST + 500}"
    path = table(tmp_path, header, [(late, f"{LONGEST}", "timeout")])
    assert read_events_csv(path).summary().invocations == 1
    path = table(tmp_path, header, [(late, f"{LONGEST}", "success")])
    with pytest.raises(TraceError, match=BEYOND):
        read_events_csv(path).frame()


@pytest.mark.parametrize(
    ("size", "used", "said"),
    [
        ("0", "1", "must not be above the Memory Size of 0 MB, got 1 MB"),
        ("512", "10240", "must not be above the Memory Size of 512 MB"),
        ("128", "600", "must not be above the Memory Size of 128 MB, got 600 MB"),
    ],
)
def test_more_memory_than_a_run_had_is_a_bad_row(size: str, used: str, said: str, tmp_path: Path) -> None:
    rows = [("10", "128", "60"), ("11", size, used), ("12", "128", "131"), ("13", "", "")]
    path = table(tmp_path, "time,duration_ms,memory_mb,max_memory_mb", rows)
    with pytest.raises(TraceError) as refused:
        read_events_csv(path).frame()
    assert "t.csv, row 3: " in str(refused.value)
    assert said in str(refused.value)
    assert read_events_csv(path, on_bad_row=BadRows.SKIP).summary().invocations == 3

    (tmp_path / "log.json").write_text(
        json.dumps(
            {
                "time": "2026-11-02T00:00:00.000Z",
                "type": "platform.report",
                "record": {
                    "requestId": "8f507cfc-xmpl-4697-b07a-ac58fc914c95",
                    "status": "success",
                    "metrics": {
                        "durationMs": 10.5,
                        "billedDurationMs": 11,
                        "memorySizeMB": int(size),
                        "maxMemoryUsedMB": int(used),
                    },
                },
            }
        )
    )
    with pytest.raises(TraceError) as refused:
        read_report_logs(tmp_path / "log.json").frame()
    assert said in str(refused.value)
