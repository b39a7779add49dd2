"""The result of a memory sweep: its tables, and its views for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdasim.study.memory.tables import SweepTables
from lambdasim.study.memory.text import reason, sweep_text
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = (
    "usd_half_width", "mean_duration_ms", "mean_billed_ms", "cold_share",
    "throttled_share",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class MemorySweep(SweepTables, Result):
    """The result of ``sweep_memory``; see ``SweepTables`` for its attributes."""

    def text(self) -> str:
        """Write the sweep in 80 columns."""
        return sweep_text(self)

    def __repr__(self) -> str:
        """Say what was swept and what is recommended."""
        return reason(self)

    def frame(self) -> pd.DataFrame:
        """Return ``table``: one row for each size."""
        return self.table

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return sizes, and differences against the reference."""
        return {"sizes": self.table, f"against {self.reference}": self.differences()}

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return what decides: money, latency and failures of each size."""
        columns = dict.fromkeys(
            (
                "memory_mb",
                "architecture",
                self.money,
                *_SHOWN,
                self.objective.latency,
                "fails",
                "recommended",
                "wins",
            )
        )
        return {"sizes": self.table[[*columns]]}
