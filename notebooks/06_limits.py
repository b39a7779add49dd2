# %% [markdown]
# # Which limit, when, and what to set
#
# Traffic will grow, or arrive all at once. Will requests be refused, which limit does it, whose requests are lost, and
# what should be set or asked of AWS before the day?

# %%
import pandas as pd

import lambdasim as ls

LAUNCH = "scenarios/launch_50x.yaml"
SPIKE = "scenarios/spike_300_to_3000.yaml"
PAYROLL = "scenarios/payroll_day.yaml"
MONTH = "scenarios/thumbnails.yaml"
REPLICATIONS = 3
MULTIPLES = [1, 2, 5, 10]
ONE = 1
pd.set_option("display.float_format", "{:,.6g}".format)
pd.set_option("display.max_colwidth", None)

# %% [markdown]
# ## A launch day
#
# A shop that has fifty times its usual load for a minute. One call answers: which limit binds first, how much is refused
# and lost, who took the room, and which quota would have been enough.

# %%
launch = ls.advise_limits(ls.load_scenario(LAUNCH), replications=REPLICATIONS, multiples=MULTIPLES)
print(launch)

# %%
ls.plots.plot_headroom(launch)

# %% [markdown]
# ### Every limit, the tightest first

# %%
columns = ["limit", "scope", "unit", "allowed", "used_peak", "headroom", "first_breach_s", "hit_share"]
launch.limits[columns].astype({"first_breach_s": object}).fillna("never")

# %% [markdown]
# ### If more people come

# %%
ls.plots.plot_risk(launch.risk)

# %%
risk = launch.risk.set_index("multiple")
first, last = risk.loc[MULTIPLES[0]], risk.loc[MULTIPLES[-1]]
print(
    f"At the traffic of the scenario {first['refused_share']:.0%} of the attempts are refused; at {MULTIPLES[-1]} times it "
    f"{last['refused_share']:.0%}, from {last['first_s']:,.0f} s on. Refused is not lost: asynchronous events are tried "
    f"again. Of all events {last['not_served_share']:.0%} are never served, and p99 of the others is "
    f"{last['p99_ms'] / first['p99_ms']:,.0f} times as long."
)

# %% [markdown]
# ### Concurrency for oneself
#
# Reserved concurrency protects a function from its neighbours, and takes the same from them. `left_for_others` is what the
# pool would still have; `others_demand` is what they want of it.

# %%
shown = launch.reserved.drop(columns=["reserved", "possible"]).set_index("function")
shown.rename_axis(index=None, columns="function")

# %%
needs = launch.reserved.set_index("function")
neighbour = needs["pool_share"].idxmax()
print(
    f"While the pool refused, {neighbour} held {needs.loc[neighbour, 'pool_share']:.0%} of it. To keep "
    f"{needs.loc[neighbour, 'reserve']:,} for it would leave {needs.loc[neighbour, 'left_for_others']:,} to the others, who "
    f"want {needs.loc[neighbour, 'others_demand']:,.0f}: the quota of {launch.quota.ask:,} is the better answer."
)

# %% [markdown]
# ## A spike: alone in the account
#
# Nobody shares the account here, and requests grow over a minute, slowly enough for new environments. The quota is all that
# stands in the way.

# %%
spike = ls.advise_limits(ls.load_scenario(SPIKE), replications=REPLICATIONS, multiples=MULTIPLES)
print(spike)

# %%
ls.plots.plot_headroom(spike)

# %% [markdown]
# ## A payroll day: one's own cap, and the scaling rate
#
# A reserved concurrency is a cap too. It binds here while the account has room. Behind it stands a limit that no quota lifts:
# how many new environments a function gets in a stretch of time.

# %%
payroll = ls.advise_limits(ls.load_scenario(PAYROLL), replications=REPLICATIONS, multiples=MULTIPLES[:ONE])
print(payroll)

# %% [markdown]
# ## Provisioned concurrency, by schedule and by target tracking
#
# Environments that are ready before anybody comes do not start cold, and are not held back by the scaling rate. They can be
# laid out by the hour, or follow their own use, which is looked at minute by minute, and so comes some minutes late. A way
# that costs more or refuses more than one already shown is not offered.

# %%
month = ls.advise_limits(ls.load_scenario(MONTH), replications=REPLICATIONS, multiples=MULTIPLES[:ONE])
ls.plots.plot_provisioned(month)

# %%
ways = {"by schedule": month.provisioned, "by target tracking": month.tracking}
ways = {way: found for way, found in ways.items() if found is not None}
print(*month.not_offered, sep="\n")
told = ["cold_before", "cold_after", "usd_before", "usd_after", "utilization"]
choices = pd.DataFrame({way: pd.Series(found._asdict())[told] for way, found in ways.items()}).T
choices

# %%
even = min(month.provisioned.break_even.values())
planned = choices.loc["by schedule"]
each = (planned["usd_after"] - planned["usd_before"]) / (planned["cold_before"] - planned["cold_after"])
print(
    f"Provisioned environments save money only from {even:.0%} of use on, and here they are used "
    f"{planned['utilization']:.0%}. What is bought is latency: ${each:.4f} for each cold start that nobody waits for."
)

# %% [markdown]
# ## What else stands out
#
# Rules that look at the settings and at what the run did. Each has a name, so that a check can filter it, and its money a
# month where it has one.

# %%
found = pd.concat(
    {"launch": launch.findings, "spike": spike.findings, "payroll": payroll.findings}, names=["story"]
)
found.reset_index("story")[["story", "rule", "function", "usd", "change"]].reset_index(drop=True)

# %% [markdown]
# ## The answer, and how sure it is

# %%
refused = launch.refused
print(
    f"On the launch day {refused.mean:.1%} ± {refused.half_width:.1%} of attempts are refused, first by the "
    f"{launch.limits['limit'].iloc[0]}. Ask AWS for {launch.quota.ask:,} instead of {launch.quota.now:,}: demand peaks at "
    f"{launch.quota.demand.mean:,.0f} ± {launch.quota.demand.half_width:,.0f} executions."
)
