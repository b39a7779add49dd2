"""A calibration as a complete scenario: a YAML file, and its arrivals beside it."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, time
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.catalog import limit
from lambdasim.outputs import write_outputs
from lambdasim.specs.platform import AfterFailure
from lambdasim.units import US_PER_MS, US_PER_S, from_epoch_us

if TYPE_CHECKING:
    from lambdasim.calibration.result import Calibration

CALIBRATION: Final = "calibration"
"""Kind of the files of a calibrated scenario, in the manifest of their folder."""
_ROOM: Final = 2
_WIDTH: Final = 120
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_SUPPOSED: Final = {"poisson": {"rate_per_s": 1.0}}


def scenario_mapping(found: Calibration, arrivals: str | None) -> dict[str, Any]:
    """Return a scenario with one function, as a YAML file has it.

    Parameters
    ----------
    found : Calibration
    arrivals : str or None
        File of the arrivals, relative to the scenario; None supposes one event a second for a day.
    """
    data = found.observations
    name = (
        _FOREIGN.sub("-", found.function)[: limit("function_name_max_chars").value].strip("-") or "function"
    )
    function = {**found.to_function(), "name": name, "timeout": f"{_timeout_s(found)}s"}
    if data is None or arrivals is None or not len(data.arrivals_us):
        start = datetime.combine(limit("memory_min_mb").as_of, time(), UTC)
        span, function["traffic"] = "1d", _SUPPOSED
    else:
        first_s, last_s = (int(moment) // US_PER_S for moment in data.arrivals_us[[0, -1]])
        start, span = from_epoch_us(first_s * US_PER_S), f"{last_s - first_s + 1}s"
        function["traffic"] = {
            "trace": arrivals,
            "format": "csv_events",
            "timestamp_unit": "us",
            "align": "none",
        }
    scenario: dict[str, Any] = {
        "name": name,
        "start": start.isoformat(),
        "duration": span,
        "functions": [function],
    }
    if data is not None and data.runs.after_failure is not AfterFailure.INIT_INSIDE:
        scenario["platform"] = {"after_failure": data.runs.after_failure.value}
    if found.lasting.lifetime_s is not None:
        scenario.setdefault("platform", {})["max_lifetime"] = f"{found.lasting.lifetime_s}s"
    peak = 0 if data is None else data.runs.peak_concurrency()
    usual = limit("account_concurrency_default").value
    bought = max((step["count"] for step in function.get("provisioned_concurrency", ())), default=0)
    if max(peak, 2 * bought) > usual:
        scenario["account"] = {"concurrency": max(2 * peak, 4 * bought)}
    return scenario


def write_scenario(found: Calibration, out: str | os.PathLike[str]) -> None:
    """Write a calibration as a scenario that loads; its findings are comments.

    Parameters
    ----------
    found : Calibration
    out : path-like
        The YAML file. Arrivals, where logs have them, go beside it as ``<stem>.arrivals.csv``, microseconds since 1970.
    """
    import yaml

    path = Path(out)
    beside, files = None, {}
    if found.observations is not None and len(found.observations.arrivals_us):
        beside = path.with_suffix(".arrivals.csv")
        rows = "\n".join(map(str, found.observations.arrivals_us.tolist()))
        files[beside] = f"timestamp\n{rows}\n".encode()
    notes = "".join(f"# {line}\n" for line in [*str(found).splitlines(), *_supposed(found)])
    content = scenario_mapping(found, beside.name if beside else None)
    text = notes + yaml.dump(content, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDTH)
    write_outputs({**files, path: text.encode()}, CALIBRATION)


def _dumper() -> Any:
    """Return a writer of YAML that puts rows of numbers side by side."""
    import yaml

    class Rows(yaml.SafeDumper):
        """Writes lists of numbers in brackets."""

    def row(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.Node:
        plain = bool(values) and all(isinstance(value, int | float) for value in values)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=plain)

    Rows.add_representer(list, row)
    return Rows


def _supposed(found: Calibration) -> list[str]:
    """Say what the scenario has that no data showed."""
    data = found.observations
    if data is not None and data.runtime == found.runtime:
        lines = [f"runtime {found.runtime}: as logged"]
    else:
        lines = [
            f"supposed: runtime {found.runtime}, which stands for INIT and first run where no log has them"
        ]
    if data is None:
        return [
            *lines,
            "supposed: traffic of one event a second for a day, and the timeout, with room at the smallest size",
        ]
    timed_out = data.cut_ms is not None
    lines.append("arrivals: as logged" if len(data.arrivals_us) else "supposed: one event a second")
    return (
        lines if timed_out else [*lines, "supposed: the timeout, twice the longest run at any size or more"]
    )


def _timeout_s(found: Calibration) -> int:
    """Take the timeout at which runs were cut off, else twice the longest run at any size, at least the default [s]."""
    least, most = limit("timeout_default_s").value, limit("timeout_max_s").value
    data = found.observations
    if data is not None and data.cut_ms:
        return min(max(ceil(data.cut_ms / 1000 - 0.5), 1), most)
    smallest_mb = limit("memory_min_mb").value
    sizes = (smallest_mb, *(size.memory_mb for size in found.work.sizes))
    longest = max(found.work.predict(size).durations_ms[-1] for size in sizes)
    if data is not None:
        longest = max(longest, float(data.runs.duration_ms.max(initial=0.0)))
    return int(np.clip(ceil(_ROOM * longest * US_PER_MS / US_PER_S), least, most))
