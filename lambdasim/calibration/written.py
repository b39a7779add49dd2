"""What a log says happened, and what a scenario says of it: failures, restores, INIT, work after the answer, modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lambdasim.billing import Usage, price
from lambdasim.calibration.data.environments import Flags
from lambdasim.calibration.data.observations import Observations
from lambdasim.calibration.data.runs import BREAKING, Runs
from lambdasim.calibration.data.statistics import Floats, pooled
from lambdasim.calibration.estimate import Estimate
from lambdasim.calibration.fit.shape import law_of_values, modes
from lambdasim.catalog import timing
from lambdasim.specs.function import Architecture
from lambdasim.specs.platform import AfterFailure
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_HOUR, US_PER_MS, US_PER_S, from_epoch_us
from lambdasim.wording import count, listed, number, percent

FAILURES: Final = {
    "error": "error_probability",
    "crash": "crash_probability",
    "out_of_memory": "out_of_memory_probability",
    "timeout": "timeout_probability",
}
"""How a run may fail, and the key of a scenario's work for it."""
_NAMES: Final = {
    "error": "function errors",
    "crash": "crashes",
    "out_of_memory": "runs out of memory",
    "timeout": "timeouts",
}
MB_MS_PER_GB_S: Final = 1_024_000
"""As bills count."""
MONTH_H: Final = 730
"""Hours of a month that money is given for."""
_TOLD: Final = 0.005
"""How far the share of timeouts may be from that of all runs without a word on it."""
_CUT: Final = 0.95
"""The share of its cap that an INIT must have lasted to count as cut off there."""
_APART: Final = 1.3
_MOST: Final = 0.5
_STEADY: Final = 0.1
"""Standard deviation of the work, as a share of INIT, up to which INIT inside runs is known by subtraction."""


@dataclass(frozen=True)
class Restores:
    """Restores of SnapStart snapshots.

    Attributes
    ----------
    load_ms : ndarray, shape (n,)
        Loading of the snapshot, which is not billed [ms].
    restore_ms : ndarray, shape (n,)
        The billed part [ms].
    """

    load_ms: Floats
    restore_ms: Floats

    def spec(self) -> dict[str, Any]:
        """Return a scenario's ``snap_start``."""
        return {"load_ms": law_of_values(self.load_ms), "restore_ms": law_of_values(self.restore_ms)}


def failures(data: Observations) -> dict[str, Estimate]:
    """Give the share of each kind of failure among all runs, with its 95 % interval by Clopper and Pearson.

    Where INIT inside the run uses up the time of most runs that hold it, and others time out less often, the share of
    timeouts is that among the others: the engine lets INIT do the same. Timeouts that are the upper end of the other
    durations are not counted, nor new environments whose INIT failed.

    Parameters
    ----------
    data : Observations

    Returns
    -------
    dict of str to Estimate
        By ``FAILURES``; all that are known.
    """
    runs = data.runs
    tail = sum(size.tail_timeouts for size in data.sizes)
    found = {}
    for kind in FAILURES:
        if kind in runs.unknown:
            continue
        failed, counted = (
            runs.ended(kind) & ~(runs.init_failed & runs.again),
            np.ones(len(runs), dtype=np.bool_),
        )
        if kind == "timeout" and _init_times_out(failed, runs):
            counted = ~runs.inside
        number = int((failed & counted).sum()) - (tail if kind == "timeout" else 0)
        found[kind] = share(max(number, 0), int(counted.sum()))
    return found


def _init_times_out(failed: Flags, runs: Runs) -> bool:
    """Return whether runs inside which INIT ran time out for that reason."""
    inside, others = int(runs.inside.sum()), int((~runs.inside).sum())
    if not inside or not others:
        return False
    seen = share(int((failed & runs.inside).sum()), inside)
    usual = share(int((failed & ~runs.inside).sum()), others)
    return seen.value > _MOST and (seen.low > usual.high or seen.value == 1.0)


def share(number: int, of: int) -> Estimate:
    """Give a share with its 95 % interval by Clopper and Pearson.

    Examples
    --------
    >>> print(share(63, 807), share(0, 100))
    0.0781 [0.0605, 0.0988] 0 [0, 0.0362]
    """
    from scipy.stats import beta

    if not of:
        return Estimate(0.0, 0.0, 1.0)
    low = float(beta.ppf(0.025, number, of - number + 1)) if number else 0.0
    high = float(beta.ppf(0.975, number + 1, of - number)) if number < of else 1.0
    return Estimate(number / of, low, high)


def log_findings(data: Observations, failed: dict[str, Estimate], durations_ms: Floats) -> list[str]:
    """Say what happened in a log, and how it is written.

    Parameters
    ----------
    data : Observations
    failed : dict of str to Estimate
        As ``failures`` gives them.
    durations_ms : ndarray, shape (n,)
        Of warm runs [ms].
    """
    return [
        *failure_findings(data, failed),
        *after_failure_findings(data),
        *init_cut_findings(data),
        *mode_findings(durations_ms),
    ]


