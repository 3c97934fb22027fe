"""The benchmark of the LLM layer measures something. How much is no business of a test."""

import pytest

from benchmarks.llm_layer import measure
from benchmarks.report import print_table


@pytest.mark.timeout(240)
def test_every_measurement_yields_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = measure(calls=20, rounds=1, apis=["openai chat"])
    print_table(lines, "the bare SDKs")
    assert [line.name for line in lines] == [
        "openai chat: 20 calls",
        "openai chat: CPU per call",
        "openai chat: memory per call in flight",
        "openai chat: factory lookup",
    ]
    assert all(line.llmbus > 0 for line in lines[:2])
    printed = capsys.readouterr().out
    assert all(line.name in printed for line in lines)
    assert "the bare SDKs" in printed
