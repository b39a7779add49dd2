"""The result of a study of commitments: its tables, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdasim.study.commitment.tables import CommitmentTables
from lambdasim.study.commitment.text import advice, commitment_text, doubt
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class CommitmentStudy(CommitmentTables, Result):
    """Every plan against the same usage; attributes as of ``CommitmentTables``."""

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return the plans, and the recommended commitment where usage differs."""
        return {"plans": self.frame(), "if usage differs": self.case_frame()}

    def text(self) -> str:
        """Return tables of 80 columns."""
        return commitment_text(self)

    def __repr__(self) -> str:
        """Say what to buy."""
        return f"{doubt(self)} {advice(self)}".strip()

    def __str__(self) -> str:
        """Return the text."""
        return self.text()
