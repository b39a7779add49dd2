"""Usage of Fargate and EC2 that the same Compute Savings Plan covers beside Lambda's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from lambdasim.billing.commitment import HourlyPool
from lambdasim.errors import InputError

_MICRO: Final = 1_000_000


@dataclass(frozen=True)
class OtherUsage:
    """What servers cost on demand in every hour, and what a plan takes off that.

    Attributes
    ----------
    usd_per_hour : Decimal
        Of Fargate and EC2 together, in every hour alike, above 0 [USD].
    percent_one_year, percent_three_years : Decimal
        Off on demand under a plan of one year and of three; from 0 to below 100. They depend on region and type: take
        them from the console or from a bill.
    """

    usd_per_hour: Decimal
    percent_one_year: Decimal
    percent_three_years: Decimal

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        InputError
        """
        if not (self.usd_per_hour.is_finite() and self.usd_per_hour > 0):
            raise InputError.single(
                "commitment", "other usage", f"must be above 0 USD an hour, got {self.usd_per_hour}"
            )
        for percent in (self.percent_one_year, self.percent_three_years):
            if not (percent.is_finite() and 0 <= percent < 100):
                raise InputError.single(
                    "commitment", "other percent", f"must be from 0 to below 100, got {percent}"
                )

    def percent(self, years: int) -> Decimal:
        """Return what a plan of a term takes off.

        Parameters
        ----------
        years : int

        Returns
        -------
        Decimal
            [%].
        """
        return self.percent_one_year if years == 1 else self.percent_three_years

    def pool(self, hours: int, years: int) -> HourlyPool:
        """Make the hourly usage that a plan covers, counted in millionths of a dollar on demand.

        Parameters
        ----------
        hours, years : int

        Returns
        -------
        HourlyPool
        """
        count = round(self.usd_per_hour * _MICRO)
        rate = (100 - Fraction(self.percent(years))) / 100
        return HourlyPool("Fargate and EC2", (count,) * hours, 0, _MICRO, ((None, Decimal(1)),), rate)

    def total_usd(self, hours: int) -> Fraction:
        """Return what it costs on demand.

        Parameters
        ----------
        hours : int

        Returns
        -------
        Fraction
            [USD].
        """
        return Fraction(round(self.usd_per_hour * _MICRO), _MICRO) * hours

    def note(self) -> str:
        """Say what is covered beside Lambda.

        Returns
        -------
        str
        """
        one, three = self.percent_one_year.normalize(), self.percent_three_years.normalize()
        off = f"{one:f}%" if one == three else f"{one:f}% for one year, {three:f}% for three"
        return (
            f"Fargate and EC2: {self.usd_per_hour.normalize():f} USD in every hour alike, {off} off, as you gave them; "
            "the higher discount takes the commitment first"
        )
