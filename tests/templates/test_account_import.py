"""An account as the AWS CLI exports it: files known by content, joined by ARN, and what was measured comes back."""
# ruff: noqa: E501

import json
import subprocess
import warnings
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import account_export as ae
import numpy as np
import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.errors import TemplateError
from lambdasim.templates.account.commands import account_commands
from lambdasim.templates.account.comparison import beside, counted_beside
from lambdasim.templates.account.metrics.duration_law import Statistics, duration_table, without_timeouts
from lambdasim.templates.account.metrics.queries import metrics_charged, requests_of
from lambdasim.templates.account.read import read_account
from lambdasim.templates.found import Found, FoundFunction
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder

START = 1_793_491_200  # 2026-11-01
DAY = 86_400
TRUTH = """
name: truth
region: eu-west-1
start: 2026-11-02T00:00:00Z
duration: 1d
account: {concurrency: 400}
functions:
  - name: api
    memory_mb: 512
    timeout: 10s
    runtime: python3.12
    work: {cpu_ms: {lognormal: {p50: 20, p95: 60}}, io_ms: {lognormal: {p50: 50, p95: 300}}, error_probability: 0.01}
    trigger: {type: sdk}
    traffic: {poisson: {rate_per_s: 2}}
  - name: modes
    memory_mb: 1024
    timeout: 3s
    runtime: nodejs22.x
    architecture: arm64
    work:
      io_ms: {mixture: [{weight: 0.9, law: {lognormal: {p50: 9, p95: 12}}}, {weight: 0.1, law: {lognormal: {p50: 400, p95: 460}}}]}
      timeout_probability: 0.002
    trigger: {type: sdk}
    traffic: {poisson: {rate_per_s: 1, daily: [0,0,0,0,0,0,1,2,4,4,4,4,4,4,4,4,2,1,1,0,0,0,0,0]}}
  - name: tight
    memory_mb: 256
    timeout: 10s
    runtime: python3.12
    reserved_concurrency: 2
    work: {cpu_ms: 50, io_ms: {exponential: {mean: 300}}}
    trigger: {type: sdk, client_retries: 0}
    traffic: {poisson: {rate_per_s: 3}}
  - {name: idle, memory_mb: 256, runtime: python3.12, traffic: {constant: {rate_per_s: 0}}}
"""


def function(name: str = "orders", **more: Any) -> dict[str, Any]:
    return {"FunctionName": name, "FunctionArn": ae.arn(name), "MemorySize": 512, "Timeout": 10, **more}


def functions(*names: str) -> dict[str, Any]:
    return {"Functions": [function(name) for name in names]}


def read(folder: Path, **files: Any) -> Found:
    return read_account([ae.write(folder, {f"{name}.json": content for name, content in files.items()})])


def only(found: Found) -> FoundFunction:
    (one,) = found.functions
    return one


def series(
    owner: str, metric: str, statistic: str, points: dict[int, float], period_s: int = 300
) -> dict[str, Any]:
    return ae.result(owner, metric, statistic, period_s, points)


def metrics(*results: dict[str, Any]) -> dict[str, Any]:
    return {"MetricDataResults": list(results)}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> tuple[ls.RunResult, ls.RunResult, Path]:
    """Simulate a truth, export it, import it, and simulate what came back."""
    base = tmp_path_factory.mktemp("account")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = ls.simulate(ls.load_scenario_text(TRUTH))
        files = ae.settings_files(truth.scenario) | {"metrics.json": ae.metric_data(truth)}
        found = read_account([ae.write(base / "exports", files)])
        write_folder(scenario_files(found, draft_scenario(found)), base / "account")
        return truth, ls.simulate(ls.load_scenario(base / "account")), base


def test_a_known_truth_comes_back_within_two_percent_of_the_bill(
    twin: tuple[ls.RunResult, ls.RunResult, Path],
) -> None:
    truth, back, _ = twin
    want, got = (float(run.charges(free_tier=False).total) for run in (truth, back))
    assert got == pytest.approx(want, rel=0.02)
    wanted = {one.function: one for one in truth.usage()}
    for one in back.usage():
        assert one.billed_ms_without_init == pytest.approx(
            wanted[one.function].billed_ms_without_init, rel=0.02
        )


