"""Measured INIT durations by runtime, package type and architecture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import fsum, isfinite, sqrt
from typing import Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Knowledge
from lambdasim.catalog.files import rows_of, toml_of
from lambdasim.errors import CatalogError

_FILE: Final = "init_priors.csv"
_ALIASES: Final = "init_aliases.toml"
_NUMBERS: Final = (
    "n",
    "memory_mb",
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "max_ms",
    "mu_log",
    "sigma_log",
    "first_handler_mean_ms",
)


@dataclass(frozen=True)
class InitPrior:
    """INIT of minimal functions, pooled over memory sizes, on which it does not depend.

    Attributes
    ----------
    runtime : str
        As measured: AWS's identifier, or language and custom runtime such as ``rust (prov.al2023)``.
    package, architecture : str
        ``zip`` or ``image``; ``x86_64`` or ``arm64``.
    n : int
        Forced cold starts measured.
    p50_ms, p90_ms, p99_ms : float
        Quantiles of INIT, means over memory sizes weighted by their number [ms].
    max_ms : float
        Longest INIT seen [ms].
    mu_log, sigma_log : float
        Mean and standard deviation of the logarithm of INIT in ms.
    first_handler_ms : tuple of (int, float)
        Memory size [MB] and mean duration of the first handler run after INIT [ms], by size.
    source : str
    knowledge : Knowledge
    as_of : date or None
        Last day of the measurement.
    """

    runtime: str
    package: str
    architecture: str
    n: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    mu_log: float
    sigma_log: float
    first_handler_ms: tuple[tuple[int, float], ...]
    source: str = ""
    knowledge: Knowledge = Knowledge.MEASURED
    as_of: date | None = None


@cache
def init_priors() -> tuple[InitPrior, ...]:
    """Return all measured combinations, in order of runtime, package and architecture."""
    about = Entry(toml_of(_ALIASES), _ALIASES)
    return init_priors_of(rows_of(_FILE), about.text("source"), about.day("as_of"))


def init_priors_of(
    rows: Sequence[Mapping[str, str]], source: str, as_of: date, file: str = _FILE
) -> tuple[InitPrior, ...]:
    """Make priors of the rows of a file.

    Parameters
    ----------
    rows : sequence of mapping
        Columns as ``SOURCES.md`` lists them, as text.
    source : str
    as_of : date
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file, row and column, when a value is missing or no number, or quantiles fall.
    """
    groups: defaultdict[tuple[str, str, str], list[Mapping[str, str]]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        _check(row, f"{file}, row {number}")
        groups[row["runtime"], row["package"], row["arch"]].append(row)
    return tuple(_pooled(key, groups[key], source, as_of) for key in sorted(groups))


def _check(row: Mapping[str, str], where: str) -> None:
    """Refuse a row that lacks a value or contradicts itself."""
    for name, allowed in (("package", ("zip", "image")), ("arch", ("x86_64", "arm64"))):
        if row.get(name) not in allowed:
            raise CatalogError.single(
                where, name, f"must be {' or '.join(allowed)}, got {repr(row.get(name))[:40]}"
            )
    if not row.get("runtime"):
        raise CatalogError.single(where, "runtime", "is missing")
    values = {}
    for name in _NUMBERS:
        try:
            values[name] = float(row.get(name) or "")
        except ValueError:
            values[name] = float("nan")
        if not isfinite(values[name]):
            raise CatalogError.single(where, name, f"must be a number, got {repr(row.get(name))[:40]}")
    if values["n"] < 1:
        raise CatalogError.single(where, "n", f"must be 1 or more, got {row['n'][:40]}")
    for lower, upper in (("p50_ms", "p90_ms"), ("p90_ms", "p99_ms"), ("p99_ms", "max_ms")):
        if not 0 < values[lower] <= values[upper]:
            raise CatalogError.single(
                where, upper, f"must be {lower} or more, which is above 0, got {row[upper][:40]}"
            )


def init_prior(runtime: str, package: str, architecture: str) -> InitPrior | None:
    """Look up the measured INIT for a function's settings.

    Parameters
    ----------
    runtime : str
        AWS's identifier, such as ``python3.13`` or ``provided.al2023``; or a measured name, see
        ``init_runtimes()``.
    package : str
        ``zip`` or ``image``.
    architecture : str
        ``x86_64`` or ``arm64``.

    Returns
    -------
    InitPrior or None
        None where nothing was measured. Custom runtimes are represented by the language that
        ``init_aliases.toml`` names.

    Examples
    --------
    >>> init_prior("provided.al2023", "zip", "arm64").runtime
    'go (prov.al2023)'
    >>> init_prior("cobol85", "zip", "arm64") is None
    True
    """
    measured = toml_of(_ALIASES)["aliases"].get(runtime, runtime)
    return _by_key().get((measured, package, architecture))


@cache
def init_runtimes() -> tuple[str, ...]:
    """Return the runtimes that ``init_prior`` knows, aliases included, in order of name."""
    return tuple(sorted({prior.runtime for prior in init_priors()} | set(toml_of(_ALIASES)["aliases"])))


@cache
def _by_key() -> dict[tuple[str, str, str], InitPrior]:
    """Return the priors by runtime, package and architecture."""
    return {(prior.runtime, prior.package, prior.architecture): prior for prior in init_priors()}


def _pooled(
    key: tuple[str, str, str], rows: Sequence[Mapping[str, str]], source: str, as_of: date
) -> InitPrior:
    """Pool the memory sizes of one combination, weighted by their number of cold starts."""
    weights = [int(row["n"]) for row in rows]
    total = sum(weights)

    def mean(values: list[float]) -> float:
        return fsum(weight * value for weight, value in zip(weights, values, strict=True)) / total

    def column(name: str) -> list[float]:
        return [float(row[name]) for row in rows]

    mu_log = mean(column("mu_log"))
    second_moment = mean(
        [sigma**2 + mu**2 for sigma, mu in zip(column("sigma_log"), column("mu_log"), strict=True)]
    )
    return InitPrior(
        *key,
        n=total,
        p50_ms=mean(column("p50_ms")),
        p90_ms=mean(column("p90_ms")),
        p99_ms=mean(column("p99_ms")),
        max_ms=max(column("max_ms")),
        mu_log=mu_log,
        sigma_log=sqrt(max(second_moment - mu_log**2, 0.0)),
        first_handler_ms=tuple(
            sorted((int(row["memory_mb"]), float(row["first_handler_mean_ms"])) for row in rows)
        ),
        source=source,
        as_of=as_of,
    )
