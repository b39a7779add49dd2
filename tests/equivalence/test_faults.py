"""Deliberate faults in the compiled engine: each must be seen by comparing its records with the reference's."""

import ast

import pytest
from families import CALLING, FAMILIES, WAYS_IN
from faults import TREES, Fault, assert_all_seen, exchanged, place_of, places
from test_call_faults import FAULTS as CALL_FAULTS
from test_source_faults import FAULTS as SOURCE_FAULTS

FAULTS: dict[str, Fault] = {
    "ties in a queue the wrong way round": (
        "time_us == other.time_us and key < other.key",
        "time_us == other.time_us and key > other.key",
    ),
    "ties between calendar and heap the wrong way round": (
        "top.key < queue.table[queue.table[last].next].key",
        "top.key > queue.table[queue.table[last].next].key",
    ),
    "the calendar's horizon forgotten": ("number - (now >> head.width) >= head.buckets", "False"),
    "completions after arrivals of the same instant": (
        "min(end_us, next_us) > now",
        "min(end_us, next_us) >= now",
    ),
    "provisioned changes after retries": (
        (
            "if change_us == now:\n"
            "    if not change_provisioned(state):\n"
            "        return at.SLOTS_FULL\n"
            "    account.next_change += 1\n"
            "    continue"
        ),
        (
            "if change_us == now and state.retries.head[0].next_us > now:\n"
            "    if not change_provisioned(state):\n"
            "        return at.SLOTS_FULL\n"
            "    account.next_change += 1\n"
            "    continue"
        ),
    ),
    "arrivals before retries": (
        "take_retry(state) if retry_us == now else take_arrival(state)",
        "take_retry(state) if retry_us == now < state.time_us[arrival] else take_arrival(state)",
    ),
    "an environment warm one microsecond too long": (
        "now < slot.warm_until_us or is_still_warm(state, slot, now)",
        "now <= slot.warm_until_us or is_still_warm(state, slot, now)",
    ),
    "a drawn keep-alive one microsecond too long": (
        "now < min(slot.time_us + keep_alive_us, slot.retires_us)",
        "now <= min(slot.time_us + keep_alive_us, slot.retires_us)",
    ),
    "environments that never grow old": (
        "if end_us < slot.retires_us and not (broken and account.after_failure == at.REPLACED):\n"
        "    slot.warm_until_us = min(end_us + function.keep_alive_at_least_us, slot.retires_us)",
        "if end_us < slot.retires_us and not (broken and account.after_failure == at.REPLACED):\n"
        "    slot.warm_until_us = end_us + function.keep_alive_at_least_us",
    ),
    "environments that survive a crash": (
        "outcome not in (at.COMPLETED, at.FUNCTION_ERROR)",
        "outcome == at.TIMEOUT",
    ),
    "INIT again whatever the plan says of failures": (
        "slot.was_reset = broken and account.after_failure == at.INIT_INSIDE",
        "slot.was_reset = broken",
    ),
    "an environment that was replaced and serves on": (
        "not (broken and account.after_failure == at.REPLACED)",
        "not (broken and False)",
    ),
    "a reset without INIT": (
        (
            "if slot.was_reset:\n"
            "    _, init_again_us, first_run_us = draw_start_up(state, function, event)\n"
            "    handler_us += init_again_us + first_run_us"
        ),
        (
            "if slot.was_reset and False:\n"
            "    _, init_again_us, first_run_us = draw_start_up(state, function, event)\n"
            "    handler_us += init_again_us + first_run_us"
        ),
    ),
    "a reset without a first run": (
        (
            "_, init_again_us, first_run_us = draw_start_up(state, function, event)\n"
            "handler_us += init_again_us + first_run_us"
        ),
        (
            "_, init_again_us, first_run_us = draw_start_up(state, function, event)\n"
            "first_run_us = np.int64(0)\n"
            "handler_us += init_again_us + first_run_us"
        ),
    ),
    "a row that was reset before": (
        ("slot.retires_us = NEVER\nslot.was_reset = 0"),
        "slot.retires_us = NEVER",
    ),
    "a gateway that lets everything through": (
        "_closed_gate(state, entry, now) if entry.has_gates else at.NO_LIMIT",
        "_closed_gate(state, entry, now) if False else at.NO_LIMIT",
    ),
    "an account's gateway that spends nothing": (
        (
            "if function.route_gate:\n"
            "    _spend(route, now)\n"
            "if function.account_gate:\n"
            "    _spend(account, now)"
        ),
        ("if function.route_gate:\n    _spend(route, now)"),
    ),
    "a route's gate behind the account's": (
        (
            "if function.route_gate and (not _allows(route, now)):\n"
            "    return at.GATEWAY_ROUTE\n"
            "if function.account_gate and (not _allows(account, now)):\n"
            "    return at.GATEWAY_ACCOUNT"
        ),
        (
            "if function.account_gate and (not _allows(account, now)):\n"
            "    return at.GATEWAY_ACCOUNT\n"
            "if function.route_gate and (not _allows(route, now)):\n"
            "    return at.GATEWAY_ROUTE"
        ),
    ),
    "a route's token spent where the account refuses": (
        (
            "if function.account_gate and (not _allows(account, now)):\n"
            "    return at.GATEWAY_ACCOUNT\n"
            "if function.route_gate:\n"
            "    _spend(route, now)"
        ),
        (
            "if function.route_gate:\n"
            "    _spend(route, now)\n"
            "if function.account_gate and (not _allows(account, now)):\n"
            "    return at.GATEWAY_ACCOUNT"
        ),
    ),
    "clients that repeat what nobody asked them to": (
        (
            "if not function.repeats_throttles or not _may_repeat(state, function, event, function.throttle_cost):\n"
            "    return at.EVENT_THROTTLED"
        ),
        (
            "if not _may_repeat(state, function, event, function.throttle_cost):\n"
            "    return at.EVENT_THROTTLED"
        ),
    ),
    "failures that nobody repeats": ("answer != at.COMPLETED and function.repeats_failures", "False"),
    "a failure's repeat after the run and not the answer": (
        "_retry_at(state, function, event, event.runs + 1, event.refusals + 1, answered_us + wait_us, now, paid)",
        "_retry_at(state, function, event, event.runs + 1, event.refusals + 1, now + wait_us, now, paid)",
    ),
    "a quota that is never used up": ("state.tokens[client] < cost", "False"),
    "a quota for all processes together": ("event.invocation % function.processes", "0"),
    "tokens that nobody gets back": ("state.tokens[client] + max(event.paid, 1)", "state.tokens[client] + 0"),
    "one token back for a repeat too": (
        "state.tokens[client] + max(event.paid, 1)",
        "state.tokens[client] + 1",
    ),
    "more tokens than a full quota": (
        "min(state.tokens[client] + max(event.paid, 1), function.tokens)",
        "state.tokens[client] + max(event.paid, 1)",
    ),
    "tokens back after the retries of their instant": (
        ("_GIVES_BACK: Final = (1 << 32) - 1\n_FIRST_OF_ALL: Final = -1"),
        ("_GIVES_BACK: Final = (1 << 32) - 1\n_FIRST_OF_ALL: Final = 1 << 60"),
    ),
    "a timeout that costs what a throttle does": (
        (
            "if not function.repeats_timeouts or not _may_repeat(state, function, event, function.timeout_cost):\n"
            "    return at.CLIENT_TIMEOUT"
        ),
        (
            "if not function.repeats_timeouts or not _may_repeat(state, function, event, function.throttle_cost):\n"
            "    return at.CLIENT_TIMEOUT"
        ),
    ),
    "clients that wait for what follows the answer": (
        "answered_us - now > function.client_timeout_us",
        "end_us - now > function.client_timeout_us",
    ),
    "work after the answer that no timeout cuts": (
        "answer == at.TIMEOUT or duration_us > function.timeout_us",
        "answer == at.TIMEOUT or False",
    ),
    "a queue that takes an answer for the outcome": (
        ("if outcome == at.COMPLETED:\n    return at.SUCCEEDED"),
        ("if answer == at.COMPLETED:\n    return at.SUCCEEDED"),
    ),
    "a crash that is answered": ("function.has_post_response and answered", "function.has_post_response"),
    "hanging runs that complete": (
        "answer == at.TIMEOUT or duration_us > function.timeout_us",
        "duration_us > function.timeout_us",
    ),
    "a speed drawn for each run": (
        "handler_us = draw_handler_us(state, function, event, np.int64(slot.speed))",
        "handler_us = draw_handler_us(state, function, event, draw_speed(state, function, event))",
    ),
    "speeds rounded down": (
        "min(cpu_us, _MOST_PRODUCT // max(speed, 1)) * speed + _HALF",
        "min(cpu_us, _MOST_PRODUCT // max(speed, 1)) * speed",
    ),
    "oldest created first": (
        (
            "if right == 0:\n"
            "    slots[one].next = other\n"
            "    return first\n"
            "if slots[right].number < slots[other].number:\n"
            "    right, other = (other, right)"
        ),
        (
            "if right == 0:\n"
            "    slots[one].next = other\n"
            "    return first\n"
            "if slots[right].number > slots[other].number:\n"
            "    right, other = (other, right)"
        ),
    ),
    "invocations given the next one's number": ("row.first + index", "row.first + index + 1"),
    "least recently used first": (
        "account.reuse == at.LEAST_RECENTLY_USED and function.idle_first",
        "account.reuse != at.LEAST_RECENTLY_USED and function.idle_first",
    ),
    "concurrency not given back": (
        ("if not function.has_reserved:\n    account.pool_in_use -= 1"),
        ("if not function.has_reserved:\n    account.pool_in_use -= 0"),
    ),
    "one execution too many in the pool": (
        "account.pool_in_use >= account.pool_limit",
        "account.pool_in_use > account.pool_limit",
    ),
    "reserved concurrency that ignores provisioned": (
        "if function.on_demand_in_use >= function.reserved - function.provisioned_claimed:\n"
        "    return at.RESERVED_CONCURRENCY, 0, at.NO_START",
        "if function.on_demand_in_use >= function.reserved:\n    return at.RESERVED_CONCURRENCY, 0, at.NO_START",
    ),
    "provisioned concurrency not claimed from the pool": (
        "account.pool_limit -= change.claimed - function.provisioned_claimed",
        "account.pool_limit -= 0 * change.claimed - function.provisioned_claimed",
    ),
    "one provisioned environment too many": (
        "function.provisioned_in_use + function.provisioned_idle < function.provisioned_ready",
        "function.provisioned_in_use + function.provisioned_idle <= function.provisioned_ready",
    ),
    "tokens that come back late": (
        "rate.full_again_ns - now_us * NS_PER_US <= rate.slack_ns",
        "rate.full_again_ns - now_us * NS_PER_US < rate.slack_ns",
    ),
    "tokens saved without bound": ("max(rate.full_again_ns, now_us * NS_PER_US)", "rate.full_again_ns"),
    "request tokens not spent": (
        ("if entry.request_rate:\n    _spend(request_rate, now)"),
        ("if entry.request_rate:\n    pass"),
    ),
    "a handler of just its timeout is cut": (
        "at.TIMEOUT if handler_us > function.timeout_us else fault",
        "at.TIMEOUT if handler_us >= function.timeout_us else fault",
    ),
    "INIT run again only beyond its cap": (
        ("init_again_us = init_us\ninit_us = function.init_cap_us"),
        ("init_again_us = init_us - function.init_cap_us\ninit_us = function.init_cap_us"),
    ),
    "a client gone one microsecond early": (
        "answered_us - now > function.client_timeout_us",
        "answered_us - now >= function.client_timeout_us",
    ),
    "a client that counts no try after silence": (
        "_retry_at(state, function, event, event.runs + 1, event.refusals + 1, again_us, now, paid)",
        "_retry_at(state, function, event, event.runs + 1, event.refusals, again_us, now, paid)",
    ),
    "a client that waits after silence as after a throttle": (
        (
            "if not function.repeats_timeouts or not _may_repeat(state, function, event, function.timeout_cost):\n"
            "    return at.CLIENT_TIMEOUT\n"
            "wait_us = _client_wait_us(state, function, event, function.timeout_backoff_us)"
        ),
        (
            "if not function.repeats_timeouts or not _may_repeat(state, function, event, function.timeout_cost):\n"
            "    return at.CLIENT_TIMEOUT\n"
            "wait_us = _client_wait_us(state, function, event, function.throttle_backoff_us)"
        ),
    ),
    "a client that tries again only when its run ends": (
        "silence(state, function, event, started_us + function.client_timeout_us, now)",
        "silence(state, function, event, started_us + function.timeout_us, now)",
    ),
    "an event too old one microsecond early": (
        "time_us > event.arrival_us + function.max_event_age_us",
        "time_us >= event.arrival_us + function.max_event_age_us",
    ),
    "waits doubled once too often": (
        "doublings = min(before, _MOST_DOUBLINGS)",
        "doublings = min(before + 1, _MOST_DOUBLINGS)",
    ),
    "a retry that repeats the first run's luck": (
        "draw(state.laws, function.first_law + law, event.invocation, event.runs)",
        "draw(state.laws, function.first_law + law, event.invocation, 0)",
    ),
    "draws rounded down": ("numbers[at + 1] * place + _HALF", "numbers[at + 1] * place"),
    "CPU time rounded down": (
        "min(drawn_us, most_us) * multiplier + _HALF",
        "min(drawn_us, most_us) * multiplier",
    ),
    "a first check that is never late": (
        "phase_us // tick_us + quota.first_check",
        "phase_us // tick_us + 1",
    ),
    "an overrun of the scheduler's quota forgiven": (
        "min(left_us, _up(used_us, quota.slice_us) - used_us) if left_us > 0 else left_us",
        "min(left_us, _up(used_us, quota.slice_us) - used_us) if left_us > 0 else 0",
    ),
    "one renewal too few": (
        "max((last_us - credit_us) // quota_us + 1, 0)",
        "max((last_us - credit_us) // quota_us, 0)",
    ),
    "waits that renew no credit": ("credit_us + renewals * quota.quota_us", "credit_us"),
    "draws ahead of the wrong arrival": (
        "state.ahead_us[2 * event.row]",
        "state.ahead_us[2 * event.row - 2]",
    ),
    "a first run's fault forgotten": ("state.ahead_us[2 * event.row + 1]", "at.COMPLETED"),
}
EVERY = (
    FAULTS
    | CALL_FAULTS
    | {name: fault for faults in SOURCE_FAULTS.values() for name, fault in faults.items()}
)


@pytest.mark.slow
def test_every_fault_is_seen_and_the_engine_without_faults_passes() -> None:
    families = [family for name, family in FAMILIES.items() if name not in WAYS_IN | CALLING]
    assert_all_seen(FAULTS, families, number=10)


@pytest.mark.parametrize("name", EVERY)
def test_a_fault_has_its_place_whatever_one_name_becomes(name: str) -> None:
    old, _ = EVERY[name]
    place = place_of(old)
    for kind, found in {(kind, found) for (kind, _), found in place.names.items()}:
        assert place_of(old, {(kind, found): "renamed"}) == place
    module, faulty = exchanged(EVERY[name])
    assert ast.dump(faulty) != ast.dump(TREES[module])
    compile(faulty, module, "exec")


def test_what_has_no_place_or_two_is_an_error() -> None:
    with pytest.raises(LookupError, match="nothing has the form"):
        place_of("slot.warm_until_us ** 17")
    assert len(places("one.other = another")) > 1
    with pytest.raises(LookupError, match="fit equally well"):
        place_of("one.other = another")
