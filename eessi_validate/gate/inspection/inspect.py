"""The inspection: one pass over an untrusted tarball, then a look at what it makes as a whole."""

from __future__ import annotations

import os
from pathlib import Path

from eessi_validate.errors import HoldError
from eessi_validate.gate.inspection.agreement import FirstReading
from eessi_validate.gate.inspection.base import BaseStack
from eessi_validate.gate.inspection.completeness import Completeness
from eessi_validate.gate.inspection.compressed import TarballStream
from eessi_validate.gate.inspection.faults import ReadingStopped
from eessi_validate.gate.inspection.findings import FindingLog, printable
from eessi_validate.gate.inspection.layout import Layout
from eessi_validate.gate.inspection.limits import DEFAULT_LIMITS, Limits
from eessi_validate.gate.inspection.links import LinkJudge
from eessi_validate.gate.inspection.members import MemberJudge
from eessi_validate.gate.inspection.metadata import judge_metadata
from eessi_validate.gate.inspection.model import (
    Facts,
    Inspection,
    Installed,
    Placed,
    Subject,
    Totals,
)
from eessi_validate.gate.inspection.opening import open_tarball
from eessi_validate.gate.inspection.reader import TarReader
from eessi_validate.gate.inspection.second_reading import SecondReading
from eessi_validate.gate.inspection.tarball_name import NameFault, TarballName, parse_tarball_name
from eessi_validate.gate.inspection.tree import Tree


