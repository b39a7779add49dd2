"""Deliberate faults in what the compiled engine does with queues and streams: each must be seen."""

import pytest
from families import WAYS_IN
from faults import Fault, assert_all_seen

pytestmark = pytest.mark.slow

# By what is in the names of the families that reach the faulty rule.
FAULTS: dict[str, dict[str, Fault]] = {
    "queue": {
        "visibility from the invocation": (
            ("batch.arrival_us = sources.head[0].now_us\nreturn row"),
            (
                "batch.arrival_us = sources.head[0].now_us\n"
                "batch.deadline_us = batch.arrival_us + source.wait_us\n"
                "return row"
            ),
        ),
        "a message kept one microsecond too long": (
            "done_us >= item.arrival_us + source.most_age_us",
            "done_us > item.arrival_us + source.most_age_us",
        ),
        "the end of retention dated when it is noticed": (
            "outcome, done_us = (np.int64(of.EXPIRED), item.arrival_us + source.most_age_us)",
            "outcome = np.int64(of.EXPIRED)",
        ),
        "one receive too many": ("item.receives >= source.most_tries", "item.receives > source.most_tries"),
        "receives that pass over count for nothing": (
            (
                "item.receives += 1\n"
                "item.late_us = head.now_us - batch.deadline_us + source.wait_us if source.gathering else 0"
            ),
            (
                "item.receives += item.passes\n"
                "item.late_us = head.now_us - batch.deadline_us + source.wait_us if source.gathering else 0"
            ),
        ),
        "one poller too many": (
            "source.gathering or source.busy < source.allowed",
            "source.gathering or source.busy <= source.allowed",
        ),
        "pollers that do not grow": (
            (
                "source.allowed = _after_a_step(source.allowed, source.growth, source.most)\n"
                "source.step_after = 1"
            ),
            "source.step_after = 1",
        ),
        "pollers that do not fall back": (
            ("if source.queued:\n    ...\nelse:\n    source.allowed = source.first"),
            ("if source.queued:\n    ...\nelse:\n    pass"),
        ),
        "a throttled batch tried when its messages are seen again": (
            "batch.refusals < policy.throttle_retries and again_us < batch.deadline_us",
            "batch.refusals < policy.throttle_retries and again_us <= batch.deadline_us",
        ),
        "a poller that lets go when it finds no room": (
            (
                "if batch.refusals < policy.throttle_retries and again_us < batch.deadline_us:\n"
                "    batch.refusals += 1\n"
                "    later(sources, again_us, (function << of.FUNCTION_SHIFT) + batch.serial, function, row)\n"
                "    return np.int64(at.PENDING)\n"
                "batch.is_held = 1"
            ),
            (
                "if batch.refusals < policy.throttle_retries and again_us < batch.deadline_us:\n"
                "    batch.refusals += 1\n"
                "    later(sources, again_us, (function << of.FUNCTION_SHIFT) + batch.serial, function, row)\n"
                "    return np.int64(at.PENDING)\n"
                "occupy(sources, sources.rows[function], -1)"
            ),
        ),
        "messages of a long run that nobody else receives": (
            "any_failed or end_us > batch.deadline_us",
            "any_failed",
        ),
        "failed messages deleted in calls": (
            ("count_deletes(source, done)\nif source.ordered:\n    _offer_all(sources, source, batch)"),
            (
                "count_deletes(source, batch.count)\n"
                "if source.ordered:\n"
                "    _offer_all(sources, source, batch)"
            ),
        ),
        "provisioned pollers that weigh nothing": (
            "max(-(-calls * 1000000 // (calls_per_s * units)), -(-kb * 1000000 // (kb_per_s * units)))",
            "max(-(-calls * 1000000 // (calls_per_s * units)), 0)",
        ),
        "a batch's first messages received again": (
            (
                "if before <= 0:\n"
                "    of_item = np.int64(sources.items[sources.cells[cell].which].kb)\n"
                "    add_received(source, batch, of_item)\n"
                "    received += 1\n"
                "    kb += of_item"
            ),
            (
                "if True:\n"
                "    of_item = np.int64(sources.items[sources.cells[cell].which].kb)\n"
                "    add_received(source, batch, of_item)\n"
                "    received += 1\n"
                "    kb += of_item"
            ),
        ),
        "a gathered message that comes back with the first of its batch": (
            "head.now_us - batch.deadline_us + source.wait_us if source.gathering else 0",
            "0",
        ),
        "messages that fit no filter and weigh nothing": (
            "(np.int64(item.next), np.int64(item.kb))",
            "(np.int64(item.next), np.int64(0))",
        ),
        "batches of any size": ("most_kb == 0 or kb == 0 or kb + more_kb <= most_kb", "True"),
        "calls billed once": ("max(-(-kb // call_kb), 1)", "1"),
        "calls billed together": ("batch.received and batch.received % of.PER_CALL == 0", "False"),
        "answers that count as errors": ("source.reports and outcome == at.FUNCTION_ERROR", "False"),
        "units paid beyond the end": (
            "min(sources.head[0].now_us, source.until_us)",
            "sources.head[0].now_us",
        ),
        "fewer units than are kept": (
            "max(_calls_of(source.allowed, source.per_unit), source.least_units)",
            "_calls_of(source.allowed, source.per_unit)",
        ),
        "waiting pollers beyond those that poll": (
            "max(source.idle - source.busy, 0)",
            "source.idle - source.busy",
        ),
        "a batch without its overhead": (
            "handler_us = draw(state.laws, function.first_law + at.BATCH_OVERHEAD, event.invocation, event.runs)",
            "handler_us = np.int64(0)",
        ),
        "a message's first receive drawn as a second": (
            "np.int64(item.receives) - (source.kind == of.QUEUE)",
            "np.int64(item.receives)",
        ),
        "poison that passes": (
            (
                "if item.poisoned:\n"
                "    memory_mb = draw(state.laws, function.first_law + at.MEMORY, item.number, runs)\n"
                "    ends = np.int64(at.OUT_OF_MEMORY if memory_mb > function.memory_mb else at.FUNCTION_ERROR)"
            ),
            (
                "if False:\n"
                "    memory_mb = draw(state.laws, function.first_law + at.MEMORY, item.number, runs)\n"
                "    ends = np.int64(at.OUT_OF_MEMORY if memory_mb > function.memory_mb else at.FUNCTION_ERROR)"
            ),
        ),
        "a batch that ends as its last item": (
            "fault in (at.COMPLETED, at.FUNCTION_ERROR) and ends != at.COMPLETED",
            "ends != at.COMPLETED",
        ),
        "everything swallowed": ("source.swallows and fault != at.COMPLETED", "source.swallows"),
        "a crash that names its failures": (
            "answer == at.FUNCTION_ERROR and source.partial and (fault == at.COMPLETED)",
            "source.partial and fault == at.COMPLETED",
        ),
        "retries before completions": (
            ("if end_us == now:\n    _end_first(state, sources)"),
            ("if end_us == now < later_us:\n    _end_first(state, sources)"),
        ),
        "arrivals before wakes": (
            ("if change_us == now:\n    ...\nelif later_us == now:\n    ...\nelse:\n    ..."),
            ("if change_us == now:\n    ...\nelif later_us == now < arrival_us:\n    ...\nelse:\n    ..."),
        ),
    },
    "beside a source": {
        "a wake taken for a client's tokens": (
            "waiting.invocation = coming.batch\nwaiting.attempts = 0",
            "waiting.invocation = coming.batch",
        ),
    },
    "message groups": {
        "a group that goes on after a failure": ("lane.stamp == batch.serial + 1", "False"),
        "a group that comes back the wrong way round": (
            ("if source.ordered:\n    _reverse(sources, batch)"),
            "pass",
        ),
        "a group of which a message is held gives another": ("lane.held or first == 0", "first == 0"),
        "groups in any order": (
            "sources.lanes[heap[base + above]].key < key",
            "sources.lanes[heap[base + above]].key != key",
        ),
    },
    "stream": {
        "a stream's batches that are full by number alone": (
            "lane.waiting >= source.batch or (source.batch_kb > 0 and lane.kb >= source.batch_kb)",
            "lane.waiting >= source.batch",
        ),
        "draws that belong to an item that is gone": (
            "Event(event.function, item.number, event.arrival_us, event.attempts, runs, "
            "event.refusals, event.row, event.paid, event.about)",
            "Event(event.function, event.invocation, event.arrival_us, event.attempts, runs, "
            "event.refusals, event.row, event.paid, event.about)",
        ),
        "a record read one microsecond too old": (
            "now >= sources.items[lane.first].arrival_us + source.most_age_us",
            "now > sources.items[lane.first].arrival_us + source.most_age_us",
        ),
        "a record repeated one microsecond too old": (
            "now < sources.items[record].arrival_us + source.most_age_us",
            "now <= sources.items[record].arrival_us + source.most_age_us",
        ),
        "the larger half first": ("return items // 2", "return -(-items // 2)"),
        "splits that count as retries": (
            ("if batch.failed_from == 0:\n    _cut_in_two(sources, source, row)\nbatch.tries = 0"),
            ("if batch.failed_from == 0:\n    _cut_in_two(sources, source, row)\nbatch.tries = tries + 1"),
        ),
        "one retry too many": (
            "cut < batch.count and (not bisects) and (tries >= source.most_tries)",
            "cut < batch.count and (not bisects) and (tries > source.most_tries)",
        ),
        "retries counted on after some succeeded": (
            "tries: Any = np.int64(0) if cut else np.int64(batch.tries)",
            "tries = np.int64(batch.tries)",
        ),
        "a stream's wait doubled once too often": (
            "_backoff_us(source.wait_us, source.longest_us, tries)",
            "_backoff_us(source.wait_us, source.longest_us, tries + 1)",
        ),
        "waits beyond the greatest age": (
            "max(min(now + wait_us, oldest_us + source.most_age_us), now)",
            "now + wait_us",
        ),
        "a look in the moment of the arrival": (
            "_next_look_us(head.now_us + 1, source.look_us, lane.offset_us)",
            "_next_look_us(head.now_us, source.look_us, lane.offset_us)",
        ),
        "a poller for every lane": (
            "source.busy >= source.allowed or must_wait(sources, function, of.PACE_OF_READS)",
            "False",
        ),
        "a topic read at any rate": (
            (
                "if source.per_poller:\n"
                "    pollers = _calls_of(source.allowed, source.per_poller)\n"
                "    source.next_receive_us = head.now_us + _gap_us(0, kb, pollers, 1, source.kb_per_s)"
            ),
            (
                "if False:\n"
                "    pollers = _calls_of(source.allowed, source.per_poller)\n"
                "    source.next_receive_us = head.now_us + _gap_us(0, kb, pollers, 1, source.kb_per_s)"
            ),
        ),
        "reads that begin again too early": (
            "_gap_us(0, kb, pollers, 1, source.kb_per_s)",
            "_gap_us(0, 0, pollers, 1, source.kb_per_s)",
        ),
        "halves that are forgotten": ("rest.next = lane.parts", "rest.next = 0"),
        "records that no filter stops": (
            (
                "if item.passes:\n"
                "    add_to_batch(sources, batch, record)\n"
                "    hold(sources, source, row, item)"
            ),
            ("if True:\n    add_to_batch(sources, batch, record)\n    hold(sources, source, row, item)"),
        ),
        "a pause between full batches": (
            "_is_full(source, lane) or source.look_us == 0",
            "source.look_us == 0",
        ),
    },
}


@pytest.mark.parametrize("word", FAULTS)
def test_every_fault_is_seen_and_the_engine_without_faults_passes(word: str) -> None:
    families = [family for name, family in WAYS_IN.items() if word in name]
    assert_all_seen(FAULTS[word], families, number=10)
