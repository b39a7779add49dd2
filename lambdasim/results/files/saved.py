"""Runs as files: saved, read again, and their usage alone to be priced again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from lambdasim.billing import Usage, from_json, plain, to_json
from lambdasim.engine.contract import Plan, calls_of_plan, names_of_chains
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.records import RecordChunk
from lambdasim.engine.totals.chains import ChainTotals
from lambdasim.errors import InputError
from lambdasim.manifest import check_parts, checksum
from lambdasim.outputs import OutputFolder, noted_input
from lambdasim.results.files.fleets import FLEETS, fleets_chunk, fleets_text
from lambdasim.results.files.items import ITEMS, read_items
from lambdasim.results.files.records import RECORDS, RecordFile, longest_wait_us, read_records
from lambdasim.results.metrics import metrics_in_use
from lambdasim.results.run import RunResult
from lambdasim.results.usage.as_month import MonthBasis, month_basis
from lambdasim.specs.scenario import ScenarioSpec

_MOST_BYTES = 64 * 1024 * 1024
RUN: Final = "run"
"""Kind of the files of a run, in the manifest of their folder."""
CHAINS: Final = "chains.json"
PARTS: Final = ("scenario.json", "usage.json", "summary.json", "metrics.csv", RECORDS, ITEMS, CHAINS, FLEETS)
"""Files that are read again."""
TABLES: Final = ("bill.csv",)
"""Files for people alone."""
_IDENTITY: Final = ("scenario.json", "usage.json", "metrics.csv")


def refuse_the_same_folder(name: str, places: Iterable[Path]) -> None:
    """Refuse folders of runs that are one folder, by whatever path: its usage would count twice.

    Parameters
    ----------
    name : str
        Of what reads them, for the message.
    places : iterable of Path

    Raises
    ------
    InputError
    """
    seen: set[str] = set()
    for place in places:
        real = os.path.realpath(place)
        if real in seen:
            raise InputError.single(name, str(place), "is given twice, and its usage would count twice")
        seen.add(real)


def refuse_copies(name: str, places: Iterable[Path], remedy: str = "") -> None:
    """Refuse folders that hold one and the same run, a copy or made anew: its usage would count twice.

    A run is known by its scenario, its usage and its metrics; accounts that run alike have scenarios of other names.

    Parameters
    ----------
    name : str
        Of what reads them, for the message.
    places : iterable of Path
        What is no folder of a run is left to who reads it.
    remedy : str
        What else than another name tells them apart.

    Raises
    ------
    InputError
    """
    seen: dict[tuple[str, ...], Path] = {}
    for place in places:
        try:
            found = tuple(checksum(place / part) for part in _IDENTITY)
        except OSError:
            continue
        if found in seen:
            raise InputError.single(
                name,
                str(place),
                f"holds the same run as {seen[found]}, and its usage would count twice; accounts that do run the same "
                f"have scenarios of different names{remedy}",
            )
        seen[found] = place


def run_content(run: RunResult) -> dict[str, Any]:
    """Return a run's tables as plain values, which JSON can hold.

    Parameters
    ----------
    run : RunResult

    Returns
    -------
    dict
        ``provenance``, ``free_tier``, ``warnings`` (sentences), ``summary``,
        ``throttles``, ``sources``, ``calls``, ``chains``, ``bill``,
        ``total_without_free_tier`` (as text, in the bill's currency), ``parameters``.
    """
    return {
        "provenance": run.provenance(),
        "free_tier": run.scenario.free_tier,
        "warnings": list(run.warnings()),
        "summary": json.loads(run.summary().to_json(orient="records", double_precision=12)),
        "throttles": json.loads(run.throttles().to_json(orient="records")),
        "sources": json.loads(run.sources().to_json(orient="records", double_precision=12)),
        "calls": json.loads(run.calls().to_json(orient="records", double_precision=12)),
        "chains": json.loads(run.chains().to_json(orient="records", double_precision=12)),
        "state_machines": json.loads(run.machines().to_json(orient="records", double_precision=12)),
        "alarms": json.loads(run.alarms().to_json(orient="records", double_precision=12)),
        "bill": json.loads(run.charges().to_json()),
        "total_without_free_tier": plain(run.charges(free_tier=False).total),
        "parameters": json.loads(run.parameters().to_json(orient="records")),
    }


def save(run: RunResult, folder: str | os.PathLike[str]) -> None:
    """Write a run's summary, bill, usage and series.

    Parameters
    ----------
    run : RunResult
    folder : path-like
        Made if it is missing. Gets ``summary.json``, ``bill.csv``, ``usage.json``, ``metrics.csv`` and
        ``scenario.json``; and ``records.parquet`` if the run kept its records (else see ``RecordFile``), with
        ``items.parquet`` for messages and records of queues and streams, ``chains.json`` where functions call each other,
        ``managed.json`` where some are on managed instances.
        Last comes ``lambdasim-manifest.json``, with
        checksums of what lambdasim wrote there.

    Raises
    ------
    InputError, OSError
        When a file there was not written by lambdasim, or another process writes; see ``OutputFolder``.
    """
    with OutputFolder(folder, RUN) as place:
        if run.chunks is not None:
            with RecordFile(place, run.aggregate.names) as records:
                for chunk in run.chunks:
                    records.write(chunk)
        add_tables(run, place)


def add_tables(run: RunResult, place: OutputFolder) -> None:
    """Write all files of a run beside its records.

    Parameters
    ----------
    run : RunResult
    place : OutputFolder
        Of kind ``RUN``.
    """
    scenario = run.scenario.model_dump(mode="json", by_alias=True)
    files = {
        "scenario.json": json.dumps(scenario, indent=1, ensure_ascii=False) + "\n",
        "usage.json": to_json(run.usage()),
        "bill.csv": run.bill().to_csv(index=False, lineterminator="\n"),
        "summary.json": json.dumps(run_content(run), indent=1, ensure_ascii=False) + "\n",
    }
    if run.plan.calls is not None:
        content = run.aggregate.chains.content(names_of_chains(run.plan))
        content["machines"] = run.aggregate.executions.content()
        files[CHAINS] = json.dumps(content) + "\n"
    else:
        place.drop(CHAINS)
    if fleets := fleets_text(run.aggregate):
        files[FLEETS] = fleets
    else:
        place.drop(FLEETS)
    for name, text in files.items():
        place.add(name, text.encode())
    with place.stream("metrics.csv") as stream:
        for number, metrics in enumerate(metrics_in_use(run.aggregate, run.plan)):
            metrics.to_csv(stream, index=False, header=not number, lineterminator="\n")


def check_run_folder(folder: str | os.PathLike[str]) -> None:
    """Make sure that the files of a run in a folder were written by one run, and are as it wrote them.

    Raises
    ------
    InputError
        Naming the file that is another's, was changed, or is only half there.
    """
    check_parts(Path(folder), RUN, PARTS, "lambdasim simulate --out")


def load_run(folder: str | os.PathLike[str], keep_records: bool = True) -> RunResult:
    """Read a run that was saved with its records.

    Parameters
    ----------
    folder : path-like
        With ``scenario.json``, ``records.parquet`` and ``summary.json``, and ``items.parquet`` where there are queues or
        streams.
    keep_records : bool
        Whether ``records`` is available; without, memory stays bounded.

    Returns
    -------
    RunResult
        Equal to the one that was saved: totals, histograms and series are made again from the records.

    Raises
    ------
    InputError
        When a file is missing or is not what ``save`` and ``RecordFile`` write.
    """
    place = Path(folder)
    check_run_folder(place)
    scenario = scenario_of(place)
    summary = _read_json(place / "summary.json")
    provenance = summary.get("provenance") if isinstance(summary, dict) else None
    known = provenance if isinstance(provenance, dict) else {}
    checksum, engine = known.get("arrays_sha256"), known.get("engine")
    if not isinstance(checksum, str) or not isinstance(engine, str):
        raise InputError.single(
            str(place / "summary.json"), "provenance", "must name arrays_sha256 and engine, as text"
        )
    plan = plan_scenario(scenario)
    names = tuple(function.name for function in plan.functions)
    longest_us = longest_wait_us(plan)
    calls = len(calls_of_plan(plan))
    chunks = read_records(place / RECORDS, names, calls, scenario.duration_us, longest_us)
    if any(function.source is not None for function in plan.functions):
        items = read_items(place / ITEMS, plan.functions, scenario.duration_us, longest_us)
        chunks = chain(chunks, items)
    if any(function.managed is not None for function in plan.functions):
        chunks = chain(chunks, [_read_fleets(place / FLEETS, plan)])
    run = RunResult.of_records(scenario, plan, chunks, checksum, engine=engine, keep_records=keep_records)
    if plan.calls is not None:
        _read_chains(place / CHAINS, run)
    return run


def _read_fleets(path: Path, plan: Plan) -> RecordChunk:
    """Read what functions on managed instances held."""
    try:
        return fleets_chunk(_read_json(path), plan)
    except ValueError as error:
        raise InputError.single(
            str(path), str(error), "must be as `lambdasim simulate --out` wrote it"
        ) from None


def _read_chains(path: Path, run: RunResult) -> None:
    """Read the totals of chains and of state machines."""
    content = _read_json(path)
    names, calls = names_of_chains(run.plan), len(calls_of_plan(run.plan))
    try:
        run.aggregate.chains = ChainTotals.of_content(content, names, calls)
        run.aggregate.executions.read(content["machines"])
    except (ValueError, KeyError) as error:
        raise InputError.single(
            str(path), str(error), "must be as `lambdasim simulate --out` wrote it"
        ) from None


def scenario_of(folder: Path) -> ScenarioSpec:
    """Read the scenario of a run that was saved.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    ScenarioSpec

    Raises
    ------
    InputError
        When its file is missing, or is no scenario.
    """
    content = _read_json(folder / "scenario.json")
    try:
        return ScenarioSpec.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        field = ".".join(map(str, found["loc"]))
        raise InputError.single(str(folder / "scenario.json"), field, found["msg"]) from None


def _read(path: Path) -> bytes:
    """Read a file of a run, of bounded size."""
    if not path.is_file():
        raise InputError.single(str(path), "", "must be a file that `lambdasim simulate --out` wrote")
    noted_input(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError.single(str(path), "", f"cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise InputError.single(str(path), "", f"must have at most {_MOST_BYTES} bytes")
    return content


def _read_json(path: Path) -> Any:
    content = _read(path)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InputError.single(
            str(path), "", "must be a JSON file that `lambdasim simulate --out` wrote"
        ) from None


def load_usage(folder: str | os.PathLike[str]) -> tuple[Usage, ...]:
    """Read the usage that a run left in a folder, to price it again.

    Parameters
    ----------
    folder : path-like
        That ``lambdasim simulate --out`` or ``save`` wrote.

    Returns
    -------
    tuple of Usage
        By function and UTC month.

    Raises
    ------
    InputError
        When the folder has no usage file, or the file is not one.
    """
    check_run_folder(folder)
    path = Path(folder) / "usage.json"
    try:
        text = _read(path).decode()
    except UnicodeDecodeError:
        raise InputError.single(str(path), "", "must be UTF-8") from None
    return from_json(text, str(path))


def load_free_tier(folder: str | os.PathLike[str]) -> bool:
    """Return whether the scenario that a run left in a folder gets the account's free tier.

    Raises
    ------
    InputError
        When the folder has no summary, or it does not say.
    """
    check_run_folder(folder)
    path = Path(folder) / "summary.json"
    summary = _read_json(path)
    says = summary.get("free_tier") if isinstance(summary, dict) else None
    if not isinstance(says, bool):
        raise InputError.single(
            str(path), "free_tier", "must be in the summary that `lambdasim simulate --out` wrote"
        )
    return says


def load_basis(folder: str | os.PathLike[str]) -> MonthBasis:
    """Say how the run that is in a folder stands for a month.

    Parameters
    ----------
    folder : path-like
        As ``save`` writes it.

    Returns
    -------
    MonthBasis

    Raises
    ------
    InputError
        When the folder has no scenario, or another one.
    """
    check_run_folder(folder)
    path = Path(folder) / "scenario.json"
    try:
        return month_basis(ScenarioSpec.model_validate(_read_json(path)))
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        where = ".".join(map(str, found["loc"]))[:80]
        raise InputError.single(str(path), where, found["msg"][:200]) from None
