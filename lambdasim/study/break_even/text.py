"""A break-even in words: where lines cross, what it rests on, and when Lambda is the wrong choice."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Final

from lambdasim.catalog import Knowledge, limit, price_sheet
from lambdasim.catalog.prices.servers import managed_terms
from lambdasim.results.intervals import Interval
from lambdasim.results.parameters import Parameter
from lambdasim.results.usage.as_month import month_basis
from lambdasim.study.break_even.tables import BreakEvenTables, Crossing
from lambdasim.study.provisioned_use import break_even_utilization, pays_above
from lambdasim.study.server_costs import Option, Scaling
from lambdasim.study.server_demand import is_held, server_time_ms
from lambdasim.study.server_prices import server_rows
from lambdasim.units import format_duration
from lambdasim.wording import COLUMNS, listed, money, wrapped

_LONG: Final = 0.5
_STEADY: Final = 0.5
_COLD: Final = 0.01
_SLOWER: Final = 2.0
_MOST_FUNCTIONS: Final = 8
_WIDEST: Final = 13


def text(found: BreakEvenTables) -> str:
    """Write a break-even in at most 80 columns."""
    options, per = found.costs.options, found.per.words
    lines = [wrapped(sentence) for sentence in (*headline(found), *sentences(found))]
    wide, narrow = (
        min(_WIDEST, (COLUMNS - left) // many) for left, many in ((26, len(options)), (39, len(options) - 1))
    )
    lines += ["", f"{f'USD {per}':<26}" + "".join(f"{_short(option):>{wide}}" for option in options)]
    for multiple, rows in found.table.groupby("multiple"):
        usd = dict(zip(rows["option"], rows["usd"], strict=True))
        label = f"{multiple:g} x = {count(rows['requests'].iloc[0])}"
        lines.append(f"{label:<26}" + "".join(f"{usd[option.value]:>{wide},.2f}" for option in options))
    lines += ["", *_crossing_lines(found, narrow)]
    lines += ["", "what speaks against Lambda, from the run"]
    lines += [wrapped(f"- {reason}") for reason in reasons(found)]
    lines += ["", "assumptions, and how each is known"]
    lines += [
        wrapped(f"- {one.parameter}: {one.value} [{one.known.replace('_', ' ')}: {one.source}]")
        for one in parameters(found)
    ]
    return "\n".join(lines)


def _crossing_lines(found: BreakEvenTables, wide: int) -> Iterator[str]:
    """Write where lines cross under each assumption; one sentence where none does."""
    crossings = (*found.crossings, *(one for row in found.variations.values() for one in row))
    if not any(one.crossed or one.never_cheaper for one in crossings):
        tried = listed(found.variations, last=", or ")
        yield wrapped(f"No crossing with other assumptions either: {tried}.")
        return
    options = found.costs.options[1:]
    yield f"{'Lambda is cheaper below':<39}" + "".join(f"{_short(one):>{wide}}" for one in options)
    yield f"{f'requests {found.per.words}; as assumed below':<39}" + _row(found.crossings, wide)
    for words, row in found.variations.items():
        yield f"{words[:38]:<39}" + _row(row, wide)


def headline(found: BreakEvenTables) -> Iterator[str]:
    """Say what this traffic costs everywhere, at both ends of what a server's process can do."""
    usd = found.ends.set_index("option").astype(float)
    ones, manies = usd["one_usd"].map(money), usd["many_usd"].map(money)
    if found.per.said:
        yield found.per.said
    free = f" with the free tier, {money(found.listed_usd)} without" if found.scenario.free_tier else ""
    yield f"With this traffic Lambda costs {ones[Option.LAMBDA.value]} {found.per.words}{free}."
    for option in found.fleets:
        one, many = ones[option.value], manies[option.value]
        if one == many:
            yield f"{option.value}: {one}, however many requests a process serves at a time."
        else:
            yield (
                f"{option.value}: {many} if a process serves many requests at a time (CPU alone counts), {one} if it "
                "serves one."
            )
    if found.period == "run":
        yield (
            f"Servers are counted for these {format_duration(found.scenario.duration_us)} alone, there when the run "
            "begins and gone when it ends: whoever keeps them longer pays for longer."
        )
    number = found.terms.requests_per_process
    yield (
        f"Below, a process serves {'one request' if number == 1 else f'{number} requests'} at a time. Your server's code "
        "decides that, not this run: set requests_per_process (--per-process)."
    )


