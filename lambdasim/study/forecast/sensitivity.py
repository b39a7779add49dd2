"""Which assumption of a forecast matters: one changed at a time, and where the bill jumps rather than grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lambdasim.billing import Usage, price
from lambdasim.catalog import ChargeKind, billing_rules, limit, price_sheet
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.forecast.budget import scaled_usd
from lambdasim.study.forecast.result import Forecast
from lambdasim.study.forecast.usage import COUNTERS, PathUsage, daily_usage
from lambdasim.units import US_PER_MINUTE
from lambdasim.views import Result
from lambdasim.wording import money, number, wrapped

if TYPE_CHECKING:
    import pandas as pd

_DURATION: Final = (0.8, 1.25)
_MEMORY: Final = (0.5, 2.0)
_KEEP_ALIVE_MIN: Final = (2, 30)
_COLD: Final = (0.0, 2.0)
_PRICE: Final = (0.9, 1.1)
_MS_PER_S: Final = 1000
_BILLED: Final = ("billed_ms_with_init", "billed_ms_without_init", "provisioned_billed_ms")


class Swing(NamedTuple):
    """The month's bill with one assumption changed both ways.

    Attributes
    ----------
    assumption : str
    low, high : str
        What it was changed to.
    low_usd, high_usd : float
        [USD].
    elasticity : float
        Growth of the bill in per cent for one per cent more of it, between the two; NaN where one is zero.
    """

    assumption: str
    low: str
    high: str
    low_usd: float
    high_usd: float
    elasticity: float


class Jump(NamedTuple):
    """A bound at which the price of more changes.

    Attributes
    ----------
    what : str
    volume : float
        Requests or GB-s of the month at which it lies, from the price sheet and the rules; NaN where traffic does not
        move it.
    multiple : float
        Of the month's traffic at which it lies.
    chance : float
        Part of the paths whose volume reaches it.
    usd : float
        Price of one more million requests, or GB-s, or environment kept for the month, above that [USD].
    """

    what: str
    volume: float
    multiple: float
    chance: float
    usd: float


@dataclass(frozen=True, repr=False)
class Sensitivity(Result):
    """What a forecast's bill depends on.

    Attributes
    ----------
    month : str
    base_usd : float
        Bill of the simulated path nearest to the median, which everything is changed on.
    swings : tuple of Swing
        The widest first.
    jumps : tuple of Jump
    """

    month: str
    base_usd: float
    swings: tuple[Swing, ...]
    jumps: tuple[Jump, ...]

    def text(self) -> str:
        """Return tornado and jumps in at most 80 columns."""
        lines = [
            f"{self.month}: {money(self.base_usd)}, one assumption changed at a time",
            "",
            f"{'assumption':<20}{'from':>12}{'to':>12}{'USD':>12}{'USD':>12}{'elasticity':>12}",
        ]
        for swing in self.swings:
            elastic = "-" if np.isnan(swing.elasticity) else f"{swing.elasticity:.2f}"
            lines.append(
                f"{swing.assumption:<20}{swing.low:>12}{swing.high:>12}{swing.low_usd:>12,.2f}"
                f"{swing.high_usd:>12,.2f}{elastic:>12}"
            )
        heads = f"{'at':>15}{'traffic':>11}{'chance':>7}{'USD of more':>12}"
        lines += ["", f"{'where the bill bends or jumps':<35}{heads}"]
        for jump in self.jumps:
            where = f"{'-':>15}{'-':>11}{'-':>7}"
            if not np.isnan(jump.multiple):
                where = f"{jump.volume:>15,.0f}{f'x {number(jump.multiple)}':>11}{jump.chance:>7.0%}"
            lines.append(f"{jump.what[:34]:<35}{where}{number(jump.usd):>12}")
        return "\n".join(lines)

    def frame(self) -> pd.DataFrame:
        """Return the swings; columns are the fields of ``Swing``."""
        import pandas as pd

        return pd.DataFrame(self.swings, columns=list(Swing._fields))

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return swings, and where the bill bends or jumps."""
        import pandas as pd

        return {"swings": self.frame(), "jumps": pd.DataFrame(self.jumps, columns=list(Jump._fields))}

    def headline(self) -> str:
        """Say what the bill depends on most."""
        said = f"{self.month}: {money(self.base_usd)}"
        if not self.swings:
            return f"{said}."
        most = self.swings[0]
        return (
            f"{said}. It depends most on {most.assumption}: {money(most.low_usd)} at {most.low}, "
            f"{money(most.high_usd)} at {most.high}."
        )

    def __repr__(self) -> str:
        """Say what the bill depends on most."""
        return wrapped(self.headline())


