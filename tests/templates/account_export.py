"""An account as the AWS CLI would export it, made of a scenario and its run."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from lambdasim.results.run import RunResult
from lambdasim.specs import FunctionSpec, ScenarioSpec

ACCOUNT = "123456789012"
PERCENTILES = (0.1, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
PERIOD_S = 300


def arn(name: str, region: str = "eu-west-1", account: str = ACCOUNT) -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def configuration(spec: FunctionSpec) -> dict[str, Any]:
    """Render a function as ``list-functions`` does."""
    said: dict[str, Any] = {
        "FunctionName": spec.name, "FunctionArn": arn(spec.name), "MemorySize": spec.memory_mb,
        "Timeout": spec.timeout_us // 1_000_000, "Architectures": [spec.architecture.value],
        "EphemeralStorage": {"Size": spec.ephemeral_mb},
        "PackageType": "Image" if spec.package_type == "image" else "Zip",
        "CodeSize": (spec.package_mb or 1) * 1_000_000, "Layers": [{"Arn": "x"}] * spec.layers,
        "SnapStart": {"ApplyOn": "PublishedVersions" if spec.snap_start else "None"}, "Version": "$LATEST",
        "VpcConfig": {"SubnetIds": ["s"] if spec.vpc else [], "SecurityGroupIds": [], "VpcId": "v" if spec.vpc else ""},
        "LastModified": "2026-11-01T00:00:00.000+0000",
    }  # fmt: skip
    if spec.package_type == "zip":
        said["Runtime"] = spec.runtime
    if spec.environment_bytes:
        said["Environment"] = {"Variables": {"K": "x" * (spec.environment_bytes - 1)}}
    return said


def settings_files(scenario: ScenarioSpec) -> dict[str, Any]:
    """Return the answers that tell of settings, by file name."""
    files: dict[str, Any] = {
        "functions.json": {"Functions": [configuration(one) for one in scenario.functions]},
        "account.json": {"AccountLimit": {
            "ConcurrentExecutions": scenario.account.concurrency,
            "UnreservedConcurrentExecutions": scenario.account.concurrency
            - sum(one.reserved_concurrency or 0 for one in scenario.functions),
        }},
    }  # fmt: skip
    for one in scenario.functions:
        if one.reserved_concurrency is not None:
            files[f"{one.name}.concurrency.json"] = {"ReservedConcurrentExecutions": one.reserved_concurrency}
        if one.provisioned_concurrency:
            count = one.provisioned_concurrency[0].count
            files[f"{one.name}.provisioned.json"] = {"ProvisionedConcurrencyConfigs": [
                {"FunctionArn": f"{arn(one.name)}:live", "RequestedProvisionedConcurrentExecutions": count,
                 "AllocatedProvisionedConcurrentExecutions": count, "Status": "READY"}]}  # fmt: skip
    return files


def result(
    owner: str, metric: str, statistic: str, period_s: int, points: dict[int, float]
) -> dict[str, Any]:
    times = sorted(points, reverse=True)
    return {
        "Id": f"q{abs(hash((owner, metric, statistic))) % 10**9}", "Label": f"{owner}|{metric}|{statistic}|{period_s}",
        "Timestamps": [datetime.fromtimestamp(time, UTC).isoformat() for time in times],
        "Values": [points[time] for time in times], "StatusCode": "Complete",
    }  # fmt: skip


def metric_data(run: RunResult) -> dict[str, Any]:
    """Render a run's series and durations as an answer of GetMetricData with our labels."""
    scenario = run.scenario
    start = int(scenario.start.timestamp())
    window_s = scenario.duration_us // 1_000_000
    frame = run.metrics()
    frame["at"] = (np.arange(len(frame)) % 1) + [
        int(datetime.fromisoformat(str(text)).replace(tzinfo=UTC).timestamp()) for text in frame["timestamp"]
    ]
    results = []
    for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
        own = frame[frame["function"] == name]
        period = (own["at"].astype("int64") - start) // PERIOD_S * PERIOD_S + start
        for metric in ("Invocations", "Errors", "Throttles"):
            sums = own.groupby(period)[metric].sum()
            points = {int(time): float(value) for time, value in sums.items() if value}
            results.append(result(name, metric, "Sum", PERIOD_S, points))
        peak = own.groupby(period)["ConcurrentExecutions"].max()
        results.append(result(name, "ConcurrentExecutions", "Maximum", PERIOD_S,
                              {int(time): float(value) for time, value in peak.items() if value}))  # fmt: skip
        # Durations in whole ms; the mean is that of the series, to the microsecond.
        histogram = totals.duration_ms
        mean = float(
            (own["Duration"].fillna(0) * own["Invocations"]).sum() / max(own["Invocations"].sum(), 1)
        )
        said = {"Average": mean, "Minimum": histogram.quantile(0.0), "Maximum": histogram.quantile(1.0)}
        said |= {f"p{100 * p:g}": histogram.quantile(p) for p in PERCENTILES}
        for statistic, value in said.items():
            points = {start: float(value)} if totals.runs else {}
            results.append(result(name, "Duration", statistic, window_s, points))
    return {"MetricDataResults": results, "Messages": []}


def write(folder: Path, files: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder
