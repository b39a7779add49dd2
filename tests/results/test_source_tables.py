"""What a run tells of queues and streams, worked by hand: tables, text, page, files."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frames import assert_same

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.manifest import MANIFEST, Manifest, checksum
from lambdasim.report.pages.run import report_html
from lambdasim.results.files.saved import load_run, run_content, save
from lambdasim.specs import load_scenario_text

# Five messages at 0, 60, … 240 s; each takes 100 s, and only one runs at once.
BACKLOG = """
name: backlog
start: 2026-11-01T00:00:00Z
duration: 5min
functions:
  - name: worker
    timeout: 100s
    init_ms: 0
    work: {io_ms: 100000, first_run_ms: 0}
    trigger:
      type: sqs
      queue: {visibility_timeout: 10min, pollers: {first: 1, most: 1, idle: 1}}
    traffic: {constant: {rate_per_s: 0.016666666666666666}}
"""
POISON = """
name: poison
start: 2026-11-01T00:00:00Z
duration: 1h
functions:
  - name: worker
    timeout: 5s
    init_ms: 0
    work: {io_ms: 1000, first_run_ms: 0}
    trigger: {type: sqs, queue: {batch_size: 1, visibility_timeout: 30s, max_receives: 3, poison_share: 0.2}}
    traffic: {poisson: {rate_per_s: 1}}
"""


def test_backlog_age_and_drain_by_hand() -> None:
    run = ls.simulate(load_scenario_text(BACKLOG.replace("queue: {", "queue: {batch_size: 1, ")))
    assert run.items["done_s"].tolist() == [100, 200, 300, 400, 500]
    (row,) = run.sources().to_dict(orient="records")
    assert (row["sent"], row["processed"], row["left_at_end"], row["peak_backlog"]) == (5, 5, 2, 2)
    assert (row["oldest_s"], row["drain_s"]) == (
        260,
        200,
    )  # the last waits from 240 to 400, and runs to 500 s
    assert (row["receive_calls"], row["empty_receives"], row["delete_calls"]) == (5, 0, 5)
    table = run.backlog()
    # As the minutes end, at 60, 120, …: sent 1, 2, 3, 4, 5, 5, …; ended at 100, 200, 300, 400, 500.
    assert table["sent"].tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert table["ended"].tolist() == [0, 1, 0, 1, 1, 0, 1, 0, 1]
    assert table["backlog"].tolist() == [1, 1, 2, 2, 2, 2, 1, 1, 0]
    assert table["oldest_s"].tolist() == [60, 60, 120, 120, 120, 180, 180, 240, 0]


def test_the_summary_counts_messages_and_the_bill_counts_runs() -> None:
    run = ls.simulate(load_scenario_text(POISON))
    (row,) = run.summary().to_dict(orient="records")
    (source,) = run.sources().to_dict(orient="records")
    items = run.items
    assert row["events"] == source["sent"] == len(items)
    assert (
        row["failed"] == row["lost"] == source["dead_lettered"] == (items["outcome"] == "dead_lettered").sum()
    )
    assert source["processed"] == row["succeeded"]
    # A poisoned message runs three times, and moves 3 × 30 s after its first receive.
    poisoned = items[items["outcome"] == "dead_lettered"]
    assert set(poisoned["receives"]) == {3}
    waits_s = poisoned["done_s"] - poisoned["first_s"]
    assert waits_s.median() == pytest.approx(90)
    assert (waits_s > 90 - 1e-6).all()  # later where no poller was free
    assert run.usage()[0].requests == len(run.records) == len(items) + 2 * len(poisoned)
    assert 0.15 < len(poisoned) / len(items) < 0.25
    assert len(run.latency_ms()) == source["processed"]
    assert run.latency_ms().quantile(0.5) == 1000


@pytest.mark.usefixtures("rendered")
def test_text_page_and_json_tell_of_them(tmp_path: Path) -> None:
    run = ls.simulate(load_scenario_text(POISON))
    dead = int(run.sources()["dead_lettered"].iloc[0])
    told = run.text()
    assert "queues and streams, messages or records" in told
    assert f"{dead:,}" in told
    assert "dead-lettered" in repr(run)
    assert "<h2>Queues and streams</h2>" in report_html(run)
    assert ls.plots.plot_backlog(run).get_title(loc="left").startswith("Backlog: ")
    assert run_content(run)["sources"][0]["dead_lettered"] == dead
    parameters = set(run.parameters()["parameter"])
    assert {"pollers of worker", "idle pollers of worker", "visibility of worker"} <= parameters
    save(run, tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text())["sources"][0]["dead_lettered"] == dead


def test_a_run_with_queues_and_streams_is_read_again_as_it_was(tmp_path: Path) -> None:
    second = POISON.split("functions:\n")[1].replace("worker", "reader")
    trigger = "{type: kinesis, stream: {shards: 2, poison_share: 0.01, max_retries: 2, bisect: true}}"
    second = (
        second[: second.index("    trigger:")]
        + f"    trigger: {trigger}\n    traffic: {{poisson: {{rate_per_s: 2}}}}\n"
    )
    run = ls.simulate(load_scenario_text((POISON + second).replace("1h", "10min")))
    save(run, tmp_path / "once")
    again = load_run(tmp_path / "once")
    for name in ("records", "items"):
        assert_same(getattr(run, name), getattr(again, name))
    for name in ("summary", "sources", "backlog", "bill", "metrics"):
        assert_same(getattr(run, name)(), getattr(again, name)())
    save(again, tmp_path / "twice")
    for file in sorted((tmp_path / "once").iterdir()):
        assert (tmp_path / "twice" / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("function", 1),
        ("outcome", 99),
        ("done_us", 1 << 60),
        ("arrival_us", 1 << 60),
        ("lane", 5),
        ("first_us", -2),
    ],
)
def test_items_that_no_run_writes_are_refused(tmp_path: Path, column: str, value: int) -> None:
    run = ls.simulate(load_scenario_text(POISON.replace("1h", "1min")))
    save(run, tmp_path)
    path = tmp_path / "items.parquet"
    table = pq.read_table(path)
    values = table.column(column).to_numpy().copy()
    values[-1] = value
    place = table.schema.get_field_index(column)
    meta = pq.ParquetFile(path).metadata.metadata
    changed = table.set_column(place, table.schema.field(place), pa.array(values))
    pq.write_table(changed.replace_schema_metadata(meta), path)
    resigned(tmp_path, "items.parquet")
    with pytest.raises(InputError, match=column):
        load_run(tmp_path)


def resigned(folder: Path, name: str) -> None:
    """Let the manifest know a file as it is now."""
    manifest = Manifest.of(folder)
    assert manifest is not None
    manifest.checksums[name] = (checksum(folder / name),)
    (folder / MANIFEST).write_bytes(manifest.content())


def test_idle_pollers_make_three_empty_receives_a_minute_each() -> None:
    text = POISON.replace("poisson: {rate_per_s: 1}", "constant: {rate_per_s: 0.0000001}")
    (row,) = ls.simulate(load_scenario_text(text)).sources().to_dict(orient="records")
    # 5 pollers for an hour, less the seconds in which one of them was busy: 900 but a few.
    assert 895 <= row["empty_receives"] <= 900


def test_a_function_without_a_queue_has_none() -> None:
    run = ls.simulate(arrivals_s=[0, 1], durations_ms=10)
    assert run.sources().empty
    assert run.backlog().empty
    assert run.items.empty
    assert ls.plots.plot_backlog(run).get_title(loc="left") == "Backlog"


def test_both_engines_tell_the_same_of_them() -> None:
    scenario = load_scenario_text(POISON)
    runs = [ls.simulate(scenario, engine=engine) for engine in ("kernel", "reference")]
    assert [run.engine.partition(" ")[0] for run in runs] == ["kernel", "reference"]
    for table in (lambda run: run.sources(), lambda run: run.backlog(), lambda run: run.bill()):
        assert_same(*map(table, runs))


# The shape of a public question of November 2025: reserved concurrency of one, four messages at once, visibility of 90 s.
RESERVED_ONE = """
name: sqs
start: 2025-11-20T22:40:00Z
duration: 1h
functions:
  - name: worker
    memory_mb: 512
    timeout: 15s
    reserved_concurrency: 1
    init_ms: 0
    work: {{io_ms: 3000, first_run_ms: 0}}
    trigger: {{type: sqs, queue: {{batch_size: 1, visibility_timeout: 90s, max_receives: 3, pollers: {pollers}}}}}
    traffic: {{constant: {{rate_per_s: 4}}, stop: 1s}}