def sensitivity(forecast: Forecast) -> Sensitivity:
    """Change one assumption of a forecast at a time, on its median path and with the same draws.

    Parameters
    ----------
    forecast : Forecast

    Returns
    -------
    Sensitivity

    Notes
    -----
    Traffic goes to the forecast's own P10 and P90 volume, memory to half and double with the computing stretched, idle
    environments stay warm for 2 and 30 minutes: these are simulated anew. Billed durations by -20 % and +25 %, no cold
    start at all and twice as many, rates by 10 %: these are priced anew.
    """
    bills = forecast.total_usd[list(forecast.simulated)]
    place = int(np.argmin(np.abs(bills - np.median(forecast.total_usd))))
    path, usage = forecast.simulated[place], forecast.usages[place]
    scenario = forecast.runner.scenarios[path % len(forecast.runner.scenarios)]
    base_usd = scaled_usd(forecast, usage, 1.0)

    def simulated(change: Callable[[FunctionSpec], dict[str, Any]]) -> float:
        functions = tuple(revised(f, change(f)) for f in scenario.functions)
        run = forecast.runner.run(revised(scenario, {"functions": functions}), path)
        return scaled_usd(forecast, daily_usage(run), 1.0)

    def traffic(factor: float) -> float:
        return simulated(lambda f: {"traffic": revised(f.traffic, {"scale": f.traffic.scale * factor})})

    def kept(minutes: float) -> float:
        return simulated(lambda f: {"keep_alive_us": round(minutes * US_PER_MINUTE)})

    levels = np.quantile(forecast.events, (0.1, 0.9)) / max(float(forecast.events[path]), 1e-12)
    swings = [
        _swing("traffic", [f"x {level:.2f}" for level in levels], levels.tolist(), traffic),
        _swing("memory", ["half", "double"], _MEMORY, lambda factor: simulated(lambda f: _memory(f, factor))),
        _swing("keep-alive", [f"{m} min" for m in _KEEP_ALIVE_MIN], _KEEP_ALIVE_MIN, kept),
        _swing(
            "billed duration",
            [f"x {factor}" for factor in _DURATION],
            _DURATION,
            lambda factor: scaled_usd(forecast, _longer(usage, factor), 1.0),
        ),
        _swing(
            "cold-start share",
            ["none", "double"],
            _COLD,
            lambda factor: scaled_usd(forecast, _colder(usage, factor), 1.0),
        ),
        _swing("price", [f"x {factor}" for factor in _PRICE], _PRICE, lambda factor: base_usd * factor),
    ]
    swings.sort(key=lambda swing: -abs(swing.high_usd - swing.low_usd))
    return Sensitivity(
        forecast.month, base_usd, tuple(swings), tuple(_jumps(forecast, scenario, path, usage))
    )


def _swing(
    assumption: str,
    names: list[str],
    factors: tuple[float, float] | list[float],
    cost: Callable[[float], float],
) -> Swing:
    low_usd, high_usd = cost(factors[0]), cost(factors[1])
    elasticity = float("nan")
    if min(low_usd, high_usd, *factors) > 0 and factors[0] != factors[1]:
        elasticity = float(np.log(high_usd / low_usd) / np.log(factors[1] / factors[0]))
    return Swing(assumption, names[0], names[1], low_usd, high_usd, elasticity)


