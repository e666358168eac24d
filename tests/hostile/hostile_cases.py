"""Hostile tarballs, each with the findings that it must have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tar_crafting import Build, Tarball


@dataclass(frozen=True)
class Case:
    """One hostile tarball."""

    name: str
    build: Build
    #: All findings that it must have, and no others.
    findings: frozenset[str]


CASES: dict[str, Case] = {}


def hostile(*findings: str) -> Callable[[Build], Build]:
    """Register a function that builds a hostile tarball, with the findings that it must have."""

    def register(build: Callable[[], Tarball]) -> Build:
        name = build.__name__
        assert name not in CASES, name
        CASES[name] = Case(name, build, frozenset(findings))
        return build

    return register