def sentences(found: BreakEvenTables) -> Iterator[str]:
    """Say for each option where it becomes cheaper than Lambda."""
    for crossing in found.crossings:
        yield _sentence(found, crossing)


def _sentence(found: BreakEvenTables, crossing: Crossing) -> str:
    name, replications = crossing.option.value, len(found.lines)
    if crossing.never_cheaper == replications:
        return f"{name}: cheaper than Lambda at any traffic."
    if not found.most_requests:
        return f"{name}: there is no traffic to compare."
    if not crossing.crossed:
        top = found.lines[0].grid[-1] / found.multiples[-1] * found.most_requests
        return (
            f"{name}: no crossing. Lambda is cheaper up to {count(found.most_requests)} requests {found.per.words}, the "
            f"most that were simulated, and by extrapolation up to {count(top)}."
        )
    said = (
        f"Below {count(crossing.requests.mean)} requests {found.per.words}{_range(crossing.requests)} Lambda is cheaper "
        f"than {name} ({crossing.server})."
    )
    if isnan(crossing.settled.mean):
        said += " Beyond that the lines cross again and again."
    elif crossing.settled.mean > crossing.requests.mean * 1.01:
        above = count(crossing.settled.mean)
        said += f" Above {above} Lambda always costs more; in between it depends on how full the servers are."
    if crossing.crossed < replications:
        said += f" Only {crossing.crossed} of {replications} replications cross."
    if crossing.multiple.mean > found.multiples[-1]:
        said += f" Extrapolated from the {count(found.most_requests)} requests simulated."
    return said


def _range(interval: Interval) -> str:
    if isnan(interval.half_width) or interval.half_width < interval.mean * 1e-6:
        return ""
    low, high = count(max(interval.low, 0.0)), count(interval.high)
    return "" if low == high else f" ({low} to {high})"


def reasons(found: BreakEvenTables) -> Iterator[str]:
    """Say what of the run speaks against Lambda, each with its evidence; or that nothing does."""
    said = [*_cost_reasons(found), *_run_reasons(found)]
    yield from said or [
        "Nothing: no long runs, no steady load, few cold starts, and no other option is cheaper."
    ]


def _cost_reasons(found: BreakEvenTables) -> Iterator[str]:
    now = found.table[found.table["multiple"] == 1.0].set_index("option")["usd"]
    ours = now[Option.LAMBDA.value]
    cheaper = now[now < ours].sort_values()
    if len(cheaper):
        yield (
            f"Cost: with this traffic {cheaper.index[0]} costs {money(float(cheaper.iloc[0]))} {found.per.words}, Lambda "
            f"{money(float(ours))}: {ours / cheaper.iloc[0]:.1f} times as much."
        )
    mean = sum(one.mean_concurrency for one in found.evidence)
    peak = sum(one.peak_concurrency for one in found.evidence)
    if peak and mean >= _STEADY * peak:
        use = ", ".join(
            f"{pays_above(break_even_utilization(spec, found.scenario)).removeprefix('only ')} for {spec.name[:30]}"
            for spec in found.scenario.functions[:_MOST_FUNCTIONS]
        )
        yield (
            f"Steady load: {mean:,.1f} executions at once on average, {mean / peak:.0%} of the peak of {peak:,}. Servers "
            f"would seldom be idle. On Lambda, provisioned concurrency saves money {use}."
        )


def _run_reasons(found: BreakEvenTables) -> Iterator[str]:
    longest = limit("timeout_max_s")
    for one in found.evidence[:_MOST_FUNCTIONS]:
        name = one.function[:40]
        if one.p99_duration_ms > _LONG * longest.us / 1000 or one.timed_out:
            over = f", {one.timed_out:,} of {one.runs:,} runs timed out" if one.timed_out else ""
            yield (
                f"Long runs: of {name} one in a hundred takes {one.p99_duration_ms / 1000:,.1f} s or more{over}; "
                f"Lambda ends every run at {longest.value} s at the latest."
            )
        if one.cold_share >= _COLD and one.cold_ms > _SLOWER * one.warm_ms:
            yield (
                f"Extreme latency: {one.cold_share:.1%} of the runs of {name} start cold and then take "
                f"{one.cold_ms:,.0f} ms (median), warm ones {one.warm_ms:,.0f} ms; p99 is {one.p99_ms:,.0f} ms. "
                "Provisioned concurrency or a shorter INIT lowers it."
            )


