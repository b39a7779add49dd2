"""Deliberate faults in what the compiled engine does with queues and streams: each must be seen, see `test_faults`."""

from __future__ import annotations

import pytest
from families import WAYS_IN, Family, plans
from hypothesis import HealthCheck, Phase, given, settings
from test_equality import together
from test_faults import differs, plain_engine

from lambdasim.engine.contract import Plan
from lambdasim.engine.reference.engine import run_reference

pytestmark = pytest.mark.slow

# By what is in the names of the families that reach the faulty rule.
FAULTS = {
    "queue": {
        "visibility from the invocation": (
            "batch.arrival_us = sources.head[0].now_us\n    return row",
            "batch.arrival_us = sources.head[0].now_us\n    batch.deadline_us = batch.arrival_us + source.wait_us\n"
            "    return row",
        ),
        "a message kept one microsecond too long": (
            "if done_us >= item.arrival_us + source.most_age_us",
            "if done_us > item.arrival_us + source.most_age_us",
        ),
        "the end of retention dated when it is noticed": (
            "outcome, done_us = np.int64(of.EXPIRED), item.arrival_us + source.most_age_us",
            "outcome = np.int64(of.EXPIRED)",
        ),
        "one receive too many": ("elif item.receives >= source.most_tries", "elif item.receives > source.most_tries"),
        "receives that pass over count for nothing": (
            "            item.receives += 1\n",
            "            item.receives += item.passes\n",
        ),
        "one poller too many": ("source.busy < source.allowed)", "source.busy <= source.allowed)"),
        "pollers that do not grow": (
            "        source.allowed = _after_a_step(source.allowed, source.growth, source.most)\n        source.step",
            "        source.step",
        ),
        "pollers that do not fall back": (
            "    else:\n        source.allowed = source.first\n",
            "    else:\n        pass\n",
        ),
        "a throttled batch tried when its messages are seen again": (
            "and again_us < batch.deadline_us",
            "and again_us <= batch.deadline_us",
        ),
        "a poller that lets go when it finds no room": (
            "    batch.is_held = 1\n",
            "    occupy(sources, sources.rows[function], -1)\n",
        ),
        "messages of a long run that nobody else receives": (
            "if any_failed or end_us > batch.deadline_us",
            "if any_failed",
        ),
        "failed messages deleted in calls": ("count_deletes(source, done)", "count_deletes(source, batch.count)"),
        "provisioned pollers that weigh nothing": ("-(-kb * 1_000_000 // (kb_per_s * units))", "0"),
        "a batch's first messages received again": ("        if before <= 0:\n", "        if True:\n"),
        "a gathered message that comes back with the first of its batch": (
            "head.now_us - batch.deadline_us + source.wait_us if source.gathering else 0",
            "0",
        ),
        "messages that fit no filter and weigh nothing": (
            "following, of_item = np.int64(item.next), np.int64(item.kb)",
            "following, of_item = np.int64(item.next), np.int64(0)",
        ),
        "batches of any size": ("return most_kb == 0 or kb == 0 or kb + more_kb <= most_kb", "return True"),
        "calls billed once": ("return max(-(-kb // call_kb), 1)", "return 1"),
        "calls billed together": ("if batch.received and batch.received % of.PER_CALL == 0", "if False"),
        "answers that count as errors": ("source.reports and outcome == at.FUNCTION_ERROR", "False"),
        "units paid beyond the end": (
            "now = min(sources.head[0].now_us, source.until_us)",
            "now = sources.head[0].now_us",
        ),
        "fewer units than are kept": (
            "max(_calls_of(source.allowed, source.per_unit), source.least_units)",
            "_calls_of(source.allowed, source.per_unit)",
        ),
        "waiting pollers beyond those that poll": (
            "max(source.idle - source.busy, 0) * past_us",
            "(source.idle - source.busy) * past_us",
        ),
        "a batch without its overhead": (
            "handler_us = draw(state.laws, function.first_law + at.BATCH_OVERHEAD, event.invocation, event.runs)",
            "handler_us = np.int64(0)",
        ),
        "a message's first receive drawn as a second": (
            "np.int64(item.receives) - (source.kind == of.QUEUE)",
            "np.int64(item.receives)",
        ),
        "poison that passes": ("if item.poisoned:", "if False:"),
        "a batch that ends as its last item": (
            "if fault in (at.COMPLETED, at.FUNCTION_ERROR) and ends != at.COMPLETED",
            "if ends != at.COMPLETED",
        ),
        "everything swallowed": ("if source.swallows and fault != at.COMPLETED", "if source.swallows"),
        "a crash that names its failures": (
            "answer == at.FUNCTION_ERROR and source.partial and fault",
            "source.partial and fault",
        ),
        "retries before completions": ("    if end_us == now:", "    if end_us == now < later_us:"),
        "arrivals before wakes": (
            "    elif later_us == now:",
            "    elif later_us == now < arrival_us:",
        ),
    },
    "beside a source": {
        "a wake taken for a client's tokens": ("        waiting.attempts = 0  # the row", "        # the row"),
    },
    "message groups": {
        "a group that goes on after a failure": (
            "if source.ordered and lane.stamp == batch.serial + 1",
            "if source.ordered and False",
        ),
        "a group that comes back the wrong way round": (
            "    if source.ordered:\n        _reverse(sources, batch)\n    next_us",
            "    next_us",
        ),
        "a group of which a message is held gives another": ("if lane.held or first == 0", "if first == 0"),
        "groups in any order": (
            "if sources.lanes[heap[base + above]].key < key:",
            "if sources.lanes[heap[base + above]].key != key:",
        ),
    },
    "stream": {
        "a stream's batches that are full by number alone": (
            "lane.waiting >= source.batch or (source.batch_kb > 0 and lane.kb >= source.batch_kb)",
            "lane.waiting >= source.batch",
        ),
        "draws that belong to an item that is gone": (
            "        item.number,\n        event.arrival_us,\n",
            "        event.invocation,\n        event.arrival_us,\n",
        ),
        "a record read one microsecond too old": (
            "now >= sources.items[lane.first].arrival_us + source.most_age_us",
            "now > sources.items[lane.first].arrival_us + source.most_age_us",
        ),
        "a record repeated one microsecond too old": (
            "if now < sources.items[record].arrival_us + source.most_age_us",
            "if now <= sources.items[record].arrival_us + source.most_age_us",
        ),
        "the larger half first": ("return items // 2", "return -(-items // 2)"),
        "splits that count as retries": ("        batch.tries = 0\n", "        batch.tries = tries + 1\n"),
        "one retry too many": ("tries >= source.most_tries\n", "tries > source.most_tries\n"),
        "retries counted on after some succeeded": (
            "tries: Any = np.int64(0) if cut else batch.tries",
            "tries = batch.tries",
        ),
        "a stream's wait doubled once too often": (
            "_backoff_us(source.wait_us, source.longest_us, tries)",
            "_backoff_us(source.wait_us, source.longest_us, tries + 1)",
        ),
        "waits beyond the greatest age": (
            "return max(min(now + wait_us, oldest_us + source.most_age_us), now)",
            "return now + wait_us",
        ),
        "a look in the moment of the arrival": (
            "_look_at(sources, function, number, _next_look_us(head.now_us + 1,",
            "_look_at(sources, function, number, _next_look_us(head.now_us,",
        ),
        "a poller for every lane": (
            "        if source.busy >= source.allowed or _must_wait", "        if _must_wait"
        ),
        "a topic read at any rate": ("if source.per_poller:", "if False:"),
        "reads that begin again too early": (
            "source.next_receive_us = head.now_us + _gap_us(0, kb, pollers",
            "source.next_receive_us = head.now_us + _gap_us(0, 0, pollers",
        ),
        "halves that are forgotten": ("    rest.next = lane.parts\n", "    rest.next = 0\n"),
        "records that no filter stops": (
            "        if item.passes:\n            add_to_batch",
            "        if True:\n            add_to_batch",
        ),
        "a pause between full batches": (
            "if _is_full(source, lane) or source.look_us == 0:",
            "if source.look_us == 0:",
        ),
    },
}  # fmt: skip
SCENARIOS_PER_FAMILY = 60


def generated(family: Family) -> list[Plan]:
    """Generate the same scenarios each time."""
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


@pytest.mark.parametrize("word", FAULTS)
def test_every_fault_is_seen_and_the_engine_without_faults_passes(word: str) -> None:
    families = [family for name, family in WAYS_IN.items() if word in name]
    found = [generated(family) for family in families]
    in_turn = [kept[turn] for turn in range(SCENARIOS_PER_FAMILY) for kept in found if turn < len(kept)]
    known = [(plan, together(run_reference(plan))) for plan in in_turn]
    assert len(known) > SCENARIOS_PER_FAMILY * len(families) // 2
    sound = plain_engine("", "")
    assert not any(differs(sound, plan, expected) for plan, expected in known)
    unseen = []
    for name, (old, new) in FAULTS[word].items():
        faulty = plain_engine(old, new)
        if not any(differs(faulty, plan, expected) for plan, expected in known):
            unseen.append(name)
    assert not unseen
