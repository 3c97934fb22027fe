"""A script that is run as a file has its own folder first on the import path."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from tests.support.task_scripts import FOLDER


def test_no_module_beside_the_scripts_shadows_another_one() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert "execute_gpt" in names
    assert names & set(sys.stdlib_module_names) == set()
    assert [name for name in names if find_spec(name) is not None] == []
