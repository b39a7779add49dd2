"""Pictures say what the tables hold, and nothing in them overlaps or leaves the page."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import lambdasim as ls
from lambdasim import plots
from lambdasim.errors import InputError
from lambdasim.plots.style import (
    MOST_LINES,
    Picture,
    axes_or_new,
    bar_look,
    line_look,
    name_rows,
    narrow,
    size_axis,
    styled,
)
from lambdasim.report import pictures
from lambdasim.specs import load_scenario_text

pytestmark = pytest.mark.rendered


def plot_functions(run: ls.RunResult, ax: Axes | None = None) -> Axes:
    return plots.plot_functions(run.charges(), ax)


def plot_waterfall(run: ls.RunResult, ax: Axes | None = None) -> Axes:
    return plots.plot_waterfall(run.charges(), run.charges(region="sa-east-1"), ax)


PLOTS: tuple[Callable[..., Axes], ...] = (
    *(getattr(plots, name) for name in pictures.PLOTS.values()),
    plot_functions,
    plot_waterfall,
)


def crowd(functions: int, duration: str, spike: int = 600) -> ls.RunResult:
    """Many functions in a small account, with a spike that meets two limits."""
    text = f"name: crowd\nstart: 2026-10-31T22:00:00Z\nduration: {duration}\nfree_tier: false\n"
    text += "account: {concurrency: 130}\nfunctions:\n"
    for number in range(functions):
        text += f"""
  - name: a-function-with-a-long-name-{number}
    memory_mb: {128 * (number + 1)}
    reserved_concurrency: {1 if number == 1 else "null"}
    work: {{cpu_ms: {{lognormal: {{p50: {20 + 20 * number}, p95: {900 + 50 * number}}}}}}}
    trigger: {{type: {"s3, max_event_age: 2min" if number % 2 else "api_gateway_http"}}}
    traffic: {{poisson: {{rate_per_s: 0.1}}, spikes: [{{at: 1h, duration: 10s, factor: {spike}}}], stop: 3h}}
