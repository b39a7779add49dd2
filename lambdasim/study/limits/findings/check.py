"""Settings that do not fit what a run shows: one list, which a CI can filter by the names of rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from lambdasim.billing import Usage
from lambdasim.errors import InputError
from lambdasim.results.run import RunResult
from lambdasim.results.usage.as_month import monthly_usage, period_of
from lambdasim.study.limits.findings.case import RULES, Case, Finding
from lambdasim.study.limits.findings.money import MONEY_CHECKS, shared_findings
from lambdasim.study.limits.findings.rules import CHECKS

if TYPE_CHECKING:
    import pandas as pd


def findings(
    run: RunResult,
    *,
    select: Collection[str] | None = None,
    ignore: Collection[str] = (),
    per: str | None = None,
) -> pd.DataFrame:
    """Check every function's settings against what the run shows.

    Parameters
    ----------
    run : RunResult
    select : collection of str, optional
        Rules to look at; default: all, see ``RULES``.
    ignore : collection of str
        Rules to leave out.
    per : {"month", "run"}, optional
        Period of the money. Default: a month; the run, where it is no sample of one.

    Returns
    -------
    DataFrame
        Columns are the fields of ``Finding``; the most expensive first.

    Raises
    ------
    InputError
        When there is no such rule.
    """
    import pandas as pd

    wanted = chosen_rules(select, ignore)
    specs = {spec.name: spec for spec in run.scenario.functions}
    usage: defaultdict[str, list[Usage]] = defaultdict(list)
    for row in run.usage():
        usage[row.function].append(row)
    period = period_of(run.scenario, per)
    found: list[Finding] = []
    for plan, totals in zip(run.plan.functions, run.aggregate.functions, strict=True):
        used = tuple(usage[plan.name])
        case = Case(run, specs[plan.name], plan, totals, used, monthly_usage(used, period.factor), period)
        found += [
            finding for check in (*CHECKS, *MONEY_CHECKS) for finding in check(case) if finding.rule in wanted
        ]
    found += [finding for finding in shared_findings(run, period) if finding.rule in wanted]
    found.sort(key=lambda finding: (-finding.usd, finding.rule, finding.function))
    return pd.DataFrame(found, columns=list(Finding._fields))


def chosen_rules(select: Collection[str] | None, ignore: Collection[str]) -> frozenset[str]:
    """Return the rules to look at.

    Raises
    ------
    InputError
        When there is no such rule.

    Examples
    --------
    >>> sorted(chosen_rules(["no-dlq", "init-near-cap"], ["no-dlq"]))
    ['init-near-cap']
    """
    for option, names in (("select", select or ()), ("ignore", ignore)):
        unknown = sorted(set(names) - set(RULES))
        if unknown:
            raise InputError.single(
                "limits", option, f"must be rules ({', '.join(RULES)}), got {unknown[0]!r:.40}"
            )
    return frozenset(RULES if select is None else select) - frozenset(ignore)
