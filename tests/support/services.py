"""Where the real services of this test run answer."""

import os

import pytest


def service_url(variable: str) -> str:
    """The URL in that variable. Without it the test fails: a skipped service test hides a hole."""
    if url := os.environ.get(variable):
        return url
    pytest.fail(
        f"{variable} is not set: this test needs real services. Run `make test`"
        " (for one file: `make test ARGS=path`), which starts them and sets it.",
        pytrace=False,
    )