def _memory(function: FunctionSpec, factor: float) -> dict[str, Any]:
    least, most = limit("memory_min_mb").value, limit("memory_max_mb").value
    return {"memory_mb": int(np.clip(round(function.memory_mb * factor), least, most))}


def _longer(usage: PathUsage, factor: float) -> PathUsage:
    """Multiply billed durations."""
    factors = np.where(np.isin(COUNTERS, _BILLED), factor, 1.0)
    return replace(usage, by_day=np.rint(usage.by_day * factors))


def _colder(usage: PathUsage, factor: float) -> PathUsage:
    """Multiply billed INIT."""
    with_init, without = (COUNTERS.index(name) for name in _BILLED[:2])
    by_day = usage.by_day.copy()
    init_ms = by_day[..., with_init] - by_day[..., without]
    by_day[..., with_init] = by_day[..., without] + np.rint(init_ms * factor)
    return replace(usage, by_day=by_day)


def _jumps(forecast: Forecast, scenario: ScenarioSpec, path: int, usage: PathUsage) -> list[Jump]:
    """Find the bounds of free tier and duration tiers, and how far the month is from them."""
    on = scenario.billing_day
    rules, sheet = billing_rules(on), price_sheet(scenario.region, on)
    rows = usage.usage_to(usage.by_day.shape[1])
    scale = rules.mb_per_gb * _MS_PER_S
    volumes = forecast.events / max(float(forecast.events[path]), 1e-12)

    def jump(what: str, bound: float, used: float, usd: float) -> Jump:
        return Jump(what, bound, bound / used, float((volumes * used >= bound).mean()), usd)

    found: list[Jump] = []
    requests = sum(row.requests + row.extra_requests - row.provisioned_requests for row in rows)
    gb_s = dict.fromkeys(sorted({row.architecture for row in rows}), 0.0)
    for row in rows:
        gb_s[row.architecture] += row.memory_mb * row.on_demand_ms(rules) / scale
    whole_gb_s = sum(gb_s.values())
    first = sheet.rates(rows[0].architecture)
    if scenario.free_tier:
        if requests and first.request.usd is not None:
            usd = float(first.request.usd) * 1e6
            found.append(jump("free requests end, a million costs", rules.free_requests, requests, usd))
        if whole_gb_s and first.tiers[0].rate.usd is not None:
            usd = float(first.tiers[0].rate.usd)
            found.append(jump("free GB-s end, a GB-s costs", rules.free_gb_s, whole_gb_s, usd))
    for architecture, used in gb_s.items():
        tiers = sheet.rates(architecture).tiers
        for tier, dearer in zip(tiers[1:], tiers, strict=False):
            if used and dearer.up_to_gb_s is not None and tier.rate.usd is not None:
                free = rules.free_gb_s * used / whole_gb_s if scenario.free_tier else 0.0
                what = f"{architecture}: next tier, a GB-s costs"
                found.append(jump(what, dearer.up_to_gb_s + free, used, float(tier.rate.usd)))
    found += [_environment(scenario, row) for row in rows if row.provisioned_allocated_s]
    return sorted(found, key=lambda jump: (np.isnan(jump.multiple), jump.multiple))


def _environment(scenario: ScenarioSpec, row: Usage) -> Jump:
    """Price one more environment kept ready for the whole month."""
    seconds = scenario.duration_us // 1_000_000
    counts: dict[str, Any] = dict.fromkeys(COUNTERS, 0) | {"provisioned_allocated_s": seconds}
    one = replace(row, **counts)
    bill = price([one], on=scenario.price_date, free_tier=False)
    usd = sum(float(item.amount) for item in bill.items if item.kind is ChargeKind.PC_IDLE)
    nowhere = float("nan")
    return Jump(f"provisioned environment of {row.function[:11]}", nowhere, nowhere, nowhere, usd)
