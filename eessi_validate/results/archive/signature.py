"""What makes two failures the same: the reason without what differs from run to run."""

from __future__ import annotations

import re

_STEPS = (
    (re.compile(r'(?:/[\w.+@:=-]+)+/([\w.+@=-]+)'), r'\1'),
    (re.compile(r'\b0x[0-9a-fA-F]+\b'), '#'),
    (re.compile(r'\b[0-9a-f]{8,}\b'), '#'),
    (re.compile(r'[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?'), '#'),
    (re.compile(r'\s+'), ' '),
)


def signature(reason: str, phase: str = '') -> str:
    """Return the reason with paths cut to names and numbers to ``#``, after the phase.

    >>> signature("job 17 failed: /scratch/u/x/libm.so.6: version 'GLIBC_2.38' not found", 'run')
    "run: job # failed: libm.so.#: version 'GLIBC_#' not found"
    """
    text = reason
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    text = text.strip()[:300]
    return f'{phase}: {text}' if phase and text else text or phase
