"""Every setting of a grid, simulated with the same customers, the same work and the same luck."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice, product
from math import ceil, prod
from typing import Any, Final, NamedTuple, TypeVar

from lambdasim.catalog import timing, usual_sizes_mb
from lambdasim.catalog.prices.sheets import regions as priced_regions
from lambdasim.engine.contract import Outcome as Ended
from lambdasim.errors import CatalogError, InputError, ScenarioError
from lambdasim.results.expected import expected_cost
from lambdasim.results.failures import lost_events
from lambdasim.results.points.parallel import map_points
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.base import revised
from lambdasim.specs.function import Architecture, FunctionSpec, ProvisionedStep
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.handler import WorkSpec
from lambdasim.study.provisioned_use import is_priced
from lambdasim.study.variants import at_size
from lambdasim.study.what_if.result import WhatIf
from lambdasim.study.what_if.tables import AS_GIVEN, Outcome, Setting
from lambdasim.wording import listed

T = TypeVar("T")
MOST_S: Final = 6.0
"""Seconds of simulation that a grid may be estimated to take where nobody says its values."""
_SETTING_S: Final = 0.03
_REGIONS: Final = ("us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-southeast-1", "sa-east-1")
_MOST_SETTINGS: Final = 10_000
_GRIDS: Final = (
    (7, (0.5, 1.0, 2.0, 5.0), 3),
    (5, (0.5, 1.0, 2.0, 5.0), 3),
    (5, (0.5, 1.0, 2.0), 2),
    (3, (1.0, 2.0), 2),
    (3, (1.0, 2.0), 1),
    (3, (1.0,), 1),
)
"""Memory sizes, multiples of traffic and counts of provisioned environments, the finest grid first."""


class _Changed(NamedTuple):
    """What crosses to a worker, beside the setting."""

    scenario: ScenarioSpec
    function: str
    arm64_time_ratio: float | None
    regions: tuple[str, ...]
    engine: str


def what_if(
    scenario: ScenarioSpec,
    function: str | None = None,
    *,
    sizes: Iterable[int] | None = None,
    architectures: Iterable[str] | None = None,
    traffic: Iterable[float] | None = None,
    provisioned: Iterable[int] | None = None,
    regions: Iterable[str] | None = None,
    most_s: float = MOST_S,
    engine: str = "auto",
    executor: Executor | None = None,
    first: RunResult | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> WhatIf:
    """Simulate a scenario with every combination of some settings of one function.

    Parameters
    ----------
    scenario : ScenarioSpec
        All its functions run.
    function : str, optional
        Whose settings are changed; default: the function that costs most.
    sizes : iterable of int, optional
        Memory sizes [MB]; default: the function's own and its neighbours among ``catalog.usual_sizes_mb()``.
    architectures : iterable of str, optional
        Default: ``x86_64`` and ``arm64``.
    traffic : iterable of float, optional
        Multiples of the traffic of all functions; default: from half to five times.
    provisioned : iterable of int, optional
        Environments provisioned all the time, beside the scenario's own steps; default: none, what the mean needs, and
        what the peak needs.
    regions : iterable of str, optional
        In which each run is priced, beside the scenario's own.
    most_s : float
        How long the default values may be estimated to take to simulate [s]: the grid is the finest that fits. The
        estimate follows from the scenario alone, so the grid is the same on every machine.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where runs go side by side; the result does not depend on it.
    first : RunResult, optional
        The run of the scenario itself where it is at hand.
    progress : callable, optional
        Called with how many runs are finished, and how many are planned.

    Returns
    -------
    WhatIf
        The scenario's own setting is always among them. Default counts of provisioned environments that the scenario's
        rules refuse are left out.

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    ScenarioError
        When the scenario's rules refuse a value.
    """
    if first is not None and (first.scenario != scenario or first.arrays_sha256):
        raise InputError.single("what if", "first", "must be the run of the same scenario")
    scenario.require_on_demand("what if")
    base = simulate(scenario, engine=engine, keep_records=False) if first is None else first
    spec = _named(scenario, function, base)
    own = Setting(
        spec.memory_mb, spec.architecture.value, 1.0, AS_GIVEN if spec.provisioned_concurrency else "0"
    )
    kinds = tuple(architectures or (kind.value for kind in Architecture))
    for kind in kinds:
        if kind not in {one.value for one in Architecture}:
            raise InputError.single("what if", "architectures", f"must be x86_64 or arm64, got {kind[:40]!r}")
    places = _priced(base, _REGIONS if regions is None else tuple(regions), strict=regions is not None)
    setup = _Changed(scenario.anywhere(), spec.name, _ratio(spec), places, engine)
    found = {own: _outcome(base, setup)}
    settings = _settings(setup, own, base, kinds, sizes, traffic, provisioned, most_s)
    missing = [setting for setting in settings if setting not in found]

    def done(place: int, outcome: Outcome) -> None:
        if progress is not None:
            progress(place + 1, len(missing))

    outcomes = map_points(partial(_simulated, setup), missing, executor, done)
    found |= dict(zip(missing, outcomes, strict=True))
    ordered = {setting: found[setting] for setting in sorted(found, key=_order)}
    return WhatIf(
        scenario=scenario,
        function=spec.name,
        given=own,
        regions=places,
        outcomes=ordered,
        notes=(*_notes(spec, ordered), *_left_out(setup, provisioned)),
    )


def expected_grid_s(scenario: ScenarioSpec, most_s: float = 6.0) -> float:
    """Estimate the time of all settings that ``what_if`` simulates unasked [s].

    Parameters
    ----------
    scenario : ScenarioSpec
    most_s : float
        As ``what_if`` takes it.

    Returns
    -------
    float
        More than `most_s` where even the coarsest grid takes longer.
    """
    one_s = expected_cost(scenario, runs=1.0).seconds - expected_cost(scenario, runs=0.0).seconds
    expected_s = 0.0
    for many, multiples, steps in _GRIDS:
        each_s = sum(multiple * one_s + _SETTING_S for multiple in multiples)
        expected_s = many * len(Architecture) * steps * each_s
        if expected_s <= most_s:
            break
    return expected_s


def changed_scenario(
    scenario: ScenarioSpec, function: str, setting: Setting, arm64_time_ratio: float | None = None
) -> ScenarioSpec:
    """Return the scenario of a setting.

    Parameters
    ----------
    scenario : ScenarioSpec
    function : str
    setting : Setting
    arm64_time_ratio : float, optional
        CPU time on arm64 over x86_64; default: the function's own, else the catalog's.

    Returns
    -------
    ScenarioSpec

    Raises
    ------
    ScenarioError
        When the setting breaks a rule of scenarios.
    """
    functions = []
    for one in scenario.functions:
        spec = one
        if spec.name == function:
            if (setting.memory_mb, setting.architecture) != (spec.memory_mb, spec.architecture.value):
                ratio = _ratio(spec) if arm64_time_ratio is None else arm64_time_ratio
                spec = at_size(spec, setting.memory_mb, setting.architecture, ratio)
            if setting.provisioned != AS_GIVEN:
                count = int(setting.provisioned)
                steps = (ProvisionedStep.model_validate({"at": "0s", "count": count}),) if count else ()
                spec = revised(spec, {"provisioned_concurrency": steps})
        if setting.traffic != 1:
            spec = revised(
                spec, {"traffic": revised(spec.traffic, {"scale": spec.traffic.scale * setting.traffic})}
            )
        functions.append(spec)
    return revised(scenario, {"functions": tuple(functions)})


def _named(scenario: ScenarioSpec, function: str | None, base: RunResult) -> FunctionSpec:
    if function is None:
        shares = base.charges(free_tier=False).by_function()
        function = max(sorted(spec.name for spec in scenario.functions), key=lambda name: shares.get(name, 0))
    return scenario.function(function)


def _notes(spec: FunctionSpec, found: Iterable[Setting]) -> tuple[str, ...]:
    notes = ["one run of each setting, all with the scenario's seed: the same customers, the same work"]
    if len({setting.architecture for setting in found}) > 1:
        ratio, own = _ratio(spec), spec.work.arm64_time_ratio
        if ratio is not None:
            known = "the middle of six measured handlers, as the scenario says nothing"
            notes.append(f"CPU time on arm64 is taken as {ratio:g} of that on x86_64: {known}")
        elif own == WorkSpec.model_fields["arm64_time_ratio"].default:
            notes.append("CPU time on x86_64 is taken as on arm64, as the scenario says nothing")
        else:
            notes.append(f"CPU time on arm64 is {own:g} of that on x86_64, as the scenario says")
    if any(setting.provisioned not in ("0", AS_GIVEN) for setting in found):
        notes.append("provisioned environments are ready from the beginning and paid all the time")
    return tuple(notes)


def _left_out(setup: _Changed, asked: Iterable[int] | None) -> tuple[str, ...]:
    """Say that provisioned environments are left out where a region has no rates of them."""
    missing = [] if asked is not None else _unpriced(setup)
    told = f"provisioned environments have no known rates in {listed(missing)}, and are left out"
    return (told,) if missing else ()


def _ratio(spec: FunctionSpec) -> float | None:
    """Choose the ratio of CPU times; None where the function's own stands."""
    silent = WorkSpec.model_fields["arm64_time_ratio"].default
    if spec.work.arm64_time_ratio != silent or spec.architecture is not Architecture.X86_64:
        return None
    return timing("arm64_time_permille").value / 1000


