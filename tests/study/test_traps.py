"""Traps that ship: each tells what a bad hour costs beside a good one, and an alarm that a good run never sets off."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lambdasim as ls
from lambdasim.billing.exact import total
from lambdasim.cli import app
from lambdasim.errors import InputError, TemplateError
from lambdasim.plots import plot_trap_hour, plot_trap_lost, plot_trap_runs
from lambdasim.report.pages.traps import trap_page
from lambdasim.study.trap.alarms import DEAD, UTILIZATION, alarms, series
from lambdasim.templates.examples import trap_names, trap_texts


def sprung(name: str, **changes: str) -> ls.Trap:
    texts = []
    for text in trap_texts(name):
        changed = text
        for old, new in changes.items():
            assert old in text
            changed = changed.replace(old, new)
        texts.append(changed)
    return ls.spring_trap(*map(ls.load_scenario_text, texts))


@pytest.fixture(scope="module")
def starved() -> ls.Trap:
    return sprung("starved_api")


def test_each_trap_ships_with_its_cure_and_says_what_it_shows() -> None:
    names = trap_names()
    assert {"poison_message", "forgotten_provisioned", "starved_api", "reserved_below_pollers"} <= set(names)
    for name in names:
        good, bad = map(ls.load_scenario_text, trap_texts(name))
        assert (good.start, good.duration_us) == (bad.start, bad.duration_us)
        # The same traffic: nobody is made to look bad by more of it.
        assert [spec.traffic for spec in good.functions] == [spec.traffic for spec in bad.functions]
    with pytest.raises(TemplateError, match="no trap that ships"):
        trap_texts("mouse")


def test_forgotten_provisioned_concurrency_is_paid_beside_26_06_usd_of_duration() -> None:
    trap = sprung("forgotten_provisioned")
    lines = {
        item.description.split(",")[0]: (item.quantity, item.amount)
        for item in trap.bad.charges(free_tier=False).items
    }
    gb_s, usd = lines["Duration on demand"]
    # 518,400 x 3.016 s + 83.101 s, of 1 GB.
    assert gb_s == Decimal("1563577.501")
    assert round(usd, 2) == Decimal("26.06")
    # Five environments of 1 GB for 2,592,000 s at 0.0000041667 USD.
    assert lines["Provisioned concurrency allocated"][1] == 5 * 2_592_000 * Decimal("0.0000041667")
    good, bad = (run.charges(free_tier=False).total for run in (trap.good, trap.bad))
    assert bad - good == lines["Provisioned concurrency allocated"][1]
    (alarm,) = trap.alarms
    assert (alarm.metric, alarm.minute) == (UTILIZATION, 59)


def test_the_poison_message_comes_back_until_its_retention_ends() -> None:
    trap = sprung("poison_message", **{"visibility_timeout: 2min": "visibility_timeout: 1h"})
    bad, good = trap.bad.sources().iloc[0], trap.good.sources().iloc[0]
    # Received every hour for four days: 96 times, the first with the message itself.
    poisoned = trap.bad.items[trap.bad.items["outcome"] == "expired"]
    assert set(poisoned["receives"]) <= {96, 97}
    assert bad["expired"] >= good["dead_lettered"] > 0
    assert good["expired"] == 0
    assert trap.hour_usd(trap.bad) > 1.3 * trap.hour_usd(trap.good)
    assert trap.alarms[0].metric == "Errors"


def test_a_flooded_pool_refuses_the_api_and_reserved_concurrency_cures_it(starved: ls.Trap) -> None:
    rows = {(row["function"], row["run"]): row for row in starved.outcomes.to_dict("records")}
    assert rows["checkout-api", "bad"]["lost_share"] > 0.1
    assert rows["checkout-api", "good"]["lost"] == 0
    assert rows["image-worker", "bad"]["lost"] == rows["image-worker", "good"]["lost"] == 0
    # What the function ran at most in the pool is all that there was.
    assert starved.bad.account_metrics()["ConcurrentExecutions"].max() == 500
    first = starved.alarms[0]
    assert (first.metric, first.function) == ("Throttles", "checkout-api")
    assert 5 < first.minute + 1 <= 8  # the flood begins in the sixth minute
    # The bill hardly shows it.
    assert starved.hour_usd(starved.bad) == pytest.approx(starved.hour_usd(starved.good), rel=0.02)
    assert "the harm is not on the bill" in starved.headline()


def test_pollers_beyond_the_reserved_concurrency_dead_letter_good_messages() -> None:
    trap = sprung("reserved_below_pollers")
    bad, good = trap.bad.sources().iloc[0], trap.good.sources().iloc[0]
    assert bad["dead_lettered"] > 100
    assert good["dead_lettered"] == 0
    assert good["processed"] == good["sent"] == bad["sent"]
    # No run failed: every one of them was good.
    assert trap.outcomes["errors"].sum() == 0
    found = {alarm.metric: alarm for alarm in trap.alarms}
    assert found[DEAD].minute > found["Throttles"].minute
    dead = series(trap.bad, DEAD, "billing-worker")
    assert dead[-1] == bad["dead_lettered"]
    assert dead[found[DEAD].minute] > 0 == (dead[: found[DEAD].minute].max(initial=0))


def test_alarms_are_quiet_in_the_good_run_and_none_fires_on_itself(starved: ls.Trap) -> None:
    for alarm in starved.alarms:
        usual = np.nan_to_num(series(starved.good, alarm.metric, alarm.function))
        values = np.nan_to_num(series(starved.bad, alarm.metric, alarm.function))
        assert usual.max(initial=0) <= alarm.threshold
        assert values[alarm.minute] > alarm.threshold
        assert (values[: alarm.minute] <= alarm.threshold).all()
    assert alarms(starved.good, starved.good) == []
    assert "No alarm" in replace(starved, bad=starved.good).headline()


def test_the_lines_of_an_hour_add_up_to_the_bill(starved: ls.Trap) -> None:
    table = starved.bill
    for column, run in (("good_usd", starved.good), ("bad_usd", starved.bad)):
        whole = float(total(item.amount for item in run.charges(free_tier=False).items))
        assert table[column].iloc[:-1].sum() * starved.hours == pytest.approx(whole)
        assert table[column].iloc[-1] * starved.hours == pytest.approx(whole)


@pytest.mark.usefixtures("rendered")
def test_page_text_and_json_tell_it(starved: ls.Trap) -> None:
    page = trap_page(starved)
    html = page.to_html()
    assert "An alarm could have fired" in html
    assert "<script" not in html
    facts = json.loads(page.to_json())
    assert facts["first_alarm"]["function"] == "checkout-api"
    assert max(map(len, starved.text().splitlines())) <= 80


def test_an_hour_of_which_half_was_simulated_is_said_to_be_reckoned(starved: ls.Trap) -> None:
    assert "The scenario lasts 30min" in " ".join(starved.text().split())
    assert any("reckoned in proportion" in note for note in trap_page(starved).notes)
    assert sprung("poison_message").caveats() == []  # an hour


def test_scenarios_of_unlike_length_are_refused_and_the_command_lists_traps(tmp_path: Path) -> None:
    good, bad = map(ls.load_scenario_text, trap_texts("reserved_below_pollers"))
    with pytest.raises(InputError, match="same start and duration"):
        ls.spring_trap(good, ls.revised(bad, {"duration_us": 60_000_000}))
    runner = CliRunner()
    assert "starved_api:" in runner.invoke(app, ["trap"]).stdout
    for place, text in enumerate(trap_texts("reserved_below_pollers")):
        (tmp_path / f"{place}.yaml").write_text(text.replace("duration: 1h", "duration: 15min"))
    files = [str(tmp_path / "0.yaml"), str(tmp_path / "1.yaml")]
    told = runner.invoke(app, ["trap", *files, "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["first_alarm"]["alarm"] == "Throttles above 0 attempts"


def test_pictures_show_an_hour_line_by_line_and_what_is_lost() -> None:
    trap = sprung("starved_api")
    hour = plot_trap_hour(trap)
    ends = [0.0, 0.0]
    for bars in hour.containers:
        for place, bar in enumerate(bars):
            ends[place] += bar.get_width()
    # Lines too thin to be seen are left out.
    assert ends == pytest.approx([trap.hour_usd(trap.good), trap.hour_usd(trap.bad)], rel=0.01)
    lost = trap.outcomes.groupby("run")["lost"].sum()
    drawn = [sum(bar.get_width() for bar in bars) for bars in plot_trap_lost(trap).containers]
    assert drawn == [lost["bad"], lost["good"]]
    # The harm that is not on the bill comes first.
    assert list(trap_page(trap).pictures) == ["lost", "alarm", "hour"]


@pytest.mark.usefixtures("rendered")
def test_no_picture_of_losses_hides_that_a_poison_message_is_run_again_and_again() -> None:
    trap = sprung("poison_message")
    sums = trap.outcomes.groupby("run")[["lost", "runs"]].sum()
    assert sums.loc["good", "lost"] < sums.loc["bad", "lost"] < 2 * sums.loc["good", "lost"]
    assert sums.loc["bad", "runs"] > 10 * sums.loc["good", "runs"]
    assert list(trap_page(trap).pictures) == ["hour", "runs", "alarm"]
    ax = plot_trap_runs(trap)
    assert ax.figure._repr_png_()  # type: ignore[union-attr]
    drawn = {bars.get_label(): sum(bar.get_width() for bar in bars) for bars in ax.containers}
    assert drawn == sums["runs"].to_dict()


def test_an_alarm_that_is_soon_quiet_again_comes_behind_one_of_its_minute_that_lasts() -> None:
    trap = sprung("retry_storm")
    first = trap.alarms[0]
    brief = next(one for one in trap.alarms if one.metric == "Throttles")
    assert brief.minute == first.minute
    assert brief.lasts * 3 < first.lasts


def test_what_loop_detection_stops_is_not_lost() -> None:
    outcomes = sprung("s3_loop").outcomes.set_index("run")
    assert outcomes.loc["good", "lost"] == 0
    assert outcomes.loc["good", "events"] > outcomes.loc["good", "runs"]
