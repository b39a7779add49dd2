"""Commands about scenario files."""

from __future__ import annotations

import json

from lambdasim.cli.app import JsonOption, ScenarioArgument, app, counted, write
from lambdasim.cli.traces import TraceOptions, takes_traces


@app.command()
@takes_traces
def validate(traces: TraceOptions, scenario: ScenarioArgument, as_json: JsonOption = False) -> None:
    """Check a scenario file and name every fault."""
    from lambdasim.results.foreseen import foreseen_failures
    from lambdasim.wording import wrapped

    spec = traces.scenario(scenario)
    warned = foreseen_failures(spec)
    if as_json:
        names = [function.name for function in spec.functions]
        content = {"functions": names, "scenario_sha256": spec.scenario_hash(), "warnings": warned}
        write(json.dumps(content, indent=1, ensure_ascii=False))
        return
    write(f"{scenario}: good; {counted(len(spec.functions), 'function')}; {spec.scenario_hash()[:12]}")
    for warning in warned:
        write(wrapped(f"warning: {warning}"))


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from lambdasim.specs.schema import scenario_schema

    write(json.dumps(scenario_schema(), indent=1, ensure_ascii=False))
