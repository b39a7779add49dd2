"""What is drawn for one run is what is drawn for it among many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, Indexed, Resample, exponential, lognormal, mixture
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.reference.sources import as_rows
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle, HandlerQuota

LAWS: dict[str, DrawLaw] = {
    "constant": Constant(7),
    "lognormal": lognormal(9.0, 1.5),
    "exponential": exponential(250.0),
    "resampled": Resample(np.array([1, 5, 90, 128, 4000])),
    "mixture": mixture([1, 2, 1], [lognormal(4.0, 0.5), Constant(3), Resample(np.array([100, 130]))]),
    "nested": mixture([1, 3], [mixture([1, 1], [exponential(90.0), Constant(0)]), lognormal(5.0, 1.0)]),
    "given": Indexed(np.arange(300) * 3 % 257),
}
QUANTITIES = (
    Quantity.CPU_TIME, Quantity.IO_TIME, Quantity.INIT, Quantity.FIRST_RUN, Quantity.PLACEMENT, Quantity.KEEP_ALIVE,
    Quantity.MEMORY, Quantity.REQUEST_PAYLOAD, Quantity.RESPONSE_PAYLOAD, Quantity.POST_RESPONSE,
)  # fmt: skip
PLAIN = FunctionDraws(
    seed=5, owner="f", laws={}, cpu_factor=1.37, error_probability=0.2, crash_probability=0.1, memory_mb=128,
    payload_limit_kb=128, response_limit_kb=200, out_of_memory_probability=0.1, timeout_probability=0.1,
)  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("kind", ["plain", "poisoned", "speeds", "quota"])
def test_one_run_is_drawn_for_as_among_many(name: str, kind: str) -> None:
    speed = lognormal(13.8, 0.2) if kind == "speeds" else Constant(1 << 20)
    laws = dict.fromkeys(QUANTITIES, LAWS[name]) | {Quantity.ENVIRONMENT_SPEED: speed}
    draws = replace(PLAIN, laws=laws, poison_probability=0.3 if kind == "poisoned" else 0.0)
    if kind == "quota":
        quota = HandlerQuota.of(CpuStyle(CpuLaw.QUOTA), 512)
        assert quota is not None
        draws = replace(draws, quota=quota, laws=laws | quota.starts.laws(quota.rules))
    numbers = np.arange(200)
    if name != "given":
        numbers = numbers * 987_654_321_987_654 + (1 << 61)
    for run in range(3):
        expected = as_rows(draws.draw(numbers, run)).tolist()
        assert [list(draws.draw_one(number, run)) for number in numbers.tolist()] == expected
    for retry in range(3):
        many = draws.backoffs_us(numbers, retry, 3_000_000)
        assert [draws.backoff_us(number, retry, 3_000_000) for number in numbers.tolist()] == many.tolist()
