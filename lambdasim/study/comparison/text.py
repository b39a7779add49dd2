"""A comparison of scenarios in words: a terminal's 80 columns, and Markdown for a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import partial
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lambdasim.results.usage.as_month import month_basis
from lambdasim.study.comparison.tables import ACCOUNT, EXECUTIONS, LISTED, REFUSED, TOTAL
from lambdasim.study.measures import LATE
from lambdasim.study.targets import DRAIN
from lambdasim.units import US_PER_S, format_duration
from lambdasim.wording import NONE, clipped, listed, money, money_cell, wrapped

if TYPE_CHECKING:
    from lambdasim.results.intervals import Interval
    from lambdasim.specs.scenario import ScenarioSpec
    from lambdasim.study.comparison.tables import ComparisonTables

_TITLES: Final = {
    "money": "USD",
    "latency": "latency [ms]",
    "limits": "limits [% of attempts or events]",
    "queues": "queues and streams [s; messages]",
}
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()+.!|~-])")
_MOST_ROWS: Final = 40
_MANY_TIMES: Final = 10
_RESIDUE_USD: Final = 1e-9
"""What floats leave of nothing: a single request costs more."""
_MOST_NAMES: Final = 4
_SETTINGS: Final = {"free_tier": "free tier", "region": "region", "price_date": "price date"}
_ASKED: Final = (
    ("USD", TOTAL, "{:,.2f}", 1),
    ("p50 ms", ("latency", ACCOUNT, "p50"), "{:,.0f}", 1),
    ("p99 ms", ("latency", ACCOUNT, "p99"), "{:,.0f}", 1),
    ("refused %", REFUSED, "{:.3f}", 100),
    ("cold %", ("limits", ACCOUNT, "cold"), "{:.3f}", 100),
)


def comparison_text(comparison: ComparisonTables) -> str:
    """Write a comparison for a terminal."""
    lines = [*(wrapped(one) for one in (*doubts(comparison), *behind(comparison)))]
    lines += [wrapped(f"against {comparison.names[0]}, {comparison.replications} replications in pairs")]
    for name in comparison.names[1:]:
        lines += ["", clipped(name), *(wrapped(text) for text in remarks(comparison, name))]
        for group, rows in _groups(comparison, name):
            if group == "queues" and not rows:
                continue
            lines += ["", f"{_title(comparison, group):<34} {'base':>12} {'difference':>11} {'±':>9}  share"]
            lines += [_text_row(row) for row in rows[:_MOST_ROWS]]
            lines += _left_out(rows)
    verdict = comparison.verdict
    if verdict.reasons:
        lines += ["", *(wrapped(reason) for reason in verdict.reasons)]
    return "\n".join([*lines, "", wrapped(note(comparison))])


def doubts(comparison: ComparisonTables) -> tuple[str, ...]:
    """Say which scenarios are no sample of a month, and what their money is of then."""
    bases = {name: month_basis(spec) for name, spec in comparison.scenarios.items()}
    return tuple(
        f"{clipped(name, 40)}: {basis.doubt if comparison.period == 'month' else basis.text(per_month=False)}"
        for name, basis in bases.items()
        if not basis.is_representative
    )


def behind(comparison: ComparisonTables) -> tuple[str, ...]:
    """Say which queues and streams do not keep up in which scenario, the base among them."""
    said = []
    for name, spec in comparison.scenarios.items():
        for function in (one.name for one in spec.functions):
            found = [
                result.get(("queues", function, DRAIN), float("nan")) for result in comparison.results[name]
            ]
            late_us = sum(found) / len(found) * US_PER_S
            if late_us >= LATE * spec.duration_us:
                late = format_duration(round(late_us / US_PER_S) * US_PER_S)
                said.append(
                    f"{clipped(name, 40)}: {clipped(function, 40)} does NOT keep up with what arrives: the last event "
                    f"ends {late} after the run, on average."
                )
    return tuple(said)


def difference_text(comparison: ComparisonTables) -> str:
    """Say the difference of the bills in a line."""
    base, *others = comparison.names
    parts = [
        f"{name}: {_spread(comparison.difference(name))} {comparison.per}{_without_free_tier(comparison, name)}"
        for name in others
    ]
    return f"Against {base}, {comparison.replications} replications: {'; '.join(parts)}"


def _without_free_tier(comparison: ComparisonTables, name: str) -> str:
    """Say the difference without the free tier, where a bill has it."""
    if not comparison.has_free_tier:
        return ""
    found = comparison.difference(name, LISTED)
    return f", {money(found.mean, signed=True)} without the free tier"


def comparison_markdown(comparison: ComparisonTables) -> str:
    """Write a comparison for a pull request's comment."""
    verdict = comparison.verdict
    lines = ["### Lambda cost and latency", ""]
    for name in comparison.names[1:]:
        found = comparison.difference(name)
        lines.append(
            f"**{escaped(name)}** against {escaped(comparison.names[0])}: "
            f"**{money(found.mean, signed=True)} {comparison.per}** "
            f"({money(found.low, signed=True)} to {money(found.high, signed=True)})"
            f"{_without_free_tier(comparison, name)}"
        )
        lines.append("")
    lines += _summary(comparison)
    lines += [
        f"- {escaped(name)}: {escaped(text)}"
        for name in comparison.names[1:]
        for text in remarks(comparison, name)
    ]
    lines += [f"- {escaped(told)}" for told in behind(comparison)]
    lines += [f"- {escaped(reason)}" for reason in verdict.reasons]
    lines.append("")
    for name in comparison.names[1:]:
        lines += [f"<details><summary>{_in_html(name)}: all differences</summary>", ""]
        for group, rows in _groups(comparison, name):
            if group == "queues" and not rows:
                continue
            lines += [
                f"| {_title(comparison, group)} | base | difference | 95% interval | share |",
                "|---|--:|--:|--:|--:|",
            ]
            lines += [_markdown_row(row) for row in rows[:_MOST_ROWS]]
            lines += ["", *_left_out(rows), ""]
        lines += ["</details>", ""]
    return "\n".join([*lines, f"<sub>{escaped(note(comparison))}</sub>", ""])


