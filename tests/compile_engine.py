"""Compiles each event loop once, on two cores, before the tests' workers would each compile all of them."""

from concurrent.futures import ProcessPoolExecutor

import lambdasim as ls

_HEAD = "name: s\nstart: 2026-11-02T00:00:00Z\nduration: 1min\nfree_tier: false\nfunctions:\n"
_RUN = "work: {cpu_ms: 5, max_memory_mb: 100}, traffic: {constant: {rate_per_s: 1}}"
LONGEST_FIRST = (
    _HEAD + f"  - {{name: f, trigger: {{type: sqs, queue: {{}}}}, {_RUN}, calls: [{{function: g}}]}}\n"
    "  - {name: g, work: {cpu_ms: 5}}\n",
    _HEAD + f"  - {{name: f, trigger: {{type: sqs, queue: {{}}}}, {_RUN}}}\n",
    _HEAD + f"  - {{name: f, {_RUN}, calls: [{{function: g}}]}}\n  - {{name: g, work: {{cpu_ms: 5}}}}\n",
    _HEAD + f"  - {{name: f, {_RUN}}}\n",
)


def compile_for(scenario: str) -> None:
    ls.simulate(ls.load_scenario_text(scenario), engine="kernel")


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as cores:
        list(cores.map(compile_for, LONGEST_FIRST))
