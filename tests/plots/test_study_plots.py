"""Pictures of studies say what their tables hold, and nothing in them leaves the page."""

from collections.abc import Callable

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lambdasim.plots.advice import plot_headroom, plot_provisioned, plot_risk
from lambdasim.plots.study import plot_differences, plot_duration, plot_frontier
from lambdasim.plots.style import Picture
from lambdasim.specs import load_scenario_text
from lambdasim.study.limits.advise import advise_limits
from lambdasim.study.limits.result import LimitsAdvice
from lambdasim.study.memory.result import MemorySweep
from lambdasim.study.memory.sweep import sweep_memory

pytestmark = pytest.mark.rendered

TEXT = """name: t
start: 2026-11-01T00:00:00Z
duration: 20min
free_tier: false
account: {concurrency: 4}
functions:
  - {name: f, memory_mb: 512, init_ms: 200, timeout: 30s, trigger: {type: alb},
     work: {cpu_ms: {lognormal: {p50: 60, p95: 300}}, max_memory_mb: 300}, traffic: {poisson: {rate_per_s: RATE}}}
"""
SWEEPS: dict[str, Callable[[], MemorySweep]] = {
    "two architectures": lambda: swept([256, 512, 1024, 1769], both=True),
    "one size": lambda: swept([512]),
    "all fail": lambda: swept([128, 256]),
    "no traffic": lambda: swept([512, 1024], rate="0"),
    "many": lambda: swept(range(300, 10_000, 600)),
}


def swept(sizes: object, both: bool = False, rate: str = "2") -> MemorySweep:
    architectures = ["x86_64", "arm64"] if both else None
    spec = load_scenario_text(TEXT.replace("RATE", rate))
    return sweep_memory(
        spec, sizes=sizes, architectures=architectures, arm64_time_ratio=0.9, replications=2  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module", params=SWEEPS)
def sweep(request: pytest.FixtureRequest) -> MemorySweep:
    return SWEEPS[request.param]()


@pytest.fixture(scope="module", params=["2", "0"])
def advice(request: pytest.FixtureRequest) -> LimitsAdvice:
    return advise_limits(
        load_scenario_text(TEXT.replace("RATE", request.param)), replications=2, multiples=[1, 3]
    )


def drawn(ax: Axes) -> bytes:
    figure = ax.figure
    assert isinstance(figure, Picture)
    assert ax.get_title("left")
    return figure.png()


def test_sweeps_are_drawn(sweep: MemorySweep) -> None:
    for plot in (plot_frontier, plot_duration, plot_differences):
        assert drawn(plot(sweep)).startswith(b"\x89PNG")
        own = Figure().add_subplot()
        assert plot(sweep, ax=own) is own


def test_advice_is_drawn(advice: LimitsAdvice) -> None:
    assert drawn(plot_headroom(advice)).startswith(b"\x89PNG")
    assert drawn(plot_provisioned(advice)).startswith(b"\x89PNG")
    assert drawn(plot_risk(advice.risk)) == drawn(plot_risk(advice.risk))


def test_the_frontier_shows_every_size_that_works() -> None:
    sweep = SWEEPS["two architectures"]()
    ax = plot_frontier(sweep)
    labels = sorted(text.get_text() for text in ax.texts)
    assert labels == sorted(["512", "1,024", "1,769"] * 2)
    assert "256 MB fail" in ax.get_title("left")


def test_differences_are_those_of_the_table() -> None:
    sweep = SWEEPS["two architectures"]()
    ax = plot_differences(sweep, "p95_ms")
    found = sweep.differences()
    good = found[(found["measure"] == "p95_ms") & (found["memory_mb"] > 300)]
    points = ax.containers[1].lines[0].get_xdata()  # type: ignore[attr-defined]
    assert list(points) == good["mean"].tolist()