def test_arrivals_failures_and_percentiles_come_back(twin: tuple[ls.RunResult, ls.RunResult, Path]) -> None:
    truth, back, _ = twin
    was, now = (run.summary().set_index("function") for run in (truth, back))
    # Calls that were refused are events too: each call is one, whoever repeats it.
    assert now["events"].to_dict() == was["events"].to_dict()
    assert now.loc["tight", "throttled"] == pytest.approx(was.loc["tight", "throttled"], rel=0.05)
    # Within the luck of four standard deviations of a count. Statistics tell timeouts from errors by the mean alone.
    for name in ("api", "modes"):
        failed, before = (run.loc[name, "errors"] + run.loc[name, "timeouts"] for run in (now, was))
        assert abs(failed - before) < 4 * np.sqrt(2 * before)
    assert now.loc["modes", "timeouts"] > now.loc["modes", "events"] * 0.001
    totals = {
        run: dict(zip(run.aggregate.names, run.aggregate.functions, strict=True)) for run in (truth, back)
    }
    for name, share in (
        ("api", 0.5),
        ("api", 0.95),
        ("api", 0.99),
        ("modes", 0.5),
        ("modes", 0.95),
        ("tight", 0.9),
    ):
        was_ms, now_ms = (totals[run][name].duration_ms.quantile(share) for run in (truth, back))
        assert now_ms == pytest.approx(was_ms, rel=0.04, abs=1.5)


def test_the_folder_holds_no_secret_and_no_account(twin: tuple[ls.RunResult, ls.RunResult, Path]) -> None:
    for path in (twin[2] / "account").rglob("*"):
        if path.is_file():
            assert ae.ACCOUNT not in path.read_text()


def test_the_time_and_limit_are_the_accounts(twin: tuple[ls.RunResult, ls.RunResult, Path]) -> None:
    _, back, _ = twin
    assert back.scenario.start.isoformat() == "2026-11-02T00:00:00+00:00"
    assert back.scenario.account.concurrency == 400
    assert back.scenario.function("tight").reserved_concurrency == 2


def test_pages_files_names_and_order_do_not_matter(tmp_path: Path) -> None:
    page = json.dumps(functions("a")) + json.dumps(functions("b")) + "\n" + json.dumps(functions("c"))
    mapping = {
        "UUID": "1",
        "EventSourceArn": "arn:aws:sqs:eu-west-1:1:jobs",
        "FunctionArn": ae.arn("b") + ":live",
        "BatchSize": 5,
    }
    files = {
        "z.txt": page, "empty.json": "", "0": {"EventSourceMappings": [mapping]}, "bare.json": [function("d")],
        "yaml.yaml": f"Functions:\n- FunctionName: e\n  FunctionArn: {ae.arn('e')}\n  MemorySize: 256\n  Timeout: 9\n",
        "queue": {"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:1:jobs", "VisibilityTimeout": "90",
                                 "RedrivePolicy": '{"maxReceiveCount":"3","deadLetterTargetArn":"x"}'}},
        "notes.md": "# not an answer",
    }  # fmt: skip
    ae.write(tmp_path, files)
    (tmp_path / "windows.json").write_bytes(json.dumps(functions("f")).encode("utf-16"))
    found = read_account([tmp_path])
    assert sorted(one.name for one in found.functions) == list("abcdef")
    jobs = next(one for one in found.functions if one.name == "b").sources[0]
    assert (jobs.type, jobs.batch_size, jobs.queue.visibility_s, jobs.queue.max_receives) == ("sqs", 5, 90, 3)  # type: ignore[union-attr]
    (told,) = found.warnings
    assert "1 file not recognised" in str(told)
    assert "notes.md" in str(told)


def test_a_page_without_the_last_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, one={**functions("a"), "NextMarker": "x"})
    assert "not the last page of list-functions" in str(found.warnings[0])
    found = read(tmp_path, one={**functions("a"), "NextMarker": "x"}, two=functions("b"))
    assert not found.warnings


def test_two_accounts_and_two_regions_are_not_mixed(tmp_path: Path) -> None:
    other = {"Functions": [function("b", FunctionArn=ae.arn("b", account="210987654321"))]}
    with pytest.raises(TemplateError) as refused:
        read(tmp_path / "1", one=functions("a"), two=other)
    assert "2 accounts" in str(refused.value)
    assert ae.ACCOUNT not in str(refused.value)
    assert "210987654321" not in str(refused.value)
    abroad = {"Functions": [function("b", FunctionArn=ae.arn("b", region="us-east-1"))]}
    with pytest.raises(TemplateError, match=r"eu-west-1 and us-east-1.*--region"):
        read(tmp_path / "2", one=functions("a"), two=abroad)
    found = read_account([tmp_path / "2"], region="us-east-1")
    assert (only(found).name, found.region) == ("b", "us-east-1")


