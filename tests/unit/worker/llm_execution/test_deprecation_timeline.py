"""When the scripts go away, and what is said until then."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from llmbus.worker.llm_execution.deprecation_timeline import (
    TIMELINE,
    WORDING,
    Stage,
    Timeline,
    warn_of_removal,
)

ROOT = Path(__file__).parents[4]
RELEASED = date(2026, 11, 22)


class FixedClock:
    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        ("2026-11-01", Stage.ANNOUNCED),
        ("2026-11-22", Stage.ANNOUNCED),
        ("2027-02-21", Stage.ANNOUNCED),
        ("2027-02-22", Stage.NEAR),
        ("2027-05-21", Stage.NEAR),
        ("2027-05-22", Stage.OVERDUE),
        ("2031-01-01", Stage.OVERDUE),
    ],
)
def test_stage_of_a_day(today: str, stage: Stage) -> None:
    assert Timeline(RELEASED).stage(date.fromisoformat(today)) is stage


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        ("2027-02-21", Stage.ANNOUNCED),
        ("2027-02-22", Stage.NEAR),
        ("2027-05-22", Stage.NEAR),
        ("2027-08-21", Stage.NEAR),
        ("2027-08-22", Stage.OVERDUE),
    ],
)
def test_extension_moves_the_removal_and_takes_no_urgency_back(today: str, stage: Stage) -> None:
    extended = Timeline(RELEASED, extension_months=3)
    assert extended.stage(date.fromisoformat(today)) is stage
    assert extended.removal == date(2027, 8, 22)
    assert "2027-08-22" in extended.warning("execute_gpt.py", date(2027, 6, 1))


@pytest.mark.parametrize(
    ("released", "urgent_from", "removal"),
    [
        ("2026-08-31", "2026-11-30", "2027-02-28"),
        ("2027-08-31", "2027-11-30", "2028-02-29"),
        ("2026-12-31", "2027-03-31", "2027-06-30"),
        ("2027-09-30", "2027-12-30", "2028-03-30"),
    ],
)
def test_months_of_different_lengths(released: str, urgent_from: str, removal: str) -> None:
    timeline = Timeline(date.fromisoformat(released))
    assert (str(timeline.urgent_from), str(timeline.removal)) == (urgent_from, removal)


@pytest.mark.parametrize(
    ("today", "text"),
    [
        (
            "2026-11-22",
            "execute_gpt.py is deprecated and will be removed in v2.0 on 2027-05-22."
            " How to move to the direct path: docs/EXECUTOR-MIGRATION-GUIDE.md",
        ),
        (
            "2027-05-12",
            "ACT NOW: execute_gpt.py will stop working in v2.0 on 2027-05-22 (days left: 10)."
            " Move to the direct path before that day: docs/EXECUTOR-MIGRATION-GUIDE.md",
        ),
        (
            "2027-05-22",
            "OVERDUE: execute_gpt.py was to be removed on 2027-05-22 and is gone with v2.0: the"
            " next upgrade breaks whatever still calls it. Move to the direct path today:"
            " docs/EXECUTOR-MIGRATION-GUIDE.md",
        ),
    ],
)
def test_wording_of_each_stage(today: str, text: str) -> None:
    assert TIMELINE.warning("execute_gpt.py", date.fromisoformat(today)) == text


def test_every_stage_has_its_own_wording() -> None:
    assert WORDING.keys() == set(Stage)
    assert len(set(WORDING.values())) == len(Stage)


def test_day_is_that_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    in_tokyo_already_removed = FixedClock(datetime(2027, 5, 22, 8, 59, tzinfo=tokyo))
    with pytest.warns(DeprecationWarning, match=r"ACT NOW.*days left: 1\)"):
        warn_of_removal("execute_gpt.py", in_tokyo_already_removed, Timeline(RELEASED))
    a_minute_later = FixedClock(datetime(2027, 5, 22, tzinfo=UTC))
    with pytest.warns(DeprecationWarning, match="was to be removed on 2027-05-22"):
        warn_of_removal("execute_gpt.py", a_minute_later, Timeline(RELEASED))


def test_warning_names_its_caller() -> None:
    clock = FixedClock(datetime(2026, 12, 1, tzinfo=UTC))
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        warn_of_removal("execute_gpt.py", clock)
    assert caught[0].filename == __file__


def test_where_warnings_are_errors_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FixedClock(datetime(2026, 12, 1, tzinfo=UTC))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_removal("execute_gpt.py", clock)
    assert capsys.readouterr().err.startswith("DeprecationWarning: execute_gpt.py is deprecated")


def test_release_date_is_that_of_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    found = re.search(r"^## \[0\.1\.0\] - (\S+)$", changelog, re.MULTILINE)
    assert found
    assert TIMELINE.released == date.fromisoformat(found[1])
    assert str(TIMELINE.removal) in changelog


def test_page_has_the_dates_as_they_are_and_as_they_would_be_if_put_off() -> None:
    page = (ROOT / "docs/DEPRECATION-TIMELINE.md").read_text()
    put_off = Timeline(TIMELINE.released, extension_months=3)
    for stage, now, then in (
        (Stage.ANNOUNCED, TIMELINE.released, put_off.released),
        (Stage.NEAR, TIMELINE.urgent_from, put_off.urgent_from),
        (Stage.OVERDUE, TIMELINE.removal, put_off.removal),
    ):
        assert f"| {stage.value} | {now} | {then} |" in page
