"""Whether a quantity is flat or growing, from its samples.

The rule. Only samples after the warm-up count. `first` is the median of their first fifth, `last`
that of their last fifth; the slope is the median of the slopes between samples half the time apart
(Theil-Sen: single outliers do not move it). A quantity grows if `last` exceeds `first` by more than
its tolerance, which is a share of `first` or an absolute amount, whichever is larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

__all__ = ["Trend", "trend_of"]

_TOLERATED_SHARE: Final = 0.05
_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Trend:
    """One quantity over the time after the warm-up."""

    first: float
    last: float
    slope_per_10_minutes: float
    grows: bool


def trend_of(samples: Sequence[tuple[float, float]], tolerated: float) -> Trend:
    """From pairs of seconds and value, oldest first; at least two, or a `ValueError`."""
    if len(samples) < 2:
        raise ValueError("fewer than two samples after the warm-up: soak for longer")
    fifth = -(-len(samples) // 5)
    first = median(value for _, value in samples[:fifth])
    last = median(value for _, value in samples[-fifth:])
    half = len(samples) // 2
    slopes = [
        (late - early) / (then - now) * _SECONDS
        for (now, early), (then, late) in zip(samples, samples[half:], strict=False)
    ]
    grows = last - first > max(_TOLERATED_SHARE * first, tolerated)
    return Trend(first, last, median(slopes), grows)