def test_contradictions_are_told_and_the_later_holds(tmp_path: Path) -> None:
    old = {"Functions": [function(MemorySize=512, LastModified="2026-10-01T00:00:00.000+0000")]}
    new = {
        "Configuration": function(MemorySize=1024, LastModified="2026-11-01T00:00:00.000+0000"),
        "Concurrency": {"ReservedConcurrentExecutions": 7},
    }
    found = read(tmp_path, old=old, new=new, **{"orders.concurrency": {"ReservedConcurrentExecutions": 9}})
    assert (only(found).memory_mb, only(found).reserved_concurrency) == (1024, 9)
    said = "\n".join(map(str, found.warnings))
    assert "MemorySize is 512 in old.json and 1024 in new.json" in said
    assert "reserved concurrency is 7" in said


def test_reserved_concurrency_that_is_missing_is_told(tmp_path: Path) -> None:
    limits = {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}}
    found = read(tmp_path, functions=functions("a"), account=limits)
    assert found.account_concurrency == 1000
    assert "100 of the account's concurrency are reserved and the files have 0" in str(found.warnings[0])
    found = read(
        tmp_path,
        functions=functions("a"),
        account=limits,
        **{"a.concurrency": {"ReservedConcurrentExecutions": 100}},
    )
    assert not found.warnings


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("orders.json", "orders"),
        ("orders-api.concurrency.json", "orders-api"),
        ("concurrency_orders.json", "orders"),
        ("x.json", None),
    ],
)
def test_a_concurrency_without_a_name_belongs_to_whom_its_file_names(
    tmp_path: Path, name: str, owner: str | None
) -> None:
    files = {"f.json": functions("orders", "orders-api"), name: {"ReservedConcurrentExecutions": 5}}
    found = read_account([ae.write(tmp_path, files)])
    assert {one.name: one.reserved_concurrency for one in found.functions if one.reserved_concurrency} == (
        {owner: 5} if owner else {}
    )
    assert bool(found.warnings) == (owner is None)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("a.concurrency.json", "a"),
        ("003 json.concurrency.json", "json"),
        ("get-function-concurrency-a.json", "a"),
        ("function.concurrency.json", "function"),
        ("concurrency.concurrency.json", "concurrency"),
        ("7-reserved-concurrency.json", "concurrency"),
        ("a-concurrency.json", "a-concurrency"),
        ("12 a-concurrency.concurrency.json", "a-concurrency"),
        ("json/get-function-concurrency.json", "json"),
        ("concurrency/a.json", "a"),
    ],
)
def test_a_function_may_be_called_as_the_files_are(tmp_path: Path, name: str, owner: str) -> None:
    others = functions("a", "json", "function", "concurrency", "a-concurrency")
    files = {"f.json": others, name: {"ReservedConcurrentExecutions": 5}}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(json.dumps(content))
    found = read_account([tmp_path])
    assert {one.name: one.reserved_concurrency for one in found.functions if one.reserved_concurrency} == {
        owner: 5
    }
    assert not found.warnings


def test_metrics_without_our_labels_are_refused(tmp_path: Path) -> None:
    plain = {"Id": "m1", "Label": "Invocations", "Timestamps": [], "Values": [], "StatusCode": "Complete"}
    with pytest.raises(TemplateError, match="does not say which function"):
        read(tmp_path, functions=functions("a"), metrics=metrics(plain))
    query = {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "AWS/Lambda", "MetricName": "Invocations",
             "Dimensions": [{"Name": "FunctionName", "Value": "orders"}]}, "Period": 300, "Stat": "Sum"}}  # fmt: skip
    answer = {**plain, "Timestamps": ["2026-11-02T00:00:00Z", 1793577900.0], "Values": [3.0, 4.0]}
    found = read(tmp_path, functions=functions("orders"), metrics=metrics(answer), queries=[query])
    assert only(found).measured.counts == ((1_793_577_600, 3), (1_793_577_900, 4))  # type: ignore[union-attr]


