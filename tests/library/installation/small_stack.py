"""A small release made with gcc: a library, a program that uses it, the host's libc as compat."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from eessi_library.installation import (
    Finding,
    InstallationReport,
    InstallationRequest,
    Release,
    check_installations,
    module_file,
)

TARGET = 'x86_64/generic'
LOADER = 'lib64/ld-linux-x86-64.so.2'


@dataclass
class SmallStack:
    """A release below a temporary directory, with the installation App/1.0."""

    root: Path
    release: Release

    @property
    def app(self) -> Path:
        return Path(self.release.software) / 'software' / 'App' / '1.0'

    @property
    def compat(self) -> Path:
        return Path(self.release.compat)

    def request(self, *groups: str, name: str = 'App/1.0') -> InstallationRequest:
        path = f'{self.release.software}/software/{name}'
        found = module_file(self.release, name)
        return InstallationRequest(self.release, name, path, found, groups)

    def check(self, *groups: str, cache: Path | None = None) -> InstallationReport:
        request = self.request(*groups)
        return next(iter(check_installations([request], str(cache) if cache else None, 1)))

    def findings(self, *groups: str) -> dict[str, Finding]:
        """Findings by id of the check."""
        return {finding.check: finding for finding in self.check(*groups).findings}

    def library(self, code: str, *options: str, name: str = 'libthing.so.1') -> Path:
        out = self.app / 'lib' / name
        flags = ['-shared', '-fPIC', f'-Wl,-soname,{name}', f'-Wl,-rpath,{self.compat}/lib']
        return gcc(code, out, *flags, *options)

    def program(self, code: str, *options: str, name: str = 'app', rpath: str = '') -> Path:
        flags = [
            f'-Wl,--dynamic-linker,{self.compat}/{LOADER}',
            f'-Wl,--disable-new-dtags,-rpath,{rpath or f"{self.app}/lib:{self.compat}/lib"}',
            f'-L{self.app}/lib',
        ]
        return gcc(code, self.app / 'bin' / name, *flags, *options)


def gcc(code: str, out: Path, *options: str) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    source = out.parent / f'{out.name}.c'
    source.write_text(code)
    # the object first: --as-needed must see that it needs the libraries that follow
    command = ['gcc', '-O2', '-o', str(out), str(source), *options]
    subprocess.run(command, check=True, capture_output=True, text=True)
    source.unlink()
    return out


THING = 'int thing(int x) { return 3 * x; }'
APP = (
    '#include <stdio.h>\nint thing(int);\n'
    'int main(int c, char **v) { printf("App version 1.0 %d\\n", thing(c)); return 0; }'
)
