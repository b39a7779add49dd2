"""One door for a scenario that is to be run and for a run that is finished."""

from __future__ import annotations

import os
from pathlib import Path

from lambdasim.errors import InputError
from lambdasim.results.files.records import RECORDS
from lambdasim.results.files.saved import check_run_folder, load_run, load_usage, scenario_of
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.loading import IN_FOLDER, load_scenario


def open_run(source: str | os.PathLike[str], *, seed: int | None = None) -> RunResult:
    """Simulate a scenario file, or read a finished run.

    Parameters
    ----------
    source : path-like
        Scenario file, folder with ``scenario.yaml``, or folder that ``lambdasim simulate --out`` or ``save`` wrote. One
        without records, which long runs do not keep, is simulated again and must come out the same.
    seed : int, optional
        For a scenario file: another seed than its own.

    Returns
    -------
    RunResult
        Without records: memory stays bounded.

    Raises
    ------
    InputError
        When the source is neither, or a run comes out differently because its traces or lambdasim have changed.
    """
    path = Path(source)
    if not path.is_dir() or (path / IN_FOLDER).is_file():
        spec = load_scenario(path)
        return simulate(spec if seed is None else spec.with_seed(seed), keep_records=False)
    if seed is not None:
        raise InputError.single(str(path), "seed", "belongs to a scenario file; this run is finished")
    if (path / RECORDS).exists():
        return load_run(path, keep_records=False)
    check_run_folder(path)
    run = simulate(scenario_of(path), keep_records=False)
    if run.usage() != load_usage(path):
        raise InputError.single(
            str(path),
            "",
            "has no records, and comes out differently now: its traces or lambdasim have changed",
        )
    return run