def failure_findings(data: Observations, found: dict[str, Estimate]) -> list[str]:
    """Say which failures the log has, and what is not known of them."""
    said = [
        f"{_NAMES[kind]}: {percent(one.value, 1)} of runs [{percent(one.low, 1)}, {percent(one.high, 1)}]"
        for kind, one in found.items()
        if one.value
    ]
    seen, runs = int(data.runs.ended("timeout").sum()), len(data.runs)
    if "timeout" in found and abs(seen / runs - found["timeout"].value) > _TOLD:
        said.append(
            f"{seen:,} of {runs:,} runs timed out in all: those whose INIT inside the run used up the timeout, and those "
            "that are the upper end of the other durations, follow from INIT and work and are not in the share"
        )
    if "out_of_memory" in found and found["out_of_memory"].value:
        said.append("a larger size may end the runs out of memory; the log does not show how much they need")
    work, complete = data.runs.work_ms()[data.runs.warm()], data.runs.ended("success")[data.runs.warm()]
    if complete.any() and not complete.all():
        ratio = float(work[~complete].mean() / max(work[complete].mean(), 1e-9))
        if ratio > _APART or ratio < 1 / _APART:
            said.append(
                f"runs that failed took {work[~complete].mean():.4g} ms on average and complete ones "
                f"{work[complete].mean():.4g} ms: the law of work holds both, whatever the outcome"
            )
    return said


def init_cap_ms() -> float:
    """Give the time that INIT may take before a run [ms]."""
    return timing("init_cap_on_demand_s").us / US_PER_MS


def init_cut_findings(data: Observations) -> list[str]:
    """Say how many starts had INIT cut off or failing, which neither log nor bill charges, and how much that may be."""
    runs = data.runs
    starts = int(runs.again.sum())
    if not starts:
        return []
    cap_ms = init_cap_ms()
    lasted = np.where(np.isnan(runs.broken_ms), cap_ms, np.minimum(runs.broken_ms, cap_ms))[runs.again]
    gb_s = lasted * runs.memory_mb[runs.again] / MB_MS_PER_GB_S
    failed = lasted < _CUT * cap_ms
    said = []
    if failed.any():
        starts_failed, mean_ms = count(int(failed.sum()), "cold start"), number(float(lasted[failed].mean()))
        said.append(
            f"INIT of {starts_failed} failed, after {mean_ms} ms on average, and ran again inside the run: the "
            "scenario has that second INIT before the run, so those clients wait less than they did, and their "
            "INIT cannot use up the timeout"
        )
    said += _failed_init_findings(runs)
    most, whole = number(float(gb_s.max())), number(float(gb_s.sum()))
    said.append(
        f"{count(starts, 'cold start')} had INIT cut off, at its cap of {number(cap_ms / 1000)} s or by a failure, and "
        "run again inside the run: the second INIT is billed in its duration, the first is not, in log and twin alike. "
        f"AWS does not say whether it bills the first; if so, figures are too low by up to {most} GB-s a start, "
        f"{whole} GB-s in all"
    )
    return said


def _failed_init_findings(runs: Runs) -> list[str]:
    """Say of runs that ended because INIT failed what a scenario makes of them."""
    first, later = int((runs.init_failed & runs.again).sum()), int((runs.init_failed & ~runs.again).sum())
    said = []
    if first:
        said.append(
            f"{count(first, 'run')} of a new environment failed because INIT did, which it never does in a scenario: "
            "there they take and bill the same INIT, and are complete"
        )
    if later:
        said.append(
            f"{count(later, 'later run')} of such environments failed as well: written as function errors that take as "
            "long as they did"
        )
    return said


def provisioned_findings(data: Observations, memory_mb: int, architecture: Architecture) -> list[str]:
    """Say how much provisioned concurrency the scenario has at least, from what, and what more of it costs.

    Parameters
    ----------
    data : Observations
    memory_mb : int
        As written.
    architecture : Architecture
    """
    bought = data.runs.most_provisioned()
    if not bought:
        return []
    served = count(int(data.runs.provisioned.sum()), "run")
    start = from_epoch_us(int(data.runs.arrival_us[0])).isoformat()
    region, each = _provisioned_month(memory_mb, architecture, start)
    return [
        f"{served} met environments of provisioned concurrency, at most {number(bought)} of which served in one stretch "
        f"of time: written as provisioned_concurrency, {number(bought)} from beginning to end, which is what was "
        f"paid for at least. Those that no run met are in no log, and each costs ${each:,.2f} a month of {MONTH_H} hours "
        f"at {memory_mb:,} MB in {region}: take the number from the function's settings"
    ]