"""
    return ls.simulate(load_scenario_text(text))


RUNS: dict[str, Callable[[], ls.RunResult]] = {
    "no event": lambda: ls.simulate(arrivals_s=[], durations_ms=100),
    "one event": lambda: ls.simulate(arrivals_s=[0], durations_ms=100, memory_mb=10240),
    "0 ms": lambda: ls.simulate(arrivals_s=[0, 1], durations_ms=0),
    "1 ms to hours": lambda: ls.simulate(arrivals_s=[0, 1, 2, 3], durations_ms=[1, 50, 9_999_999, 40], init_ms=9),
    "all refused": lambda: ls.simulate(arrivals_s=[0], durations_ms=100, concurrency=0),
    "no throttle": lambda: ls.simulate(arrivals_s=range(300), durations_ms={"exponential": {"mean": 80}}, init_ms=200),
    "10 functions": lambda: crowd(10, "4h"),
    "15 functions, days": lambda: crowd(15, "5d"),
}  # fmt: skip


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest) -> ls.RunResult:
    return RUNS[request.param]()


def words(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """Give every text that is seen, and where it stands."""
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    for ax in figure.axes:
        outside = set()
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            low, high = sorted(limits)
            outside |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
        for text in ax.findobj(Text):
            assert isinstance(text, Text)
            if text.get_visible() and text.get_text().strip() and text not in outside:
                yield text.get_text(), text.get_window_extent(renderer)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
def test_no_text_overlaps_or_leaves_the_picture(plot: Callable[..., Axes], run: ls.RunResult) -> None:
    figure = plot(run).figure
    assert isinstance(figure, Picture)
    seen = list(words(figure))
    assert seen
    for text, box in seen:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, box), (other, place) in combinations(seen, 2):
        assert not box.padded(-0.5).overlaps(place), (one, other)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
def test_axes_are_labelled_and_those_given_are_used(plot: Callable[..., Axes]) -> None:
    run = crowd(2, "4h")
    ax = Figure().add_subplot()
    assert plot(run, ax=ax) is ax
    assert ax.get_xlabel()
    assert ax.get_title(loc="left")
    assert ax.get_ylabel() or plot in (plots.plot_bill, plots.plot_throttles, plot_functions, plot_waterfall)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
def test_the_same_bytes_whatever_the_callers_settings(plot: Callable[..., Axes]) -> None:
    import matplotlib as mpl

    run = RUNS["no throttle"]()
    pictures = []
    for size in (10, 30):
        with mpl.rc_context({"font.size": size, "axes.facecolor": "black", "figure.figsize": (2, 2)}):
            shown = plot(run)._repr_png_()
            assert shown is not None
            pictures.append(shown)
    assert pictures[0] == pictures[1]
    assert b"Software" not in pictures[0]
    assert b"matplotlib" not in pictures[0]


def test_lines_and_bars_differ_beyond_colour() -> None:
    lines = [line_look(place) for place in range(MOST_LINES)]
    assert len({(look["color"], look["dashes"]) for look in lines}) == MOST_LINES
    assert all(one["dashes"] != other["dashes"] for one, other in pairwise(lines))
    bars = [bar_look(place) for place in range(5)]
    assert len({look["hatch"] for look in bars}) == 5


def test_the_latency_curves_are_the_histograms() -> None:
    run = ls.simulate(arrivals_s=[0, 10, 20, 30], durations_ms=[100, 10, 20, 20], init_ms=50)
    cold, warm = plots.plot_latency(run).lines[:2]
    assert np.asarray(cold.get_xdata()).tolist() == [150, 150]
    assert np.asarray(warm.get_xdata()).tolist() == [10, 10, 20]
    assert np.asarray(warm.get_ydata()).tolist() == pytest.approx([0, 1 / 3, 1])
    labels = [line.get_label() for line in plots.plot_latency(run).lines]
    assert labels == [
        "cold starts: 1",
        "warm starts: 3",
        "all: p50 = 20 ms",
        "all: p95 = 150 ms",
        "all: p99 = 150 ms",
    ]


def test_throttle_bars_are_the_table() -> None:
    run = crowd(3, "4h", spike=9000)
    ax = plots.plot_throttles(run)
    widths = sorted(bar.get_width() for bar in ax.patches if bar.get_width())
    assert widths == sorted(run.throttles()["attempts"])
    assert len(run.throttles()["limit"].unique()) == 2


def test_the_limit_is_drawn_where_it_is_near_and_told_where_it_is_far() -> None:
    near = ls.simulate(arrivals_s=[0, 0], durations_ms=1000, concurrency=2)
    far = ls.simulate(arrivals_s=[0, 0], durations_ms=1000, concurrency=500)
    assert [line.get_ydata()[0] for line in plots.plot_concurrency(near).lines] == [2]
    ax = plots.plot_concurrency(far)
    assert not ax.lines
    assert "peak 2 of 500" in ax.get_title(loc="left")


def test_a_functions_concurrency_is_drawn_against_its_reserved() -> None:
    run = crowd(2, "4h")
    ax = plots.plot_concurrency(run, "a-function-with-a-long-name-1")
    assert "peak 1 of 1 (reserved concurrency)" in ax.get_title(loc="left")
    with pytest.raises(InputError, match="must be one of a-function"):
        plots.plot_concurrency(run, "unknown")
    with pytest.raises(InputError, match="must be one of Invocations"):
        plots.plot_metric(run, "Sorrows")  # type: ignore[arg-type]


def test_counts_over_time_are_those_of_the_metrics() -> None:
    run = crowd(3, "5d")
    ax = plots.plot_metric(run, "Throttles")
    drawn = sum(float(np.sum(np.asarray(line.get_ydata())[:-1])) for line in ax.lines)
    assert drawn == run.metrics()["Throttles"].sum() > 0


@pytest.mark.parametrize(("duration", "drawn"), [("10min", 10), ("10.5min", 10), ("30s", 1)])
def test_a_last_minute_covered_in_part_does_not_look_like_a_fall(duration: str, drawn: int) -> None:
    text = f"name: t\nstart: 2026-11-02T00:00:00Z\nduration: {duration}\nfunctions:\n"
    text += "- {name: f, work: {io_ms: 2500}, traffic: {constant: {rate_per_s: 1}}}\n"
    run = ls.simulate(load_scenario_text(text))
    (line,) = plots.plot_metric(run, "Invocations").lines
    assert np.asarray(line.get_ydata()).tolist() == [60 if drawn > 1 else 30] * (drawn + 1)


def test_one_run_that_is_begun_after_the_end_does_not_draw_another_minute() -> None:
    text = "name: t\nstart: 2026-11-02T00:00:00Z\nduration: 2min\naccount: {concurrency: 1}\nfunctions:\n"
    text += "- name: f\n  work: {io_ms: 40000}\n  timeout: 1min\n  trigger: {type: s3}\n"
    run = ls.simulate(load_scenario_text(f"{text}  traffic: {{constant: {{rate_per_s: 0.03}}}}\n"))
    assert run.metrics()["Invocations"].tolist()[2] > 0
    (line,) = plots.plot_metric(run, "Invocations").lines
    assert len(line.get_ydata()) == 3


def test_what_happens_after_the_scenario_is_drawn() -> None:
    text = "name: t\nstart: 2026-11-02T00:00:00Z\nduration: 1min\naccount: {concurrency: 0}\nfunctions:\n"
    text += "- {name: f, trigger: {type: s3}, traffic: {constant: {rate_per_s: 0.1}}}\n"
    run = ls.simulate(load_scenario_text(text))
    (line,) = plots.plot_metric(run, "Throttles").lines
    assert np.sum(np.asarray(line.get_ydata())[:-1]) == run.metrics()["Throttles"].sum()
    assert len(line.get_ydata()) > 60


def test_the_last_hour_of_cost_is_a_whole_one() -> None:
    run = ls.simulate(arrivals_s=range(0, 9000, 60), durations_ms=1000)
    ax = plots.plot_hourly_cost(run)
    (line,) = ax.lines
    usd = np.asarray(line.get_ydata())
    assert len(usd) == 3
    assert str(line.get_label()) == f"function: ${run.hourly_costs()['usd'].sum():.3g}"
    assert usd[0] == pytest.approx(usd[1]) == pytest.approx(usd[2])


def test_the_bill_has_one_bar_for_each_line() -> None:
    run = crowd(2, "4h")
    items = run.charges().items
    ax = plots.plot_bill(run)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([float(item.amount) for item in items])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[0].startswith("2026-10  ")


def test_the_slowest_share_is_the_tables() -> None:
    run = ls.simulate(arrivals_s=range(0, 2000, 20), durations_ms=[10] * 90 + [100] * 10, keep_alive_s=600)
    ax = plots.plot_cost(run)
    share = run.costs()["slowest_5_percent_share"][0]
    assert share == pytest.approx(5 / 19)
    assert ax.lines[1].get_ydata()[0] == pytest.approx(100 * share)
    assert f"slowest 5% cause {100 * share:.0f}%" in str(ax.lines[0].get_label())


def queues(functions: int, arrivals: int = 40) -> ls.RunResult:
    """Functions that each take messages from a queue, more at once than their reserved concurrency runs."""
    text = "name: queues\nstart: 2026-11-02T10:00:00Z\nduration: 3h\nfree_tier: false\nfunctions:\n"
    for number in range(functions):
        text += f"""
  - name: worker-{number}
    work: {{io_ms: 60000}}
    timeout: 2min
    reserved_concurrency: 2
    trigger: {{type: sqs, queue: {{batch_size: 1, visibility_timeout: 12min}}}}
    traffic: {{constant: {{rate_per_s: {arrivals / 3600}}}, stop: 1h}}