def _summary(comparison: ComparisonTables) -> list[str]:
    """Show in one table what a reviewer asks first; each value with its difference."""
    lines = [
        f"| | {' | '.join(_in_period(comparison, title) for title, _, _, _ in _ASKED)} |",
        f"|---|{'--:|' * len(_ASKED)}",
    ]
    columns = ("scenario", "group", "scope", "measure")
    rows = {
        tuple(row[column] for column in columns): row for row in comparison.differences.to_dict("records")
    }
    base, *others = comparison.names
    for name in comparison.names:
        cells = []
        for _, key, form, scale in _ASKED:
            row = rows[(others[0] if name == base else name, *key)]
            value, difference = row["base" if name == base else "value"], row["difference"]
            told = _or_dash(form, value * scale)
            if name != base and not isnan(difference):
                told += f" ({_or_dash(form.replace(':', ':+'), difference * scale)})"
            cells.append(told)
        lines.append(f"| {escaped(name)} | {' | '.join(cells)} |")
    return [*lines, ""]


def _title(comparison: ComparisonTables, group: str) -> str:
    return _in_period(comparison, _TITLES[group])


def _in_period(comparison: ComparisonTables, title: str) -> str:
    return f"{title} {comparison.per}" if title == "USD" else title


def remarks(comparison: ComparisonTables, name: str) -> list[str]:
    """Say what a reader would else look for in the table: functions and settings that are not in both, no difference."""
    base = comparison.names[0]
    before, after = comparison.scenarios[base], comparison.scenarios[name]
    said = []
    for mine, other, whose in ((before, after, base), (after, before, name)):
        alone = _one_sided(mine, other)
        if alone:
            said.append(f"only in {whose}: {listed(alone, _MOST_NAMES)}; no latency or limit to compare")
    said += [
        f"{words}: {_worded(getattr(before, field))} in {base}, {_worded(getattr(after, field))} in {name}"
        for field, words in _SETTINGS.items()
        if getattr(before, field) != getattr(after, field)
    ]
    rows = comparison.differences[comparison.differences["scenario"] == name]
    if not said and (rows[["difference", "low", "high"]].fillna(0) == 0).all(axis=None):
        said.append("nothing differs, in any replication")
    return said


def _worded(setting: object) -> str:
    if isinstance(setting, bool):
        return "yes" if setting else "no"
    return "not given" if setting is None else str(setting)


def _one_sided(mine: ScenarioSpec, other: ScenarioSpec) -> list[str]:
    """Give the functions that one of two scenarios has alone."""
    there = {spec.name for spec in other.functions}
    return [spec.name for spec in mine.functions if spec.name not in there]


def escaped(text: str) -> str:
    r"""Take from a text all that Markdown and HTML would read, mentions and issue numbers included.

    Examples
    --------
    >>> escaped("a|b <i>*x*</i> @team #5")
    'a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt; &#64;&#8203;team &#35;&#8203;5'
    """
    plain = html.escape(_MARKUP.sub(r"\\\1", _one_line(text)), quote=False)
    return _without_links(plain)


def _without_links(text: str) -> str:
    """Take from HTML text what becomes a mention, an issue or a link; GitHub decodes entities before it looks."""
    plain = text.replace("#", "&#35;&#8203;").replace("@", "&#64;&#8203;")
    return plain.replace("://", ":&#47;&#47;")


