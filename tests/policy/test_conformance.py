"""The cases in tests/conformance/policy: each broken policy has exactly the faults that it was broken for."""

from typing import Any, Final

import pytest
import yaml

from avow.decide import faults as space
from avow.decide.table import compile_policy
from avow.errors import Fault
from avow.policy import check
from tests.policy.cases import FILES, FOLDER, parsed

CASES: Final[list[dict[str, Any]]] = yaml.load((FOLDER / "cases.yaml").read_text(), yaml.CSafeLoader)


def found(name: str) -> tuple[str, list[Fault]]:
    """Which stage stopped the policy, and all that it found."""
    policy, faults = parsed(name)
    if policy is None:
        return "parse", list(faults)
    checked = check.faults(policy)
    spaced = space.faults(policy, compile_policy(policy))
    stages = [stage for stage, some in (("check", checked), ("space", spaced)) if some]
    return "+".join(stages) or "good", sorted(checked + spaced)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"].removesuffix(".yaml"))
def test_a_policy_has_exactly_the_faults_that_it_was_broken_for(case: dict[str, Any]) -> None:
    stage, faults = found(case["file"])
    assert [(one.line, one.column) for one in faults] == [(one["line"], one["column"]) for one in case["faults"]], (
        faults
    )
    for fault, wanted in zip(faults, case["faults"], strict=True):
        assert wanted["message"] in fault.message
        assert wanted.get("help", "") in fault.help
    assert stage == case["stage"]


def test_every_policy_in_the_folder_is_a_case() -> None:
    assert set(FILES) == {case["file"] for case in CASES}
    assert sum(case["stage"] != "good" for case in CASES) >= 20
