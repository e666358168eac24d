"""What a watched run of the sound software showed: its calls, their output, what the test read."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path

#: Stands for the output of the job: what the calls printed and nothing redirected.
JOB_OUTPUT = 'job output'

_JOB_FILES = ('rfm_job.out', 'rfm_job.err')


@dataclass(frozen=True)
class Call:
    """One call of a watched program."""

    number: int
    program: str
    arguments: tuple[str, ...]
    #: Files that it wrote, below the stage directory.
    files: tuple[str, ...]
    #: Where it printed to: stage files by name, :data:`JOB_OUTPUT`, or '' for anything else.
    sinks: tuple[str, str]
    #: Directory of the recording.
    directory: Path
    #: Directory of the job; its name differs from run to run.
    stage: str = ''

    @property
    def command(self) -> str:
        """Name and arguments."""
        return ' '.join([self.program.rpartition('/')[2], *self.arguments])


@dataclass(frozen=True)
class Observation:
    """What is known of the sound run."""

    calls: tuple[Call, ...]
    #: Files, or :data:`JOB_OUTPUT`, that calls wrote, largest first.
    written: tuple[str, ...]
    #: Those of them that the judgement read.
    evidence: tuple[str, ...]
    #: Files of the installation under test that the run opened: data, and shared libraries.
    data: tuple[Path, ...]
    libraries: tuple[Path, ...]
    #: Contents of the files that the test had written before the first call.
    inputs: tuple[bytes, ...]
    #: Data that any session of the software opens: their loss says nothing of this test.
    common_data: tuple[Path, ...] = ()

    @property
    def named_evidence(self) -> tuple[str, ...]:
        """The evidence in files of their own."""
        return tuple(name for name in self.evidence if name != JOB_OUTPUT)


def read_observation(
    control: Path, installation: Path | None, common: Collection[Path] = ()
) -> Observation:
    """Read what the agents and the watchers left.

    :arg control: directory of the watched run.
    :arg installation: directory whose opened files are data and libraries of the software.
    :arg common: files that any session of the software opens: no data of this test.
    """
    calls = tuple(_calls(control / 'recording'))
    opened = opened_files(control)
    inside = [p for p in dict.fromkeys(opened) if installation and installation in p.parents]
    # Python does without its cache of a module: that file is the module's source as well.
    inside = list(dict.fromkeys(each for p in inside for each in _with_source(p)))
    sound = [p for p in inside if _is_library(p) or (p.is_file() and not os.access(p, os.X_OK))]
    written, read = _written(calls), _judged(control / 'judged', calls)
    return Observation(
        calls=calls,
        written=written,
        evidence=tuple(name for name in written if name == JOB_OUTPUT or name in read),
        data=tuple(p for p in sound if not _is_elf(p) and p not in common),
        libraries=tuple(p for p in sound if _is_elf(p)),
        inputs=tuple(p.read_bytes() for p in (control / 'inputs').rglob('*') if p.is_file()),
        common_data=tuple(p for p in sound if not _is_elf(p) and p in common),
    )


def opened_files(control: Path) -> list[Path]:
    """Return the files that a watched run opened, in order."""
    return [Path(line) for line in _lines(control / 'opened')]


def _with_source(path: Path) -> tuple[Path, ...]:
    if path.suffix != '.pyc' or path.parent.name != '__pycache__':
        return (path,)
    return (path, Path(source_from_cache(str(path))))


def _calls(recording: Path) -> Iterator[Call]:
    found = []
    for path in recording.glob('*/call.json'):
        rank, _, count = path.parent.name.rpartition('-')
        if rank in ('-', '0'):
            found.append((int(count), path))
    for number, path in sorted(found):
        row = json.loads(path.read_text(encoding='utf-8'))
        first, second = (_sink(name, row['stage']) for name in row['sinks'])
        yield Call(
            number=number,
            program=row['program'],
            arguments=tuple(row['arguments']),
            files=tuple(row['files']),
            sinks=(first, second),
            directory=path.parent,
            stage=row['stage'],
        )


def _sink(path: str, stage: str) -> str:
    if not path.startswith(f'{stage}/'):
        return ''
    name = os.path.relpath(path, stage)
    return JOB_OUTPUT if name in _JOB_FILES else name


def _judged(file: Path, calls: Sequence[Call]) -> set[str]:
    """Return the stage files that were read by name."""
    stages = {call.stage for call in calls}
    found = set()
    for line in _lines(file):
        kind, _, path = line.partition(' ')
        for stage in stages:
            if kind == 'r' and path.startswith(f'{stage}/'):
                found.add(os.path.relpath(path, stage))
    return found


def _written(calls: Sequence[Call]) -> tuple[str, ...]:
    sizes: dict[str, int] = {}
    for call in calls:
        for name in call.files:
            path = call.directory / 'files' / name
            if path.is_file():
                sizes[name] = path.stat().st_size
        for sink, stream in zip(call.sinks, ('stdout', 'stderr'), strict=True):
            size = (call.directory / stream).stat().st_size
            if size and sink:
                sizes[sink] = sizes.get(sink, 0) + size
    return tuple(sorted(sizes, key=lambda name: (-sizes[name], name)))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding='utf-8', errors='replace').splitlines()
    except FileNotFoundError:
        return []


def _is_elf(path: Path) -> bool:
    try:
        with path.open('rb') as stream:
            return stream.read(4) == b'\x7fELF'
    except OSError:
        return False


def _is_library(path: Path) -> bool:
    return '.so' in path.name and _is_elf(path)
