"""Laws of random quantities, as a user writes them; the unit is the suffix of the key that holds the law.

A law is a plain number, which is always the same value, or a mapping of one key: ``{lognormal: {p50: 120, p95: 260}}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import exp, log, sqrt
from statistics import NormalDist, fmean
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from lambdasim.errors import ScenarioError
from lambdasim.specs.base import CrossFault, Spec, fault
from lambdasim.specs.faults import not_among, shown
from lambdasim.specs.fields import NotNegative, Positive, Real, Text
from lambdasim.specs.files import FileReader

_Z95: Final = NormalDist().inv_cdf(0.95)


class FixedLaw(Spec):
    """Always the same value."""

    fixed: NotNegative
    """The value, in the unit of the law's key."""

    def mean(self) -> float:
        """Return the mean, in the law's unit."""
        return self.fixed


class ExponentialShape(Spec):
    """Parameters of an exponential law."""

    mean: Positive
    """Mean, in the unit of the law's key."""


class ExponentialLaw(Spec):
    """Memoryless: many short values, few long ones."""

    exponential: ExponentialShape
    """Its mean."""

    def mean(self) -> float:
        """Return the mean, in the law's unit."""
        return self.exponential.mean


class LognormalShape(Spec):
    """Parameters of a lognormal law: p95 with either the median or the mean."""

    p50: Positive | None = None
    """Median, in the unit of the law's key."""
    mean: Positive | None = None
    """Mean, in the unit of the law's key; instead of the median."""
    p95: Positive
    """Value below which 95 % lie, in the unit of the law's key."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want exactly one centre, below p95, and a mean that p95 can have."""
        if (self.p50 is None) == (self.mean is None):
            yield CrossFault((), "needs exactly one of p50 and mean, beside p95")
            return
        name, centre = ("p50", self.p50) if self.p50 is not None else ("mean", self.mean)
        assert centre is not None  # noqa: S101 - one of the two is given
        if self.p95 <= centre:
            yield CrossFault(
                ("p95",), f"must be greater than {name} ({centre:g}), got {self.p95:g}", ((name,),)
            )
        elif self.mean is not None and log(self.p95 / self.mean) > _Z95**2 / 2:
            most = self.mean * exp(_Z95**2 / 2)
            yield CrossFault(
                ("p95",),
                f"must be at most {most:g}: no lognormal law of mean {self.mean:g} goes further, got {self.p95:g}",
            )


class LognormalLaw(Spec):
    """Skewed, as most service times are."""

    lognormal: LognormalShape
    """Its centre and its p95."""

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm.

        Notes
        -----
        By the median: ln(p95 / p50) / z. By the mean: the smaller root of s²/2 - z s + ln(p95 / mean) = 0, with z the
        normal quantile of 0.95.
        """
        shape = self.lognormal
        if shape.p50 is not None:
            return log(shape.p95 / shape.p50) / _Z95
        distance = log(shape.p95 / (shape.mean or shape.p95))
        return 2 * distance / (_Z95 + sqrt(max(_Z95**2 - 2 * distance, 0.0)))

    @property
    def mu(self) -> float:
        """Mean of the logarithm (of the value in the law's unit)."""
        return log(self.lognormal.p95) - _Z95 * self.sigma

    def mean(self) -> float:
        """Return the mean, in the law's unit; infinite where it exceeds what a number can hold."""
        exponent = self.mu + self.sigma**2 / 2
        return exp(exponent) if exponent < log(1.7e308) else float("inf")


class GammaShape(Spec):
    """Parameters of a gamma law."""

    mean: Positive
    """Mean, in the unit of the law's key."""
    cv: Annotated[Real, Field(ge=0.001, le=100)]
    """Coefficient of variation: standard deviation over mean; 1 is the exponential law."""


class GammaLaw(Spec):
    """Sums of memoryless phases, or burstier than one."""

    gamma: GammaShape
    """Its mean and variation."""

    def mean(self) -> float:
        """Return the mean, in the law's unit."""
        return self.gamma.mean


class UniformShape(Spec):
    """Parameters of a uniform law."""

    low: NotNegative
    """Least value, in the unit of the law's key."""
    high: NotNegative
    """Greatest value, in the unit of the law's key."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want an interval."""
        if self.high < self.low:
            yield CrossFault(
                ("high",), f"must be at least low ({self.low:g}), got {self.high:g}", (("low",),)
            )


class UniformLaw(Spec):
    """Every value of an interval alike."""

    uniform: UniformShape
    """Its interval."""

    def mean(self) -> float:
        """Return the mean, in the law's unit."""
        return self.uniform.low + (self.uniform.high - self.uniform.low) / 2


class Observations(Spec):
    """Observed values, listed or in a column of a CSV file."""

    values: Annotated[tuple[NotNegative, ...], Field(min_length=1)] | None = None
    """The values, in the unit of the law's key."""
    file: Text | None = None
    """CSV file with a header, relative to the scenario file."""
    column: Text | None = None
    """Column of the file; may be left out where the file has only one."""

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, data: Any, info: ValidationInfo) -> Any:
        if isinstance(data, list | tuple):
            return {"values": data}
        reader = FileReader.of(info)
        if reader is not None and isinstance(data, Mapping) and data.get("values") is None:
            return reader.with_values(data)
        return data

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want values or a file, and a column only of a file."""
        if self.values is None and self.file is None:
            yield CrossFault((), "needs a list of values, or a file")
        if self.column is not None and self.file is None:
            yield CrossFault(("column",), "belongs to a file, which is missing", (("file",),))

    @model_serializer(mode="wrap")
    def _as_written(self, handler: Any) -> Any:
        return list(self.values) if self.file is None and self.values is not None else handler(self)


class EmpiricalLaw(Spec):
    """One of the observed values, each equally likely."""

    empirical: Observations
    """The observed values."""

    @property
    def values(self) -> tuple[float, ...] | None:
        """The observed values, None while they are still in the file."""
        return self.empirical.values

    @property
    def file(self) -> str | None:
        """Where the values come from."""
        return self.empirical.file

    @property
    def column(self) -> str | None:
        """Which column of the file."""
        return self.empirical.column

    def observed(self) -> tuple[float, ...]:
        """Return the observed values, in the law's unit, shape (n,).

        Raises
        ------
        ScenarioError
            When the file has not been read: only loading a scenario does that.
        """
        if self.empirical.values is None:
            raise ScenarioError.single(
                "EmpiricalLaw",
                "empirical",
                f"{shown(self.file)} has not been read; load it with load_scenario",
            )
        return self.empirical.values

    def mean(self) -> float:
        """Return the mean, in the law's unit."""
        return fmean(self.observed())


