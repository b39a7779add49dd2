"""Commands that ask questions of many runs: memory sizes, scenarios beside each other, limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.app import (
    DaskOption,
    EngineOption,
    JsonOption,
    OutOption,
    PerOption,
    ResumeOption,
    ScenarioArgument,
    SloOption,
    WorkersOption,
    XlsxOption,
    announcing_compilation,
    app,
    free_place,
    made,
    present,
    run_progress,
    side_by_side,
    targets_of,
    write,
)
from lambdasim.cli.traces import TraceOptions, takes_traces
from lambdasim.cli.writing import agreed_to, refuse_without_rates

if TYPE_CHECKING:
    from lambdasim.specs import ScenarioSpec
    from lambdasim.study.memory.objective import Objective
    from lambdasim.templates.review import Review

_MANY = 2
_LARGEST_GROWTH = 1000.0
FailThrottlesOption = Annotated[
    str | None, typer.Option(help="End with status 1 if more attempts than this are refused, such as 0.1%.")
]


@app.command("sweep-memory")
@takes_traces
def sweep_memory(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    function: Annotated[
        str | None, typer.Option(help="Which function; needed where there are several.")
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(help="Comma-separated memory sizes in MB; default: 128 to 3008, one vCPU among them."),
    ] = None,
    architectures: Annotated[
        str | None, typer.Option(help="x86_64, arm64 or both, comma-separated; default: the function's.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--slo", "--target", help="Recommend the cheapest within targets, such as p95=300ms or age=5min."
        ),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Recommend the fastest within USD, of a month or as --per says.")
    ] = None,
    arm64_time_ratio: Annotated[
        float | None,
        typer.Option(help="CPU time on arm64 over x86_64; default: the function's, or as measured."),
    ] = None,
    replications: Annotated[int, typer.Option(min=2, help="Seeds for each size.")] = 5,
    precision: Annotated[
        str | None,
        typer.Option(help="Keep simulating until paired differences are known to this, such as 2%."),
    ] = None,
    per: PerOption = None,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    resume: ResumeOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Compare memory sizes on the same traffic, and recommend one.

    Shows cost and latency of each size, with intervals.
    """
    from lambdasim.catalog import usual_sizes_mb
    from lambdasim.report.pages.studies import sweep_page
    from lambdasim.study.expected import sweep_cost
    from lambdasim.study.memory.sweep import sweep_memory as sweep

    spec = traces.scenario(scenario)
    chosen = usual_sizes_mb() if sizes is None else _whole_numbers("--sizes", sizes)
    swept = len(chosen) * len(_architectures(architectures) or [""])
    refuse_without_rates(spec)
    cost = sweep_cost(spec, swept, function=function, replications=replications, engine=engine)
    agreed_to(cost, spec.name, workers=workers, points=swept * replications)
    free_place(xlsx)
    made(out)
    shared = side_by_side(len(chosen) * replications, workers, dask)
    with announcing_compilation(), shared as executor, run_progress() as tell:
        result = sweep(
            spec,
            function,
            chosen,
            architectures=_architectures(architectures),
            objective=_objective(target, budget),
            arm64_time_ratio=arm64_time_ratio,
            replications=replications,
            precision=None if precision is None else _share("--precision", precision),
            engine=engine,
            executor=executor,
            resume=made(resume, of_study=False),
            progress=tell,
            per=per,
        )
    present(result.text, partial(sweep_page, result), out, as_json, xlsx, [spec])