def _priced(base: RunResult, wanted: Sequence[str], *, strict: bool) -> tuple[str, ...]:
    """Keep the regions whose rates are known, the scenario's own first."""
    here = base.scenario.region
    found = [here]
    for region in dict.fromkeys(wanted):
        if region == here or (not strict and region not in priced_regions()):
            continue
        try:
            base.charges(region=region)
        except CatalogError:
            if strict:
                raise
            continue
        found.append(region)
    return tuple(found)


def _settings(
    setup: _Changed,
    own: Setting,
    base: RunResult,
    kinds: tuple[str, ...],
    sizes: Iterable[int] | None,
    traffic: Iterable[float] | None,
    provisioned: Iterable[int] | None,
    most_s: float,
) -> list[Setting]:
    """Choose the settings: what was asked for, else the finest grid that is estimated to fit."""
    one_s = expected_cost(setup.scenario, runs=1.0).seconds - expected_cost(setup.scenario, runs=0.0).seconds
    sizes, traffic = _few("sizes", sizes), _few("traffic", traffic)
    counts = _few("provisioned", provisioned)
    for many, multiples, steps in _GRIDS:
        axes: tuple[Sequence[Any], ...] = (
            sorted({own.memory_mb, *(_sizes(own.memory_mb, many) if sizes is None else sizes)}),
            sorted({own.architecture, *kinds}),
            sorted({1.0, *(multiples if traffic is None else map(float, traffic))}),
            _provisioned(setup, own, base, steps) if counts is None else [own.provisioned, *map(str, counts)],
        )
        asked = axes[: 3 if counts is None else 4]
        _refuse_many(prod(len(set(values)) for values in asked))
        allowed = [
            list(
                dict.fromkeys(
                    value for value in values if _is_allowed(setup, own, axis, value, counts is None)
                )
            )
            for axis, values in zip(Setting._fields, axes, strict=True)
        ]
        _refuse_many(prod(map(len, allowed)))
        grid = [Setting(*values) for values in product(*allowed)]
        if sum(setting.traffic * one_s + _SETTING_S for setting in grid) <= most_s:
            break
    return grid


