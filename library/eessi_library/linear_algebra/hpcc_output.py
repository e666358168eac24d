"""Reads ``hpccoutf.txt`` of HPC Challenge 1.4 and 1.5. Pure functions: text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SUMMARY = re.compile(
    r'^Begin of Summary section\.\n(?P<body>.*?)^End of Summary section\.', re.MULTILINE | re.DOTALL
)
_HPL = re.compile(
    r'^\|\|Ax-b\|\|_oo/.*?= +(?P<residual>\S+) \.+ (?P<check>\w+)$',
    re.MULTILINE,
)
_PTRANS = re.compile(
    r'^(?:WALL|CPU) +(?P<m>\d+) +(?P<n>\d+) +(?P<mb>\d+) +(?P<nb>\d+) +(?P<p>\d+) +(?P<q>\d+) +'
    r'\S+ +(?P<check>\w+) +\S+ +(?P<residual>\S+)$',
    re.MULTILINE,
)
_DGEMM = re.compile(r'^Scaled residual: (?P<residual>\S+)$', re.MULTILINE)
_ERRORS = re.compile(r'^Found (?P<errors>\d+) errors in (?P<words>\d+) locations', re.MULTILINE)
_STREAM = re.compile(r'^Solution Validates', re.MULTILINE)
_FINISHED = re.compile(r'^End of HPC Challenge tests\.', re.MULTILINE)
_FAILED_NODES = re.compile(r'^Node\(s\) with error (?P<nodes>\d+)$', re.MULTILINE)


class OutputError(ValueError):
    """The output lacks something that a finished run prints."""


@dataclass(frozen=True)
class Transpose:
    """One line of the table of PTRANS."""

    rows: int
    blocking: int
    grid: tuple[int, int]
    passed: bool
    residual: float


@dataclass(frozen=True)
class HpccOutput:
    """What a run printed."""

    finished: bool
    #: HPL's scaled residuals, and whether HPL itself was content with each.
    hpl_residuals: tuple[tuple[float, bool], ...]
    transposes: tuple[Transpose, ...]
    dgemm_residuals: tuple[float, ...]
    #: Wrong words of each RandomAccess run.
    random_access_errors: tuple[int, ...]
    validated_streams: int
    #: ``Node(s) with error`` of each section.
    failed_nodes: tuple[int, ...]
    summary: dict[str, str] = field(hash=False)

    def number(self, name: str) -> float:
        """Return a number of the summary.

        :raises OutputError: if it is missing or not a number.
        """
        try:
            return float(self.summary[name])
        except (KeyError, ValueError) as error:
            raise OutputError(f'hpccoutf.txt has no number {name} in its summary') from error


def parse_output(text: str) -> HpccOutput:
    """Parse the text of ``hpccoutf.txt``.

    :raises OutputError: if a residual is not a number.
    """
    summary = _SUMMARY.search(text)
    pairs = re.findall(r'^(\w+)=(.*)$', summary['body'] if summary else '', re.MULTILINE)
    try:
        return HpccOutput(
            finished=bool(_FINISHED.search(text)),
            hpl_residuals=tuple(
                (float(found['residual']), found['check'] == 'PASSED')
                for found in _HPL.finditer(text)
            ),
            transposes=tuple(_transpose(found) for found in _PTRANS.finditer(text)),
            dgemm_residuals=tuple(float(found['residual']) for found in _DGEMM.finditer(text)),
            random_access_errors=tuple(int(found['errors']) for found in _ERRORS.finditer(text)),
            validated_streams=len(_STREAM.findall(text)),
            failed_nodes=tuple(int(found['nodes']) for found in _FAILED_NODES.finditer(text)),
            summary=dict(pairs),
        )
    except ValueError as error:
        raise OutputError(f'hpccoutf.txt: {error}') from error


def _transpose(found: re.Match[str]) -> Transpose:
    return Transpose(
        rows=int(found['m']),
        blocking=int(found['mb']),
        grid=(int(found['p']), int(found['q'])),
        passed=found['check'] == 'PASSED',
        residual=float(found['residual']),
    )
