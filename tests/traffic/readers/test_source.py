"""What no reader may choke on: files that are no files, packed wrongly, changed, or made to hurt."""

import gzip
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lambdasim.errors import TraceError
from lambdasim.traffic.readers import (
    read_azure_2019,
    read_azure_2019_durations,
    read_azure_2019_memory,
    read_azure_2021,
    read_counts_csv,
    read_events_csv,
    read_insights,
    read_metric_data,
    read_report_logs,
    source,
)
from lambdasim.traffic.readers.source import SourceFile

DATA = Path(__file__).parents[3] / "data"
REPORT = "REPORT RequestId: r\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB\t"
GOOD = {
    "counts_csv": "timestamp,count\n2026-11-01T00:00:00Z,1\n2026-11-01T00:01:00Z,2\n",
    "events_csv": "timestamp,duration_ms\n2026-11-01T00:00:00Z,1\n",
    "report_logs": f"2026-11-01T00:00:00Z {REPORT}\n",
    "insights": "@timestamp,@duration\n2026-11-01 00:00:00.000,1.5\n",
    "metric_data": '{"MetricDataResults": [{"Label": "x", "Timestamps": [0, 60], "Values": [1, 2]}]}',
    "azure_2019": (DATA / "traffic" / "azure_2019_layout_invocations.csv").read_text(),
    "azure_2021": "app,func,end_timestamp,duration\na,f,1,0.5\n",
    "azure_durations": (DATA / "traffic" / "azure_2019_layout_durations.csv").read_text(),
    "azure_memory": (DATA / "traffic" / "azure_2019_layout_memory.csv").read_text(),
}
READERS: dict[str, Callable[[Path], int]] = {
    "counts_csv": lambda path: len(read_counts_csv(path).frame()),
    "events_csv": lambda path: len(read_events_csv(path).frame()),
    "report_logs": lambda path: len(read_report_logs(path).frame()),
    "insights": lambda path: len(read_insights(path).frame()),
    "metric_data": lambda path: len(read_metric_data(path).frame()),
    "azure_2019": lambda path: len(read_azure_2019(path, date="2019-07-15").frame()),
    "azure_2021": lambda path: len(read_azure_2021(path).frame()),
    "azure_durations": lambda path: len(read_azure_2019_durations(path)),
    "azure_memory": lambda path: len(read_azure_2019_memory(path)),
}
every_reader = pytest.mark.parametrize("name", READERS)


def refused(name: str, path: Path) -> str:
    begun = time.monotonic()
    with pytest.raises(TraceError) as caught:
        READERS[name](path)
    assert time.monotonic() - begun < 20
    message = str(caught.value)
    assert message.startswith(str(path).replace("\0", "\\0"))
    assert len(message) < 900
    assert message.isprintable()
    return message


@every_reader
def test_the_same_text_plain_packed_and_with_a_mark(name: str, tmp_path: Path) -> None:
    text = GOOD[name].encode()
    forms = {
        "plain": text,
        "bom": b"\xef\xbb\xbf" + text,
        "crlf": text.replace(b"\n", b"\r\n"),
        "gz": gzip.compress(text),
        "bom.gz": gzip.compress(b"\xef\xbb\xbf" + text),
        "members.gz": gzip.compress(text[:20]) + gzip.compress(text[20:]),
        "padded.gz": gzip.compress(text) + b"\0" * 512,
    }
    rows = set()
    for form, content in forms.items():
        path = tmp_path / f"t.{form}"
        path.write_bytes(content)
        rows.add(READERS[name](path))
    assert len(rows) == 1
    assert rows.pop() > 0


