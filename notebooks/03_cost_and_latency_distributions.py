# %% [markdown]
# # Distributions of cost and latency
#
# A mean hides who makes the bill. A service turns documents into PDF: most are short letters, a few are long reports.
# This page asks what one document costs, which documents cause the bill, which memory size is best, and when money is
# spent.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import lambdasim as ls

SCENARIO = "scenarios/documents.yaml"
SEED = 5
MEMORY_MB = [512, 1024, 1536, 2048, 3072]
SLOWEST = 0.05
REPLICATIONS = 3
CONFIDENCE = 0.95
MILLION = 1_000_000
plt.style.use(ls.plots.STYLE_FILE)
pd.set_option("display.float_format", "{:,.6g}".format)

# %%
scenario = ls.revised(ls.load_scenario(SCENARIO), {"seed": SEED})
run = ls.simulate(scenario)
print(run)

# %% [markdown]
# ## What one document costs
#
# The cost of an invocation follows from its billed milliseconds, so its distribution is exact: nothing is sampled.

# %%
ls.plots.plot_cost_distribution(run)

# %%
costs = run.costs().loc[0]
print(
    f"A million documents cost ${costs['usd_per_million']:,.2f}. A million like the median one would cost only "
    f"${costs['p50_usd'] * MILLION:,.2f}, a million like the costliest in a hundred "
    f"${costs['p99_usd'] * MILLION:,.2f} or more: the mean describes hardly any document."
)

# %% [markdown]
# ## Who causes the bill

# %%
ls.plots.plot_cost(run)

# %%
part = float(run.invocation_costs("render").share_of_slowest(SLOWEST))
print(
    f"The slowest {SLOWEST:.0%} of the documents are {part:.0%} of the duration charge. Whoever wants to save begins "
    f"with the long reports."
)

# %% [markdown]
# ## And how long they take

# %%
ls.plots.plot_latency_histogram(run)

# %% [markdown]
# ## Which memory size?
#
# More memory brings more CPU, so a run is shorter, and each of its milliseconds costs more. The sizes are compared in
# pairs: the same documents arrive at the same moments with the same work, and only the memory differs.

# %%
runs = {}
for memory_mb in MEMORY_MB:
    function = ls.revised(scenario.functions[0], {"memory_mb": memory_mb})
    runs[memory_mb] = ls.simulate(ls.revised(scenario, {"functions": (function,)}))
columns = ["p50_ms", "p99_ms", "cold_share"]
sizes = pd.concat({size: result.summary()[columns].loc[0] for size, result in runs.items()}, axis=1).T
sizes.insert(0, "bill_usd", [float(result.charges().total) for result in runs.values()])
sizes.rename_axis(columns="memory [MB]")

# %%
cheapest, fastest = sizes["bill_usd"].idxmin(), sizes["p50_ms"].idxmin()
dearer = sizes.loc[fastest, "bill_usd"] / sizes.loc[cheapest, "bill_usd"] - 1
print(
    f"{cheapest:,} MB is cheapest and {fastest:,} MB fastest: its median is {sizes.loc[fastest, 'p50_ms']:,.0f} instead of "
    f"{sizes.loc[cheapest, 'p50_ms']:,.0f} ms, for {dearer:.0%} more money."
)

# %%
ax = sizes.plot.line(
    x="p50_ms",
    y="bill_usd",
    style="o-",
    legend=False,
    xlabel="median latency [ms]",
    ylabel="bill of the month [USD]",
)
ax.set_ylim(bottom=0)
for size, row in sizes.iterrows():
    ax.annotate(f"  {size:,} MB", (row["p50_ms"], row["bill_usd"]), ha="left", va="bottom")

# %% [markdown]
# Because the runs are paired, the difference can be shown document by document, which measurements on different days
# could not do.

# %%
durations = pd.DataFrame()
for size in (cheapest, fastest):
    records = runs[size].records
    durations[size] = records[records["attempt"] == 0].set_index("invocation")["duration_ms"]
saved = durations[cheapest] - durations[fastest]
print(
    f"With {fastest:,} instead of {cheapest:,} MB {(saved > 0).mean():.0%} of the documents are done earlier: by "
    f"{saved.median():,.0f} ms in the median, and by {saved.max():,.0f} ms at most."
)

# %% [markdown]
# ## When money is spent

# %%
ls.plots.plot_hourly_cost(run)

# %%
hourly = run.hourly_costs()
dearest = hourly.loc[hourly["usd"].idxmax()]
print(
    f"The costliest hour began at {dearest['timestamp']} and cost ${dearest['usd']:.4f}, "
    f"{dearest['usd'] / hourly['usd'].mean():.1f} times the mean hour. All hours together cost "
    f"${hourly['usd'].sum():.2f}, which is the bill: ${float(run.charges().total):.2f}."
)

# %% [markdown]
# ## How sure is this?
#
# Another month would bring other documents. Independent replications of the whole month, each with its own seed, give
# intervals at the level of confidence that the first cell asks for.

# %%
replications = ls.replicate(scenario, REPLICATIONS, CONFIDENCE)
replications.rename_axis(index=None, columns="measure")

# %% [markdown]
# ## The answer, and how sure it is

# %%
sure = replications.loc["bill_usd"]
print(
    f"The bill of the month lies between ${sure['low']:,.2f} and ${sure['high']:,.2f} ({CONFIDENCE:.0%} interval of "
    f"{REPLICATIONS} months). {part:.0%} of the duration charge comes from the slowest {SLOWEST:.0%} of the documents. "
    f"{cheapest:,} MB is the cheapest size; {fastest:,} MB is the fastest and costs {dearer:.0%} more."
)
