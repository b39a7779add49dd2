"""Commands about scenario files."""

from __future__ import annotations

import json

from lambdasim.cli.app import JsonOption, ScenarioArgument, app, counted, write
from lambdasim.cli.traces import TraceOptions, takes_traces

_NOTABLE_S = 5.0


@app.command()
@takes_traces
def validate(traces: TraceOptions, scenario: ScenarioArgument, as_json: JsonOption = False) -> None:
    """Check a scenario file and name every fault."""
    from lambdasim.results.expected import expected_cost
    from lambdasim.results.foreseen import foreseen_failures, unknown_rates
    from lambdasim.wording import wrapped

    spec = traces.scenario(scenario)
    warned = foreseen_failures(spec)
    warned += [f"no bill can be made: {one}" for one in unknown_rates(spec)]
    alone, written = expected_cost(spec), expected_cost(spec, written=True)
    if as_json:
        names = [function.name for function in spec.functions]
        content: dict[str, object] = {
            "functions": names,
            "scenario_sha256": spec.scenario_hash(),
            "warnings": warned,
        }
        content["expected"] = {
            "events": alone.events,
            "seconds": alone.seconds,
            "memory_bytes": alone.memory_bytes,
            "seconds_with_out": written.seconds,
            "memory_bytes_with_out": written.memory_bytes,
        }
        write(json.dumps(content, indent=1, ensure_ascii=False))
        return
    write(f"{scenario}: good; {counted(len(spec.functions), 'function')}; {spec.scenario_hash()[:12]}")
    write(f"to simulate: {alone}")
    if written.memory_bytes > 1.5 * alone.memory_bytes or written.seconds > alone.seconds + _NOTABLE_S:
        write(f"with --out:  {written}")
    for warning in warned:
        write(wrapped(f"warning: {warning}"))


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from lambdasim.specs.schema import scenario_schema

    write(json.dumps(scenario_schema(), indent=1, ensure_ascii=False))