def _provisioned_month(memory_mb: int, architecture: Architecture, start: str) -> tuple[str, float]:
    """Price one environment of provisioned concurrency for a month, in the region that is written [USD]."""
    function = {
        "name": "held",
        "memory_mb": memory_mb,
        "architecture": architecture.value,
        "traffic": {"constant": {"rate_per_s": 0}},
    }
    spec = ScenarioSpec.model_validate(
        {"name": "held", "start": start, "duration": "1h", "functions": [function]}
    )
    held_s = MONTH_H * US_PER_HOUR // US_PER_S
    usage = Usage.of_function(
        spec.functions[0], spec.region, f"{spec.billing_day:%Y-%m}", provisioned_allocated_s=held_s
    )
    return spec.region, float(price([usage], free_tier=False).total)


def restores(runs: Runs) -> Restores | None:
    """Take the restores of a log apart into loading and the billed part; None where it has none.

    The billed part is what is billed beyond the duration; what is left of the restore is loading.
    """
    rows = runs.restored & ~np.isnan(runs.init_ms)
    if not rows.any():
        return None
    whole = runs.init_ms[rows]
    billed = runs.billed_ms[rows] - runs.duration_ms[rows].round(3)
    billed = np.where(np.isnan(billed), 0.0, np.clip(np.floor(billed), 0.0, whole))
    return Restores(whole - billed, billed)


def init_values_ms(data: Observations) -> Floats:
    """Give INIT of every start that the log has [ms], shape (n,).

    An INIT that was broken off and ran again inside the run counts with what the second took: as logged, or what the run
    took longer than a warm one. Where there is no other, INIT inside runs after a failure counts so too.
    """
    runs = data.runs
    plain = runs.init_ms[runs.cold & ~runs.restored & ~runs.again]
    again = _inside_ms(runs, runs.again)
    found = np.concatenate([plain[~np.isnan(plain)], again])
    return found if len(found) or runs.restored.any() else _inside_ms(runs, runs.inside & ~runs.again)


def init_sample_ms(data: Observations) -> Floats:
    """Give INIT of every start, and that inside runs after failures where it is alike [ms], shape (n,).

    INIT that is not logged is what a run took longer than others, which says something only of work that varies little.
    """
    runs, found = data.runs, init_values_ms(data)
    inside = runs.inside & ~runs.again
    usual = runs.work_ms()[runs.warm()]
    if len(found) and len(usual) and float(usual.std()) > _STEADY * float(np.median(found)):
        inside &= ~np.isnan(runs.again_ms)
    if not inside.any() or not runs.cold[~runs.again].any():
        return found
    return pooled(found, _inside_ms(runs, inside, first=True))


def _inside_ms(runs: Runs, rows: Any, *, first: bool = False) -> Floats:
    """Give INIT that ran inside these runs, whose work is the usual one, or that of the first after INIT [ms]."""
    rows = rows & ~runs.ended("timeout")
    work = runs.work_ms()
    usual = work[runs.warm()]
    after = work[runs.cold & ~runs.again & runs.ended("success")]
    usual = after if first and len(after) else usual
    rest: Floats = np.maximum(runs.duration_ms[rows] - (float(usual.mean()) if len(usual) else 0.0), 0.0)
    return np.where(
        np.isnan(runs.again_ms[rows]), rest, np.minimum(runs.again_ms[rows], runs.duration_ms[rows])
    )


def after_failure_findings(data: Observations) -> list[str]:
    """Say what the log shows of environments after failures, where that is not what AWS documents."""
    runs, documented = data.runs, "AWS documents that INIT runs again inside the next run"
    told = count(int(runs.ended(*BREAKING).sum()), "failure")
    written = f"written as platform.after_failure: {runs.after_failure.value}; {documented}"
    if runs.after_failure is AfterFailure.KEPT:
        return [
            f"runs right after {told} took no longer than others, as if environments were kept: {written}"
        ]
    if runs.after_failure is AfterFailure.REPLACED:
        return [f"after {told} hardly an environment served again, cold starts followed instead: {written}"]
    if runs.inside.any() and not runs.cold.any():
        return [
            "the log has no cold start; what runs right after failures took longer than others is written as INIT: "
            "give init_ms where you know it"
        ]
    return []


def mode_findings(values_ms: Floats) -> list[str]:
    """Say which kinds of runs there are, where durations fall into groups with nothing between."""
    groups = modes(np.sort(values_ms)) if len(values_ms) else []
    if len(groups) < 2:
        return []
    shown = [
        f"{percent(len(group) / len(values_ms), 1)} of {group[0]:.4g} to {group[-1]:.4g} ms"
        if len(group) > 1
        else f"{count(1, 'run')} of {group[0]:.4g} ms"
        for group in groups
    ]
    return [f"warm runs are of {len(groups)} kinds, written as a mixture: {listed(shown, last=' and ')}"]