def inspect_tarball(
    path: str | os.PathLike[str],
    *,
    base: Path | None = None,
    metadata: Path | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Inspection:
    """Inspect an untrusted tarball without extracting or executing anything of it.

    The file is opened once and read once, for digest and content alike; its name, its metadata and
    the base stack only decide what is expected of it.

    :arg base: root of the stack that the tarball is for; without it the overwrite policy cannot
        be applied, and links out of the tarball count as dangling.
    :arg metadata: the ``.meta.txt`` file beside it.
    :raises UsageError: if there is no such file, or no stack at ``base``.
    :raises HoldError: if the file cannot be read, or a temporary file not be written.
    """
    tarball = Path(path)
    descriptor = open_tarball(tarball)
    try:
        return _Inspector(tarball.name, descriptor, base, limits).inspect(metadata)
    except OSError as error:
        raise HoldError(f'{tarball} cannot be inspected: {error}') from error
    finally:
        os.close(descriptor)


class _Inspector:
    def __init__(self, name: str, descriptor: int, base: Path | None, limits: Limits) -> None:
        self._file_name = printable(os.fsencode(name))
        self._descriptor = descriptor
        self._limits = limits
        self._log = FindingLog(limits.listed)
        self._name = self._parse_name()
        self._layout = Layout(self._name)
        self._base = BaseStack(base, self._layout) if base is not None else None
        self._tree = Tree(self._layout, self._base, self._log.add, limits)
        self._judge = MemberJudge(
            self._name, self._layout, self._tree, self._base, self._log.add, limits
        )
        self._installations: tuple[Installed, ...] = ()
        self._modules: tuple[Placed, ...] = ()
        self._complete = False

    def inspect(self, metadata: Path | None) -> Inspection:
        before = os.fstat(self._descriptor)
        second, first = SecondReading(), FirstReading()
        try:
            stream = TarballStream(self._descriptor, self._limits, second.feed)
            try:
                self._read(stream, first)
            finally:
                digest = stream.finish()
            # Readers show devices and unknown types in ways of their own: rejected they are anyway.
            if self._complete and not self._log.counts['member-type']:
                self._compare(first, second)
        finally:
            second.stop()
            first.close()
        after = os.fstat(self._descriptor)
        if _identity(before) != _identity(after) or stream.size != after.st_size:
            self._log.add('file-changed', b'', 'the file changed while it was read')
        if self._name and stream.compression not in ('', self._name.compression):
            self._log.add(
                'name-compression',
                b'',
                f'the file name says {self._name.compression}, the file is '
                f'{stream.compression if stream.compression != "none" else "not compressed"}',
            )
        if self._name:
            self._judge_whole(self._name)
        self._judge_owners()
        subject = Subject(name=self._file_name, sha256=digest, size=stream.size)
        change = None
        if metadata is not None:
            change = judge_metadata(metadata, subject, self._log.add, self._limits.metadata)
        return Inspection(
            subject=subject,
            facts=self._facts(stream, second, change),
            totals=self._totals(stream),
            installations=self._installations,
            modules=self._modules,
            findings=self._log.findings(),
            counts=dict(self._log.counts),
        )

    def _parse_name(self) -> TarballName | None:
        try:
            name = parse_tarball_name(self._file_name)
        except NameFault as fault:
            self._log.add(fault.finding, b'', str(fault))
            return None
        if name.project:
            self._log.add(
                'name-has-project',
                b'',
                f'{name.project!r} follows the CPU target in the file name',
            )
        return name

    def _read(self, stream: TarballStream, first: FirstReading) -> None:
        reader = TarReader(stream.next_chunk, self._log.add, self._limits)
        try:
            self._judge.judge_all(reader, first)
            self._complete = True
        except ReadingStopped as stop:
            self._log.add(stop.finding, stop.member, stop.sentence)

    def _compare(self, first: FirstReading, second: SecondReading) -> None:
        code = second.finish()
        if code:
            self._log.add(
                'second-reading-failed', b'', f'{second.reader} ends with exit code {code}'
            )
        elif difference := first.difference(second.records()):
            ours, theirs = (text or 'nothing more' for text in difference)
            self._log.add(
                'readings-disagree', b'', f'one reading has {ours}, {second.reader} has {theirs}'
            )

    def _judge_whole(self, name: TarballName) -> None:
        told = self._judge.told
        whole = Completeness(name, self._layout, self._tree, self._base, told, self._log.add)
        if self._complete:
            whole.judge(self._judge.counts['-'])
            links = LinkJudge(
                name,
                self._layout,
                self._tree,
                self._base,
                self._log.add,
                self._limits.link_steps,
            )
            for directory, here in self._tree.directories.items():
                for entry, what in here.entries.items():
                    if isinstance(what, bytes):
                        links.judge(directory + b'/' + entry if directory else entry, what)
        self._installations, self._modules = whole.installations, whole.modules
        if self._base:
            self._judge_release(name, self._base.release_names)
        if self._judge.overwrite:
            self._judge.overwrite.judge_changes(self._tree)
        elif any(directory.place.area == 'init' for directory in self._tree.directories.values()):
            self._log.add(
                'init-in-software-tarball',
                b'',
                'there are init or scripts files, and no base stack to compare them with',
            )

    def _judge_release(self, name: TarballName, known: tuple[str, ...]) -> None:
        with_suffix = name.release + self._layout.suffix
        if name.release not in known:
            missing, release = 'base-release-missing', name.release
        elif with_suffix not in known:
            missing, release = 'base-suffix-missing', with_suffix
        else:
            return
        self._log.add(missing, b'', f'the base stack has no release {release}')

    def _judge_owners(self) -> None:
        owners = self._judge.owners
        if any(0 in owner for owner in owners):
            self._log.add('owner-root', b'', 'members belong to root')
        if len(owners) > 1:
            shown = ', '.join(f'{uid}:{gid}' for uid, gid in sorted(owners)[:5])
            self._log.add('owner-mixed', b'', f'members belong to {len(owners)} owners: {shown}')

    def _facts(self, stream: TarballStream, second: SecondReading, change: str | None) -> Facts:
        name = self._name
        return Facts(
            kind=name.kind if name else '',
            release=name.release if name else '',
            suffix=self._layout.suffix,
            os=name.os if name else '',
            family=name.family if name else '',
            cpu_target=self._layout.cpu_target,
            accel=name.accel if name else (),
            timestamp=name.timestamp if name else 0,
            release_in_paths=self._layout.top != b'',
            compression=stream.compression,
            repositories=tuple(sorted(map(printable, self._judge.told.repositories))),
            second_reader=second.reader,
            base_checked=self._base is not None,
            metadata_checked=change is not None,
            change=change or '',
            complete=self._complete,
        )

    def _totals(self, stream: TarballStream) -> Totals:
        counts, overwrite = self._judge.counts, self._judge.overwrite
        return Totals(
            members=sum(counts.values()),
            files=counts['-'],
            directories=counts['d'],
            symlinks=counts['l'],
            hardlinks=counts['h'],
            elf_files=self._judge.elf_files,
            content=self._judge.content,
            unpacked=stream.unpacked,
            new=overwrite.new if overwrite else 0,
            identical=overwrite.identical if overwrite else 0,
            replaced=overwrite.replaced if overwrite else 0,
        )


def _identity(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