@app.command()
@takes_traces
def compare(
    traces: TraceOptions,
    scenarios: Annotated[
        list[Path] | None, typer.Argument(help="Two or more scenario files; the first is the base.")
    ] = None,
    before: Annotated[
        Path | None, typer.Option(help="A template or scenario before the change; with --after.")
    ] = None,
    after: Annotated[Path | None, typer.Option(help="The same after the change.")] = None,
    requests: Annotated[
        list[str] | None,
        typer.Option(metavar="VOLUME", help="Traffic of templates: 3M/month, 40/s; of all, or NAME=VOLUME."),
    ] = None,
    usage: Annotated[
        Path | None, typer.Option(help="Infracost's usage file, traffic and durations of templates.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="K=V", help="Value of a template's parameter."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region of templates, for prices.")] = None,
    replications: Annotated[int, typer.Option(min=2, help="Seeds for each scenario.")] = 5,
    fail_above: Annotated[
        str | None, typer.Option(help="End with status 1 if the bill grows by more than this, such as 5%.")
    ] = None,
    fail_throttles: FailThrottlesOption = None,
    slo: SloOption = None,
    per: PerOption = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Text for a pull request.")] = False,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    resume: ResumeOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Compare scenarios in pairs: bill, percentiles, limits.

    Each against the first on the same traffic, with intervals; the bill by line item.
    """
    from lambdasim.errors import InputError
    from lambdasim.report.pages.studies import comparison_page
    from lambdasim.study.comparison.compare import compare as compared
    from lambdasim.study.expected import comparison_cost

    review = _review(traces, scenarios, before, after, (requests, usage, parameter, region))
    specs: dict[str, ScenarioSpec] | list[ScenarioSpec]
    if review is not None:
        specs = dict(review.scenarios)
    elif len(scenarios or []) < _MANY:
        raise InputError.single("compare", "scenarios", "must be two or more files, or --before and --after")
    else:
        specs = [traces.scenario(path) for path in scenarios or []]
        stems = [path.stem for path in scenarios or []]
        if len({spec.name for spec in specs}) < len(specs) == len(set(stems)):
            specs = dict(zip(stems, specs, strict=True))  # files tell apart what shares a name
    compared_specs = list(specs.values()) if isinstance(specs, dict) else specs
    for spec in compared_specs:
        refuse_without_rates(spec)
    cost = comparison_cost(compared_specs, replications=replications, engine=engine)
    agreed_to(cost, "compare", workers=workers, points=len(specs) * replications)
    free_place(xlsx)
    made(out)
    shared = side_by_side(len(specs) * replications, workers, dask)
    with announcing_compilation(), shared as executor, run_progress() as tell:
        result = compared(
            specs,
            replications=replications,
            fail_above=None
            if fail_above is None
            else _share("--fail-above", fail_above, most=_LARGEST_GROWTH),
            fail_throttles=None if fail_throttles is None else _share("--fail-throttles", fail_throttles),
            per=per,
            targets=targets_of(slo),
            engine=engine,
            executor=executor,
            resume=made(resume, of_study=False),
            progress=tell,
        )
    text = result.markdown if markdown else result.text
    if review is not None:
        text = partial(_reviewed_text, review, text, markdown)
    present(text, partial(comparison_page, result), out, as_json, xlsx, compared_specs, markdown)
    if result.verdict.failed:
        raise typer.Exit(1)


def _review(
    traces: TraceOptions,
    scenarios: list[Path] | None,
    before: Path | None,
    after: Path | None,
    said: tuple[list[str] | None, Path | None, list[str] | None, str | None],
) -> Review | None:
    """Read two states of an application; None where scenarios are named."""
    from lambdasim.cli.imports import parameters_of
    from lambdasim.errors import InputError
    from lambdasim.templates.review import reviewed

    requests, usage, parameter, region = said
    if before is None and after is None:
        if any(said):
            raise InputError.single(
                "compare", "--requests", "and what else templates take need --before and --after"
            )
        return None
    if before is None or after is None or scenarios:
        raise InputError.single("compare", "--before", "goes with --after, and without other files")
    if traces.said:
        raise InputError.single("compare", "--before", "goes without options about traces")
    return reviewed(
        before, after, requests or [], parameters=parameters_of(parameter), region=region, usage=usage
    )


def _reviewed_text(review: Review, told: Callable[[], str], markdown: bool) -> str:
    """Put what changed before what it costs."""
    from lambdasim.wording import wrapped

    if markdown:
        head, _, rest = told().partition("\n\n")
        return f"{head}\n\n{review.markdown()}\n\n{rest}"
    assumed = [wrapped(f"assumed: {one}") for one in review.assumed]
    return "\n".join(["what changes", review.text(), *assumed, "", told()])


@app.command()
@takes_traces
def limits(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    replications: Annotated[int, typer.Option(min=2, help="Seeds.")] = 3,
    multiples: Annotated[
        str, typer.Option(help="Multiples of the traffic for the risk of throttling.")
    ] = "1,2,5,10",
    select: Annotated[str | None, typer.Option(help="Only findings of these rules, comma-separated.")] = None,
    ignore: Annotated[str | None, typer.Option(help="No findings of these rules, comma-separated.")] = None,
    fail_findings: Annotated[
        bool, typer.Option("--fail-findings", help="End with status 1 if any finding remains.")
    ] = False,
    fail_throttles: FailThrottlesOption = None,
    slo: SloOption = None,
    per: PerOption = None,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    resume: ResumeOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Find which limit binds first, and what else stands out.

    Also when it binds, and what to set.
    """
    from lambdasim.report.pages.studies import limits_page
    from lambdasim.study.expected import limits_cost
    from lambdasim.study.limits.advise import advise_limits

    targets_of(slo)
    spec = traces.scenario(scenario)
    factors = tuple(_numbers("--multiples", multiples, float))
    refuse_without_rates(spec)
    cost = limits_cost(spec, replications=replications, multiples=factors, engine=engine)
    agreed_to(cost, spec.name, workers=workers, points=len(factors) * replications)
    most_refused = float("inf") if fail_throttles is None else _share("--fail-throttles", fail_throttles)
    free_place(xlsx)
    made(out)
    shared = side_by_side(len(factors) * replications, workers, dask)
    with announcing_compilation(), shared as executor, run_progress() as tell:
        advice = advise_limits(
            spec,
            replications=replications,
            multiples=factors,
            select=None if select is None else select.split(","),
            ignore=() if ignore is None else ignore.split(","),
            engine=engine,
            executor=executor,
            resume=made(resume, of_study=False),
            progress=tell,
            targets=targets_of(slo),
            per=per,
        )
    present(advice.text, partial(limits_page, advice), out, as_json, xlsx, [spec])
    if advice.refused.mean > most_refused or (fail_findings and len(advice.findings)):
        raise typer.Exit(1)


@app.command()
def trap(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            help="A trap that ships, or a good and a bad scenario file; without any, the traps are listed."
        ),
    ] = None,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    engine: EngineOption = "auto",
) -> None:
    """Show a good hour beside a bad one, and which alarm could have fired.

    Traps ship as pairs of examples: the bad scenario and its cure.
    """
    import lambdasim as ls
    from lambdasim.errors import InputError
    from lambdasim.report.pages.traps import trap_page
    from lambdasim.study.expected import trap_cost
    from lambdasim.study.trap.compare import spring_trap
    from lambdasim.templates.examples import trap_names, trap_texts
    from lambdasim.wording import wrapped

    named = scenarios or []
    if not named:
        write("\n".join(wrapped(f"{name}: {about}") for name, about in trap_names().items()))
        return
    if len(named) == 1:
        good, bad = map(ls.load_scenario_text, trap_texts(named[0]))
    elif len(named) == _MANY:
        good, bad = map(ls.load_scenario, named)
    else:
        raise InputError.single("trap", "scenarios", "must be the name of a trap, or a good and a bad file")
    for spec in (good, bad):
        refuse_without_rates(spec)
    agreed_to(trap_cost(good, bad, engine=engine), "trap")
    free_place(xlsx)
    made(out)
    with announcing_compilation(), run_progress() as tell:
        found = spring_trap(good, bad, engine=engine, progress=tell)
    present(found.text, partial(trap_page, found), out, as_json, xlsx, [good, bad])


def _objective(target: str | None, budget: float | None) -> Objective | None:
    from lambdasim.errors import InputError
    from lambdasim.study.memory.objective import Fastest, parse_target

    if target is not None and budget is not None:
        raise InputError.single("sweep-memory", "--budget", "must come without --target")
    if target is not None:
        return parse_target(target)
    if budget is not None and not 0 < budget < float("inf"):
        raise InputError.single("sweep-memory", "--budget", f"must be above 0, got {budget}")
    return None if budget is None else Fastest(budget)


def _architectures(text: str | None) -> list[str] | None:
    from lambdasim.errors import InputError

    names = None if text is None else [name.strip() for name in text.split(",")]
    if not set(names or ()) <= {"x86_64", "arm64"}:
        raise InputError.single(
            "sweep-memory", "--architectures", f"must be x86_64, arm64 or both, got {text!r:.40}"
        )
    return names


def _share(option: str, text: str, most: float = 1.0) -> float:
    """Read a share; a number above 1 needs its percent sign, since 5 may be meant as 5 %."""
    from lambdasim.errors import InputError

    number = text.removesuffix("%")
    percent = number != text
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= (most if percent else 1.0):
        raise InputError.single("lambdasim", option, f"must look like 5% or 0.05, got {text[:40]!r}")
    return value


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _numbers(option, text, int))


def _numbers(option: str, text: str, kind: Callable[[str], float]) -> list[float]:
    from lambdasim.errors import InputError

    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        raise InputError.single(
            "lambdasim", option, f"must be comma-separated numbers, got {text[:40]!r}"
        ) from None
