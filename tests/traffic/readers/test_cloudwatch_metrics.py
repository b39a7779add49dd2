"""GetMetricData: counts of invocations, and answers that leave something open."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.errors import TraceError
from lambdasim.traffic.readers import read_metric_data
from lambdasim.traffic.trace import BadRows, TraceKind
from lambdasim.units import from_epoch_us

MINUTE = 60
T0 = 1_747_082_520  # 2025-05-12T20:42:00Z


def series(label: str, points: list[tuple[Any, Any]], id: str = "m1", **more: Any) -> dict[str, Any]:
    times, values = zip(*points, strict=True) if points else ((), ())
    return {"Id": id, "Label": label, "Timestamps": times, "Values": values, "StatusCode": "Complete"} | more


def saved(path: Path, *results: dict[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"MetricDataResults": results, "Messages": []} | more))
    return path


def iso(seconds: int) -> str:
    return from_epoch_us(seconds * 10**6).isoformat()


DOWN = [(iso(T0 + 180), 3.0), (iso(T0 + 60), 2.0), (iso(T0), 1.0)]


def test_minutes_come_in_order_and_a_missing_one_is_zero(tmp_path: Path) -> None:
    path = saved(tmp_path / "pay.json", series("Invocations", DOWN))
    trace = read_metric_data(path)
    table = trace.frame()
    assert (trace.kind, trace.interval_us, trace.source.format) == (
        TraceKind.COUNTS,
        60_000_000,
        "metric_data",
    )
    assert list(table.itertuples(index=False, name=None)) == [
        (T0 * 10**6, "pay", 1), ((T0 + 60) * 10**6, "pay", 2), ((T0 + 180) * 10**6, "pay", 3)
    ]  # fmt: skip
    assert trace.span_us() == (T0 * 10**6, (T0 + 240) * 10**6)
    assert trace.report().warnings == ("1 interval of 1min has no row and counts as zero",)
    assert read_metric_data(path, function="f", interval_us=180_000_000).functions() == ("f",)


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s,
        float,
        lambda s: s * 1000,
        lambda s: iso(s).replace("+00:00", "Z"),
        lambda s: iso(s + 7200)[:-6] + "+02:00",
    ],
)
def test_times_as_the_tools_write_them(write: Any, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.json", series("x", [(write(T0), 1), (write(T0 + 300), 2)]))
    packed = tmp_path / "m.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, packed):
        trace = read_metric_data(file)
        assert trace.frame()["timestamp_us"].tolist() == [T0 * 10**6, (T0 + 300) * 10**6]
        assert trace.interval_us == 300_000_000


ERRORS = series("Errors", [(T0, 9), (T0 + 60, 9)], "e1")
SPILL = series("ProvisionedConcurrencySpilloverInvocations", [(T0, 8), (T0 + 60, 8)], "s1")


@pytest.mark.parametrize(
    ("label", "id"),
    [
        ("Invocations", "m1"),
        ("INVOCATIONS", "m1"),
        ("my-fn Invocations", "m1"),
        ("my-fn", "invocations"),
        ("my-fn", "invocations_1"),
    ],
)
def test_the_result_that_says_invocations_is_taken(label: str, id: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.json", ERRORS, SPILL, series(label, DOWN, id))
    assert read_metric_data(path).summary().invocations == 6
    assert read_metric_data(path, label="Errors").summary().invocations == 18
    assert read_metric_data(path, label="s1").summary().invocations == 16


def test_just_invocations_goes_before_words_around_it(tmp_path: Path) -> None:
    others = [series("async Invocations", [(T0, 7)], id) for id in ("a", "b")]
    path = saved(tmp_path / "m.json", others[0], series("Invocations", DOWN), others[1])
    assert read_metric_data(path).summary().invocations == 6


def test_a_choice_left_open_names_the_choices(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.json", ERRORS, series("Throttles", DOWN))
    with pytest.raises(TraceError) as caught:
        read_metric_data(path)
    assert str(caught.value) == (
        f"{path}: label: must name one result; 0 that says Invocations, among "
        "Id 'e1' Label 'Errors'; Id 'm1' Label 'Throttles'"
    )
    path = saved(
        tmp_path / "m.json", series("a Invocations", DOWN, "a"), series("b Invocations", DOWN, "b"), ERRORS
    )
    with pytest.raises(
        TraceError, match="2 that says Invocations, among Id 'a' Label 'a Invocations'; Id 'b'"
    ):
        read_metric_data(path)
    with pytest.raises(TraceError, match="0 called 'c', among Id 'a'"):
        read_metric_data(path, label="c")
    assert read_metric_data(path, label="b").summary().invocations == 6


def test_pages_of_one_result_are_joined(tmp_path: Path) -> None:
    first = series("Invocations", DOWN[:1], StatusCode="PartialData")
    path = saved(tmp_path / "m.json", first, ERRORS, series("Invocations", DOWN[1:]))
    assert read_metric_data(path).summary().invocations == 6
    assert "Partial" not in str(read_metric_data(path).report())


def test_partial_data_and_more_pages_are_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.json", series("x", DOWN[1:], StatusCode="PartialData"), NextToken="abc")
    assert read_metric_data(path).report().warnings == (
        "StatusCode is PartialData: CloudWatch had more datapoints than are in the file",
        "there is a NextToken: the answer had more pages than are in the file",
    )
    with pytest.raises(TraceError, match="StatusCode: must be Complete or PartialData, got 'InternalError'"):
        read_metric_data(saved(path, series("x", DOWN, StatusCode="InternalError")))


@pytest.mark.parametrize(
    ("point", "field", "allowed"),
    [
        ((T0 + 240, -1), "Values", "must be a whole number from 0"),
        ((T0 + 240, 1.5), "Values", "must be a whole number from 0"),
        ((T0 + 240, "2"), "Values", "must be a whole number from 0"),
        ((T0 + 240, True), "Values", "must be a whole number from 0"),
        ((T0 + 240, None), "Values", "must be a whole number from 0"),
        ((T0 + 240, 10**4000), "Values", "must be a whole number from 0"),
        ((T0 + 240, 1e300), "Values", "must be a whole number from 0"),
        ((T0, 5), "Timestamps", "must have each time once"),
        (("2025-05-12T20:42:00", 5), "Timestamps", "must carry an offset"),
        ((-1, 5), "Timestamps", "must lie in the years 1970 to 2200"),
        ((10**400, 5), "Timestamps", "must lie in the years 1970 to 2200"),
        ((1e300, 5), "Timestamps", "must lie in the years 1970 to 2200"),
        ((None, 5), "Timestamps", "must be ISO 8601 text or a number"),
        ((False, 5), "Timestamps", "must be ISO 8601 text or a number"),
    ],
)
def test_a_bad_datapoint_is_named(point: tuple[Any, Any], field: str, allowed: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.json", series("x", [*DOWN, point]))
    with pytest.raises(TraceError) as caught:
        read_metric_data(path)
    fault = caught.value.faults[0]
    assert (fault.where, fault.field) == (f"{path}, Id 'm1' Label 'x', datapoint 4", field)
    assert allowed in fault.message
    trace = read_metric_data(path, on_bad_row=BadRows.SKIP)
    assert (trace.summary().invocations, trace.report().faults) == (6, (fault,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "MetricDataResults: must be an object with a list of results"),
        ('{"MetricDataResults": [3]}', "must be an object with a list of results"),
        ('{"MetricDataResults": []}', "label: must name one result; 0 that says Invocations"),
        ('{"MetricDataResults": [{"Id": "a"}]}', "Timestamps: must be a list, and Values one of equal length"),
        ('{"MetricDataResults": [{"Timestamps": [1], "Values": []}]}', "Values one of equal length"),
        ('{"MetricDataResults": [{"Timestamps": [], "Values": []}]}', "there is no datapoint"),
        ('{"MetricDataResults": [{"Timestamps": [1], "Values": [1]}]}', "one time only, so the interval must be given"),
        ('{"MetricDataResults": [{"Timestamps": [1, 2], "Values": [NaN, 1]}]}', "finite numbers: got NaN"),
        ('{"MetricDataResults": [{"Timestamps": [1, 2], "Values": [1e400, 1]}]}', "finite numbers: got 1e400"),
        ('{"MetricDataResults": ' * 50_000, "nested too deep"),
        ("Timestamps", "row 1: must be JSON"),
    ],
)  # fmt: skip
def test_what_is_no_answer_gets_one_clear_error(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(TraceError) as caught:
        read_metric_data(tmp_path / "m.json")
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 500


def test_an_interval_must_be_one(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.json", series("x", DOWN))
    for interval_us in (0, -60, 10**15):
        with pytest.raises(TraceError, match="interval_us: must be from 1 to"):
            read_metric_data(path, interval_us=interval_us)
    assert "2 rows begin before the intervals above" in str(
        read_metric_data(path, interval_us=3 * 10**8).report()
    )


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.integers(25_000_000, 25_500_000), st.integers(0, 10**12), min_size=2, max_size=50),
    st.booleans(),
)
def test_any_counts_survive(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[int, int], text: bool
) -> None:
    points = [(iso(m * MINUTE) if text else m * MINUTE, float(n)) for m, n in counts.items()]
    path = saved(tmp_path_factory.mktemp("m") / "m.json", series("Invocations", points))
    table = read_metric_data(path).frame()
    want = sorted((m * MINUTE * 10**6, n) for m, n in counts.items())
    assert list(zip(table["timestamp_us"], table["count"], strict=True)) == want


def statistics(path: Path, label: str, *points: tuple[Any, Any], statistic: str = "Sum") -> Path:
    datapoints = [{"Timestamp": time, statistic: value, "Unit": "Count"} for time, value in points]
    path.write_text(json.dumps({"Label": label, "Datapoints": datapoints}))
    return path


SCATTERED = [("2026-11-01T08:02:00+00:00", 3.0), ("2026-11-01T08:00:00Z", 1.0), ("2026-11-01T08:01:00Z", 2.0)]


def test_statistics_of_one_metric_count_too(tmp_path: Path) -> None:
    sums = read_metric_data(statistics(tmp_path / "s.json", "Invocations", *SCATTERED))
    samples = read_metric_data(
        statistics(tmp_path / "d.json", "Duration", *SCATTERED, statistic="SampleCount")
    )
    for trace in (sums, samples):
        assert (trace.frame()["count"].tolist(), trace.interval_us) == ([1, 2, 3], 60_000_000)
    chosen = read_metric_data(statistics(tmp_path / "e.json", "Errors", *SCATTERED), label="Errors")
    assert chosen.summary().invocations == 6


def test_statistics_that_count_no_invocations_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    statistics(path, "Invocations", *SCATTERED, statistic="Average")
    with pytest.raises(
        TraceError, match="must have the statistic Sum, which counts invocations; there is Average"
    ):
        read_metric_data(path)
    with pytest.raises(
        TraceError, match="Label: must be Invocations or Duration, or be chosen by its name, got 'Errors'"
    ):
        read_metric_data(statistics(path, "Errors", *SCATTERED))
    with pytest.raises(TraceError, match="there is no datapoint"):
        read_metric_data(statistics(path, "Invocations"))
    bad = statistics(path, "Invocations", *SCATTERED, ("2026-11-01T08:03:00Z", 1.5))
    with pytest.raises(TraceError, match="datapoint 4: Sum: must be a whole number"):
        read_metric_data(bad)
    assert read_metric_data(bad, on_bad_row=BadRows.SKIP).report().skipped == 1