"""
    return ls.simulate(load_scenario_text(text))


def test_messages_have_a_curve_of_their_own() -> None:
    run = queues(1)
    done = int(run.sources()["processed"].sum())
    assert done
    assert plots.plot_latency(run).lines[0].get_label() == f"messages and records: {done:,}"
    patches = plots.plot_latency_histogram(run).get_legend_handles_labels()[1]
    assert f"messages and records: {done:,}" in patches


def test_the_title_of_backlogs_counts_all_functions() -> None:
    title = plots.plot_backlog(queues(MOST_LINES + 2)).get_title(loc="left")
    assert f"(the largest {MOST_LINES} of {MOST_LINES + 2} functions)" in title


@pytest.mark.filterwarnings("error")
def test_a_time_axis_of_a_few_hours_has_labels() -> None:
    for hours in (2, 3):
        run = ls.simulate(arrivals_s=range(0, hours * 3600, 60), durations_ms=100)
        for is_narrow in (False, True):
            with narrow() if is_narrow else nullcontext():
                ax = plots.plot_concurrency(run)
                figure = ax.get_figure(root=True)
                assert isinstance(figure, Figure)
                FigureCanvasAgg(figure).draw()
                assert len([one for one in ax.get_xticklabels() if one.get_text()]) >= 2


@pytest.mark.parametrize(("low", "high"), [(391, 900_000), (60, 5_600), (1, 1e6), (1e-5, 3)])
def test_labels_of_sizes_that_differ_much_do_not_touch(low: float, high: float) -> None:
    @styled
    def drawn() -> Axes:
        ax = axes_or_new(None, rows=10)
        name_rows(ax, [f"Azure Functions {place}" for place in range(10)])
        size_axis(ax, low, high)
        return ax

    for is_narrow in (False, True):
        with narrow() if is_narrow else nullcontext():
            ax = drawn()
            figure = ax.get_figure(root=True)
            assert isinstance(figure, Figure)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            ends = ax.get_xlim()
            labels = [one for one in ax.get_xticklabels() if ends[0] <= one.get_position()[0] <= ends[1]]
            boxes = [one.get_window_extent(canvas.get_renderer()) for one in labels if one.get_text()]
            assert len(boxes) >= 2
            assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
