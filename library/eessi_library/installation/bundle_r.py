"""R bundles: every package that is installed must load."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from .interpreters import interpreter, run_interpreter
from .model import InstallationRequest, Observation, Severity

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

_R_SITE: Final = ('lib/R/library', 'lib/R/site-library', 'library', '.')


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
    status, out, err = run_interpreter([program, '--vanilla', script, *names], environment, scratch)
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
        and any(os.path.isfile(f'{top}/{name}/DESCRIPTION') for name in os.listdir(top))
    ]


def r_packages(top: str) -> list[str]:
    """Return the packages that are installed in an R library."""
    return sorted(
        name for name in os.listdir(top) if os.path.isfile(f'{top}/{name}/Meta/package.rds')
    )
