"""R bundles: every package that is installed must load."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from ..model import InstallationRequest, Observation, Severity
from .interpreters import interpreter, run_interpreter

_R_LIBRARIES: Final = r"""
names <- commandArgs(trailingOnly = TRUE)
for (name in names) {
  said <- tryCatch({
    suppressWarnings(suppressPackageStartupMessages(
      loadNamespace(name)))
    ''
  }, error = function(e) conditionMessage(e))
  cat('RESULT\t', name, '\t', gsub('[[:space:]]+', ' ', said), '\n', sep = '')
}
"""

#: Packages that are loaded in one process: R opens at most 614 libraries (R_MAX_NUM_DLLS in
#: ?dyn.load), and the time limit is that of a process; R-bundle-CRAN has more than 1,000 packages.
_TOGETHER: Final = 50

_R_SITE: Final = (
    *(f'{lib}/R/{name}' for lib in ('lib', 'lib64') for name in ('library', 'site-library')),
    'library',
    '.',
)


def check_r(
    request: InstallationRequest, site: str, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield every package of one R library that does not load."""
    program = interpreter(request, environment, ('Rscript',))
    if program is None:
        reason = 'has R packages, and its module finds no Rscript of the stack'
        yield Observation('bundle/no-interpreter', Severity.ERROR, site, 'Rscript', reason)
        return
    top = f'{request.real_path}/{site}'
    names = r_packages(top)
    script = f'{scratch}/libraries.R'
    with open(script, 'w', encoding='utf-8') as file:
        file.write(_R_LIBRARIES)
    for start in range(0, len(names), _TOGETHER):
        some = names[start : start + _TOGETHER]
        yield from _load([program, '--vanilla', script], some, site, environment, scratch)


def _load(
    command: list[str],
    names: list[str],
    site: str,
    environment: Mapping[str, str],
    scratch: str,
) -> Iterator[Observation]:
    status, out, err = run_interpreter([*command, *names], environment, scratch)
    answers = dict(
        line.split('\t')[1:3] for line in out.splitlines() if line.startswith('RESULT\t')
    )
    for name in names:
        fault = answers.get(name, f'stopped with {status}: {err.strip()[-160:]}')
        if fault:
            subject = name if name in answers else 'stopped'
            reason = f'library({name}): {fault[:240]}'
            yield Observation('bundle/r-library', Severity.ERROR, f'{site}/{name}', subject, reason)
            if name not in answers:
                return


def r_sites(request: InstallationRequest) -> list[str]:
    """Return the directories with R packages in an installation, relative to it."""
    return [
        site
        for site in _R_SITE
        if os.path.isdir(top := f'{request.real_path}/{site}')
        and not os.path.islink(f'{request.real_path}/{site.partition("/")[0]}')  # lib64 -> lib
        and any(os.path.isfile(f'{top}/{name}/DESCRIPTION') for name in os.listdir(top))
    ]


def r_packages(top: str) -> list[str]:
    """Return the packages of an R library, also those that R would not call installed."""
    return sorted(name for name in os.listdir(top) if _is_package(f'{top}/{name}'))


def _is_package(path: str) -> bool:
    if os.path.isfile(f'{path}/Meta/package.rds'):
        return True
    try:
        with open(f'{path}/DESCRIPTION', encoding='utf-8', errors='replace') as file:
            text = file.read(100_000)
    except OSError:
        return False
    # R's own "translations" holds no code; any other one without Meta does not load
    return 'Package:' in text and os.path.basename(path) != 'translations'
