"""Outcomes of runs under limits as text, so that advice that was killed finds again what it had finished."""

from __future__ import annotations

import json
from typing import Final

from lambdasim.results.points.store import Wording
from lambdasim.study.limits.outcome import LimitOutcome


def _outcome_to_text(outcome: LimitOutcome) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in outcome._asdict().items()}


def _outcome_of_text(text: dict[str, str]) -> LimitOutcome:
    return LimitOutcome(**{name: json.loads(value) for name, value in text.items()})


OUTCOME: Final = Wording(_outcome_to_text, _outcome_of_text)
"""Of a run under some limits, as ``limits`` has it."""
