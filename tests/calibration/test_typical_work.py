"""One guess for a scenario in place of many."""

import numpy as np
import pytest

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.fit.nodes import Nodes
from lambdasim.calibration.fit.typical import typical_work
from lambdasim.calibration.fit.weighted import weighted_medians
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle
from lambdasim.models.cpu_quota import FirstCheck

SIZES_MB = (128, 256, 512, 1024, 1769)
LATE = CpuStyle(CpuLaw.QUOTA, FirstCheck.FOURTH_TICK, 0)
WITH_WAITS = CpuStyle(CpuLaw.QUOTA, FirstCheck.EVERY_TICK, 2)


def guesses(style: CpuStyle, cpu_ms: list[float], io_ms: list[float]) -> Nodes:
    return Nodes(style, np.array(cpu_ms), np.array(io_ms), 0.1, 0.1)


def means(nodes: Nodes) -> Floats:
    return np.array([nodes.durations_ms(size, 512).mean(axis=1) for size in SIZES_MB])


def test_a_guess_without_rivals_is_kept() -> None:
    only = guesses(LATE, [17.0], [3.0])
    found = typical_work([(only, np.ones(1))], SIZES_MB)
    assert (found.style, found.cpu_ms.tolist(), found.io_ms.tolist()) == (LATE, [17.0], [3.0])


def test_weights_count_by_their_share_alone() -> None:
    likely = [
        (guesses(LATE, [10, 14], [4, 1]), np.array([0.2, 0.3])),
        (guesses(WITH_WAITS, [9], [6]), np.array([0.5])),
    ]
    doubled = [(nodes, 2 * weights) for nodes, weights in likely]
    first, second = typical_work(likely, SIZES_MB), typical_work(doubled, SIZES_MB)
    assert (first.style, first.cpu_ms, first.io_ms) == (second.style, second.cpu_ms, second.io_ms)


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9])
def test_what_is_found_misses_the_middle_no_more_than_any_guess(weight: float) -> None:
    likely = [
        (guesses(LATE, [8, 12, 15], [7, 3, 0]), weight * np.array([0.2, 0.5, 0.3])),
        (guesses(WITH_WAITS, [7, 11], [8, 4]), (1 - weight) * np.array([0.6, 0.4])),
    ]
    columns = np.concatenate([means(nodes) for nodes, _ in likely], axis=1).T
    middle = weighted_medians(columns, np.concatenate([weights for _, weights in likely]))
    differences = [np.log(means(nodes) / middle[:, None]) for nodes, _ in likely]
    spread = 0.002 + np.sqrt(sum(d**2 @ weights for d, (_, weights) in zip(differences, likely, strict=True)))

    def misses(nodes: Nodes) -> Floats:
        return np.asarray(((np.log(means(nodes) / middle[:, None]) / spread[:, None]) ** 2).sum(axis=0))

    found = misses(typical_work(likely, SIZES_MB))
    assert found[0] <= min(misses(nodes).min() for nodes, _ in likely)


def test_what_all_guesses_agree_on_is_kept() -> None:
    """One size tells the sum of CPU time and waiting; other sizes are open."""
    likely = [(guesses(CpuStyle(), [20, 50, 80], [80, 50, 20]), np.full(3, 1 / 3))]
    found = typical_work(likely, SIZES_MB)
    assert found.cpu_ms[0] + found.io_ms[0] == pytest.approx(100, rel=0.003)
