# %% [markdown]
# # When not Lambda
#
# Lambda costs nothing when nobody comes. Servers cost the same whether anybody comes or not. So there is a traffic at
# which servers become cheaper: where is it, how sure is that, and what moves it? The same function is asked twice, once
# with steady traffic and once with the bursts of a real load balancer.

# %%
import pandas as pd

import lambdasim as ls

STEADY = "scenarios/steady_api.yaml"
BURSTY = "scenarios/load_balancer.yaml"
TERMS = ls.ServerTerms(utilization=0.6, requests_per_process=1, least_servers=2, scaling=ls.Scaling.PEAK)
REPLICATIONS = 2
MILLION = 1_000_000
pd.set_option("display.float_format", "{:,.9g}".format)

# %% [markdown]
# ## Steady traffic
#
# Machines call at all hours. Lambda, Fargate, EC2 and Lambda managed instances get the same requests; the servers are
# as many as their fullest moment needs.

# %%
ls.plots.plot_metric(ls.simulate(ls.load_scenario(STEADY), keep_records=False), "Invocations")

# %%
steady = ls.break_even(ls.load_scenario(STEADY), terms=TERMS, replications=REPLICATIONS)
print(steady)

# %%
ls.plots.plot_break_even(steady)

# %% [markdown]
# The bills behind the lines, in USD a month, by million requests:

# %%
bills = steady.table.assign(million_requests=(steady.table["requests"] / MILLION).round(1))
bills.pivot(index="million_requests", columns="option", values="usd").rename_axis(columns=None).round(1)

# %% [markdown]
# ## Bursts
#
# The same function behind a real load balancer: quiet for long, then everybody at once. Servers for the peak stand idle
# most of the time.

# %%
ls.plots.plot_metric(ls.simulate(ls.load_scenario(BURSTY), keep_records=False), "Invocations")

# %%
bursty = ls.break_even(ls.load_scenario(BURSTY), terms=TERMS, replications=REPLICATIONS)
print(bursty)

# %%
ls.plots.plot_break_even(bursty)

# %% [markdown]
# ## What moves it
#
# Where the lines cross depends on what is assumed of servers. Each row changes one thing; the numbers are million
# requests a month below which Lambda is cheaper.

# %%
moved = {"as assumed": steady.crossings, **steady.variations}
crossings = {
    words: {crossing.option.value: crossing.requests.mean / MILLION for crossing in row}
    for words, row in moved.items()
}
pd.DataFrame(crossings).T.round(1)

# %% [markdown]
# ## What speaks against Lambda today?
#
# With the traffic as it is, and from the run itself:

# %%
print(
    "\n".join(
        ["Steady: " + reason for reason in steady.reasons()]
        + ["Bursty: " + reason for reason in bursty.reasons()]
    )
)

# %% [markdown]
# ## What this rests on

# %%
pd.set_option("display.max_colwidth", None)
steady.parameters().set_index("parameter")

# %% [markdown]
# ## The answer, and how sure it is

# %%
print(
    "\n".join(
        f"{name}: below {crossing.requests.mean / MILLION:,.0f} million requests a month Lambda is cheaper than "
        f"{crossing.option.value} ({crossing.requests.low / MILLION:,.0f} to {crossing.requests.high / MILLION:,.0f} million "
        "with other luck; the table above shows what other assumptions do)."
        for name, found in {"Steady": steady, "Bursty": bursty}.items()
        for crossing in found.crossings
        if crossing.crossed
    )
)