def _few(name: str, values: Iterable[T] | None) -> tuple[T, ...] | None:
    """Take the values of an argument, which are no more than there may be settings."""
    if values is None:
        return None
    taken = tuple(islice(values, _MOST_SETTINGS + 1))
    if len(taken) > _MOST_SETTINGS:
        raise InputError.single("what if", name, f"must have at most {_MOST_SETTINGS:,} values, has more")
    return taken


def _refuse_many(settings: int) -> None:
    if settings > _MOST_SETTINGS:
        raise InputError.single(
            "what if", "settings", f"must be at most {_MOST_SETTINGS:,}, got {settings:,}"
        )


def _is_allowed(setup: _Changed, own: Setting, axis: str, value: Any, chosen: bool) -> bool:
    """Say whether the scenario's rules allow a value; one that was asked for is an error where they do not."""
    try:
        changed_scenario(setup.scenario, setup.function, Setting(**{**own._asdict(), axis: value}))
    except (ScenarioError, InputError, CatalogError):
        if axis == "provisioned" and chosen:
            return False
        raise
    return True


def _unpriced(setup: _Changed) -> list[str]:
    """Name the regions in which the price of a provisioned environment is not known."""
    on = setup.scenario.billing_day
    return [
        region
        for region in setup.regions
        if not all(is_priced(region, on, kind.value) for kind in Architecture)
    ]


