"""What is known of the watched run."""

from __future__ import annotations

from pathlib import Path

from eessi_validate.prove.observation import read_observation


def test_module_that_python_took_from_its_cache_is_its_source_too(tmp_path: Path) -> None:
    package = tmp_path / 'installation' / 'lib' / 'package'
    (package / '__pycache__').mkdir(parents=True)
    cache = package / '__pycache__' / 'numbers.cpython-311.pyc'
    for path in (cache, package / 'numbers.py', package / 'table.dat', package / 'other.pyc'):
        path.write_bytes(b'x')
    control = tmp_path / 'control'
    control.mkdir()
    opened = (cache, package / 'table.dat', package / 'other.pyc', tmp_path / 'elsewhere.dat')
    (control / 'opened').write_text(''.join(f'{path}\n' for path in opened))
    observation = read_observation(control, tmp_path / 'installation')
    assert set(observation.data) == {
        cache, package / 'numbers.py', package / 'table.dat', package / 'other.pyc',
    }  # fmt: skip
