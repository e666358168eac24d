"""Expectations whose failure is a sentence for the reader: what was expected, what was found."""

from __future__ import annotations

import math

from reframe.core.exceptions import SanityError


def expect(condition: bool, sentence: str) -> None:
    """Fail the sanity check with ``sentence`` unless ``condition`` holds."""
    if not condition:
        raise SanityError(sentence)


def expect_within(name: str, value: float, low: float, high: float, unit: str = '') -> None:
    """Fail unless ``low <= value <= high``; NaN and infinities always fail."""
    if not (math.isfinite(value) and low <= value <= high):
        raise SanityError(
            f'{name} is {value:.7g} {unit}'.rstrip() + f', outside [{low:.7g}, {high:.7g}]'
        )


def expect_close(
    name: str, value: float, reference: float, relative: float, unit: str = ''
) -> None:
    """Fail unless ``|value - reference| <= relative * |reference|``."""
    difference = abs(value - reference)
    if not (math.isfinite(value) and difference <= relative * abs(reference)):
        raise SanityError(
            f'{name} is {value:.8g} {unit}'.rstrip()
            + f', expected {reference:.8g} within {relative:g} relative'
            + (
                f' (off by {difference / abs(reference):.2g})'
                if _has_ratio(value, reference)
                else ''
            )
        )


def _has_ratio(value: float, reference: float) -> bool:
    return math.isfinite(value) and reference != 0