class MixturePart(Spec):
    """One law of a mixture."""

    weight: Annotated[Positive, Field(le=1e9)]
    """How often it is chosen, relative to the other parts."""
    law: Law
    """The law, in the unit of the mixture's key."""


class MixtureLaw(Spec):
    """One of several laws, chosen by weight."""

    mixture: Annotated[tuple[MixturePart, ...], Field(min_length=1, max_length=100)]
    """The laws and their weights."""

    def mean(self) -> float:
        """Return the mean, in the law's unit."""
        total = sum(part.weight for part in self.mixture)
        return sum(part.weight * part.law.mean() for part in self.mixture) / total


LAW_TYPES: Final = {
    "fixed": FixedLaw,
    "exponential": ExponentialLaw,
    "lognormal": LognormalLaw,
    "gamma": GammaLaw,
    "uniform": UniformLaw,
    "empirical": EmpiricalLaw,
    "mixture": MixtureLaw,
}


def _as_mapping(value: object) -> object:
    """Read the short form, and refuse what is no law."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"fixed": value}
    if isinstance(value, tuple(LAW_TYPES.values())):
        return value
    if not isinstance(value, Mapping):
        raise fault(
            f"must be a number, or a mapping with one key of {', '.join(LAW_TYPES)}, got {shown(value)}"
        )
    if len(value) != 1:
        raise fault(f"must have exactly one key of {', '.join(LAW_TYPES)}, got {len(value)} keys")
    name = next(iter(value))
    if name not in LAW_TYPES:
        raise fault(not_among(name, LAW_TYPES))
    return value


def as_mapping_or_catalog(value: object) -> object:
    """Read a law's short form, leave ``catalog``, and refuse the rest."""
    return value if value == "catalog" else _as_mapping(value)


def _kind(value: object) -> str:
    """Name the law of a checked mapping or of a ready law."""
    if isinstance(value, str):
        return value
    return str(next(iter(value))) if isinstance(value, Mapping) else next(iter(type(value).model_fields))  # type: ignore[attr-defined]


_ANY_LAW: TypeAlias = (
    Annotated[FixedLaw, Tag("fixed")]
    | Annotated[ExponentialLaw, Tag("exponential")]
    | Annotated[LognormalLaw, Tag("lognormal")]
    | Annotated[GammaLaw, Tag("gamma")]
    | Annotated[UniformLaw, Tag("uniform")]
    | Annotated[EmpiricalLaw, Tag("empirical")]
    | Annotated[MixtureLaw, Tag("mixture")]
)
Law: TypeAlias = Annotated[_ANY_LAW, Discriminator(_kind), BeforeValidator(_as_mapping)]
LawOrCatalog: TypeAlias = Annotated[
    _ANY_LAW | Annotated[Literal["catalog"], Tag("catalog")],
    Discriminator(_kind),
    BeforeValidator(as_mapping_or_catalog),
]

MixturePart.model_rebuild()
MixtureLaw.model_rebuild()
