"""One function that was found, as a scenario has it: settings within the platform's limits, guesses marked as assumed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from math import exp, log1p, sqrt
from statistics import NormalDist
from typing import Any, Final

from lambdasim.catalog import InitPrior, has_snap_start, init_prior, init_priors, limit
from lambdasim.catalog.guesses import duration_cpu_shares, spread, timeout_share, work_guess
from lambdasim.specs.function import FunctionSpec
from lambdasim.templates.found import FoundFunction, FoundProvisioned, Given, without_accounts
from lambdasim.templates.writing.commented_yaml import Noted
from lambdasim.templates.writing.sources import Invoked, invoked_by, valid_schedule
from lambdasim.wording import clipped

_FAMILY: Final = re.compile(r"(nodejs|python3\.|java|dotnet(?:core)?|ruby)([0-9.]+?)(\.x|\.al2|\.al2023)?")
_MOST_CONCURRENCY: Final = 100_000
_GO: Final = "provided.al2"
_DEFAULT_RUNTIME: Final = FunctionSpec.model_fields["runtime"].default
_Z95: Final = NormalDist().inv_cdf(0.95)
_VARIATION: Final = spread().variation_median
_P95: Final = exp(-log1p(_VARIATION**2) / 2 + _Z95 * sqrt(log1p(_VARIATION**2)))
_BATCHES: Final = ("sqs", "kinesis", "dynamodb", "kafka")
_REQUESTS: Final = (
    "api_gateway_rest",
    "api_gateway_http",
    "api_gateway_websocket",
    "function_url",
    "alb",
    "sdk",
)


@dataclass
class FunctionDraft:
    """A function of a scenario before it is written.

    Attributes
    ----------
    settings : dict
        Keys of scenarios; values that no file said are ``Noted``.
    invoked : Invoked
        Its trigger and traffic, which are in ``settings`` too unless they go into a file.
    remarks : list of str
        What was taken for what.
    is_measured : bool
        Whether its durations were measured.
    """

    settings: dict[str, Any]
    invoked: Invoked
    remarks: list[str] = field(default_factory=list)
    is_measured: bool = False


def function_draft(found: FoundFunction, name: str) -> FunctionDraft:
    """Make a scenario's function of what was found.

    Parameters
    ----------
    found : FoundFunction
    name : str
        Unique in the scenario.

    Returns
    -------
    FunctionDraft
        Traffic is left out of the settings where the function has several schedules.
    """
    remarks = list(found.notes)
    memory_mb = _within(found, "memory_mb", "memory_min_mb", "memory_max_mb", remarks)
    timeout_s = _within(found, "timeout_s", "timeout_min_s", "timeout_max_s", remarks)
    settings: dict[str, Any] = {
        "name": name,
        "memory_mb": _known(found, "memory_mb", memory_mb),
        "timeout": _known(found, "timeout_s", f"{timeout_s}s"),
        "architecture": _known(found, "architecture", found.architecture),
    }
    settings |= _package(found, remarks)
    settings |= _sizes(found, remarks)
    settings |= _start(found, settings, remarks)
    invoked = invoked_by(replace(found, memory_mb=memory_mb, timeout_s=timeout_s))
    settings["work"] = _work(found, invoked, memory_mb, timeout_s)
    settings["trigger"] = invoked.trigger
    if found.tags:
        settings["tags"] = {clipped(key, 120): clipped(value, 250) for key, value in found.tags}
    if invoked.traffic:
        settings["traffic"] = invoked.traffic
    remarks += invoked.remarks
    measured = found.measured is not None and bool(found.measured.durations_ms)
    return FunctionDraft(settings, invoked, remarks, measured)


def _within(found: FoundFunction, name: str, low: str, high: str, remarks: list[str]) -> int:
    value: int = getattr(found, name)
    least, most = limit(low).value, limit(high).value
    if least <= value <= most:
        return value
    taken = min(max(value, least), most)
    remarks.append(f"{name} {clipped(value, 30)} lies outside {least:,} to {most:,}; {taken:,} is taken")
    return taken


def _known(found: FoundFunction, name: str, value: Any) -> Any:
    given = found.given.get(name, Given.FILE)
    if given is Given.DEFAULT:
        return Noted(value, "the default; not in the file")
    if given is Given.ASSUMED:
        return Noted(value, "assumed; only a deployment knows it")
    return value


def _package(found: FoundFunction, remarks: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    image = found.package_type == "image"
    if image:
        settings["package_type"] = "image"
    runtime: Any = found.runtime and clipped(without_accounts(found.runtime), 60)
    if not runtime:
        why = "an image names no runtime" if image else "not in the file"
        runtime = Noted(_DEFAULT_RUNTIME, f"assumed, {why}; stands for INIT")
    settings["runtime"] = runtime
    shown = runtime.value if isinstance(runtime, Noted) else runtime
    if found.measured is not None and found.measured.init_ms is not None:
        settings["init_ms"] = Noted(init_law(*found.measured.init_ms), "from logs")
    elif init_prior(shown, "image" if image else "zip", found.architecture) is None:
        like, prior = nearest_init(shown, image, found.architecture)
        law = {
            "lognormal": {
                "p50": round(prior.p50_ms),
                "p95": round(exp(prior.mu_log + _Z95 * prior.sigma_log)),
            }
        }
        settings["init_ms"] = Noted(law, f"assumed: INIT of {like}, as {shown} was not measured")
        remarks.append(f"INIT of runtime {shown} was not measured; that of {like} stands in")
    return settings


def init_law(median_ms: float, p95_ms: float) -> Any:
    """Write INIT as a law: lognormal between its median and 95th percentile, a number where they are one.

    Examples
    --------
    >>> init_law(310.2, 402.5), init_law(300.0, 300.0)
    ({'lognormal': {'p50': 310.2, 'p95': 402.5}}, 300.0)
    """
    median, tail = round(median_ms, 1), round(p95_ms, 1)
    return {"lognormal": {"p50": median, "p95": tail}} if tail > median > 0 else median


def nearest_init(runtime: str, image: bool, architecture: str) -> tuple[str, InitPrior]:
    """Return the measured runtime that is nearest to one that was not, with its INIT.

    Parameters
    ----------
    runtime : str
    image : bool
    architecture : str

    Examples
    --------
    >>> nearest_init("nodejs18.x", False, "x86_64")[0], nearest_init("go1.x", False, "x86_64")[0]
    ('nodejs20.x', 'provided.al2')
    """
    package = "image" if image else "zip"
    measured = {
        one.runtime for one in init_priors() if (one.package, one.architecture) == (package, architecture)
    }
    family, version = _family(runtime)
    alike = [one for one in measured if _family(one)[0] == family and family]
    best = min(alike, key=lambda one: (abs(_family(one)[1] - version), one), default="")
    fallback = _GO if runtime.startswith(("go", "provided")) else _DEFAULT_RUNTIME
    for like in (best or fallback, fallback, _DEFAULT_RUNTIME):
        for kind, cpu in ((package, architecture), ("zip", architecture), ("zip", "x86_64")):
            if (prior := init_prior(like, kind, cpu)) is not None:
                return like, prior
    raise AssertionError(f"the catalog has no INIT of {_DEFAULT_RUNTIME}")


def _family(runtime: str) -> tuple[str, float]:
    match = _FAMILY.fullmatch(runtime)
    if match is None:
        return "", 0.0
    return match[1].removesuffix("core"), float(match[2].strip(".").split(".")[0] or 0)


def _sizes(found: FoundFunction, remarks: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    ephemeral_mb = _within(found, "ephemeral_mb", "ephemeral_min_mb", "ephemeral_max_mb", remarks)
    if ephemeral_mb != limit("ephemeral_default_mb").value:
        settings["ephemeral_mb"] = ephemeral_mb
    if found.package_bytes and found.package_type == "zip":
        settings["package_mb"] = min(
            -(-found.package_bytes // 1_000_000), limit("package_zipped_max_mb").value
        )
    if found.layers and found.package_type == "zip":
        settings["layers"] = min(found.layers, limit("layers_max").value)
    if found.vpc:
        settings["vpc"] = True
    if found.environment_bytes:
        most = limit("environment_variables_max_bytes").value
        settings["environment_bytes"] = min(found.environment_bytes, most)
        if found.environment_bytes > most:
            remarks.append(
                f"its environment variables have {found.environment_bytes:,} bytes; {most:,} are allowed"
            )
    return settings


def _start(found: FoundFunction, settings: dict[str, Any], remarks: list[str]) -> dict[str, Any]:
    started: dict[str, Any] = {}
    if found.reserved_concurrency is not None:
        reserved = min(found.reserved_concurrency, _MOST_CONCURRENCY)
        if reserved < 0:
            remarks.append(f"reserved concurrency {clipped(reserved, 30)} is below 0 and left out")
        elif reserved != found.reserved_concurrency:
            remarks.append(
                f"reserved concurrency {clipped(found.reserved_concurrency, 30)} is taken as {reserved:,}"
            )
        if reserved >= 0:
            started["reserved_concurrency"] = reserved
    if found.provisioned:
        steps = [_step(step, started.get("reserved_concurrency"), remarks) for step in found.provisioned]
        started["provisioned_concurrency"] = [step for step in steps if step is not None]
    if found.snap_start:
        largest = limit("snapstart_ephemeral_max_mb").value
        small = settings.get("ephemeral_mb", 0) <= largest
        runtime = settings["runtime"].value if isinstance(settings["runtime"], Noted) else settings["runtime"]
        if found.package_type == "zip" and not found.provisioned and small and has_snap_start(runtime):
            started["snap_start"] = {}
            settings.pop("init_ms", None)
        else:
            remarks.append(
                "SnapStart does not go with its runtime, package, /tmp or provisioned concurrency; left out"
            )
    return started


def _step(step: FoundProvisioned, reserved: int | None, remarks: list[str]) -> dict[str, Any] | None:
    count = min(max(step.count, 0), _MOST_CONCURRENCY)
    if reserved is not None and count > reserved:
        remarks.append(f"provisioned concurrency {count} is above the reserved {reserved}, which is taken")
        count = reserved
    if step.schedule is None:
        return {"at": "0s", "count": count}
    schedule = valid_schedule(step.schedule)
    if schedule is None:
        remarks.append(
            f"provisioned concurrency by {clipped(step.schedule, 60)} cannot be followed; left out"
        )
        return None
    return {"schedule": schedule, "count": count}


def _work(found: FoundFunction, invoked: Invoked, memory_mb: int, timeout_s: int) -> Noted:
    if found.duration_ms:
        return _known_work(found.duration_ms, memory_mb)
    trigger = invoked.trigger["type"]
    kind = trigger.value if isinstance(trigger, Noted) else trigger
    batch = any(source.type in _BATCHES for source in found.sources) and kind in _BATCHES
    guess = work_guess("item" if batch else "request" if kind in _REQUESTS else "event")
    stretch = max(1.0, limit("memory_per_vcpu_mb").value / memory_mb)
    longest_ms = guess.cpu_ms[1] * stretch + guess.io_ms[1]
    factor = min(1.0, timeout_share() * timeout_s * 1000 / longest_ms)
    laws = {
        name: {"lognormal": {"p50": _short(p50 * factor), "p95": _short(p95 * factor)}}
        for name, (p50, p95) in (("cpu_ms", guess.cpu_ms), ("io_ms", guess.io_ms))
    }
    what = {"item": "an item of a batch", "request": "a short request", "event": "a short event"}
    name = "item" if batch else "request" if kind in _REQUESTS else "event"
    return Noted(laws, f"assumed, {what[name]}; lambdasim calibrate LOGS gives the real one")


def _known_work(duration_ms: float, memory_mb: int) -> Noted:
    """Split a known mean duration into CPU time and waiting: half and half, and both ends as plausible."""
    speed = min(1.0, memory_mb / limit("memory_per_vcpu_mb").value)

    def split(share: float) -> dict[str, Any]:
        parts = {"cpu_ms": share * duration_ms * speed, "io_ms": (1 - share) * duration_ms}
        return {
            name: {"lognormal": {"mean": _short(mean), "p95": _short(mean * _P95)}}
            for name, mean in parts.items()
        }

    low, middle, high = duration_cpu_shares()
    laws = {**split(middle), "plausible": [split(low), split(high)]}
    return Noted(
        laws,
        f"mean duration {duration_ms:g} ms from the file of usage; how much of it is CPU time is assumed",
    )


def _short(value: float) -> float:
    shown = float(f"{value:.3g}")
    return int(shown) if shown == int(shown) else shown
