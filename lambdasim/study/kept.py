"""Results of studies as text, so that a study that was killed finds again what it had finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import numpy as np

from lambdasim.engine.totals.histogram import Histogram
from lambdasim.results.points.store import Wording, numbers_of_text, numbers_to_text
from lambdasim.study.measures import FunctionMeasures

_HISTOGRAMS: Final = ("latency_ms", "duration_ms", "billed_ms")
_WHOLE: Final = ("events", "runs", "peak_concurrency")


def _measures_to_text(measures: FunctionMeasures) -> dict[str, str]:
    values = {field.name: getattr(measures, field.name) for field in fields(measures)}
    histograms = {name: values.pop(name) for name in _HISTOGRAMS}
    whole = {name: str(values.pop(name)) for name in _WHOLE}
    counted = {
        name: " ".join(f"{value}:{count}" for value, count in zip(found.values, found.counts, strict=True))
        for name, found in histograms.items()
    }
    return numbers_to_text(values) | whole | counted


def _measures_of_text(text: dict[str, str]) -> FunctionMeasures:
    rest = dict(text)
    read: dict[str, Any] = {name: _histogram(rest.pop(name)) for name in _HISTOGRAMS}
    read |= {name: int(rest.pop(name)) for name in _WHOLE}
    read |= numbers_of_text(rest)
    return FunctionMeasures(**read)


def _histogram(text: str) -> Histogram:
    pairs = [list(map(int, pair.split(":"))) for pair in text.split()]
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Histogram(table[:, 0].copy(), table[:, 1].copy())


def _keyed_to_text(numbers: Mapping[tuple[str, str, str], float]) -> dict[str, str]:
    return numbers_to_text({json.dumps(key): value for key, value in numbers.items()})


def _keyed_of_text(text: dict[str, str]) -> dict[tuple[str, str, str], float]:
    found = {}
    for key, value in numbers_of_text(text).items():
        group, scope, measure = json.loads(key)
        found[group, scope, measure] = value
    return found


MEASURES: Final = Wording(_measures_to_text, _measures_of_text)
"""Of one function in one run."""
KEYED: Final = Wording(_keyed_to_text, _keyed_of_text)
"""Of numbers by group, scope and measure, as ``compare`` has them."""
