"""What an untrusted tarball may cost at most."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Bounds of one inspection; what goes beyond one is a finding, and the reading stops there.

    Sizes are in bytes. The defaults hold the largest tarballs that EESSI ships, and keep the
    memory of an inspection below about 600 MB at the worst, 300 MB for 500,000 members.
    """

    #: Decompressed size of the archive.
    unpacked: int = 200 * GIB
    #: Decompressed size over compressed size, looked at from ``ratio_from`` decompressed bytes on.
    ratio: float = 200.0
    ratio_from: int = 256 * MIB
    #: Members, and the bytes of all their names and link targets.
    members: int = 2_000_000
    names: int = 256 * MIB
    #: One name, and one component of a name (``PATH_MAX`` and ``NAME_MAX`` of Linux).
    name: int = 4096
    component: int = 255
    #: Components of one path: the deepest that real software has is about 40.
    depth: int = 256
    #: Components looked at to follow all symbolic links of an archive: seconds at the worst.
    link_steps: int = 5_000_000
    #: One extended header: a long name or a pax header.
    extended_header: int = 64 * 1024
    #: Zeros after the end of the archive: a record of GNU tar is 10 KiB, of others up to 1 MiB.
    padding: int = 4 * MIB
    #: Window of the zstd stream, as a power of two; 27 is what ``zstd -d`` takes by default.
    zstd_window_log: int = 27
    #: Findings listed for each id; the rest is counted.
    listed: int = 1000
    #: Extensions that modules and easyconfigs list, in bytes of memory.
    extensions: int = 16 * MIB
    #: A metadata file.
    metadata: int = MIB


DEFAULT_LIMITS = Limits()