def _sizes(own: int, many: int) -> list[int]:
    """Take the usual sizes nearest to a function's own, as many above it as below."""
    usual = [size for size in usual_sizes_mb() if size != own]
    below, above = [size for size in usual if size < own], [size for size in usual if size > own]
    half = (many - 1) // 2
    low = max(min(half, len(below)), many - 1 - len(above))
    return [*below[max(len(below) - low, 0) :], *above[: many - 1 - min(low, len(below))]]


def _provisioned(setup: _Changed, own: Setting, base: RunResult, many: int) -> list[str]:
    """Take none, what the mean of the function needs, and what its peak needs; those alone whose price is known."""
    if _unpriced(setup):
        return list(dict.fromkeys([own.provisioned, "0"]))
    place = base.aggregate.names.index(setup.function)
    totals = base.aggregate.functions[place]
    mean = max(ceil(totals.mean_concurrency(base.scenario.duration_us)), 1)
    wanted = ["0", str(mean), str(max(totals.concurrency.peak, mean))][:many]
    return list(dict.fromkeys([own.provisioned, *wanted]))


def _simulated(setup: _Changed, setting: Setting) -> Outcome:
    """Simulate one setting; this may be another process."""
    changed = changed_scenario(setup.scenario, setup.function, setting, setup.arm64_time_ratio)
    return _outcome(simulate(changed, engine=setup.engine, keep_records=False), setup)


def _outcome(run: RunResult, setup: _Changed) -> Outcome:
    totals = run.aggregate.function(setup.function)
    latency, attempts = totals.all_latency_ms(), int(totals.outcomes.sum())
    full = tuple(float(run.charges(region=region, free_tier=False).total) for region in setup.regions)
    tier = setup.scenario.free_tier
    return Outcome(
        usd=tuple(float(run.charges(region=region).total) for region in setup.regions) if tier else full,
        full_usd=full,
        p50_ms=float(latency.quantile(0.5)),
        p95_ms=float(latency.quantile(0.95)),
        p99_ms=float(latency.quantile(0.99)),
        cold_share=totals.cold / totals.runs if totals.runs else 0.0,
        refused_share=int(totals.outcomes[Ended.THROTTLED]) / attempts if attempts else 0.0,
        lost_share=lost_events(totals) / totals.events if totals.events else 0.0,
        peak_concurrency=int(run.aggregate.account.peak),
    )


def _order(setting: Setting) -> tuple[int, str, float, bool, int]:
    steps = setting.provisioned == AS_GIVEN
    return (*setting[:3], steps, 0 if steps else int(setting.provisioned))
