from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.support.script_runs import Scripts


@pytest.fixture
async def scripts(tmp_path: Path) -> AsyncIterator[Scripts]:
    yield Scripts(tmp_path)
    assert not psutil.Process().children(recursive=True)
