"""The command line: one call into the public API for each command, and a table that fits 80 columns."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from lambdasim.results.records import RecordFile
    from lambdasim.results.run import RunResult
    from lambdasim.specs import ScenarioSpec

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Cost and limit simulation of AWS Lambda: offline, without credentials, repeatable.",
)
prices = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Price sheets.")
app.add_typer(prices, name="prices")

_MOST_RECORDS = 10_000_000
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
RegionOption = Annotated[str | None, typer.Option(help="Price as if all had run in this region.")]


def _print(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        from lambdasim import __version__

        _print(f"lambdasim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def simulate(
    scenario: Annotated[Path, typer.Argument(help="Scenario file, YAML.")],
    out: Annotated[Path | None, typer.Option(help="Folder for summary, bill, records and pictures.")] = None,
    keep_records: Annotated[
        bool | None,
        typer.Option(
            "--records/--no-records",
            help=f"Whether --out keeps every attempt; default: up to {_MOST_RECORDS:,} of them.",
        ),
    ] = None,
    replications: Annotated[
        int, typer.Option(min=1, help="Simulate with this many seeds and give 95 % intervals.")
    ] = 1,
    engine: Annotated[
        str, typer.Option(help="auto, kernel (compiled) or reference (SimPy); equal results.")
    ] = "auto",
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave bad rows of traces out, count and list them.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the replications.")] = 1,
    dask: Annotated[
        str | None, typer.Option(help="Scheduler of a Dask cluster that shares them, tcp://HOST:PORT.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Folder that keeps finished replications; continues from it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a scenario: bill, percentiles, throttles."""
    import lambdasim as ls
    from lambdasim.compiling import compilation_announced

    spec = ls.load_scenario(scenario)
    if skip_bad_rows:
        spec = spec.skipping_bad_rows()
    if resume is not None:
        resume.mkdir(parents=True, exist_ok=True)
    with _side_by_side(replications, workers, dask) as executor:
        with (
            compilation_announced(_tell_compilation) if sys.stderr.isatty() else nullcontext(),
            _progress(spec.duration_us) as tell,
            nullcontext() if out is None else _record_file(out, spec, keep_records) as records,
        ):
            sink = records.write if records else None
            run = ls.simulate(spec, engine=engine, keep_records=False, sink=sink, progress=tell)
        _tell_readings(run)
        if records is not None and records.given_up and keep_records is None:
            sys.stderr.write(f"more than {_MOST_RECORDS:,} attempts: not kept; --records keeps them all\n")
        if out is not None:
            from lambdasim.report.folder import write_folder

            write_folder(run, out)
        intervals = None
        if replications > 1:
            with _progress(replications) as tell:
                intervals = ls.replicate(
                    spec,
                    replications,
                    engine=engine,
                    executor=executor,
                    resume=resume,
                    first=run,
                    progress=tell,
                )
    if as_json:
        content = {
            "provenance": run.provenance(),
            "summary": json.loads(run.summary().to_json(orient="records", double_precision=12)),
            "bill": json.loads(run.charges().to_json()),
            "throttles": json.loads(run.throttles().to_json(orient="records")),
            "parameters": json.loads(run.parameters().to_json(orient="records")),
            "intervals": None if intervals is None else json.loads(intervals.to_json(orient="index")),
        }
        _print(json.dumps(content, indent=1, ensure_ascii=False))
        return
    from lambdasim.report.text import run_text

    _print(run_text(run, intervals))
    if out is not None:
        _print(
            f"\nwritten to {out}: summary, bill, usage, metrics, records, pictures\nreport: {out / 'report.html'}"
        )


def _tell_readings(run: RunResult) -> None:
    """Say on the error stream what was found in the traces: rows left out, and warnings."""
    for name, report in run.readings().items():
        if report.skipped or report.warnings:
            sys.stderr.write(f"traffic of {name}: {report}\n")


def _record_file(folder: Path, spec: ScenarioSpec, wanted: bool | None) -> RecordFile:
    from lambdasim.results.records import RecordFile

    names = tuple(sorted(function.name for function in spec.functions))
    most = {True: None, False: 0, None: _MOST_RECORDS}[wanted]
    return RecordFile(folder / "records.parquet", names, most)


def _tell_compilation() -> None:
    sys.stderr.write("compiling the engine, once for this version on this machine ...\n")


