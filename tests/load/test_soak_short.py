"""A few seconds of the soak: nothing is lost, and what was opened is closed again."""

from __future__ import annotations

import os

import psutil
import pytest

from tests.load.soak import Soak, soak
from tests.load.verdict import trend_of
from tests.services.endpoints import REDIS_URL_VARIABLE
from tests.support.services import service_url

_REDIS_CONNECTIONS = 16
"""A worker opens them as it needs them and keeps them; one leak per task would be 500."""


async def test_short_soak_loses_nothing_and_leaves_nothing_open(key_prefix: str) -> None:
    service_url(REDIS_URL_VARIABLE)
    me = psutil.Process()
    before = me.num_fds(), len(me.children(recursive=True))
    report = await soak(Soak(10, 50, sample_seconds=1, remember_seconds=1), os.environ, key_prefix)
    assert report.sent > 0
    assert report.is_clean
    assert report.calls == report.sent == report.aftermath.results_on_the_wire
    assert (me.num_fds(), len(me.children(recursive=True))) == before
    assert {value for _, value in report.samples["worker 1", "children"]} == {0}
    descriptors = [value for _, value in report.samples["worker 1", "descriptors"]]
    assert max(descriptors) - min(descriptors) <= _REDIS_CONNECTIONS


@pytest.mark.parametrize(
    ("per_second", "grows"), [(0.0, False), (0.01, False), (1.0, True), (-1.0, False)]
)
def test_trend_tells_growth_from_none(per_second: float, grows: bool) -> None:
    samples = [(float(second), 100 + per_second * second) for second in range(0, 300, 5)]
    trend = trend_of(samples, tolerated=4.0)
    assert trend.grows is grows
    assert trend.slope_per_10_minutes == pytest.approx(per_second * 600)


def test_trend_of_one_sample_asks_for_a_longer_soak() -> None:
    with pytest.raises(ValueError, match="soak for longer"):
        trend_of([(0.0, 1.0)], tolerated=1.0)
