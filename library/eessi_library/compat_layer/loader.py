"""The dynamic loader of the compat layer: where it searches, what it finds, which version it is."""

from __future__ import annotations

import bz2
import re
from pathlib import Path
from typing import ClassVar

from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.compat_layer.layout import trusted_directories
from eessi_library.compat_layer.loader_output import (
    foreign,
    mapped_files,
    searched_directories,
    system_search_path,
)
from eessi_library.compat_layer.packages import glibc_version
from eessi_library.compat_layer.portage_vdb import recorded_trusted_directories
from eessi_library.expect import expect
from eessi_library.nonce import integer

_SHOW_VERSION = (
    'import ctypes; f = ctypes.CDLL(None).gnu_get_libc_version; f.restype = ctypes.c_char_p; '
    'print("libc", f().decode())'
)


class Loader(CompatLayerTest, pin_prefix=True):
    """Programs load the compat layer's libraries, never the host's, and search trusted directories.

    Truths: the kernel's list of mapped files, the loader's own account of a search for a library
    of this run that exists nowhere, and the directories that the release trusts.
    """

    group: ClassVar[str] = 'loader'
    varies = 'name of the library that is searched for, number that the probed program prints'
    truths: ClassVar[dict[str, str]] = {
        'mapped files': '/proc/self/maps, proc(5)',
        'search': 'LD_DEBUG=libs and --help, ld.so(8)',
        'trusted directories': 'EESSI/compatibility-layer, pull requests 135 and 227',
    }

    @property
    def probe(self) -> str:
        """Name of a library that exists nowhere."""
        return f'libeessi_{self.nonce}.so'

    @property
    def number(self) -> int:
        """Number of this run."""
        return integer(self.nonce, 'loader number', 100_000, 999_999)

    def script_own_libraries(self) -> str:
        """The files that bash, Python and the tools of a shell map into memory.

        ``_hashlib`` is Python's link to OpenSSL: ``hashlib`` alone would do without.
        """
        return f"""\
echo "bash {self.number}"
while read -r line; do echo "$line"; done </proc/self/maps
for program in cat awk sed grep; do
    echo "$program {self.number}"
    case $program in
        awk) awk '{{ print }}' /proc/self/maps ;;
        sed) sed -n p /proc/self/maps ;;
        grep) grep '' /proc/self/maps ;;
        *) $program /proc/self/maps ;;
    esac
done
if type -P python3 >/dev/null; then
    echo "python3 {self.number}"
    python3 -I -B -c 'import _hashlib, ctypes, math, zlib; print(open("/proc/self/maps").read())'
fi
"""

    def judge_own_libraries(self, out: str) -> None:
        """Every mapped library lies in the compat layer or in a trusted directory."""
        allowed = [self.compat_path, *trusted_directories(self.compat_path, self.release)]
        parts = re.split(rf'^(\S+) {self.number}$', out, flags=re.MULTILINE)[1:]
        self.require(len(parts) >= 10, f'own_libraries: {len(parts) // 2} programs, expected 5')
        for program, text in zip(parts[::2], parts[1::2], strict=True):
            files = mapped_files(text)
            self.require(
                any(re.search(r'/libc[.-]', file) for file in files),
                f'own_libraries: {program} maps no C library',
            )
            libraries = [file for file in files if '.so' in file.rpartition('/')[2]]
            strangers = foreign(libraries, allowed)
            self.require(
                not strangers, f'own_libraries: {program} loads {", ".join(strangers)} of the host'
            )

    def script_dlopen_search(self) -> str:
        """The loader's account of a search for a library that exists nowhere."""
        return f"""\
LD_DEBUG=libs LD_PRELOAD={self.probe} {self.loader} "$(type -P true)" 2>&1
"{self.loader}" --help
"""

    def judge_dlopen_search(self, out: str) -> None:
        """It looked for this run's library, in the compat layer, and nowhere on the host."""
        directories = searched_directories(out, self.probe)
        self.require(bool(directories), f'dlopen_search: no search for {self.probe} is reported')
        allowed = [self.compat_path, *trusted_directories(self.compat_path, self.release)]
        searched = [*directories, *system_search_path(out)]
        strangers = [d for d in foreign(searched, allowed) if Path(d).is_dir()]
        self.require(
            not strangers,
            f'dlopen_search: the loader searches {", ".join(strangers)} of the host',
        )

    def script_glibc_version(self) -> str:
        """What loader and C library call themselves."""
        return (
            f'"{self.loader}" --version\npython3 -I -B -c \'{_SHOW_VERSION}\'\necho {self.number}\n'
        )

    def judge_glibc_version(self, out: str) -> None:
        """One version, and the one that the package database records."""
        loader = re.search(r'(?:stable )?release version (\d+\.\d+)', out)
        libc = re.search(r'^libc (\d+\.\d+)', out, re.MULTILINE)
        expect(loader is not None and libc is not None, 'glibc_version: no version is printed')
        self.compare('glibc_version: nonce', out.split()[-1], str(self.number))
        self.compare('glibc_version: C library, as the loader', libc[1], loader[1])
        if self.package_manager != 'none':
            recorded = glibc_version(self.compat_path, self.package_manager)
            self.compare('glibc_version: loader, as the database', loader[1], recorded)

    def script_trusted_directories(self) -> str:
        """The loader's own list, and its account of a search."""
        return self.script_dlopen_search()

    def judge_trusted_directories(self, out: str) -> None:
        """Each trusted directory is one whole line of the list, in the order of the release."""
        listed = system_search_path(out)
        expected = trusted_directories(self.compat_path, self.release)
        for directory in expected:
            self.require(
                directory in listed,
                f'trusted_directories: {directory} is not in the system search path {listed}',
            )
        order = [directory for directory in listed if directory in expected]
        self.compare('trusted_directories: order', order, expected)
        searched = searched_directories(out, self.probe)
        self.require(bool(searched), f'trusted_directories: no search for {self.probe}')
        existing = [directory for directory in expected if Path(directory).is_dir()]
        missed = [directory for directory in existing if directory not in searched]
        self.require(not missed, f'trusted_directories: dlopen does not search {missed}')

    def judge_trusted_record(self, _: str) -> None:
        """The build of glibc was told the directories, and the next one will be."""
        expected = trusted_directories(self.compat_path, self.release)
        builds = sorted(Path(self.compat_path).glob('var/db/pkg/sys-libs/glibc-*'))
        self.compare('trusted_record: builds of sys-libs/glibc', len(builds), 1)
        with bz2.open(builds[0] / 'environment.bz2', 'rt', errors='replace') as stream:
            found = recorded_trusted_directories(stream.read())
        self.compare(f'trusted_record: EXTRA_EMAKE of {builds[0].name}', found, expected)
        file = Path(self.compat_path, 'etc/portage/env/sys-libs/glibc')
        self.require(
            file.is_file(), f'trusted_record: {file} is missing, the next build loses them'
        )
        found = recorded_trusted_directories(file.read_text(encoding='utf-8'))
        self.compare(f'trusted_record: {file}', found, expected)