@every_reader
def test_what_is_no_file_is_told(name: str, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refused(name, tmp_path / "absent.csv")
    assert "must be a file, but is a directory" in refused(name, tmp_path)
    assert "cannot be read" in refused(name, Path("nul\0byte.csv"))
    assert "cannot be read: File name too long" in refused(name, tmp_path / ("x" * 300))
    os.mkfifo(tmp_path / "fifo")
    assert "must be a file, but is not a regular file" in refused(name, tmp_path / "fifo")
    assert "is not a regular file" in refused(name, Path(os.devnull))
    (tmp_path / "empty").touch()
    assert "the file is empty" in refused(name, tmp_path / "empty")
    (tmp_path / "mark").write_bytes(b"\xef\xbb\xbf")
    assert "the file is empty" in refused(name, tmp_path / "mark")
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be read" in refused(name, tmp_path / "loop")


@every_reader
def test_packing_that_is_broken_or_foreign_is_told(name: str, tmp_path: Path) -> None:
    text = GOOD[name].encode()
    packed = gzip.compress(text)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("t.csv", text)
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as members:
        members.addfile(tarfile.TarInfo("t.csv"), io.BytesIO())
    broken = {
        "the gzip data is cut short": packed[:-9],
        "the gzip data is cut short after": packed[:12],
        "broken gzip data": packed[:15] + b"\xff\xff\xff" + packed[18:],
        "broken gzip data after": packed[:-8] + b"\0" * 8,
        "gzip inside gzip": gzip.compress(packed),
        "the file is empty": gzip.compress(b""),
        "is a zip archive": archive.getvalue(),
        "is a tar archive": tape.getvalue(),
        "is zstd data": b"\x28\xb5\x2f\xfd\x00" + text,
        "is a Parquet file": b"PAR1" + text,
        "must be whole UTF-16 text": text.decode().encode("utf-16") + b"\x00",
    }
    for expected, content in broken.items():
        path = tmp_path / "t.csv.gz"
        path.write_bytes(content)
        assert expected in refused(name, path)


@every_reader
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_reads_like_utf_8(name: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text(GOOD[name])
    rows = READERS[name](path)
    path.write_bytes(GOOD[name].encode(encoding))
    assert READERS[name](path) == rows


@every_reader
def test_a_gzip_bomb_is_refused_before_it_unfolds(name: str, tmp_path: Path) -> None:
    unit = gzip.compress((" " * 63 + "\n").encode() * (1 << 17), 9)
    head = GOOD[name].encode().split(b"\n")[0] + b"\n"
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(head) + unit * 128)
    assert path.stat().st_size < 5 << 20
    message = refused(name, path)
    # The text of 1 GiB is full of blanks, at which some readers stop even earlier.
    assert "refused as a gzip bomb" in message or "row 2" in message or "must hold at most" in message


def test_a_bomb_is_one_by_ratio_and_size_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.gz").write_bytes(gzip.compress(b"\n" * (1 << 20)))
    file = SourceFile.at(tmp_path / "t.gz")
    assert sum(map(len, file.blocks())) == 1 << 20
    monkeypatch.setattr(source, "GZIP_FREE_BYTES", 1 << 19)
    with pytest.raises(TraceError, match="more than 200 times its size"):
        list(file.blocks())
    monkeypatch.setattr(source, "GZIP_RATIO_LIMIT", 2_000)
    assert sum(map(len, file.blocks())) == 1 << 20


@every_reader
@pytest.mark.parametrize(
    "content",
    [
        np.random.default_rng(3).bytes(100_000),
        b"\0" * 100_000,
        bytes(range(256)) * 300,
        b"\xff" * 3_000_000,
        b"{" * 3_000_000,
        b"a" * 3_000_000,
        b"[" * 50_000,
    ],
    ids=["random", "nul", "every byte", "0xff", "braces", "a long line", "brackets"],
)
def test_what_is_no_text_of_the_format_is_one_error(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(content)
    refused(name, tmp_path / "t")


@every_reader
def test_one_enormous_line_below_a_good_head(name: str, tmp_path: Path) -> None:
    path = tmp_path / "t"
    text = GOOD[name]
    quote = '"' if name.endswith("csv") or name.startswith(("azure", "insights")) else ""
    path.write_text(text + quote + "x," * 3_000_000)
    if name == "report_logs":  # Text without a report in it is what logs have between reports.
        assert READERS[name](path) == 1
        return
    message = refused(name, path)
    assert "a record must have at most 1,048,576 bytes" in message or "must be JSON" in message


@every_reader
def test_a_nul_byte_is_named(name: str, tmp_path: Path) -> None:
    text = GOOD[name]
    place = text.rstrip().rfind(",") if name != "report_logs" else text.index("1.5")
    (tmp_path / "t").write_text(text[:place] + "\0" + text[place:])
    message = refused(name, tmp_path / "t")
    assert "row " in message


@every_reader
def test_a_head_without_rows_is_told(name: str, tmp_path: Path) -> None:
    if name in ("report_logs", "metric_data"):
        return
    (tmp_path / "t").write_text(GOOD[name].split("\n", maxsplit=1)[0] + "\n")
    assert "there is no row below the header" in refused(name, tmp_path / "t")


def test_a_file_changed_between_passes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(GOOD["events_csv"])
    trace = read_events_csv(path)
    assert len(trace.frame()) == 1
    path.write_text(GOOD["events_csv"] + "2026-11-01T00:00:01Z,1\n")
    with pytest.raises(TraceError, match="the file changed since it was first read"):
        trace.frame()
    path.unlink()
    with pytest.raises(TraceError, match="cannot be read: No such file"):
        trace.frame()


def test_provenance_is_of_the_file_as_stored(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(GOOD["events_csv"].encode()))
    told = read_events_csv(path).source
    assert told.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (told.name, told.format, told.bytes) == ("t.csv.gz", "events_csv", path.stat().st_size)
