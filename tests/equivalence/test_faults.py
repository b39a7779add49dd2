"""Deliberate faults in the compiled engine: each must be seen by comparing its records with the reference's.

A fault is one piece of source exchanged for another; the faulty engine runs as plain Python.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest
from families import FAMILIES, WAYS_IN, Family, plans
from hypothesis import HealthCheck, Phase, given, settings
from test_equality import Records, together

import lambdasim.compiling
import lambdasim.draws.compiled
import lambdasim.engine.kernel.batches
import lambdasim.engine.kernel.callouts
import lambdasim.engine.kernel.draws
import lambdasim.engine.kernel.groups
import lambdasim.engine.kernel.messages
import lambdasim.engine.kernel.queues
import lambdasim.engine.kernel.retries
import lambdasim.engine.kernel.sourced
import lambdasim.engine.kernel.steps
import lambdasim.engine.kernel.streams
import lambdasim.engine.rates
import lambdasim.models.cpu_steps
import lambdasim.models.polling
from lambdasim.engine.contract import Plan
from lambdasim.engine.kernel import engine as kernel
from lambdasim.engine.kernel.run import KernelRun
from lambdasim.engine.kernel.sourced_run import SourcedRun
from lambdasim.engine.reference.engine import run_reference
from lambdasim.errors import ConservationError

pytestmark = pytest.mark.slow

SOURCES = {
    module.__name__: Path(str(module.__file__)).read_text(encoding="utf-8")
    for module in (
        lambdasim.compiling,
        lambdasim.draws.compiled,
        lambdasim.engine.kernel.queues,
        lambdasim.models.cpu_steps,
        lambdasim.models.polling,
        lambdasim.engine.rates,
        lambdasim.engine.kernel.draws,
        lambdasim.engine.kernel.batches,
        lambdasim.engine.kernel.groups,
        lambdasim.engine.kernel.messages,
        lambdasim.engine.kernel.streams,
        lambdasim.engine.kernel.callouts,
        lambdasim.engine.kernel.retries,
        lambdasim.engine.kernel.steps,
        lambdasim.engine.kernel.sourced,
    )
}
SCENARIOS_PER_FAMILY = 12

FAULTS = {
    "ties in a queue the wrong way round": (
        "time_us < other.time_us or (time_us == other.time_us and key < other.key)",
        "time_us < other.time_us or (time_us == other.time_us and key > other.key)",
    ),
    "ties between calendar and heap the wrong way round": (
        "top.time_us == head.first_us and top.key < ",
        "top.time_us == head.first_us and top.key > ",
    ),
    "the calendar's horizon forgotten": ("if number - (now >> head.width) >= head.buckets:", "if False:"),
    "completions after arrivals of the same instant": ("completions.next_us <= now", "completions.next_us < now"),
    "provisioned changes after retries": (
        "        if change_us == now:",
        "        if change_us == now and state.retries.head[0].next_us > now:",
    ),
    "arrivals before retries": (
        "if retry_us == now else take_arrival",
        "if retry_us == now < state.time_us[arrival] else take_arrival",
    ),
    "an environment warm one microsecond too long": ("if now < slot.warm_until_us or", "if now <= slot.warm_until_us or"),
    "a drawn keep-alive one microsecond too long": (
        "return now < min(slot.time_us + keep_alive_us",
        "return now <= min(slot.time_us + keep_alive_us",
    ),
    "environments that never grow old": (
        "slot.warm_until_us = min(end_us + function.keep_alive_at_least_us, slot.retires_us)",
        "slot.warm_until_us = end_us + function.keep_alive_at_least_us",
    ),
    "environments that survive a crash": (
        "broken = outcome not in (at.COMPLETED, at.FUNCTION_ERROR)",
        "broken = outcome == at.TIMEOUT",
    ),
    "INIT again whatever the plan says of failures": (
        "broken and account.after_failure == at.INIT_INSIDE",
        "broken",
    ),
    "an environment that was replaced and serves on": ("and account.after_failure == at.REPLACED)", "and False)"),
    "a reset without INIT": ("    elif slot.was_reset:\n", "    elif slot.was_reset and False:\n"),
    "a reset without a first run": (
        "_, init_again_us, first_run_us = draw_start_up(state, function, event)\n",
        "_, init_again_us, first_run_us = draw_start_up(state, function, event)\n        first_run_us = np.int64(0)\n",
    ),
    "a row that was reset before": ("    slot.was_reset = 0\n", ""),
    "a gateway that lets everything through": ("if entry.has_gates else at.NO_LIMIT", "if False else at.NO_LIMIT"),
    "an account's gateway that spends nothing": (
        "    if function.account_gate:\n        _spend(account, now)\n", ""
    ),
    "a route's gate behind the account's": (
        "    if function.route_gate and not _allows(route, now):\n        return at.GATEWAY_ROUTE\n"
        "    if function.account_gate and not _allows(account, now):\n        return at.GATEWAY_ACCOUNT\n",
        "    if function.account_gate and not _allows(account, now):\n        return at.GATEWAY_ACCOUNT\n"
        "    if function.route_gate and not _allows(route, now):\n        return at.GATEWAY_ROUTE\n",
    ),
    "a route's token spent where the account refuses": (
        "    if function.account_gate and not _allows(account, now):\n        return at.GATEWAY_ACCOUNT\n"
        "    if function.route_gate:\n        _spend(route, now)\n",
        "    if function.route_gate:\n        _spend(route, now)\n"
        "    if function.account_gate and not _allows(account, now):\n        return at.GATEWAY_ACCOUNT\n",
    ),
    "clients that repeat what nobody asked them to": ("if not function.repeats_throttles or not", "if not"),
    "failures that nobody repeats": ("answer != at.COMPLETED and function.repeats_failures", "False"),
    "a failure's repeat after the run and not the answer": (
        "event.refusals + 1, answered_us + wait_us, now, paid", "event.refusals + 1, now + wait_us, now, paid"
    ),
    "a quota that is never used up": ("if state.tokens[client] < cost:", "if False:"),
    "a quota for all processes together": ("event.invocation % function.processes", "0"),
    "tokens that nobody gets back": (
        "max(event.paid, 1), function.tokens)", "0, function.tokens)"
    ),
    "one token back for a repeat too": ("max(event.paid, 1), function.tokens)", "1, function.tokens)"),
    "more tokens than a full quota": (
        "min(state.tokens[client] + max(event.paid, 1), function.tokens)", "state.tokens[client] + max(event.paid, 1)"
    ),
    "tokens back after the retries of their instant": ("_FIRST_OF_ALL: Final = -1", "_FIRST_OF_ALL: Final = 1 << 60"),
    "a timeout that costs what a throttle does": (
        "_may_repeat(state, function, event, function.timeout_cost)",
        "_may_repeat(state, function, event, function.throttle_cost)",
    ),
    "clients that wait for what follows the answer": ("if answered_us - now >", "if end_us - now >"),
    "work after the answer that no timeout cuts": ("or duration_us > function.timeout_us", "or False"),
    "a queue that takes an answer for the outcome": (
        "if outcome == at.COMPLETED:\n        return at.SUCCEEDED",
        "if answer == at.COMPLETED:\n        return at.SUCCEEDED",
    ),
    "a crash that is answered": ("function.has_post_response and answered", "function.has_post_response"),
    "hanging runs that complete": ("if answer == at.TIMEOUT or", "if"),
    "a speed drawn for each run": (
        "handler_us = draw_handler_us(state, function, event, np.int64(slot.speed))\n    placement",
        "handler_us = draw_handler_us(state, function, event, draw_speed(state, function, event))\n    placement",
    ),
    "speeds rounded down": ("* speed + _HALF)", "* speed)"),
    "oldest created first": (
        "if slots[right].number < slots[other].number",
        "if slots[right].number > slots[other].number",
    ),
    "invocations given the next one's number": ("laws.numbers[row.first + index]", "laws.numbers[row.first + index + 1]"),
    "least recently used first": (
        "elif account.reuse == at.LEAST_RECENTLY_USED and",
        "elif account.reuse != at.LEAST_RECENTLY_USED and",
    ),
    "concurrency not given back": ("account.pool_in_use -= 1", "account.pool_in_use -= 0"),
    "one execution too many in the pool": (
        "elif account.pool_in_use >= account.pool_limit",
        "elif account.pool_in_use > account.pool_limit",
    ),
    "reserved concurrency that ignores provisioned": (
        ">= function.reserved - function.provisioned_claimed",
        ">= function.reserved",
    ),
    "provisioned concurrency not claimed from the pool": (
        "account.pool_limit -= change.claimed",
        "account.pool_limit -= 0 * change.claimed",
    ),
    "one provisioned environment too many": (
        "function.provisioned_idle < function.provisioned_ready",
        "function.provisioned_idle <= function.provisioned_ready",
    ),
    "tokens that come back late": ("<= rate.slack_ns", "< rate.slack_ns"),
    "tokens saved without bound": (
        "max(rate.full_again_ns, now_us * NS_PER_US) + rate.interval_ns",
        "rate.full_again_ns + rate.interval_ns",
    ),
    "request tokens not spent": ("_spend(request_rate, now)", "pass"),
    "a handler of just its timeout is cut": (
        "if handler_us > function.timeout_us",
        "if handler_us >= function.timeout_us",
    ),
    "INIT run again only beyond its cap": (
        "            init_again_us = init_us\n",
        "            init_again_us = init_us - function.init_cap_us\n",
    ),
    "a client gone one microsecond early": (
        "> function.client_timeout_us",
        ">= function.client_timeout_us",
    ),
    "a client that counts no try after silence": ("event.refusals + 1, again_us", "event.refusals, again_us"),
    "a client that waits after silence as after a throttle": (
        "event, function.timeout_backoff_us)\n    again_us",
        "event, function.throttle_backoff_us)\n    again_us",
    ),
    "a client that tries again only when its run ends": (
        "now + function.client_timeout_us + wait_us",
        "now + function.timeout_us + wait_us",
    ),
    "an event too old one microsecond early": (
        "if time_us > event.arrival_us",
        "if time_us >= event.arrival_us",
    ),
    "waits doubled once too often": ("min(before, _MOST_DOUBLINGS)", "min(before + 1, _MOST_DOUBLINGS)"),
    "a retry that repeats the first run's luck": (
        "return draw(state.laws, function.first_law + law, event.invocation, event.runs)",
        "return draw(state.laws, function.first_law + law, event.invocation, 0)",
    ),
    "draws rounded down": ("numbers[at + 1] * place + _HALF)", "numbers[at + 1] * place)"),
    "CPU time rounded down": ("function.cpu_multiplier + _HALF)", "function.cpu_multiplier)"),
    "a first check that is never late": ("+ quota.first_check) * tick_us", "+ 1) * tick_us"),
    "an overrun of the scheduler's quota forgiven": ("if left_us > 0 else left_us", "if left_us > 0 else 0"),
    "one renewal too few": ("last_us - credit_us) // quota_us + 1", "last_us - credit_us) // quota_us"),
    "waits that renew no credit": ("credit_us + renewals * quota.quota_us, quota.quota_us", "credit_us, quota.quota_us"),
    "draws ahead of the wrong arrival": ("= state.ahead_us[2 * event.row],", "= state.ahead_us[2 * event.row - 2],"),
    "a first run's fault forgotten": (", state.ahead_us[2 * event.row + 1]", ", at.COMPLETED"),
}  # fmt: skip


def generated(family: Family) -> list[Plan]:
    kept: list[Plan] = []

    @settings(
        max_examples=SCENARIOS_PER_FAMILY, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(plan=plans(family))
    def keep(plan: Plan) -> None:
        kept.append(plan)

    keep()
    return kept


def scenarios() -> list[tuple[Plan, Records]]:
    """Generate the same scenarios each time, the families in turn, with the reference's records."""
    found = {name: generated(family) for name, family in FAMILIES.items() if name not in WAYS_IN}
    in_turn = [
        found[name][turn] for turn in range(SCENARIOS_PER_FAMILY) for name in found if turn < len(found[name])
    ]
    return [(plan, together(run_reference(plan))) for plan in in_turn]


