"""Differential expression with Bioconductor: Biobase, limma, and GenomicRanges where present."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.interpreter import r_error
from eessi_library.library_test import LibraryTest
from eessi_library.r import expression
from eessi_library.r.output import SAY, OutputError, Said, assignments, parse_output


class ModeratedT(LibraryTest, pin_prefix=True):
    """limma's moderated t-test of two groups, and the round trip of an ExpressionSet.

    Truth: the published formula, computed in base R beside limma; base R's numbers are those of
    plain Python, see :mod:`eessi_library.r.moderated_t`. Tolerance in
    :mod:`eessi_library.r.expression`.
    """

    #: Genes, each with its own variance.
    genes = variable(int, value=200, loggable=True)

    #: R packages that must be there.
    required_packages = variable(tuple, value=('Biobase', 'limma'))

    #: R's front end for scripts.
    executable = 'Rscript'

    launched = False

    varies = 'all expression values and the number of samples; the nonce is echoed'
    truths: ClassVar[dict[str, str]] = {
        'moderated t': 'Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004) article 3',
        'adjusted p': 'Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289',
        'ExpressionSet': 'the data that went in',
        'GenomicRanges': 'overlaps counted base by base (only where the package is present)',
    }
    directions: ClassVar[dict[str, str]] = {
        'session': 'lower',
        'largest_error': 'truth',
        'prior_degrees': 'truth',
    }

    @property
    def task(self) -> dict[str, Any]:
        """The numbers that the script starts from."""
        return expression.make_task(self.nonce, self.genes)

    @run_before('run')
    def write_input(self) -> None:
        """Write the script."""
        names = ', '.join(f"'{name}'" for name in self.required_packages)
        source = Path(__file__).with_name('limma.R').read_text(encoding='utf-8')
        script = [SAY, assignments(self.task), f'required_packages <- c({names})\n', source]
        self.write('limma.R', '\n'.join(script))
        self.env_vars['OMP_NUM_THREADS'] = self.num_cpus_per_task or 1
        self.env_vars['OPENBLAS_NUM_THREADS'] = self.num_cpus_per_task or 1
        self.executable_opts = ['--vanilla', 'limma.R']

    def last_words(self, output: str) -> str | None:
        """Return the error that ended R."""
        return r_error(output)

    @sanity_function
    def formula_is_followed(self) -> bool:
        """Judge the run by its end, nonce and numbers, in that order."""
        self.expect_clean_end()
        said = self._said()
        try:
            self.expect_nonce('the output', said.text('nonce'))
            for name in self.required_packages:
                said.text(f'version of {name}')
            expression.judge(self.task, said)
        except OutputError as error:
            raise SanityError(str(error)) from None
        return True

    def _said(self) -> Said:
        return parse_output(self.require_output(str(self.stdout)))

    @performance_function('s')
    def session(self) -> float:
        """Wall time of all computations, packages loaded."""
        return self._said().number('seconds')

    @performance_function('1')
    def largest_error(self) -> float:
        """Largest relative error of any kind of number."""
        return max(expression.errors(self.task, self._said()).values())

    @performance_function('1')
    def prior_degrees(self) -> float:
        """Prior degrees of freedom d0."""
        return self._said().number('df prior')
