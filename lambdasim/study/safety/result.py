"""What security and compliance cost, as a table and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.views import Result
from lambdasim.wording import clipped, listed, money, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd

_NAME: Final = 54


class SafetyLine(NamedTuple):
    """A measure of security or compliance.

    Attributes
    ----------
    measure : str
    in_scenario : bool
        Whether the scenario names any of it.
    usd : float
        What the scenario has of it [USD in the period].
    assumed : str
        What it would be where the scenario has none; empty where it has.
    would_usd : float
        What it costs as assumed [USD in the period].
    choice : str
        What it is one way of, see ``Measure``; empty where it stands for itself.
    """

    measure: str
    in_scenario: bool
    usd: float
    assumed: str
    would_usd: float
    choice: str = ""


@dataclass(frozen=True, repr=False)
class SafetyCosts(Result):
    """The result of ``safety_costs``.

    Attributes
    ----------
    scenario : str
        Its name.
    lines : tuple of SafetyLine
    total_usd : float
        The scenario's whole bill, lines beside Lambda that it asks for included, with its free tier where it has one [USD
        in the period].
    listed_usd : float
        The same without free tier [USD in the period].
    basis : str
        What the figures are of, in a sentence.
    region : str
    said : str
        What stands before the figures: why the run is no sample of a month, in a sentence; empty where it is one.
    per : str
        Their period in words: ``a month``, or ``in this run``.
    prices : tuple of str
        Source and date of the prices used, a sentence for each source.
    """

    scenario: str
    lines: tuple[SafetyLine, ...]
    total_usd: float
    listed_usd: float
    basis: str
    region: str
    said: str = ""
    per: str = "a month"
    prices: tuple[str, ...] = ()

    @property
    def usd(self) -> float:
        """What the scenario has of all measures [USD in the period]."""
        return sum(line.usd for line in self.lines)

    @property
    def would_usd(self) -> tuple[float, float]:
        """What the measures that it has not would cost, as assumed: least and most [USD in the period].

        Of measures that stand for each other one is added, and none where the scenario has one of them.
        """
        alone = 0.0
        choices: dict[str, list[SafetyLine]] = {}
        for line in self.lines:
            if line.choice:
                choices.setdefault(line.choice, []).append(line)
            elif not line.in_scenario:
                alone += line.would_usd
        open_ = [
            [line.would_usd for line in lines]
            for lines in choices.values()
            if not any(line.in_scenario for line in lines)
        ]
        return alone + sum(map(min, open_)), alone + sum(map(max, open_))

    @property
    def would(self) -> str:
        """What the measures that it has not would cost, in words."""
        low, high = (money(usd) for usd in self.would_usd)
        return low if low == high else f"{low} to {high}"

    def frame(self) -> pd.DataFrame:
        """Return one row for each measure: the fields of ``SafetyLine``."""
        import pandas as pd

        return pd.DataFrame(self.lines, columns=list(SafetyLine._fields))

    def notes(self) -> tuple[str, ...]:
        """Say what the figures rest on, and what they leave out.

        Returns
        -------
        tuple of str
        """
        either = [line.measure for line in self.lines if line.choice]
        fixed = "keys, secrets and stored logs are paid for a whole month here"
        return (
            self.basis if self.per == "a month" else f"{self.basis.rstrip('.')}; {fixed}.",
            "What a scenario does not name under uses or neighbours is not there: only its price as assumed is shown.",
            "IAM has no line at AWS; a function in a VPC has none either, its gateways and endpoints have.",
            f"These stand for each other, and one of them is added: {listed(either, last=' or ')}. Where the "
            "scenario has one already, the other is not added.",
            "Data through gateways and endpoints comes on top, as do WAF, GuardDuty, Config, CloudTrail's data "
            "events and people's time, which have no meter here.",
            *self.prices,
        )

    def text(self) -> str:
        """Write the table in at most 80 columns."""
        lines = [wrapped(repr(self)), ""]
        lines.append(f"{f'USD {self.per}':<{_NAME}}{'now':>12}{'if added':>13}")
        for line in self.lines:
            now = money(line.usd) if line.in_scenario else "-"
            added = "" if line.in_scenario else money(line.would_usd)
            lines.append(f"{clipped(line.measure, _NAME - 1):<{_NAME}}{now:>12}{added:>13}".rstrip())
        lines += ["", "if added means"]
        lines += [wrapped(f"- {line.measure}: {line.assumed}") for line in self.lines if line.assumed]
        lines += ["", *(wrapped(f"note: {note}") for note in self.notes())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Say what safety costs now, and what the rest would add."""
        share = percent(self.usd / self.total_usd, 1) if self.total_usd else "0.0%"
        free = ""
        if self.listed_usd != self.total_usd:
            free = f" with the free tier ({money(self.listed_usd)} without)"
        told = (
            f"{self.scenario}: what keeps it safe costs {money(self.usd)} {self.per}, {share} of a bill of "
            f"{money(self.total_usd)}{free} in {self.region}; the measures it lacks would add {self.would}, "
            "as assumed below."
        )
        return f"{self.said} {told}" if self.said else told
