# %% [markdown]
# # Which memory size?
#
# Memory is the one knob that Lambda has for speed and price. Which size is the cheapest that is fast enough, and how sure is
# that? Two sizes have been measured; the others are asked of a model, and then held against what AWS measured there.

# %%
import pandas as pd

import lambdasim as ls

MEASUREMENTS = "../data/memory_scaling/aws_x86_short_cpu_function_invocations.csv"
SCENARIO = "scenarios/short_function.yaml"
FITTED_MB = [522, 1027]
SIZES_MB = [128, 257, 522, 770, 1027, 1265, 1513, 1770]
TARGET = "p95=80ms"
ARM64_TIME_RATIO = 0.9
REPLICATIONS = 4
pd.set_option("display.float_format", "{:,.4g}".format)

# %% [markdown]
# ## What two sizes show
#
# A thousand warm durations at each of two sizes are enough to separate CPU time from waiting, because CPU time stretches as memory
# shrinks and waiting does not. Short functions do not stretch evenly: the scheduler hands out CPU time in slices of a period,
# so the model chooses, by likelihood, how the function meets it.

# %%
measured = pd.read_csv(MEASUREMENTS).groupby("memory_mb")["duration_ms"]
found = ls.calibrate({size: measured.get_group(size).to_list() for size in FITTED_MB}, function="sign")
print(found)

# %%
scenario = ls.load_scenario(SCENARIO)
function = ls.revised(scenario.functions[0], {"work": found.to_work()})
scenario = ls.revised(scenario, {"functions": (function,)})

# %% [markdown]
# ## Every size, on the same traffic
#
# The same requests arrive at every size, with the same work and the same luck, so differences are not blurred by chance.

# %%
sweep = ls.sweep_memory(
    scenario, sizes=SIZES_MB, objective=ls.parse_target(TARGET), replications=REPLICATIONS
)
print(sweep)

# %%
shown = [
    "memory_mb",
    "usd_per_month",
    "mean_duration_ms",
    "mean_billed_ms",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "cold_share",
    "wins",
]
sweep.table[shown].set_index("memory_mb").rename_axis(index=None, columns="memory_mb")

# %%
ls.plots.plot_frontier(sweep)

# %% [markdown]
# ## Is it true?
#
# Crosses are what AWS measured, at sizes that the model has not seen too.

# %%
means = measured.mean()
points = tuple(ls.TunedPoint(int(size), float(means[size]), None) for size in SIZES_MB)
ls.plots.plot_duration(sweep, points)

# %%
held = pd.DataFrame({"measured_ms": means})
held["model_ms"] = sweep.table.set_index("memory_mb")["mean_duration_ms"]
held["error"] = held["model_ms"] / held["measured_ms"] - 1
unseen = held.drop(index=FITTED_MB)
straight = held.loc[FITTED_MB[-1], "measured_ms"] * FITTED_MB[-1] / held.index.to_series()
held["straight_line_error"] = straight / held["measured_ms"] - 1
held.rename_axis(index=None, columns="memory_mb")

# %%
print(
    f"At {len(unseen)} sizes that were not fitted the mean duration is wrong by {unseen['error'].abs().mean():.1%} on average "
    f"and {unseen['error'].abs().max():.1%} at most. A straight line through the size of {FITTED_MB[-1]:,} MB would be wrong by "
    f"up to {held['straight_line_error'].abs().max():.0%}."
)

# %% [markdown]
# ## How sure is the choice?

# %%
ls.plots.plot_differences(sweep)

# %%
chosen = sweep.recommendation
print(
    f"{chosen} is recommended, for the aim {TARGET}. In {sweep.instability:.0%} of the replications another size would have been "
    f"chosen."
)

# %% [markdown]
# ## The other architecture
#
# How fast a function is on arm64 depends on the function; the ratio is an assumption until it has been measured.

# %%
both = ls.sweep_memory(
    scenario,
    sizes=SIZES_MB,
    architectures=("x86_64", "arm64"),
    arm64_time_ratio=ARM64_TIME_RATIO,
    objective=ls.parse_target(TARGET),
    replications=REPLICATIONS,
)
print(both)
ls.plots.plot_frontier(both)

# %% [markdown]
# ## In the chart that a team knows
#
# AWS Lambda Power Tuning shows its results under an address that holds the numbers. This is the sweep as such an address.

# %%
print(sweep.chart().url)

# %% [markdown]
# ## The answer, and how sure it is

# %%
row = sweep.table[sweep.table["recommended"]].iloc[0]
print(
    f"{chosen}: the cheapest within {TARGET}, at ${row['usd_per_month']:,.2f} ± {row['usd_half_width']:,.2f} a month and a p95 "
    f"of {row['p95_ms']:,.0f} ms. It wins in {1 - sweep.instability:.0%} of {REPLICATIONS} replications. That is luck alone; "
    f"the model itself misses sizes that it has not seen by {unseen['error'].abs().max():.1%} at most."
)