"""


@pytest.mark.parametrize(
    ("pollers", "dead", "receives", "oldest_s"),
    [
        # No second try of an invocation within its visibility: receives at 0, 90 and 180 s, moved 270 s after it came.
        ("{throttle_retry_first: 90s}", 1, 1 + 2 + 3 + 3, 270),
        # Tries after 1, 2, 4 s, …: all four run in their first 90 s.
        ("{}", 0, 4, 0),
    ],
)
def test_reserved_concurrency_of_one_behind_a_queue(
    pollers: str, dead: int, receives: int, oldest_s: int
) -> None:
    run = ls.simulate(load_scenario_text(RESERVED_ONE.format(pollers=pollers)))
    (row,) = run.sources().to_dict(orient="records")
    assert (row["sent"], row["dead_lettered"], row["receives"]) == (4, dead, receives)
    assert row["processed"] == 4 - dead
    if oldest_s:
        assert row["oldest_s"] == oldest_s
    assert run.usage()[0].requests == 4 - dead


def test_iterator_age_of_a_hot_shard() -> None:
    text = """
name: hot
start: 2026-11-01T00:00:00Z
duration: 2min
functions:
  - name: reader
    timeout: 60s
    init_ms: 0
    work: {io_ms: 1500, first_run_ms: 0}
    trigger: {type: kinesis, stream: {batch_size: 1, poll_interval: 0s}}
    traffic: {constant: {rate_per_s: 1}}
"""
    run = ls.simulate(load_scenario_text(text))
    # Record n ends 1.5 (n + 1) s after the start, at an age of 1.5 + 0.5 n s; n goes to 119.
    assert run.sources()["oldest_s"].tolist() == [1.5 + 0.5 * 119]
    assert run.sources()["drain_s"].tolist() == [60]
    assert isinstance(run.items, pd.DataFrame)