def _of_starts(found: BreakEvenTables, assumed: str) -> Iterator[Parameter]:
    """Say where the number of servers comes from environments that started all at once."""
    names = [one.function[:40] for one in found.evidence if one.starts_at_peak]
    if names:
        value = (
            f"{listed(names, most=3)}: the fullest moment is one of environments that start, whose INIT counts as if "
            "servers had it; fewer would do"
        )
        yield Parameter(
            "INIT at the fullest moment", value, assumed, "break-even; executions at once from the run"
        )


def parameters(found: BreakEvenTables) -> tuple[Parameter, ...]:
    """List what is assumed of the others, and how each is known."""
    terms, costs, assumed = found.terms, found.costs, Knowledge.ASSUMED.value
    given, said = Knowledge.GIVEN.value, "the scenario"
    rows = [
        Parameter(
            "utilization of servers", f"{terms.utilization:.0%} at the fullest moment", assumed, "break-even"
        ),
        Parameter(
            "number of servers",
            f"as the {found.period}'s fullest moment needs, all {found.period}"
            if terms.scaling == Scaling.PEAK
            else "as each hour's fullest moment needs, known in advance",
            assumed,
            "break-even; executions at once from the run",
        ),
        *_of_starts(found, assumed),
        Parameter(
            "redundancy", f"{terms.least_servers} servers at least, one in each zone", assumed, "break-even"
        ),
        Parameter(
            "requests per process",
            f"{terms.requests_per_process} at once",
            assumed,
            "break-even; 1 as on Lambda",
        ),
    ]
    for spec in found.scenario.functions[:_MOST_FUNCTIONS]:
        own_ms, cpu_ms = server_time_ms(spec)
        held = "; as long as on Lambda for what it calls, and where it hangs" if is_held(spec) else ""
        value = f"{own_ms:,.1f} ms on a whole vCPU, {cpu_ms:,.1f} ms of it CPU{held}; {spec.memory_mb:,} MB a process"
        rows.append(Parameter(f"run of {spec.name[:40]}", value, given, said))
    rows += server_rows(costs.fleets)
    if Option.MANAGED in found.fleets:
        least = managed_terms().least_instances
        rows.append(
            Parameter("managed instances at least", f"{least.value}", least.knowledge.value, least.citation())
        )
    sheet = price_sheet(found.scenario.region, found.scenario.price_date)
    free = "with" if found.scenario.free_tier else "without"
    rows += [
        Parameter(
            "Lambda's rates",
            f"{found.scenario.region}, {free} free tier",
            Knowledge.AWS_PAGE.value,
            f"as of {sheet.as_of}",
        ),
        Parameter(f"hours of the {found.period}", f"{float(costs.hours):g}; {_basis(found)}", given, said),
        Parameter(
            "not counted on any side",
            "gateways and load balancers, logs, disks, data transfer, discounts, people's time",
            assumed,
            "break-even",
        ),
        Parameter(
            "beyond whole runs",
            "usage and minutes in proportion; the excess of the fullest moment by the square root, from the busiest hour",
            assumed,
            "square-root staffing",
        ),
        Parameter(
            "Lambda's concurrency limits", "raised as far as needed", assumed, "break-even; see `limits`"
        ),
    ]
    return tuple(rows)


def _basis(found: BreakEvenTables) -> str:
    """Say what the period's figures rest on."""
    told = month_basis(found.scenario).text(found.period == "month").rstrip(".")
    return f"{told[:1].lower()}{told[1:]}"


def count(number: float) -> str:
    """Write a number of requests with three digits.

    Examples
    --------
    >>> count(1234.5), count(12_345_678), count(2.5e9)
    ('1,230', '12.3 million', '2.5 billion')
    """
    if number >= 1e9:
        return f"{float(f'{number / 1e9:.3g}'):,g} billion"
    if number >= 1e6:
        return f"{float(f'{number / 1e6:.3g}'):,g} million"
    return f"{float(f'{number:.3g}'):,.0f}"


def _row(crossings: tuple[Crossing, ...], wide: int) -> str:
    cells = []
    for crossing in crossings:
        shown = (
            "-" if isnan(crossing.requests.mean) else count(crossing.requests.mean).replace("million", "M")
        )
        cells.append(f"{'never' if crossing.never_cheaper and not crossing.crossed else shown:>{wide}}")
    return "".join(cells)


def _short(option: Option) -> str:
    return {Option.MANAGED: "managed", Option.OWN: "own"}.get(option, option.value)
