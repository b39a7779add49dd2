"""Usage by clock hour, of a run or of a folder that a run was written to."""

from __future__ import annotations

import os
from pathlib import Path

from lambdasim.errors import InputError
from lambdasim.results.files.saved import load_usage
from lambdasim.results.run import RunResult
from lambdasim.results.usage.hour import METRIC_OF_COUNTER, HourlyUsage, cut_into_hours
from lambdasim.specs.scenario import ScenarioSpec


def hourly_usage(run: RunResult | str | os.PathLike[str]) -> HourlyUsage:
    """Cut a run's usage into clock hours.

    Parameters
    ----------
    run : RunResult or path-like
        A run, or the folder that ``save`` or ``lambdasim simulate --out`` wrote.

    Returns
    -------
    HourlyUsage
        Sums to the run's usage by month, count by count.

    Raises
    ------
    InputError
        When a file of the folder is missing or broken, or its files are of different runs.

    Notes
    -----
    An attempt counts in the hour in which its minute begins; provisioned concurrency in the hours in which it was
    asked for.
    """
    if isinstance(run, str | os.PathLike):
        return _of_folder(Path(run))
    return cut_into_hours(run.metrics(), run.scenario, run.usage(), "run")


def _of_folder(folder: Path) -> HourlyUsage:
    import pandas as pd
    from pydantic import ValidationError

    usages = load_usage(folder)
    try:
        scenario = ScenarioSpec.model_validate_json((folder / "scenario.json").read_bytes())
        metrics = pd.read_csv(folder / "metrics.csv")
        columns = ["timestamp", "function", *METRIC_OF_COUNTER.values()]
        metrics = metrics[columns].astype(dict.fromkeys(METRIC_OF_COUNTER.values(), "int64"))
    except (OSError, ValueError, KeyError, ValidationError) as problem:
        told = str(problem).splitlines()[0][:80] if str(problem) else type(problem).__name__
        raise InputError.single(
            str(folder), "", f"must have scenario.json and metrics.csv of `lambdasim simulate --out`: {told}"
        ) from None
    return cut_into_hours(metrics, scenario, usages, str(folder))
