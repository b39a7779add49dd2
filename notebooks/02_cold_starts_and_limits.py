# %% [markdown]
# # Cold starts and limits
#
# Does Lambda suit a service? When nobody comes for a while, how often does the next visitor wait for a new
# environment, and what does that cost? And when everybody comes at once, who is turned away?

# %%
import pandas as pd

import lambdasim as ls

QUIET = "scenarios/cold_starts.yaml"
BUSY = "scenarios/launch_day.yaml"
SEED = 11
KEEP_ALIVES = ["1min", "5min", "10min", "30min", "1h"]
PROVISIONED = [{"at": "0s", "count": 1}]
BEFORE_INIT_WAS_BILLED = "2025-07-01"
RESERVED_FOR_CHECKOUT = 80
LARGER_ACCOUNT = 500
pd.set_option("display.float_format", "{:,.6g}".format)

# %% [markdown]
# ## A quiet function
#
# An approval page that a few people open now and then. Its environment is kept warm for a while after each visit. AWS
# does not publish for how long; by default lambdasim draws it from a curve that was measured on one function.

# %%
quiet = ls.revised(ls.load_scenario(QUIET), {"seed": SEED})
run = ls.simulate(quiet, keep_records=False)
print(run)

# %%
ls.plots.plot_latency(run)

# %%
summary = run.summary().loc[0]
print(
    f"{summary['cold_share']:.1%} of the visits start cold. Half of all visits are answered within "
    f"{summary['p50_ms']:,.0f} ms, but one in a hundred waits {summary['p99_ms']:,.0f} ms or longer: the tail is made "
    f"of cold starts."
)

# %% [markdown]
# ### How much the unknown keep-alive matters
#
# The same visitors meet the same function, with other assumptions about how long an idle environment stays warm. Draws
# belong to the visitor, not to the order of events, so nothing else changes between the rows.

# %%
runs = {"measured curve": run}
for keep_alive in KEEP_ALIVES:
    platform = ls.revised(quiet.platform, {"keep_alive": keep_alive})
    runs[keep_alive] = ls.simulate(ls.revised(quiet, {"platform": platform}), keep_records=False)
columns = ["cold_share", "p50_ms", "p95_ms", "p99_ms"]
assumptions = pd.concat({name: result.summary()[columns].loc[0] for name, result in runs.items()}, axis=1).T
assumptions["bill_usd"] = [float(result.charges().total) for result in runs.values()]
assumptions.rename_axis(columns="environment stays warm for")

# %%
shortest, longest = assumptions.loc[KEEP_ALIVES[0]], assumptions.loc[KEEP_ALIVES[-1]]
print(
    f"Between {shortest.name} and {longest.name} the share of cold starts falls from {shortest['cold_share']:.0%} to "
    f"{longest['cold_share']:.1%}, the median by a factor of {shortest['p50_ms'] / longest['p50_ms']:.1f}, and p95 by a "
    f"factor of {shortest['p95_ms'] / longest['p95_ms']:.1f}. Whoever promises a p95 for a quiet function promises "
    f"something about a figure that AWS does not publish."
)

# %% [markdown]
# ### What INIT costs
#
# AWS bills INIT; for functions from a zip file it used to be free. A run can be priced at the rules of another day, and
# the difference is the price of INIT.

# %%
today = run.charges()
before = run.charges(on=pd.Timestamp(BEFORE_INIT_WAS_BILLED).date())
print(
    f"The month costs ${float(today.total):.4f}; by the rules of {BEFORE_INIT_WAS_BILLED} it would cost "
    f"${float(before.total):.4f}. INIT is {float(1 - before.total / today.total):.0%} of the bill, though only "
    f"{summary['cold_share']:.1%} of the visits start cold."
)

# %% [markdown]
# ### Buying the cold starts off
#
# Provisioned concurrency keeps environments ready, and is paid by the hour whether anybody comes or not.

# %%
function = ls.revised(quiet.functions[0], {"provisioned_concurrency": PROVISIONED})
provisioned = ls.simulate(ls.revised(quiet, {"functions": (function,)}), keep_records=False)
choices = {"on demand": run, "provisioned": provisioned}
bought = pd.concat({name: result.summary()[columns].loc[0] for name, result in choices.items()}, axis=1).T
bought["bill_usd"] = [float(result.charges().total) for result in choices.values()]
bought

# %%
ls.plots.plot_latency(provisioned)

# %%
ls.plots.plot_bill(provisioned)

