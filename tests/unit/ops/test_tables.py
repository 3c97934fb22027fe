"""What people read."""

from __future__ import annotations

import pytest

from llmbus.ops.cli.tables import age, print_table


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, None),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m 0s"),
        (200, "3m 20s"),
        (7_530, "2h 5m"),
        (359_999, "4d 3h"),
    ],
)
def test_an_age_is_told_in_two_units(seconds: float | None, shown: str | None) -> None:
    assert age(seconds) == shown


def test_no_column_is_cut_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    long_name = "lane-" + "x" * 300
    print_table(["queue", "ready"], [[long_name, 1], ["[bold]short[/]", None]])
    printed = capsys.readouterr().out
    assert long_name in printed
    assert "[bold]short[/]" in printed
    assert "?" in printed


def test_a_name_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["queue"], [["evil\x1b[2Jname\n"]])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "evil\N{REPLACEMENT CHARACTER}[2Jname" in printed