def test_asynchronous_arrivals_are_events_received_and_retries_no_events(tmp_path: Path) -> None:
    results = (
        series("orders", "Invocations", "Sum", {START: 120.0}), series("orders", "Errors", "Sum", {START: 12.0}),
        series("orders", "AsyncEventsReceived", "Sum", {START: 108.0}),
    )  # fmt: skip
    found = only(read(tmp_path, functions=functions("orders"), metrics=metrics(*results)))
    assert found.measured is not None
    assert found.measured.counts == ((START, 108),)
    assert found.measured.error_probability == pytest.approx(0.1)
    assert [one.type for one in found.sources] == ["async"]


def test_a_message_stands_for_a_batch_unless_each_has_a_run_of_its_own(tmp_path: Path) -> None:
    mapping = {
        "UUID": "1",
        "EventSourceArn": "arn:aws:sqs:eu-west-1:1:jobs",
        "FunctionArn": ae.arn("orders"),
        "BatchSize": 10,
    }
    runs = series("orders", "Invocations", "Sum", {START: 100.0})
    told = {"functions": functions("orders"), "mappings": {"EventSourceMappings": [mapping]}}
    draft = draft_scenario(read(tmp_path / "1", **told, metrics=metrics(runs)))
    text = scenario_files(read(tmp_path / "1"), draft)["scenario.yaml"].decode()
    assert "batch_size: 1  # a message stands for each batch" in text
    mean = series("orders", "Duration", "Average", {START: 200.0})
    for messages, counted in ((400.0, ((START, 100),)), (103.0, ((START, 103),))):
        sent = series("jobs", "NumberOfMessagesSent", "Sum", {START: messages})
        done = series("jobs", "NumberOfMessagesDeleted", "Sum", {START: messages})
        found = only(read(tmp_path / f"{messages}", **told, metrics=metrics(runs, sent, done, mean)))
        assert found.measured is not None
        assert (found.measured.counts, found.measured.one_for_batch) == (counted, messages > 105)


def test_periods_are_mixed_by_their_counts() -> None:
    quiet = Statistics(1000.0, 500.0, 2000.0, ((0.5, 1000.0), (0.99, 1900.0)), 100.0)
    busy = Statistics(10.0, 5.0, 20.0, ((0.5, 10.0), (0.99, 19.0)), 900.0)
    table, _ = duration_table([quiet, busy])
    assert table.mean() == pytest.approx(109.0)
    # Nine tenths of all runs are of the busy period: its largest lies at their 90th percentile.
    assert np.quantile(table, 0.88) < 20
    assert np.quantile(table, 0.92) > 500


