"""What an inspection says of a tarball."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from eessi_validate.gate.inspection.findings import Finding


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Subject(_Frozen):
    """The file that was inspected; its identity is the digest."""

    name: str
    #: SHA-256 of the whole file, in hexadecimal.
    sha256: str
    #: Bytes.
    size: int


class Facts(_Frozen):
    """What file name and content say the tarball is; '' where it is not known."""

    #: ``software``, ``compat``, ``init`` or ``scripts``.
    kind: str = ''
    release: str = ''
    #: Suffix of the release in the paths, e.g. ``-001`` of ``2025.06-001``.
    suffix: str = ''
    os: str = ''
    #: Architecture, e.g. ``x86_64``.
    family: str = ''
    #: Path below ``software/<os>``, e.g. ``x86_64/amd/zen2``; '' for other types.
    cpu_target: str = ''
    #: Accelerator directories below the CPU target, e.g. ``accel/nvidia/cc80``.
    accel: tuple[str, ...] = ()
    #: Seconds since 1970, of the file name.
    timestamp: int = 0
    #: Whether paths begin with the release (not so in the 2021.06 form).
    release_in_paths: bool = True
    compression: str = ''
    #: Repositories that its modules say they are of, e.g. ``software.eessi.io``.
    repositories: tuple[str, ...] = ()
    #: What the second reading was done with.
    second_reader: str = ''
    #: Whether the overwrite policy was applied, and metadata compared.
    base_checked: bool = False
    metadata_checked: bool = False
    #: Pull request that the metadata name, e.g. ``EESSI/software-layer#12``.
    change: str = ''
    #: Whether the archive was read to its end; if not, the lists below are not complete.
    complete: bool = False


class Totals(_Frozen):
    """Counts of an archive."""

    members: int = 0
    files: int = 0
    directories: int = 0
    symlinks: int = 0
    hardlinks: int = 0
    elf_files: int = 0
    #: Bytes of all files.
    content: int = 0
    #: Bytes of the decompressed archive.
    unpacked: int = 0
    #: Against the base stack: members that are not there, the same, or other there.
    new: int = 0
    identical: int = 0
    replaced: int = 0


class Placed(_Frozen):
    """An installation or a module, and in which directory of the software layer it is."""

    #: ``<name>/<version>[-<toolchain>][<suffix>]``.
    name: str
    #: CPU target, with accelerator directory if it is in one.
    subdir: str


class Installed(Placed):
    """An installation as far as it can be counted."""

    #: Files and links in the tarball.
    files: int = 0
    #: Extensions that its module or easyconfig lists, ``<name>/<version>`` where both are said;
    #: None if they are too many to keep.
    extensions: tuple[str, ...] | None = ()


class Inspection(_Frozen):
    """The result: nothing was extracted, nothing executed."""

    subject: Subject
    facts: Facts
    totals: Totals
    installations: tuple[Installed, ...]
    modules: tuple[Placed, ...]
    #: The gravest first; of each id at most ``Limits.listed``.
    findings: tuple[Finding, ...]
    #: All findings by id, listed or not.
    counts: dict[str, int]

    @property
    def rejected(self) -> bool:
        """Whether a finding rejects the tarball."""
        return any(finding.severity == 'reject' for finding in self.findings)

    @property
    def held(self) -> bool:
        """Whether a finding needs a person, and none rejects."""
        return not self.rejected and any(f.severity == 'hold' for f in self.findings)
