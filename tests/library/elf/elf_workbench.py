"""Tiny objects built by gcc on the spot, without libc: only the rule under test decides."""

import subprocess
from pathlib import Path


class Workbench:
    """Builds libraries and programs below a root directory."""

    def __init__(self, root):
        self.root = Path(root)
        self._count = 0

    def library(self, path, *needs, soname=None, source=None, options=()):
        """Build a library; ``needs`` are paths of others, linked by their SONAME."""
        name = soname or Path(path).name
        return self._link(path, source, needs, ('-shared', f'-Wl,-soname,{name}', *options))

    def program(self, path, *needs, source=None, options=()):
        start = 'void _start(void) {}\n' + (source or '')
        return self._link(path, start, needs, ('-pie', *options))

    def _link(self, path, source, needs, options):
        self._count += 1
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        code = self.root / f'code{self._count}.c'
        code.write_text(source or f'int number{self._count}(void) {{ return 1; }}\n')
        command = ['gcc', '-nostdlib', '-fPIC', '-o', target, code, '-Wl,--no-as-needed']
        command += [self.root / need for need in needs]
        command += ['-Wl,--allow-shlib-undefined,--unresolved-symbols=ignore-all', *options]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return str(target)


def rpath(text):
    return ('-Wl,--disable-new-dtags', f'-Wl,-rpath,{text}')


def runpath(text):
    return ('-Wl,--enable-new-dtags', f'-Wl,-rpath,{text}')
