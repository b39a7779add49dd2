"""A handler's stretches on the CPU and its waits, and how a scenario asks for them."""

from __future__ import annotations

import pytest

from lambdasim.models.cpu_chain import CpuLaw, CpuStyle
from lambdasim.models.cpu_quota import FirstCheck
from lambdasim.specs import WorkSpec

STYLES = [CpuStyle(), *(CpuStyle(CpuLaw.QUOTA, check, waits) for check in FirstCheck for waits in (0, 3))]


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_a_style_is_what_the_scenario_that_it_writes_asks_for(style: CpuStyle) -> None:
    written = WorkSpec(cpu_law=style.spec()).model_dump(mode="json")
    assert CpuStyle.of(WorkSpec.model_validate(written).cpu_law) == style


def test_the_law_is_straight_where_nothing_is_said() -> None:
    assert CpuStyle.of(WorkSpec().cpu_law) == CpuStyle(CpuLaw.STRAIGHT)
