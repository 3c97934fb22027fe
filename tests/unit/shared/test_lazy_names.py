"""Names that are imported when they are asked for."""

import sys

import pytest

from llmbus.shared.lazy_names import lazy_names


def test_name_comes_from_its_module_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    get = lazy_names("a.package", {"rgb_to_hsv": "colorsys", "other": "this"})
    assert "colorsys" not in sys.modules
    assert get("rgb_to_hsv") is sys.modules["colorsys"].rgb_to_hsv
    assert "this" not in sys.modules


def test_unknown_name_is_an_attribute_error_that_names_the_package() -> None:
    with pytest.raises(AttributeError, match=r"'a\.package' has no attribute 'unknown'"):
        lazy_names("a.package", {})("unknown")