def _in_html(text: str) -> str:
    """Write every sign as an entity: Markdown may be read between a page's marks."""
    coded = (sign if sign.isalnum() or sign == " " else f"&#{ord(sign)};" for sign in _one_line(text))
    return "".join(coded).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _groups(comparison: ComparisonTables, name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the rows of each group that matter: what changes, and what is the account's."""
    table = comparison.differences
    table = table[table["scenario"] == name]
    before, after = comparison.scenarios[comparison.names[0]], comparison.scenarios[name]
    alone = [*_one_sided(before, after), *_one_sided(after, before)]
    if not comparison.has_free_tier:
        table = table[table["scope"] != LISTED[1]]
    table = table[(table["group"] == "money") | ~table["scope"].isin(alone)]
    for group in _TITLES:
        rows = [_with_label(row) for row in table[table["group"] == group].to_dict("records")]
        told = [row for row in rows if _is_told(row)]
        yield group, told


def _left_out(rows: list[dict[str, Any]]) -> list[str]:
    more = len(rows) - _MOST_ROWS
    return [f"and {more} more, see the table of differences"] if more > 0 else []


def _with_label(row: dict[Any, Any]) -> dict[str, Any]:
    scope = "" if row["scope"] in (ACCOUNT, "line items") else f"{row['scope']}: "
    return {**row, "label": f"{scope}{row['measure']}"}


def _is_told(row: dict[str, Any]) -> bool:
    if isnan(row["difference"]):
        return not (isnan(row["base"]) and isnan(row["value"]))
    if row["group"] == "queues" or row["scope"] == LISTED[1]:
        return True
    if row["scope"] == ACCOUNT and (row["group"] != "limits" or row["measure"] == "refused"):
        return True
    return bool(row["difference"])


def _numbers(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """Write base, difference, half-width, interval and share."""
    base, mean, low, high = row["base"], row["difference"], row["low"], row["high"]
    plain, signed = _writers(row["group"])
    form = "{:+,.0%}" if abs(row["share"]) >= _MANY_TIMES else "{:+.1%}"
    share = "" if isnan(row["share"]) else _or_dash(form, row["share"])
    return (
        plain(base),
        signed(mean),
        plain((high - low) / 2),
        f"{signed(low)} to {signed(high)}",
        share + ("" if row["certain"] or not mean else " ?"),
    )


def _writers(group: str) -> tuple[Callable[[float], str], Callable[[float], str]]:
    """Return how a group writes a level, and a difference."""
    if group == "money":
        return _usd, partial(_usd, signed=True)
    form, scale = {"latency": ("{:,.1f}", 1), "limits": ("{:.3f}", 100), "queues": ("{:,.1f}", 1)}[group]
    signed = form.replace(":", ":+")
    return (lambda value: _or_dash(form, value * scale), lambda value: _or_dash(signed, value * scale))


def _usd(amount: float, *, signed: bool = False) -> str:
    """Write money without its currency, which the heading names."""
    exact = 0.0 if abs(amount) < _RESIDUE_USD else amount
    return money_cell(exact, signed=signed).replace(NONE, "-")


def _or_dash(form: str, value: float) -> str:
    if isnan(value):
        return "-"
    text = form.format(value)
    return text if any(digit in text for digit in "123456789") else form.format(0.0)


def _text_row(row: dict[str, Any]) -> str:
    base, mean, half, _, share = _numbers(row)
    label = clipped(row["label"], 34)
    return f"{label:<34} {base:>12} {mean:>11} {half:>9}  {share}".rstrip()


def _markdown_row(row: dict[str, Any]) -> str:
    base, mean, _, interval, share = _numbers(row)
    return f"| {escaped(row['label'])} | {base} | {mean} | {interval} | {share} |"


def note(comparison: ComparisonTables, *, doubtful: bool | None = None) -> str:
    """Say what the figures rest on.

    Parameters
    ----------
    comparison : ComparisonTables
    doubtful : bool, optional
        Whether a row that is shown has the mark of doubt. Default: as in the text.
    """
    per_month = comparison.period == "month"
    told = doubts(comparison)
    bases = [month_basis(spec) for spec in comparison.scenarios.values()]
    said = dict.fromkeys(basis.text(per_month) for basis in bases if not told or per_month)
    if comparison.has_free_tier and not per_month:
        said["A whole month's free tier is taken off the run."] = None
    if any(spec.state_machines for spec in comparison.scenarios.values()):
        said[f"Latency of the account and of functions is that of single runs; rows of a name with '{EXECUTIONS}' are of "
             "whole executions of that state machine."] = None  # fmt: skip
    if doubtful is None:
        doubtful = any(
            "?" in _numbers(row)[-1]
            for name in comparison.names[1:]
            for _, rows in _groups(comparison, name)
            for row in rows[:_MOST_ROWS]
        )
    return (
        f"95% intervals of paired differences from {comparison.replications} replications with common seeds"
        f"{'; ? where zero lies in the interval' if doubtful else ''}. {' '.join(said)}"
    )


def _spread(found: Interval) -> str:
    return f"{money(found.mean, signed=True)} ({money(found.low, signed=True)} to {money(found.high, signed=True)})"
