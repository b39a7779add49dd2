"""What an estimate is made of: a template with volumes, or one function that a person describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, Final

from lambdasim.catalog import limit
from lambdasim.catalog.guesses import traffic_guess
from lambdasim.errors import InputError
from lambdasim.specs.loading import load_scenario_text
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.schedules import parse_schedule
from lambdasim.templates.writing.commented_yaml import plain
from lambdasim.templates.writing.draft import Draft
from lambdasim.units import US_PER_DAY, US_PER_S, to_epoch_us
from lambdasim.wording import clipped, count, listed, number

SHARED_OUT: Final = "traffic shared out evenly"
_MONTH_US = 30 * US_PER_DAY


def template_scenario(draft: Draft) -> tuple[ScenarioSpec, dict[str, float]]:
    """Return an imported scenario without its files, and the rates that schedules give.

    Parameters
    ----------
    draft : Draft

    Returns
    -------
    tuple of (ScenarioSpec, dict)
        Traffic that no file says has no rate yet.
    """
    mapping: dict[str, Any] = plain(draft.scenario)
    asked = {one.function for one in draft.questions if one.key == "traffic"}
    start_us = to_epoch_us(datetime.fromisoformat(mapping["start"]))
    rates: dict[str, float] = {}
    for function in mapping["functions"]:
        traffic = function["traffic"]
        if function["name"] not in asked:
            rates[function["name"]] = _scheduled_rate(traffic, draft.files, start_us)
        function["traffic"] = {"poisson": {"rate_per_s": 1.0}}
    return load_scenario_text(json.dumps(mapping), draft.scenario["name"]), rates


def _scheduled_rate(traffic: Mapping[str, Any], files: Mapping[str, str], start_us: int) -> float:
    seconds = _MONTH_US / US_PER_S
    if "schedule" in traffic:
        moments = parse_schedule(traffic["schedule"]).times_us(start_us, start_us + _MONTH_US)
        return sum(1 for _ in moments) / seconds
    if "poisson" in traffic:
        return float(traffic["poisson"]["rate_per_s"])
    if "trace" in traffic:
        return (files[traffic["trace"]].count("\n") - 1) / seconds
    return 0.0


def spread_volume(
    draft: Draft, scheduled: Mapping[str, float], together: float | None, named: Mapping[str, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Give each function its traffic.

    Parameters
    ----------
    draft : Draft
    scheduled : mapping
        Rates that are known from schedules.
    together : float or None
        Events per second of all entry points without a volume of their own, shared out evenly.
    named : mapping
        Events per second by function or resource.

    Returns
    -------
    tuple of (dict, tuple of str)
        Rates by function, and what was assumed.

    Raises
    ------
    InputError
        Where a named function is none.
    """
    rates = dict(scheduled)
    names = {one["name"] for one in plain(draft.scenario)["functions"]}
    for key, rate in named.items():
        name = key if key in names else draft.names.get(key)
        if name is None:
            allowed = listed(sorted(names), most=10)
            raise InputError.single(
                "lambdasim", "--requests", f"names {clipped(key, 40)}; functions are {allowed}"
            )
        rates[name] = rate
    open_ = [one.function for one in draft.questions if one.key == "traffic" and one.function not in rates]
    assumed = []
    if together is not None and not open_:
        assumed.append(
            "the volume for all has no effect: schedules or volumes of their own give each its traffic"
        )
    elif scheduled and together is not None:
        assumed.append(
            f"schedules of {count(len(scheduled), 'function')} as the file has them, besides --requests"
        )
    if open_ and together is not None:
        rates |= dict.fromkeys(open_, together / len(open_))
        if len(open_) > 1:
            assumed.append(f"{SHARED_OUT} over {count(len(open_), 'entry point')}")
    elif open_:
        guess = traffic_guess().rate_per_s
        rates |= dict.fromkeys(open_, guess)
        assumed.append(
            f"traffic of {number(guess)} a second for each of {count(len(open_), 'entry point')}; give --requests"
        )
    return rates, tuple(assumed)


def described_function(
    memory_mb: int, architecture: str, runtime: str, timeout_s: float, region: str | None
) -> ScenarioSpec:
    """Return a scenario of one function that a person describes.

    Raises
    ------
    ScenarioError
        Where a value is not allowed.
    """
    start = datetime.combine(limit("memory_min_mb").as_of, time(), UTC)
    function = {
        "name": "function",
        "memory_mb": memory_mb,
        "architecture": architecture,
        "runtime": runtime,
        "timeout": f"{timeout_s:g}s",
        "traffic": {"poisson": {"rate_per_s": 1.0}},
    }
    mapping = {
        "name": "estimate", "start": start.isoformat(), "duration": "30d", "functions": [function],
        **({"region": region} if region else {}),
    }  # fmt: skip
    return load_scenario_text(json.dumps(mapping), "options")
