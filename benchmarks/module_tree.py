"""Makes a tree in EESSI layout with many modules and no software, for timing the planner."""

from __future__ import annotations

from pathlib import Path

TARGETS = (
    'x86_64/generic', 'x86_64/intel/haswell', 'x86_64/intel/skylake_avx512', 'x86_64/amd/zen2',
    'aarch64/generic', 'aarch64/neoverse_n1', 'ppc64le/generic', 'ppc64le/power9le',
)  # fmt: skip


def make_tree(root: Path, modules: int) -> list[str]:
    """Make ``modules`` modules for each target, one in ten of them GROMACS; return the targets."""
    release = root / 'versions' / '2023.06'
    (release / 'init').mkdir(parents=True)
    (release / 'init' / 'bash').write_text('')
    for target in TARGETS:
        tree = release / 'software' / 'linux' / target / 'modules' / 'all'
        for number in range(modules):
            name = 'GROMACS' if number % 10 == 0 else f'Software{number % 400}'
            directory = tree / name
            directory.mkdir(parents=True, exist_ok=True)
            (directory / f'{2000 + number}.1-foss-2022b.lua').write_text('')
    return list(TARGETS)
