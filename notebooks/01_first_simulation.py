# %% [markdown]
# # A first simulation: from a scenario to bill and latency
#
# A small company makes thumbnails of uploaded pictures and shows them through an API. Before anything is built, an
# architect wants to know: what will a month cost, how long will people wait, and is any limit near?
#
# The scenario file says what the functions are like and where their traffic comes from. Everything that is chosen for
# this page stands in the first cell.

# %%
import pandas as pd

import lambdasim as ls

SCENARIO = "scenarios/thumbnails.yaml"
SEED = 7
OTHER_REGION = "eu-south-1"
REPLICATIONS = 3
pd.set_option("display.float_format", "{:,.6g}".format)
pd.set_option("display.max_colwidth", None)

# %% [markdown]
# ## What is simulated
#
# `load_scenario` checks the file against the limits of AWS and reports all its faults together. The functions share the
# account: `resize` runs for each uploaded picture, `gallery-api` answers people.

# %%
scenario = ls.revised(ls.load_scenario(SCENARIO), {"seed": SEED})
pd.DataFrame(
    {
        "memory [MB]": [function.memory_mb for function in scenario.functions],
        "architecture": [function.architecture.value for function in scenario.functions],
        "runtime": [function.runtime for function in scenario.functions],
        "trigger": [function.trigger.type.value for function in scenario.functions],
        "traffic": [
            function.traffic.trace or "Poisson, by hour and weekday" for function in scenario.functions
        ],
    },
    index=[function.name for function in scenario.functions],
)

# %% [markdown]
# ## The month, invocation by invocation
#
# One call simulates it. The result introduces itself; the same table, laid on its side, is easier to read.

# %%
run = ls.simulate(scenario, keep_records=False)
run

# %%
summary = run.summary().set_index("function")
summary.T.rename_axis(columns=None)

# %% [markdown]
# ## The bill
#
# Usage is summed as whole numbers and priced once, line by line, at dated rates. The free tier is left out because the
# rest of this company's account uses it up; the scenario says so.

# %%
bill = run.charges()
bill.table().set_index("usage_type").rename_axis(index=None, columns="usage type")

# %%
ls.plots.plot_bill(run)

# %%
by_function = bill.by_function()
dearest = max(by_function, key=by_function.get)
share = float(by_function[dearest] / sum(by_function.values()))
print(
    f"The month costs ${float(bill.total):,.2f}, and {dearest} is {share:.0%} of it. That is what "
    f"{summary['runs'].sum():,} invocations come to: Lambda is cheap where functions are short."
)

# %% [markdown]
# Another region is a question of price, not of behaviour, so nothing is simulated again:

# %%
elsewhere = run.charges(region=OTHER_REGION)
print(
    f"In {OTHER_REGION} the same month would cost ${float(elsewhere.total):,.2f}, "
    f"{float(elsewhere.total / bill.total) - 1:+.1%}."
)

# %% [markdown]
# ## How long people wait
#
# Latency runs from the arrival of an event to its answer. The curves show which share of events is answered within a
# time; starts that had to wait for a new environment (cold) are drawn apart from the others (warm).

# %%
ls.plots.plot_latency(run, "gallery-api")

# %%
api = summary.loc["gallery-api"]
print(
    f"Half of the API's calls are answered within {api['p50_ms']:,.0f} ms, and all but one in a hundred within "
    f"{api['p99_ms']:,.0f} ms. {api['cold_share']:.2%} of its invocations start cold."
)

# %%
ls.plots.plot_latency_histogram(run, "resize")

# %% [markdown]
# Nobody waits for a thumbnail at the other end of a line: an upload puts an event into Lambda's own queue, and a failed
# run is tried again minutes later. That is the long tail to the right; the median is what an upload usually takes.

# %% [markdown]
# ## Is a limit near?

# %%
ls.plots.plot_concurrency(run)

# %%
peak = run.account_metrics()["ConcurrentExecutions"].max()
limit = scenario.account.concurrency
print(
    f"At most {peak:,} executions were in progress at once; the account may have {limit:,}. "
    f"{summary['throttled'].sum():,} attempts were refused. This month could grow many times before it meets a limit."
)

# %% [markdown]
# ## What this rests on
#
# A simulation is as good as what it assumes. The table names each assumption and how it is known (its column `source`, left
# out here, says where from). Where AWS publishes nothing, the next notebook shows how much it matters.

# %%
run.parameters().set_index("parameter")[["value", "known"]].rename_axis(index=None, columns="parameter")

# %% [markdown]
# ## The answer, and how sure it is

# %%
sure = ls.replicate(scenario, REPLICATIONS, first=run).loc["bill_usd"]
print(
    f"The month costs ${float(bill.total):,.2f} (${sure['low']:,.2f} to ${sure['high']:,.2f} with other luck), "
    f"and {share:.0%} of that is {dearest}. Visitors of the gallery wait "
    f"{api['p95_ms']:,.0f} ± {api['p95_half_width_ms']:,.1f} ms at p95. No limit is near: at most {peak / limit:.1%} of the "
    "account's concurrency is used."
)
