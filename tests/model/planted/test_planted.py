"""The model finds faults: the quickest to find, here; all of them by `make planted`."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.model.planted.catalogue import FAULTS
from tests.model.planted.planting import PlantedFault, plant

_SOON_FOUND = (
    "a claim of another run is ignored",
    "a publish that was not confirmed is not repeated",
    "time limits do not end calls",
)
_STEPS = 2_000


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_product_still_has_the_line_that_each_fault_changes(fault: PlantedFault) -> None:
    spec = find_spec(fault.module)
    assert spec is not None
    assert spec.origin is not None
    assert fault.applied_to(Path(spec.origin).read_text()) != Path(spec.origin).read_text()


@pytest.mark.parametrize("name", _SOON_FOUND)
def test_a_planted_fault_is_found(name: str) -> None:
    command = [sys.executable, "-m", "tests.model.planted", "--steps", str(_STEPS), "--one", name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "What happened:" in ended.stdout


def test_a_fault_is_not_planted_in_what_is_imported_already() -> None:
    fault = PlantedFault("too late", __name__, "too late", "never")
    with pytest.raises(RuntimeError, match="plant faults first"):
        plant(fault)


def test_a_fault_whose_line_is_gone_says_so() -> None:
    fault = PlantedFault("the line is gone", "some.module", "old", "new")
    with pytest.raises(ValueError, match="stands 0 times, not once"):
        fault.applied_to("something else")
