"""A pseudopotential of silicon that needs no file: for installations that bring none. Pure.

EasyBuild installs the programs of Quantum ESPRESSO and nothing else (easyblock
``quantumespresso.py``, ``install_step``: ``bin`` and the tools for pseudopotentials). The local
part written here is that of J. A. Appelbaum, D. R. Hamann, Phys. Rev. B 8 (1973) 1777, for silicon;
the projectors are Gaussians (the form of S. Goedecker, M. Teter, J. Hutter, Phys. Rev. B 54 (1996)
1703) that stand for nothing but make a non-local part and keep a band gap of 2 eV. It is a model:
its energies are compared with those that another program has for the same model
(:mod:`eessi_library.quantum_espresso.model_reference`), not with those of silicon.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

#: Radial mesh in bohr: exp(START + i STEP), an odd number of points.
_START, _STEP, _POINTS = -7.0, 0.025, 401

#: Charge of the ion; of the local part the exponent in 1/bohr^2 and the two strengths, in hartree
#: and hartree/bohr^2.
_CHARGE, _EXPONENT, _STRENGTHS = 4.0, 0.6102, (3.042, -1.372)

#: Radius in bohr and strength in hartree of the projectors of l = 0 and 1.
_PROJECTORS = ((0.8, 0.2), (0.8, -0.1))

#: Radius in bohr of the Gaussians that the self-consistency starts from.
_START_RADIUS = 1.2


def _mesh() -> list[float]:
    return [math.exp(_START + _STEP * i) for i in range(_POINTS)]


def _local(r: float) -> float:
    """Local potential in Ry."""
    ion = -_CHARGE / r * math.erf(math.sqrt(_EXPONENT) * r)
    core = (_STRENGTHS[0] + _STRENGTHS[1] * r * r) * math.exp(-_EXPONENT * r * r)
    return 2 * (ion + core)


def _gaussian(r: float, angular: int, radius: float) -> float:
    """Return r times a Gaussian of angular momentum 0 or 1 whose square integrates to one."""
    norm = math.sqrt(2 / math.gamma(angular + 1.5)) / radius ** (angular + 1.5)
    return norm * r ** (angular + 1) * math.exp(-((r / radius) ** 2) / 2)


def _numbers(values: Iterable[float]) -> str:
    cells = [f'{value:.15E}' for value in values]
    return '\n'.join(' '.join(cells[i : i + 4]) for i in range(0, len(cells), 4))


def _section(tag: str, values: Sequence[float], attributes: str = '') -> str:
    return f'<{tag}{attributes}>\n{_numbers(values)}\n</{tag}>\n'


def unified_pseudopotential_format() -> str:
    """Return the model as a UPF file of version 2.0.1, as pw.x 5 to 7 read it."""
    mesh = _mesh()
    header = {
        'generated': 'eessi-library', 'author': '', 'date': '', 'comment': '', 'element': 'Si',
        'pseudo_type': 'NC', 'relativistic': 'no', 'is_ultrasoft': 'false', 'is_paw': 'false',
        'is_coulomb': 'false', 'has_so': 'false', 'has_wfc': 'false', 'has_gipaw': 'false',
        'paw_as_gipaw': 'false', 'core_correction': 'false', 'functional': 'SLA PZ NOGX NOGC',
        'z_valence': f'{_CHARGE:.3E}', 'total_psenergy': '0.0E0', 'wfc_cutoff': '0.0E0',
        'rho_cutoff': '0.0E0', 'l_max': '1', 'l_max_rho': '0', 'l_local': '-1',
        'mesh_size': str(_POINTS), 'number_of_wfc': '2', 'number_of_proj': '2',
    }  # fmt: skip
    lines = '\n'.join(f'{name}="{value}"' for name, value in header.items())
    shape = f'dx="{_STEP}" mesh="{_POINTS}" xmin="{_START}" rmax="{mesh[-1]:.9E}" zmesh="1.0E0"'
    waves = [[_gaussian(r, angular, _START_RADIUS) for r in mesh] for angular in (0, 1)]
    betas = ''.join(
        _section(
            f'PP_BETA.{angular + 1}',
            [_gaussian(r, angular, radius) for r in mesh],
            f' index="{angular + 1}" angular_momentum="{angular}"'
            f' cutoff_radius_index="{_POINTS}" cutoff_radius="0.0E0"'
            ' ultrasoft_cutoff_radius="0.0E0"',
        )
        for angular, (radius, _) in enumerate(_PROJECTORS)
    )
    strengths = [2 * _PROJECTORS[0][1], 0.0, 0.0, 2 * _PROJECTORS[1][1]]
    states = ''.join(
        _section(
            f'PP_CHI.{angular + 1}',
            wave,
            f' index="{angular + 1}" label="3{"SP"[angular]}" l="{angular}" occupation="2.0E0"'
            ' n="0" pseudo_energy="0.0E0" cutoff_radius="0.0E0" ultrasoft_cutoff_radius="0.0E0"',
        )
        for angular, wave in enumerate(waves)
    )
    return (
        '<UPF version="2.0.1">\n<PP_INFO>\nmodel of silicon\n</PP_INFO>\n'
        f'<PP_HEADER\n{lines}\n/>\n'
        f'<PP_MESH {shape}>\n'
        + _section('PP_R', mesh)
        + _section('PP_RAB', [_STEP * r for r in mesh])
        + '</PP_MESH>\n'
        + _section('PP_LOCAL', [_local(r) for r in mesh])
        + f'<PP_NONLOCAL>\n{betas}'
        + _section('PP_DIJ', strengths)
        + f'</PP_NONLOCAL>\n<PP_PSWFC>\n{states}</PP_PSWFC>\n'
        + _section('PP_RHOATOM', [2 * s * s + 2 * p * p for s, p in zip(*waves, strict=True)])
        + '</UPF>\n'
    )
