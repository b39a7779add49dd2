"""Power Tuning's formats, byte for byte, and its costs to the last digit."""

import json
import struct
from base64 import b64encode
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.errors import InputError
from lambdasim.study.memory.power_tuning import (
    CHART_BASE,
    TunedPoint,
    TuningChart,
    chart_url,
    parse_power_tuning,
    read_power_tuning,
)
from lambdasim.study.memory.power_tuning_cost import explain_cost

# The example of Power Tuning's README-INPUT-OUTPUT.md.
SAMPLE = f"{CHART_BASE}#gAAAAQACAAQABsAL;ZooQR4yvkUa/pQRGRC5zRaADHUVjOftE;QdWhOEMkoziDT5Q4xhiIOMYYiDi6RNc4"
# Charts that users have published, of later versions.
LATER = (
    f"{CHART_BASE}#gAAAAQACAAQACMAL;9jbsRMPpakTo1PBDVRWIQ+j02UOTj8BD;cy2FNhB5hDbt2oc24OSZNo7HdTehy583",
    f"{CHART_BASE}#gAAAAQACAAQABsAL;wcrvQeF6LkFmrapAnTa4QP7UnEASg6RA;Gs2LM2N3WDNjd1gzSYv8M4pZIjSt9540",
    f"{CHART_BASE}?currency=CNY#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0",
)
COMPARED = (
    f"{CHART_BASE}#gAAAAQACAAQABsAL;mO5HQgRWkkG2OjJBiM96QR+FL0Hj7J9B;XHzhM4ReqzNjd9gzl0+QNBTSlDQQeYQ1;"
    "gAAAAQACAAQABsAL;XchbQqDTSkHkXh1BagM/QTMzL0GcxDZB;K8rIM2rWPTNlB5IzEzwvNJrycDQesAA1;"
    "listFunction%20(x86_64);listFunction%20(arm64)"
)


def test_the_readme_sample_is_decoded() -> None:
    points = TuningChart.parse(SAMPLE).series[0].points
    assert [point.memory_mb for point in points] == [128, 256, 512, 1024, 1536, 3008]
    assert round(points[0].duration_ms, 1) == 37002.4
    assert round(points[-1].duration_ms, 1) == 2009.8
    assert f"{points[0].cost_usd:.2e}" == "7.72e-5"
    assert f"{points[-1].cost_usd:.2e}" == "1.03e-4"


@pytest.mark.parametrize("url", [SAMPLE, *LATER, COMPARED])
def test_a_chart_is_encoded_byte_for_byte(url: str) -> None:
    assert TuningChart.parse(url).url == url


def test_two_functions_have_names() -> None:
    chart = TuningChart.parse(COMPARED)
    assert [series.name for series in chart.series] == ["listFunction (x86_64)", "listFunction (arm64)"]


@given(
    st.dictionaries(
        st.integers(1, 10240),
        st.tuples(st.floats(0, 1e6, width=32), st.floats(0, 1, width=32)),
        min_size=1,
        max_size=20,
    )
)
def test_what_is_written_is_read(sizes: dict[int, tuple[float, float]]) -> None:
    points = [TunedPoint(size, ms, Decimal(usd)) for size, (ms, usd) in sizes.items()]
    assert list(TuningChart.parse(chart_url(points)).series[0].points) == sorted(
        points, key=lambda point: point.memory_mb
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "gAAAAQ==;AAAAAA==",
        "gAAAAQ==;AAAAAA==;AAAAAA==",  # two sizes, one duration
        "gA==;AAAAAA==;AAAAAA==",  # half a size
        "!!!!;AAAAAA==;AAAAAA==",
        f"{b64encode(struct.pack('<2h', 256, 128)).decode()};AAAAAAAAAAA=;AAAAAAAAAAA=",
        f"gAA=;{b64encode(struct.pack('<f', float('nan'))).decode()};AAAAAA==",
        ";;",
    ],
)
def test_what_is_no_chart_is_refused(content: str) -> None:
    with pytest.raises(InputError, match="chart address"):
        TuningChart.parse(f"{CHART_BASE}#{content}")


