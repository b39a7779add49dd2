# %% [markdown]
# # The month's bill
#
# What will next month cost, how sure is that, and will the budget hold? A taxi company sends a receipt for each ride.
# Its rides are known by the half hour (New York, a scaled excerpt), up to the end of the month before.

# %%
import pandas as pd

import lambdasim as ls

SCENARIO = "scenarios/ride_receipts.yaml"
MONTH = "2015-02"
ANOMALY_FROM, ANOMALY_FACTOR = "2015-02-16", 2.0
BUDGET_USD = 3.0
PATHS, SIMULATED = 100, 6
PLACES = 3
pd.set_option("display.float_format", "{:,.10g}".format)

# %%
scenario = ls.load_scenario(SCENARIO)
forecast = ls.forecast(scenario, MONTH, paths=PATHS, simulate=SIMULATED)
low, middle, high = forecast.lines().iloc[-1][["p10", "p50", "p90"]]
print(
    f"The month will cost about ${middle:,.2f}. In eight of ten such months it would be between ${low:,.2f} and "
    f"${high:,.2f}, judging by {len(forecast.traffic.histories['receipts'].totals)} days of past rides."
)

# %%
ls.plots.plot_forecast(forecast, budget_usd=BUDGET_USD)

# %% [markdown]
# ## Will the budget hold?

# %%
outlook = ls.budget_outlook(forecast, BUDGET_USD)
print(
    f"The budget of ${outlook.budget_usd:,.2f} breaks with {outlook.probability:.0%} probability. "
    f"{outlook.text().splitlines()[-1]}"
)

# %% [markdown]
# Alarms at parts of the budget, on the bill so far and on what the month is expected to come to, with the days on which
# they would fire:

# %%
pd.DataFrame(outlook.alarms).set_index("threshold").fillna("")

# %% [markdown]
# Who drives it: parts of the bill, and of what is uncertain about it.

# %%
pd.DataFrame(outlook.drivers).set_index("name").round(PLACES)

# %% [markdown]
# ## Which lines make it up?
#
# Quantiles are taken of each row by itself: the rows do not add up to the total, because they are not all low in the
# same month.

# %%
forecast.lines().set_index("line").round(PLACES)

# %%
forecast.functions().set_index("function").round(PLACES)

# %% [markdown]
# ## Whose bill is it?
#
# One simulated month, each line shared out to the functions exactly.

# %%
run = forecast.runner.run(forecast.scenario, forecast.simulated[0])
ls.plots.plot_functions(run.charges())

# %% [markdown]
# ## Which assumption matters?
#
# One thing is changed at a time, on the same rides.

# %%
found = ls.sensitivity(forecast)
ls.plots.plot_tornado(found)

# %%
widest = found.swings[0]
print(
    f"{widest.assumption.capitalize()} matters most: from {widest.low} to {widest.high} the bill goes from "
    f"${widest.low_usd:,.2f} to ${widest.high_usd:,.2f}."
)

# %% [markdown]
# ## Where it bends
#
# Prices fall at bounds of the month's volume. The table says at which volume, at what multiple of this month's traffic,
# and how likely the month is to get there.

# %%
pd.DataFrame(found.jumps).set_index("what").round({"multiple": 0})

# %% [markdown]
# ## What if something goes wrong?
#
# Starting on one day, traffic is a multiple of what it should be: a client that retries without end, say.

# %%
wrong = ls.with_anomaly(scenario, pd.Timestamp(ANOMALY_FROM).date(), ANOMALY_FACTOR)
broken = ls.forecast(wrong, MONTH, paths=PATHS, simulate=SIMULATED)
actual = next(alarm for alarm in ls.budget_outlook(broken, BUDGET_USD).alarms if alarm.threshold == 1)
print(
    f"With {ANOMALY_FACTOR:g} times the traffic from {ANOMALY_FROM}, the budget breaks with {actual.probability:.0%} "
    f"probability, and half of the times by {actual.middle}."
)

# %%
ls.plots.plot_forecast(broken, budget_usd=BUDGET_USD)

# %% [markdown]
# The two months line by line, each simulated once with the same rides:

# %%
worse = broken.runner.run(broken.scenario, broken.simulated[0])
ls.plots.plot_waterfall(run.charges(), worse.charges(), names=("as planned", "gone wrong"))

# %% [markdown]
# ## What this rests on

# %%
print("\n".join(forecast.notes()))

# %% [markdown]
# ## The answer, and how sure it is

# %%
print(
    f"The bill of {MONTH} comes to ${middle:,.2f}, in eight of ten months between ${low:,.2f} and ${high:,.2f}. The budget of "
    f"${BUDGET_USD:,.2f} breaks with a probability of {outlook.probability:.0%}. What matters most is {widest.assumption}: "
    f"${widest.low_usd:,.2f} to ${widest.high_usd:,.2f}."
)
