# %% [markdown]
# # Six ways in
#
# Pictures after an upload, an API, a stream of clicks, mails and webhooks, a pipeline, a report each hour: the same Lambda
# stands behind all of them. What does each way in cost beside Lambda itself, who waits how long, and which of them can lose
# something? Traffic is recorded traffic of other systems, of the same days of the week.

# %%
import pandas as pd

import lambdasim as ls

SCENARIO = "scenarios/ways_in.yaml"
SEEDS = 3
PLACES = 3
pd.set_option("display.float_format", "{:,.10g}".format)

# %%
scenario = ls.load_scenario(SCENARIO)
run = ls.simulate(scenario, keep_records=False)
bill = run.charges()
beside = bill.beside_lambda / bill.total
print(
    f"{run.summary()['events'].sum():,.0f} events cost ${bill.total:,.2f}; {beside:.0%} of it is not Lambda's."
)

# %% [markdown]
# ## What the ways in cost
#
# The bill line by line. Lines of queues, streams, uploads and the API stand beside those of Lambda.

# %%
ls.plots.plot_bill(run)

# %%
lines = bill.frame().astype({"amount": float})
most = lines.loc[lines["amount"].idxmax()]
print(
    f"The most expensive line is {most['usage_type']}, ${most['amount']:,.2f}: "
    f"{most['amount'] / float(bill.total):.0%} of the bill."
)

# %% [markdown]
# ## Who waits
#
# A client waits for its answer; an event waits in Lambda's queue; a message or a record waits until its batch is full or its
# window is over. Latency runs from arrival, or from being sent, to the end.

# %%
ls.plots.plot_latency(run)

# %%
waits = run.summary().set_index("function")
waits[["events", "cold_share", "p50_ms", "p95_ms", "p99_ms", "peak_concurrency"]].round(PLACES)

# %%
batched = waits.loc[run.sources()["function"], "p50_ms"]
print(
    f"A batch is paid for in waiting: half of the records and messages wait longer than {batched.min():,.0f} to "
    f"{batched.max():,.0f} ms, half of the API's clients {waits.loc['api', 'p50_ms']:,.0f} ms."
)

# %% [markdown]
# ## What can be lost
#
# Events of a queue inside Lambda are tried again, and go to a dead-letter queue in the end; records of a stream until they are
# too old; a client of an API gets its error immediately.

# %%
waits[["events", "succeeded", "failed", "lost", "errors"]]

# %%
run.sources().set_index("function")

# %% [markdown]
# What waits in queues and streams over time, and how many environments work at once to keep up with it:

# %%
ls.plots.plot_backlog(run)

# %%
ls.plots.plot_concurrency(run)

# %% [markdown]
# ## How sure is that
#
# The traffic is what it was; work and luck are drawn. Other seeds give other runs of the same days.

# %%
intervals = ls.replicate(scenario, SEEDS, first=run)
intervals.round(PLACES)

# %%
low, high = intervals.loc["bill_usd", ["low", "high"]]
print(
    f"The bill lies between ${low:,.2f} and ${high:,.2f} with all that is drawn. What is not drawn weighs more: "
    f"whoever removes the line {most['usage_type']} removes {most['amount'] / float(bill.total):.0%} of it."
)