def _side_by_side(
    replications: int, workers: int, dask: str | None
) -> AbstractContextManager[Executor | None]:
    """Start or find what shares the replications; nothing where this process does them."""
    if replications == 1 or (dask is None and workers == 1):
        return nullcontext()
    from lambdasim.errors import InputError
    from lambdasim.results.workers import dask_cluster, process_pool

    if dask is not None and workers > 1:
        raise InputError.single("simulate", "--dask", "must come without --workers: the cluster has its own")
    return process_pool(min(workers, replications - 1)) if dask is None else dask_cluster(dask)


def _progress(total: int) -> Any:
    """Show a bar on a terminal, once a second has passed."""
    from contextlib import contextmanager

    from tqdm import tqdm

    @contextmanager
    def bar() -> Any:
        with tqdm(
            total=100, unit="%", delay=1, disable=None, leave=False, bar_format="{l_bar}{bar}"
        ) as shown:
            yield lambda reached: shown.update(min(reached * 100 // total, 100) - shown.n)

    return bar()


@app.command()
def bill(
    folder: Annotated[Path, typer.Argument(help="Folder that `simulate --out` wrote.")],
    region: RegionOption = None,
    month: Annotated[str | None, typer.Option(help="Price as if it had been this month, YYYY-MM.")] = None,
    price_date: Annotated[
        str | None, typer.Option(help="Day whose rates and rules apply, YYYY-MM-DD.")
    ] = None,
    free_tier: Annotated[
        bool | None,
        typer.Option(help="Whether this bill gets the account's free tier; default: as the scenario says."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Price a finished run again, for any region, month or date, without simulating."""
    import lambdasim as ls
    from lambdasim.errors import InputError
    from lambdasim.report.text import bill_text
    from lambdasim.results.files import load_free_tier

    try:
        on = None if price_date is None else date.fromisoformat(price_date)
    except ValueError:
        raise InputError.single(
            "bill", "--price-date", f"must be YYYY-MM-DD, got {price_date!r:.40}"
        ) from None
    usages = ls.load_usage(folder)
    free = load_free_tier(folder) if free_tier is None else free_tier
    priced = ls.price(usages, region=region, month=month, on=on, free_tier=free)
    _print(priced.to_json() if as_json else bill_text(priced))


@prices.command("show")
def prices_show(
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1", as_json: JsonOption = False
) -> None:
    """Show the price sheet of a region, with source and date."""
    import lambdasim as ls
    from lambdasim.billing import plain

    sheet = ls.price_sheet(region)
    rows = []
    for architecture in ("x86_64", "arm64"):
        rates = sheet.rates(architecture)
        for number, tier in enumerate(rates.tiers, start=1):
            bound = "above" if tier.up_to_gb_s is None else f"to {tier.up_to_gb_s:,} GB-s"
            rows.append((architecture, f"duration tier {number}", tier.rate, bound))
        for name in (
            "request",
            "ephemeral",
            "pc_idle",
            "pc_duration",
            "snapstart_cache",
            "snapstart_restore",
        ):
            rows.append((architecture, name, getattr(rates, name), ""))
    content = [
        {
            "architecture": architecture,
            "rate": name,
            "usd": None if rate.usd is None else plain(rate.usd),
            "bound": bound,
            "quality": rate.quality,
        }
        for architecture, name, rate, bound in rows
    ]
    if as_json:
        _print(json.dumps({"region": region, "as_of": str(sheet.as_of), "rates": content}, indent=1))
        return
    _print(f"{region}, USD, as of {sheet.as_of}")
    for row in content:
        usd = row["usd"] or "unknown"
        _print(
            f"{row['architecture']:8}{row['rate']:18}{usd:>14}  {row['bound']:24}{str(row['quality'])[:14]}".rstrip()
        )
    qualities = dict.fromkeys(str(row["quality"]) for row in content)
    _print("\n".join(f"- {quality}" for quality in qualities))


@app.command()
def validate(
    scenario: Annotated[Path, typer.Argument(help="Scenario file, YAML.")], as_json: JsonOption = False
) -> None:
    """Check a scenario file and name every fault."""
    import lambdasim as ls

    spec = ls.load_scenario(scenario)
    if as_json:
        names = [function.name for function in spec.functions]
        _print(json.dumps({"functions": names, "scenario_sha256": spec.scenario_hash()}, indent=1))
        return
    _print(f"{scenario}: good; {len(spec.functions)} functions; {spec.scenario_hash()[:12]}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from lambdasim.specs.schema import scenario_schema

    _print(json.dumps(scenario_schema(), indent=1, ensure_ascii=False))