OUTPUT = {
    "power": "128",
    "cost": 6.3e-9,
    "duration": 2.9066666666666667,
    "stateMachine": {"executionCost": 0.00045, "lambdaCost": 0.0005252, "visualization": SAMPLE},
}
STATS = [
    {"averagePrice": 8.4e-9, "averageDuration": 1.2, "value": 256},
    {"averagePrice": 6.3e-9, "averageDuration": 2.9066666666666667, "value": 128},
]


@pytest.mark.parametrize("inner", [True, False])
@pytest.mark.parametrize("power", ["128", 128])
def test_the_output_is_read(tmp_path, inner: bool, power: str | int) -> None:  # type: ignore[no-untyped-def]
    content = OUTPUT | {"power": power}
    path = tmp_path / "out.json"
    path.write_text(json.dumps(content if inner else {"results": content}))
    found = read_power_tuning(path)
    assert (found.power_mb, found.cost_usd, found.from_stats) == (128, Decimal("6.3E-9"), False)
    assert found.points == TuningChart.parse(SAMPLE).series[0].points
    path.write_text(json.dumps({"results": content | {"stats": STATS}}))
    found = read_power_tuning(path)
    assert [point.memory_mb for point in found.points] == [128, 256]
    assert found.from_stats


def test_an_output_without_chart_has_one_point() -> None:
    content = OUTPUT | {"stateMachine": {"visualization": f"{CHART_BASE}#<encoded_data>"}}
    assert [point.memory_mb for point in parse_power_tuning(json.dumps(content)).points] == [128]


@pytest.mark.parametrize(
    "change",
    [{"power": None}, {"power": "12.5"}, {"cost": -1}, {"duration": "fast"}, {"stats": []}, {"stats": [1]}],
)
def test_a_bad_output_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        parse_power_tuning(json.dumps(OUTPUT | change))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"power": 128}', '{"cost": NaN}', "[" * 9999])
def test_what_is_no_output_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_power_tuning(text)


def test_a_cost_is_explained_to_the_last_digit() -> None:
    # 3 ms at 128 MB: theirs 3 × 2.1e-9; ours 3 × 0.0000166667 / 8,000 + 2e-7.
    found = explain_cost(TunedPoint(128, 2.9066666666666667, Decimal("6.3e-9")))
    exact = Fraction("0.0000166667") / 8000
    assert found.ours == 3 * exact + Fraction("2e-7")
    assert [line.usd for line in found.lines[1:]] == [
        -Fraction("2e-7"), 0, 3 * (Fraction("2.1e-9") - exact), 0,
    ]  # fmt: skip
    assert found.theirs == Fraction("6.3e-9")
    assert found.is_explained


def test_arm64_has_its_own_rounded_price() -> None:
    found = explain_cost(TunedPoint(512, 10.0, Decimal("6.8e-8")), architecture="arm64")
    assert (found.base_usd, found.billed_ms, found.is_explained) == (Decimal("1.7e-9"), 10, True)


@pytest.mark.parametrize("url", [SAMPLE, *LATER[:2]])
def test_every_published_cost_is_explained(url: str) -> None:
    for point in TuningChart.parse(url).series[0].points:
        found = explain_cost(point)
        assert found.is_explained
        assert found.theirs == Fraction(point.cost_usd)
        assert abs(found.lines[-1].usd) < found.theirs / 10**6


def test_the_readme_sample_was_billed_in_steps_of_100_ms() -> None:
    found = [explain_cost(point) for point in TuningChart.parse(SAMPLE).series[0].points]
    assert [line.billed_ms for line in found] == [37_100, 18_700, 8_500, 3_900, 2_600, 2_100]
    assert {line.base_usd for line in found} == {Decimal("2.08e-9")}


def test_a_cost_of_nowhere_is_told_to_be_unexplained() -> None:
    found = explain_cost(TunedPoint(128, 100.0, Decimal("9.87e-7")))
    assert not found.is_explained
    assert "not explained" in found.text()
    assert found.theirs == Fraction("9.87e-7")


def test_the_text_fits_a_terminal() -> None:
    for point in TuningChart.parse(SAMPLE).series[0].points:
        assert max(map(len, explain_cost(point).text().splitlines())) <= 80


def test_a_number_beyond_all_exponents_is_one_error() -> None:
    with pytest.raises(InputError, match="exponent is too large"):
        parse_power_tuning(
            '{"power": "512", "cost": 2e9999999999999999999999, "duration": 30.5}', "tuning.json"
        )
