"""Commands about scenario files."""

from __future__ import annotations

import json

from lambdasim.cli.app import JsonOption, ScenarioArgument, app, counted, write
from lambdasim.cli.traces import TraceOptions, takes_traces


@app.command()
@takes_traces
def validate(traces: TraceOptions, scenario: ScenarioArgument, as_json: JsonOption = False) -> None:
    """Check a scenario file and name every fault."""
    spec = traces.scenario(scenario)
    if as_json:
        names = [function.name for function in spec.functions]
        write(json.dumps({"functions": names, "scenario_sha256": spec.scenario_hash()}, indent=1))
        return
    write(f"{scenario}: good; {counted(len(spec.functions), 'function')}; {spec.scenario_hash()[:12]}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from lambdasim.specs.schema import scenario_schema

    write(json.dumps(scenario_schema(), indent=1, ensure_ascii=False))
