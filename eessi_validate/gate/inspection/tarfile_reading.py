"""Lists an archive on standard input with Python's ``tarfile``: the second reading's stand-in."""

from __future__ import annotations

import sys
import tarfile

from eessi_validate.gate.inspection.agreement import record

_KINDS = {tarfile.REGTYPE: '-', tarfile.LNKTYPE: 'h', tarfile.SYMTYPE: 'l', tarfile.DIRTYPE: 'd'}


def main() -> None:
    """Write one record for each member to standard output."""
    with tarfile.open(
        fileobj=sys.stdin.buffer,
        mode='r|',
        bufsize=1 << 20,
        encoding='utf-8',
        errors='surrogateescape',
    ) as archive:
        while (info := archive.next()) is not None:
            # The archive keeps all members otherwise: half a gigabyte for half a million.
            archive.members = []  # type: ignore[attr-defined]
            sys.stdout.buffer.write(
                record(
                    _KINDS.get(info.type, '?'),
                    info.mode,
                    info.size,
                    info.name.encode('utf-8', 'surrogateescape'),
                    info.linkname.encode('utf-8', 'surrogateescape'),
                )
            )


if __name__ == '__main__':
    main()
