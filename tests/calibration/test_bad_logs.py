"""Bad logs: a clear error, or a treatment that is said and counted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lambdasim.calibration.data.observations import Observations
from lambdasim.calibration.data.reading import read_observations
from lambdasim.errors import TraceError

BEGIN = datetime(2026, 11, 1, 8, tzinfo=UTC)
STREAM = "2026/11/01/[$LATEST]{:032x}"


def message(number: int, duration_ms: float, memory_mb: int = 512) -> str:
    return (
        f"REPORT RequestId: {number:08x}-1111-2222-3333-{number:012x}\tDuration: {duration_ms:.2f} ms\t"
        f"Billed Duration: {int(duration_ms) + 1} ms\tMemory Size: {memory_mb} MB\tMax Memory Used: 61 MB\t"
    )


def moment(second: float) -> str:
    return (BEGIN + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(
    number: int, duration_ms: float, memory_mb: int = 512, at: float | None = None, stream: int | None = None
) -> str:
    named = "" if stream is None else STREAM.format(stream) + " "
    return f"{moment(2 * number if at is None else at)} {named}{message(number, duration_ms, memory_mb)}"


def steady(number: int, mean_ms: float = 100.0) -> float:
    """Spread durations evenly within 10 % around a mean."""
    return mean_ms * (0.9 + 0.2 * (number * 37 % 101) / 101)


def observed(folder: Path, lines: list[str], *, skip_bad_rows: bool = False) -> Observations:
    path = folder / "resize.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_observations([path], skip_bad_rows=skip_bad_rows)


GOOD = [line(number, steady(number)) for number in range(150)]
DAMAGE = {
    "half a line": lambda text: text[:90],
    "a decimal comma": lambda text: text.replace(".", ",", 3),
    "digits of another script": lambda text: text.replace("Duration: ", "Duration: ١"),
    "seconds": lambda text: text.replace(" ms", " s"),
    "no memory size": lambda text: text.replace("Memory Size: 512 MB\t", ""),
    "a time that is none": lambda text: text.replace("2026-11-01", "2026-13-01"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_line_is_an_error_or_counted_and_listed(damage: str, tmp_path: Path) -> None:
    bad = DAMAGE[damage](GOOD[70])
    lines = [*GOOD[:70], bad, *GOOD[71:]]
    with pytest.raises(TraceError, match=r"resize\.log, row 71: "):
        observed(tmp_path, lines)
    found = observed(tmp_path, lines, skip_bad_rows=True)
    assert (found.rows, found.left_out) == (149, {"rows that could not be read": 1})
    assert any("row 71" in note for note in found.notes)


def test_many_damaged_lines_are_counted_beyond_those_listed(tmp_path: Path) -> None:
    lines = [*GOOD[:100], *(text[:90] for text in GOOD[100:])]
    found = observed(tmp_path, lines, skip_bad_rows=True)
    assert found.left_out == {"rows that could not be read": 50}
    assert "resize.log: and 47 more that could not be read" in found.notes


def test_memory_that_lambda_does_not_sell_is_left_out_with_its_count(tmp_path: Path) -> None:
    found = observed(tmp_path, [*GOOD, line(900, 100, 100), line(901, 100, 127), line(902, 100, 10_241)])
    assert found.left_out == {"rows with a memory size outside Lambda's 128 to 10,240 MB": 3}
    assert [size.memory_mb for size in found.sizes] == [512]
    with pytest.raises(
        TraceError, match="have no invocation with duration and memory size; 1 row with a memory size"
    ):
        observed(tmp_path, [line(1, 100, 127)])


def test_every_row_is_used_or_counted(tmp_path: Path) -> None:
    lines = [*GOOD, *GOOD[:20], GOOD[5][:90], line(900, 100, 0)]
    found = observed(tmp_path, lines, skip_bad_rows=True)
    used = sum(len(size.warm_ms) for size in found.sizes)
    assert used + sum(found.left_out.values()) == len(lines)


def test_a_run_that_two_files_tell_counts_once_and_its_retry_counts(tmp_path: Path) -> None:
    """One file has the START of each run, the other its report alone, which places the arrival a little elsewhere."""
    fields = "Duration: 50.00 ms\tBilled Duration: 50 ms\tMemory Size: 512 MB\tMax Memory Used: 61 MB"
    reports = [f"2026-11-01T08:0{k}:00.100Z REPORT RequestId: a-1\t{fields}" for k in (0, 2)]
    starts = [f"2026-11-01T08:0{k}:00.020Z START RequestId: a-1 Version: 1" for k in (0, 2)]
    (tmp_path / "all.log").write_text("\n".join([starts[0], reports[0], starts[1], reports[1]]))
    (tmp_path / "reports.log").write_text("\n".join(reports))
    found = read_observations([tmp_path / "all.log", tmp_path / "reports.log"])
    assert (len(found.runs), found.left_out) == (2, {"rows that repeat another row": 2})


def test_ends_of_lines_and_a_mark_of_byte_order_change_nothing(tmp_path: Path) -> None:
    plain = observed(tmp_path, GOOD)
    for name, data in (
        ("crlf", "\r\n".join(GOOD).encode()),
        ("bom", b"\xef\xbb\xbf" + "\n".join(GOOD).encode()),
    ):
        path = tmp_path / f"{name}.log"
        path.write_bytes(data)
        found = read_observations([path])
        assert found.sizes[0].warm_ms.tolist() == plain.sizes[0].warm_ms.tolist()


def test_times_without_an_offset_are_utc_and_that_is_said(tmp_path: Path) -> None:
    short = observed(tmp_path, [text[:19] + text[24:] for text in GOOD])
    assert short.arrivals_us.tolist() == observed(tmp_path, GOOD).arrivals_us.tolist()
    assert any("taken as UTC" in note for note in short.notes)


def test_a_gap_of_decades_is_named_and_ends_in_an_error(tmp_path: Path) -> None:
    lost = GOOD[-1].replace("2026-11-01", "2066-11-01")
    with pytest.raises(
        TraceError,
        match=r"must span at most 3,660 days; nothing happens from 2026-11-01T08:04:5.* to 2066-11-01",
    ):
        observed(tmp_path, [*GOOD[:-1], lost])


def mixed(notes: tuple[str, ...]) -> list[str]:
    return [note for note in notes if "two functions" in note or "look like two" in note]


def test_sizes_side_by_side_are_told_and_a_change_of_size_is_not(tmp_path: Path) -> None:
    beside = [line(n, steady(n), 512, at=2 * n) for n in range(150)]
    beside += [line(1000 + n, steady(n, 900), 1024, at=2 * n + 1) for n in range(150)]
    assert "took turns over the same stretch of time" in mixed(observed(tmp_path, beside).notes)[0]
    resized = [line(n, steady(n), 512, at=2 * n) for n in range(150)]
    resized += [line(1000 + n, steady(n, 50), 1024, at=290 + 2 * n) for n in range(150)]
    assert not mixed(observed(tmp_path, resized).notes)


def test_log_streams_with_other_durations_look_like_another_function(tmp_path: Path) -> None:
    two = [line(n, steady(n, (100, 900)[n % 2]), stream=n % 4) for n in range(200)]
    assert "2 log streams have short runs" in mixed(observed(tmp_path, two).notes)[0]
    kinds = [line(n, steady(n, (100, 900)[n // 4 % 2]), stream=n % 4) for n in range(200)]
    assert not mixed(observed(tmp_path, kinds).notes)
    machines = [line(n, steady(n, (100, 130)[n % 2]), stream=n % 4) for n in range(200)]
    assert not mixed(observed(tmp_path, machines).notes)
    grown = [line(n, steady(n, (100, 900)[n // 100]), stream=n // 50) for n in range(200)]
    assert not mixed(observed(tmp_path, grown).notes)


def test_two_groups_of_durations_without_streams_cannot_be_told(tmp_path: Path) -> None:
    two = [line(n, steady(n, (100, 900)[n % 2])) for n in range(200)]
    assert "two functions, or one with two kinds of runs" in mixed(observed(tmp_path, two).notes)[0]
    assert not mixed(observed(tmp_path, GOOD).notes)


def record(function: str, numbers: range) -> str:
    events = [
        {"id": str(n), "timestamp": 1_793_520_000_000 + 2_000 * n, "message": message(n, steady(n))}
        for n in numbers
    ]
    return json.dumps({"messageType": "DATA_MESSAGE", "logGroup": f"/aws/lambda/{function}", "logStream": "s",
                       "logEvents": events})  # fmt: skip


def test_many_long_names_with_escapes_make_a_short_and_harmless_message(tmp_path: Path) -> None:
    # 200 functions whose names are long and would clear a terminal.
    names = [f"\x1b[2J{number:03d}{'x' * 1900}" for number in range(200)]
    path = tmp_path / "many.json"
    path.write_text("".join(record(name, range(2)) for name in names))
    with pytest.raises(TraceError) as caught:
        read_observations([path])
    text = str(caught.value)
    assert "has 200 functions" in text
    assert "and 180 more" in text
    assert "\x1b" not in text
    assert len(text) < 3_000


def test_two_log_groups_are_an_error_until_one_is_chosen(tmp_path: Path) -> None:
    both, first, second = (tmp_path / name for name in ("both.json", "first.json", "second.json"))
    both.write_text(record("resize", range(120)) + record("thumbs", range(120, 150)))
    first.write_text(record("resize", range(120)))
    second.write_text(record("thumbs", range(120, 150)))
    for paths in ([both], [first, second]):
        with pytest.raises(TraceError, match="has 2 functions; choose one of resize, thumbs"):
            read_observations(paths)
        with pytest.raises(TraceError, match="choose one of resize, thumbs, got 'pay'"):
            read_observations(paths, function="pay")
        found = read_observations(paths, function="resize")
        assert (found.rows, found.left_out) == (120, {"rows of other functions": 30})