@pytest.mark.parametrize("kind", ["lognormal", "two modes", "long jobs", "timeouts", "constant"])
def test_a_table_has_the_mean_and_the_percentiles(kind: str) -> None:
    rng = np.random.default_rng(7)
    n = 100_000
    values = {
        "lognormal": rng.lognormal(4, 0.5, n), "two modes": np.where(rng.random(n) < 0.9, rng.normal(10, 1, n), rng.normal(400, 20, n)),
        "long jobs": np.where(rng.random(n) < 0.92, rng.normal(60, 5, n), 3000.0),
        "timeouts": np.where(rng.random(n) < 0.995, rng.normal(60, 5, n), 30_000.0), "constant": np.full(n, 50.0),
    }[kind]  # fmt: skip
    shares = (0.1, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
    known = tuple((share, float(np.quantile(values, share))) for share in shares)
    table, is_off = duration_table([Statistics(values.mean(), values.min(), values.max(), known, n)])
    assert not is_off
    assert table.mean() == pytest.approx(values.mean())
    assert np.ceil(table).mean() == pytest.approx(np.ceil(values).mean(), rel=0.007)
    assert values.min() * 0.999 <= table.min() <= table.max() <= values.max() * 1.001
    for share, value in known[:-2]:
        if not any(abs(share - edge) < 0.02 for edge in (0.9, 0.92)):
            assert np.quantile(table, share) == pytest.approx(value, rel=0.05)


@pytest.mark.parametrize("share", [0.0005, 0.003, 0.02, 0.2])
def test_timeouts_are_told_from_the_mean(share: float) -> None:
    rng = np.random.default_rng(7)
    body = rng.lognormal(4, 0.4, 200_000)
    values = np.where(np.arange(len(body)) < share * len(body), 3000.0, body)
    known = tuple((p, float(np.quantile(values, p))) for p in (0.1, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999))
    said = Statistics(values.mean(), values.min(), 3000.0, known, len(values))
    (left,), found = without_timeouts([said], 3000.0, 2 * share)
    assert found == pytest.approx(share, rel=0.15)
    assert left.mean is not None
    assert left.mean * (1 - found) + 3000 * found == pytest.approx(values.mean())
    assert without_timeouts([said], 6000.0, 1.0)[1] == 0
    assert without_timeouts([said], 3000.0, 0.0)[1] == 0


def cell(**said: object) -> list[dict[str, str]]:
    """Render a row of a query's results."""
    return [{"field": key.replace("at_", "@"), "value": str(value)} for key, value in said.items()]


def test_insights_give_init_and_cpu_time(tmp_path: Path) -> None:
    reports = {"results": [cell(at_log=f"{ae.ACCOUNT}:/aws/lambda/orders", n=1000, mean=100, cold=30, init50=300, init95=420, used=200)],
               "statistics": {}, "status": "Complete"}  # fmt: skip
    cpu = {"results": [cell(function_name="orders", n=10, cpu=10, mean=100)], "status": "Complete"}
    mean = metrics(
        series("orders", "Duration", "Average", {START: 100.0}),
        series("orders", "Invocations", "Sum", {START: 5.0}),
    )
    found = only(read(tmp_path, functions=functions("orders"), a=cpu, b=reports, metrics=mean))
    assert found.measured is not None
    assert (found.measured.init_ms, found.measured.memory_used_mb) == ((300.0, 420.0), 200.0)
    # 10 ms of CPU time take 10 x 1,769 / 512 ms at 512 MB, of 100 ms.
    assert found.measured.cpu_share == pytest.approx(0.1 * 1769 / 512)


def test_compute_optimizer_is_a_rate_and_a_mean(tmp_path: Path) -> None:
    said = {"lambdaFunctionRecommendations": [{"functionArn": ae.arn("orders") + ":$LATEST", "currentMemorySize": 512, "numberOfInvocations": 1400,
            "lookbackPeriodInDays": 14.0, "utilizationMetrics": [{"name": "Duration", "statistic": "Average", "value": 80.0}]}]}  # fmt: skip
    csv = f"FunctionArn,NumberOfInvocations,LookbackPeriodInDays,UtilizationMetricsDurationAverage\n{ae.arn('orders')},1400,14,80\n"
    as_json = read(tmp_path / "1", functions=functions("orders"), optimizer=said)
    as_csv = read_account([ae.write(tmp_path / "2", {"f.json": functions("orders"), "o.csv": csv})])
    assert only(as_json) == only(as_csv)
    measured = only(as_json).measured
    assert measured is not None
    assert sum(number for _, number in measured.counts or ()) == 1400
    assert np.mean(measured.durations_ms) == pytest.approx(80)
    assert as_json.window is not None
    assert as_json.window[1] - as_json.window[0] == 14 * DAY


def test_queries_are_labelled_and_charged_as_facts_say() -> None:
    requests = requests_of([f"f{place}" for place in range(200)], [], (START, START + 14 * DAY), 300)
    assert max(len(request.queries) for request in requests) <= 500
    ids = [query["Id"] for request in requests for query in request.queries]
    assert len(ids) == len(set(ids))
    assert all(id_[0].islower() and id_.isascii() for id_ in ids)
    # Eleven statistics of Duration are three metrics, and six others one each; the account has two.
    assert metrics_charged(requests) == 200 * 9 + 2
    assert requests[0].queries[0]["Label"] == f"f0|Duration|Average|{14 * DAY}|{START}-{START + 14 * DAY}"


def test_answers_to_our_own_requests_are_read(tmp_path: Path) -> None:
    """What the commands ask for is what the import reads, whatever the CLI's paging cut in two."""
    ae.write(tmp_path, {"functions.json": functions("orders", "idle")})
    made = account_commands([tmp_path], days=3)
    assert any("get-metric-data" in line for line in made.lines)
    assert made.usd > 0
    (request,) = made.files.values()
    asked = json.loads(request)
    start = asked["StartTime"]
    results = []
    for query in asked["MetricDataQueries"]:
        said = query["MetricStat"]
        live = "orders" in query["Label"] and said["Metric"]["MetricName"] in ("Invocations", "Duration")
        value = {"SampleCount": 50.0, "Sum": 50.0}.get(said["Stat"], 20.0)
        results.append({"Id": query["Id"], "Label": query["Label"], "Timestamps": [start] if live else [],
                        "Values": [value] if live else [], "StatusCode": "Complete"})  # fmt: skip
    ae.write(
        tmp_path, {"m1.json": metrics(*results[:7]), "m2.json": metrics(*results[7:]), "requests.json": asked}
    )
    found = read_account([tmp_path])
    orders, idle = found.functions
    assert orders.measured is not None
    assert idle.measured is not None
    assert (sum(n for _, n in orders.measured.counts or ()), idle.measured.counts) == (50, ())
    assert set(np.round(orders.measured.durations_ms, 6)) == {20.0}
    assert found.window is not None
    assert found.window[1] - found.window[0] == 3 * DAY


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"Functions": [{"FunctionName": "a", "Mem', "is not JSON"),
        ("[" * 200_000, "nested"),
        ("nothing of AWS", "no answer of the AWS CLI"),
        ('{"Resources": {}}', "no answer of the AWS CLI"),
        ('{"EventSourceMappings": []}', "list-functions gives them"),
        ('{"Functions": []}', "list-functions gives them"),
    ],
)
def test_bad_exports_are_one_clear_error(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(TemplateError, match=told):
        read_account([ae.write(tmp_path, {"x.json": content})])


def run(*args: object, cwd: Path) -> CompletedProcess[str]:
    return lambdasim(*args, cwd=cwd, on_warning="error")


def test_the_commands_as_a_person_types_them(tmp_path: Path) -> None:
    secret = function("orders", Environment={"Variables": {"KEY": "hunter2"}})
    runs = series("orders", "Invocations", "Sum", {START: 40.0, START + 300: 2.0})
    ae.write(tmp_path / "exports", {"f.json": {"Functions": [secret]}, "m.json": metrics(runs)})
    done = run("import", "aws", "exports/", "-o", "account/", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    done = run("simulate", "account", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "beside what CloudWatch counted" in done.stdout
    assert "Beside what CloudWatch counted" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "beside_cloudwatch.csv").is_file()
    for path in (tmp_path / "account").rglob("*"):
        if path.is_file():
            assert "hunter2" not in path.read_text()
            assert ae.ACCOUNT not in path.read_text()
    printed = run("import", "aws", "--commands", cwd=tmp_path)
    assert "aws lambda list-functions > functions.json" in printed.stdout
    # The commands may be printed again: the requests beside the exports are ours.
    for _ in range(2):
        printed = run("import", "aws", "exports", "--commands", cwd=tmp_path)
        assert printed.returncode == 0, printed.stderr
    shell = subprocess.run(
        ["/bin/bash", "-n"], input=printed.stdout, text=True, capture_output=True, check=False
    )
    assert shell.returncode == 0, shell.stderr


@pytest.mark.parametrize(
    "args",
    [("import", "aws"), ("import", "t.yaml", "x"), ("import", "t.yaml", "--commands"),
     ("import", "aws", "--commands", "--until", "soon"), ("import", "aws", "--days", "3")],
)  # fmt: skip
def test_faults_are_one_line(tmp_path: Path, args: tuple[str, ...]) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_run_is_held_beside_what_was_counted(twin: tuple[ls.RunResult, ls.RunResult, Path]) -> None:
    truth, back, base = twin
    counted = counted_beside(base / "account")
    assert counted is not None
    held = beside(back, counted)
    assert not isinstance(held, str)
    account = held.account().set_index("measure")
    was = truth.summary()
    # What was counted is the truth, to the half millisecond by which CloudWatch's durations are not rounded up.
    assert account.loc["invocations", "counted"] == was["runs"].sum()
    assert account.loc["throttles", "counted"] == was["throttled"].sum()
    assert account.loc["errors", "counted"] == was[["errors", "timeouts"]].to_numpy().sum()
    ms = {one.function: one.billed_ms_without_init for one in truth.usage()}
    gb_s = sum(ms.get(one.name, 0) * one.memory_mb for one in truth.scenario.functions) / 1024 / 1000
    assert account.loc["gb_seconds", "counted"] == pytest.approx(gb_s, rel=0.001)
    # What was simulated is the run's own bill.
    assert account.loc["invocations", "simulated"] == back.summary()["runs"].sum()
    assert account["difference"].abs().max() < 0.05
    top = held.functions()
    assert list(top["usd"]) == sorted(top["usd"], reverse=True)
    assert float(top["usd"].sum()) == pytest.approx(float(back.charges(free_tier=False).total), rel=0.01)
    assert "Lambda Insights" in top.set_index("function").loc["api", "least_known"]
    assert max(map(len, held.text().splitlines())) <= 80


def test_counts_of_another_time_are_not_compared(twin: tuple[ls.RunResult, ls.RunResult, Path]) -> None:
    _, back, base = twin
    counted = counted_beside(base / "account")
    assert counted is not None
    told = beside(back, {**counted, "window": [0, 3600]})
    assert isinstance(told, str)
    assert "no longer theirs" in told


def test_cost_explorer_is_held_beside_the_bill(
    twin: tuple[ls.RunResult, ls.RunResult, Path], tmp_path: Path
) -> None:
    _, back, base = twin
    day = {"TimePeriod": {"Start": "2026-11-02", "End": "2026-11-03"}, "Estimated": False, "Groups": [
        {"Keys": ["EU-Lambda-GB-Second"], "Metrics": {"UnblendedCost": {"Amount": "0.75", "Unit": "USD"}}},
        {"Keys": ["EU-Request"], "Metrics": {"UnblendedCost": {"Amount": "0.25", "Unit": "USD"}}}]}  # fmt: skip
    other = {**day, "TimePeriod": {"Start": "2026-11-03", "End": "2026-11-04"}}
    found = read(tmp_path, functions=functions("a"), costs={"ResultsByTime": [day, other]})
    counted = counted_beside(base / "account")
    assert counted is not None
    assert found.counted is not None
    held = beside(back, {**counted, "costs": found.counted["costs"]})
    assert not isinstance(held, str)
    assert held.paid_usd() == 1.0
    assert "Cost Explorer has $1.00" in held.text()


def test_a_damaged_file_of_counts_is_one_error(tmp_path: Path) -> None:
    assert counted_beside(tmp_path) is None
    (tmp_path / "counted.json").write_text('{"form": "other"}')
    with pytest.raises(TemplateError, match="remove it, or import again"):
        counted_beside(tmp_path)


def test_the_readme_asks_for_cpu_time_alone_where_the_rest_was_measured(
    twin: tuple[ls.RunResult, ls.RunResult, Path],
) -> None:
    text = (twin[2] / "account" / "README.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| tight | work")]
    assert rows == [
        "| tight | work | How much of a run is CPU time? It decides what another memory size does. | CPU time 50% of it; plausible: 10% or 90% |"
    ]
    assert "| idle | " not in text.partition("## Functions")[0]


ANSWER = {"Functions": [{"FunctionName": "f", "FunctionArn": ae.arn("f"), "MemorySize": 512, "Timeout": 9}]}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([{**ANSWER, "NextMarker": "x"}, {"Functions": []}]).encode(),
        json.dumps(ANSWER).replace('"f"', '"f", "Description": "Gr\u00f6\u00dfe"', 1).encode("cp1252"),
        ("\ufeff" + json.dumps(ANSWER)).encode("utf-16-le"),
        "\n".join(json.dumps(one) for one in ANSWER["Functions"]).encode(),
        b"\xef\xbb\xbf" + json.dumps(ANSWER, indent=4).replace("\n", "\r\n").encode(),
    ],
    ids=["jq -s", "code page of Windows", "PowerShell", "jq -c", "UTF-8 with its mark"],
)
def test_answers_are_read_as_tools_leave_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "answers").write_bytes(content)
    found = read_account(tmp_path)
    assert [(one.name, one.memory_mb, one.timeout_s) for one in found.functions] == [("f", 512, 9)]
    assert not found.warnings


def test_metric_statistics_are_left_out_with_the_reason(tmp_path: Path) -> None:
    ae.write(tmp_path, {"f.json": ANSWER, "s.json": {"Label": "Invocations", "Datapoints": []}})
    assert "does not say whose metric it is" in str(read_account(tmp_path).warnings[0])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-----------\n|  ListFunctions  |\n+-----+\n||  orders  |  512 ||\n", "--output table"),
        ("FUNCTIONS\torders\tpython3.13\t512\n", "--output text"),
        ("orders\t512\t30\nresize\t1024\t60\n", "--output text"),
        ('[{"Name": "orders", "Memory": 512}]', "--query or jq"),
        ('[["orders", 512]]', "--query or jq"),
    ],
)
def test_answers_in_another_form_are_named(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "functions.txt").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError) as refused:
        read_account(tmp_path)
    assert told in str(refused.value)
    assert "functions.txt" in str(refused.value)
