"""Makes a spoiled copy of a recording: the same calls, with something wrong in their output."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from eessi_validate.prove.observation import Observation

#: Takes the content of one output and returns another, or None for an output that is not there.
Change = Callable[[bytes], bytes | None]


def spoiled_copy(
    observation: Observation, source: Path, target: Path, names: Collection[str], change: Change
) -> None:
    """Copy a recording and change the outputs called ``names`` in it.

    :arg names: evidence of ``observation``; printed output is changed as one piece per call.
    """
    shutil.copytree(source, target, symlinks=True)
    for call in observation.calls:
        directory = target / call.directory.name
        for name in set(call.files) & set(names):
            _change_file(directory / 'files' / name, change)
        for sink, stream in zip(call.sinks, ('stdout', 'stderr'), strict=True):
            if sink in names:
                path = directory / stream
                path.write_bytes(change(path.read_bytes()) or b'')


def _change_file(path: Path, change: Change) -> None:
    if not path.is_file():
        return
    content = change(path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def outputs(observation: Observation, name: str) -> list[bytes]:
    """Return the contents of one output, of every call that wrote it."""
    found = []
    for call in observation.calls:
        path = call.directory / 'files' / name
        if name in call.files and path.is_file():
            found.append(path.read_bytes())
        for sink, stream in zip(call.sinks, ('stdout', 'stderr'), strict=True):
            if sink == name:
                found.append((call.directory / stream).read_bytes())
    return found


def pieces(observation: Observation, stage: str) -> dict[tuple[int, str], bytes]:
    """Return all that was written, by call and file or stream, as a job in ``stage`` would."""
    found = {}
    for call in observation.calls:
        places = {name: call.directory / 'files' / name for name in call.files}
        places |= {f'>{stream}': call.directory / stream for stream in ('stdout', 'stderr')}
        for name, path in places.items():
            if path.is_file():
                content = path.read_bytes()
                found[call.number, name] = content.replace(call.stage.encode(), stage.encode())
    return found


def first_half(content: bytes) -> bytes:
    """Return the first half."""
    return content[: len(content) // 2]


def nothing(_content: bytes) -> bytes | None:
    """Return None: the output is not there."""
    return None
