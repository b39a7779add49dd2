"""Logs and tables of runs as observations: files in whatever format, recognised by their content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from lambdasim.calibration.data.observations import Observations, observe
from lambdasim.errors import TraceError
from lambdasim.specs.base import revised
from lambdasim.specs.traffic import OnBadRow, TraceFormat, TrafficSpec
from lambdasim.traffic.opening import open_trace, trace_format
from lambdasim.traffic.readers.logs.reader import read_report_logs
from lambdasim.traffic.readers.looks import looks_like
from lambdasim.traffic.readers.source import SourceFile

_IN_UTC: Final = (TraceFormat.INSIGHTS,)
_DURATIONS: Final = re.compile(r"[\"| ]@?duration(?:_?ms)?[\"| ]", re.IGNORECASE)


def read_observations(
    paths: Iterable[str | os.PathLike[str]],
    *,
    function: str | None = None,
    skip_bad_rows: bool = False,
    said: Mapping[str, object] | None = None,
    version: str | None = None,
) -> Observations:
    """Read the logs of a function; their format is recognised by their content.

    Parameters
    ----------
    paths : iterable of path-like
        Files that `lambdasim.traffic.readers` knows, with durations and memory sizes. Times of logs without an offset
        are UTC, as ``aws logs tail --format short`` prints them. Log text without any times is read too, for what runs
        took.
    function : str, optional
        Which function, where an export has several.
    skip_bad_rows : bool
        Leave out rows that cannot be read, and count them, rather than refuse the file.
    said : mapping of str to object, optional
        What is said of how the files are written, by the keys of ``TrafficSpec``.
    version : str, optional
        Which version of the function, or ``all``; by default the newest.

    Raises
    ------
    TraceError
        When a file cannot be read, has no durations, or has several functions and none was chosen.
    """
    bad_rows = OnBadRow.SKIP if skip_bad_rows else OnBadRow.ERROR
    traces = []
    for path in paths:
        file = Path(path)
        spec = revised(TrafficSpec(trace=file.name, on_bad_row=bad_rows), said or {})
        kind = _known_format(file, spec)
        if kind is TraceFormat.REPORT_LOGS:
            traces.append(read_report_logs(file, naive="utc", on_bad_row=bad_rows, timeless=True))
            continue
        spec = revised(spec, {"format": kind, "utc": spec.utc or kind in _IN_UTC})
        traces.append(open_trace(file.parent, file.name, spec))
    return observe(traces, function=function, version=version)


def _known_format(file: Path, spec: TrafficSpec) -> TraceFormat:
    """Recognise how a file is written.

    Raises
    ------
    TraceError
        When it holds no single runs with their durations, saying what it looks like.
    """
    if spec.format is not TraceFormat.AUTO:
        return spec.format
    wanted = (
        "must be logs of a Lambda function (REPORT lines, platform.report objects, Lambda Insights, results of Logs "
        "Insights, or a table with duration_ms and memory_mb) or Power Tuning's output"
    )
    try:
        kind = trace_format(file, spec)
    except TraceError:
        seen = looks_like(SourceFile.at(file))
        if _DURATIONS.search(seen) or not seen:
            raise
        raise TraceError.single(str(file), "", wanted + seen) from None
    if kind is TraceFormat.METRIC_DATA:
        told = "; the file holds metrics of CloudWatch, which are no single runs"
        raise TraceError.single(str(file), "", wanted + told)
    if kind is TraceFormat.CSV_COUNTS:
        raise TraceError.single(str(file), "", f"{wanted}; the file holds counts, which are no single runs")
    if kind is TraceFormat.CSV_EVENTS:
        seen = looks_like(SourceFile.at(file))
        if not _DURATIONS.search(seen) and "looks like a table" not in seen:
            raise TraceError.single(str(file), "", wanted + seen)
    return kind