def plain_engine(old: str, new: str) -> dict[str, ModuleType]:
    """Load the compiled engine's steps as plain Python, with one piece of source exchanged; give its modules by name."""
    assert not old or sum(source.count(old) for source in SOURCES.values()) == 1, old
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba, "njit", lambda **_options: lambda step: step)
        modules = {name: ModuleType(name) for name in SOURCES}
        for name, source in SOURCES.items():
            patch.setitem(sys.modules, name, modules[name])
            exec(compile(source.replace(old, new) if old else source, name, "exec"), vars(modules[name]))  # noqa: S102
    return {name.rpartition(".")[2]: module for name, module in modules.items()}


def differs(modules: dict[str, ModuleType], plan: Plan, expected: Records) -> bool:
    """Tell whether a faulty engine gives anything else than the reference, or loses what it works on."""
    run = kernel.prepared(plan, room=1, records_room=3)
    run._advance, run._draw_first_runs = modules["steps"].advance, modules["steps"].draw_first_runs
    if isinstance(run, SourcedRun):
        run._advance_sourced = modules["sourced"].advance_with_sources
    try:
        found = _all_of(run, len(expected["function"]))
    except (ConservationError, IndexError):
        return True
    return found is None or not all(np.array_equal(found[name], expected[name]) for name in expected)


def _all_of(run: KernelRun, most: int) -> Records | None:
    """Run to the end, or to more records than there are, which gives None."""
    seen = 0
    chunks = []
    for chunk in run.run():
        chunks.append(chunk)
        seen += len(chunk)
        if seen > most:
            return None
    return together(chunks)


def test_every_fault_is_seen_and_the_engine_without_faults_passes() -> None:
    known = scenarios()
    assert len(known) > 10 * (len(FAMILIES) - len(WAYS_IN)) // 2
    sound = plain_engine("", "")
    assert not any(differs(sound, plan, expected) for plan, expected in known)
    unseen = []
    for name, (old, new) in FAULTS.items():
        faulty = plain_engine(old, new)
        if not any(differs(faulty, plan, expected) for plan, expected in known):
            unseen.append(name)
    assert not unseen
