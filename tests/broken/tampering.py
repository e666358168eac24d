"""Breaks files of a stack and mends them again, whatever happens in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

#: Suffix of the sound file that waits beside a broken one.
_SOUND = '.eessi-validate-sound'


class Tampering:
    """A stack whose files can be replaced, edited and removed, and are put back by ``mend``."""

    def __init__(
        self,
        release: Path,
        cpu_target: str = 'x86_64/generic',
        recorded: Callable[[], Path] | None = None,
    ) -> None:
        self.release = release
        self._recorded = recorded
        self.compat = release / 'compat' / 'linux' / cpu_target.split('/')[0]
        self.software = release / 'software' / 'linux' / cpu_target
        self._changed: list[Path] = []
        self._added: list[Path] = []

    def installation(self, name: str) -> Path:
        """Return the only installation of some software."""
        (path,) = (p for p in (self.software / 'software' / name).iterdir() if p.is_dir())
        return path

    def module_file(self, name: str) -> Path:
        """Return the only module file of some software."""
        (path,) = (self.software / 'modules' / 'all' / name).glob('*.lua')
        return path

    def remove(self, path: Path) -> Path:
        """Take a file, link or directory away; return where it waits."""
        sound = path.with_name(path.name + _SOUND)
        if os.path.lexists(sound):
            raise RuntimeError(f'{path} is broken already: mend_leftovers() mends the stack')
        os.rename(path, sound)
        self._changed.append(path)
        return sound

    def replace(self, path: Path, content: bytes | str, mode: int = 0o755) -> Path:
        """Put other content in the place of a file; return where the sound one waits."""
        sound = self.remove(path)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return sound

    def add(self, path: Path, content: bytes | str, mode: int = 0o644) -> None:
        """Put a file where none is; its directory must be there."""
        self._added.append(path)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    def edit(self, path: Path, change: Callable[[str], str]) -> None:
        """Change the text of a file."""
        real = path.resolve()
        self.replace(real, change(real.read_text(encoding='utf-8')), real.stat().st_mode & 0o777)

    def wrap(self, path: Path, before: str = '', after: str = '', call: str = '') -> None:
        """Put a shell script around a program; ``$real`` is the program."""
        sound = path.with_name(path.name + _SOUND)
        call = call or '"$real" "$@"'
        shell = self.compat / 'usr' / 'bin' / 'bash'
        self.replace(
            path, f'#!{shell}\nreal={sound}\n{before}\n{call}\nstatus=$?\n{after}\nexit $status\n'
        )

    def directory(self, name: str) -> Path:
        """Make a directory of the test's own inside the release; return it."""
        path = self.release / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        self._added.append(path)
        return path

    def tree(self, path: Path) -> None:
        """Make a directory somewhere in the stack, and those above it that are not there."""
        missing = path
        while not missing.parent.exists():
            missing = missing.parent
        path.mkdir(parents=True)
        self._added.append(missing)

    def recorded(self) -> Path:
        """Return what a sound run of the application wrote; ask before anything is broken."""
        if self._recorded is None:
            raise RuntimeError('nothing of this application is recorded')
        return self._recorded()

    def mend(self) -> None:
        """Put everything back."""
        for path in self._added:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
        self._added.clear()
        for path in reversed(self._changed):
            _put_back(path)
        self._changed.clear()


def _put_back(path: Path) -> None:
    sound = path.with_name(path.name + _SOUND)
    if not os.path.lexists(sound):
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
    os.rename(sound, path)


def mend_leftovers(root: Path) -> None:
    """Put back what a killed test run left broken."""
    for sound in root.rglob(f'*{_SOUND}'):
        _put_back(sound.with_name(sound.name.removesuffix(_SOUND)))
    shutil.rmtree(root / 'host_injections', ignore_errors=True)