# %%
without, with_it = bought.loc["on demand"], bought.loc["provisioned"]
print(
    f"With {PROVISIONED[0]['count']} provisioned environment p99 goes from {without['p99_ms']:,.0f} to "
    f"{with_it['p99_ms']:,.0f} ms, and the bill from ${without['bill_usd']:.2f} to ${with_it['bill_usd']:,.2f}: "
    f"{with_it['bill_usd'] / without['bill_usd']:,.0f} times as much. {with_it['cold_share']:.2%} of the visits come while "
    f"it is busy, and still start cold."
)

# %% [markdown]
# ## A launch day
#
# A shop opens a new collection. For a short while everything is busy at once, and all its functions draw on the
# concurrency of one account. `feature-flags` has a part reserved for itself, which is also its cap; the others share
# the rest.

# %%
busy = ls.revised(ls.load_scenario(BUSY), {"seed": SEED})
launch = ls.simulate(busy, keep_records=False)
print(launch)

# %%
ls.plots.plot_concurrency(launch)

# %%
ls.plots.plot_throttles(launch)

# %% [markdown]
# Most refusals come from the account's concurrency. `feature-flags` meets a limit of its own that few people know: the
# rate of synchronous requests is capped in proportion to concurrency, and a very short function reaches that cap before
# it fills its environments.

# %%
ls.plots.plot_metric(launch, "Throttles")

# %% [markdown]
# ### Who suffers
#
# A refused attempt is not yet a lost event. What becomes of it depends on who called: behind API Gateway nobody tries
# again; an SDK's client repeats a few times within seconds; Lambda's own queue keeps asynchronous events for hours.

# %%
fate = launch.summary().set_index("function")[["events", "throttled", "lost", "p50_ms", "p99_ms"]]
fate.insert(
    0, "trigger", pd.Series({function.name: function.trigger.type.value for function in busy.functions})
)
fate["lost_share"] = fate["lost"] / fate["events"]
fate.rename_axis(index=None, columns="function")

# %%
lost_share, receipts = fate["lost_share"], fate.loc["receipts"]
print(
    f"The storefront loses {lost_share['storefront']:.0%} of the hour's visits and the checkout "
    f"{lost_share['checkout']:.0%} in spite of its retries. Receipts and thumbnails lose "
    f"{fate.loc[['receipts', 'thumbnails'], 'lost'].sum():,}, but they are late: for receipts p99 is "
    f"{receipts['p99_ms'] / receipts['p50_ms']:,.0f} times the median."
)

# %%
ls.plots.plot_latency(launch, "receipts")

# %% [markdown]
# The steps are the waits of Lambda's queue, which double from one retry to the next.
#
# ### What helps
#
# Remedies, tried on the same visitors: concurrency reserved for the checkout, and a larger account.

# %%
functions = []
for function in busy.functions:
    if function.name == "checkout":
        functions.append(ls.revised(function, {"reserved_concurrency": RESERVED_FOR_CHECKOUT}))
    else:
        functions.append(function)
account = ls.revised(busy.account, {"concurrency": LARGER_ACCOUNT})
remedies = {
    "as it is": launch,
    "checkout reserved": ls.simulate(ls.revised(busy, {"functions": tuple(functions)}), keep_records=False),
    "larger account": ls.simulate(ls.revised(busy, {"account": account}), keep_records=False),
}
lost = pd.DataFrame(
    {name: result.summary().set_index("function")["lost"] for name, result in remedies.items()}
)
lost.rename_axis(index=None, columns="events lost")

# %%
checkout, storefront, larger = lost.loc["checkout"], lost.loc["storefront"], lost["larger account"]
print(
    f"With {RESERVED_FOR_CHECKOUT} reserved the checkout loses {checkout['checkout reserved']:,} orders instead of "
    f"{checkout['as it is']:,}, and the storefront {storefront['checkout reserved']:,} visits instead of "
    f"{storefront['as it is']:,}: what one function has for itself, the others lack. An account of {LARGER_ACCOUNT} loses "
    f"{larger.sum():,} in all, at: {', '.join(larger.index[larger > 0])}."
)

# %%
ls.plots.plot_concurrency(remedies["larger account"])

# %% [markdown]
# ## The answer, and how sure it is

# %%
kept = assumptions["cold_share"]
print(
    f"A quiet service pays with waiting, not with money: {summary['cold_share']:.1%} of its visitors meet a new environment "
    f"({kept.min():.1%} to {kept.max():.1%} over what AWS does not publish, how long one stays warm), and the bill stays "
    f"between ${assumptions['bill_usd'].min():.4f} and ${assumptions['bill_usd'].max():.4f}. At a launch the account turns "
    f"{lost['as it is'].sum():,} events away, with {LARGER_ACCOUNT:,} of concurrency {larger.sum():,}: ask for it before."
)
