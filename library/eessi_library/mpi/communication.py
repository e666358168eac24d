"""Communication between ranks: every element checked, latency and bandwidth measured."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect
from eessi_library.interpreter import last_exception
from eessi_library.library_test import LibraryTest
from eessi_library.mpi.expected import Expected
from eessi_library.mpi.rank_reports import expect_layout, expect_nonce, read_reports
from eessi_library.mpi.report import (
    RankReport,
    difference,
    error_message,
    not_injected,
    parse_report,
)


class CommunicationTest(LibraryTest, pin_prefix=True):
    """What tests of communication share; abstract.

    A program on the ranks reports what each received; this test knows from the MPI standard what
    that must be, byte by byte and without tolerance. A subclass names :attr:`programs`, the first
    of which is run. The timings include what Python adds, about 1 us for each call; they compare
    builds and nodes with each other, not with those of benchmarks in C.
    """

    #: Version that the library must report; '' accepts any.
    mpi_version = variable(str, value='', loggable=True)

    #: Elements of 8 bytes in each collective and one-sided operation; shared among the ranks
    #: where each exchanges with all.
    elements = variable(int, value=10_000, loggable=True)

    #: Installation whose library is tested; may name an environment variable. '' lets the loader
    #: choose.
    mpi_prefix = variable(str, value='', loggable=True)

    #: Directory with a site's MPI that stands in for that of the installation; '' if none does.
    #: Every rank must have its libraries in memory then, whichever version they are.
    injected_mpi = variable(str, value='', loggable=True)

    #: What runs on the ranks: files beside this one.
    programs: ClassVar[tuple[str, ...]] = ()

    #: Options of the interpreter.
    isolation: ClassVar[tuple[str, ...]] = ()

    varies = 'all data sent, and the roots of collectives; the nonce is repeated by each rank'

    truths: ClassVar[dict[str, str]] = {
        'point to point': 'MPI standard 3.1, chapter 3: what was sent is received',
        'collectives': 'MPI standard 3.1, chapter 5; sums in closed form, k n (n + 1) / 2',
        'one-sided': 'MPI standard 3.1, chapter 11',
        'layout': 'ranks and ranks per node asked for',
        'library': "the installation and version under test, or the site's MPI where one stands in",
    }

    directions: ClassVar[dict[str, str]] = {
        'latency': 'lower',
        'allreduce_time': 'lower',
        'bandwidth': 'higher',
        'checked_bytes': 'truth',
    }

    @run_before('run')
    def write_program(self) -> None:
        """Write the program into the stage directory."""
        folder = Path(self.stagedir, 'probe')
        folder.mkdir(exist_ok=True)
        Path(self.stagedir, 'ranks').mkdir(exist_ok=True)
        for name in self.programs:
            shutil.copy(Path(__file__).with_name(name), folder)

    @run_before('run')
    def compose_command(self) -> None:
        """Run the program on every task."""
        options = {
            '--prefix': f'"{self.mpi_prefix}"',
            '--nonce': self.nonce,
            '--elements': str(self.elements),
        }
        if self.injected_mpi:
            options |= self.options_of_injection()
        words = [word for option in options.items() for word in option]
        self.executable_opts = [*self.isolation, f'probe/{self.programs[0]}', *words]

    def options_of_injection(self) -> dict[str, str]:
        """Return the options of the program where a site's MPI stands in."""
        return {'--injected': shlex.quote(self.injected_mpi)}

    @sanity_function
    def data_arrived(self) -> bool:
        """Judge the run by its end, its layout, its nonce and every byte, in that order."""
        self.expect_clean_end()
        reports = self._reports()
        expect_layout(self, reports)
        expect_nonce(self, reports)
        self._expect_library(reports)
        faults: dict[str, list[int]] = {}
        expected = self._expected()
        for report in reports:
            wanted = expected.of(report.rank)
            expect(
                set(report.operations) == set(wanted),
                f'rank {report.rank} reports other operations than those it was asked for: '
                f'{sorted(set(report.operations) ^ set(wanted))}',
            )
            for name, received in wanted.items():
                if fault := difference(name, report.operations.get(name), received):
                    faults.setdefault(fault, []).append(report.rank)
        expect(not faults, 'wrong data: ' + '; '.join(self._told(faults)))
        return True

    def _reports(self) -> list[RankReport]:
        return read_reports(self, parse_report)

    def last_words(self, output: str) -> str | None:
        """Return the error of the probe, of Open MPI or of Python."""
        return error_message(output) or last_exception(output)

    @staticmethod
    def _told(faults: dict[str, list[int]]) -> list[str]:
        lines = [
            f'{fault} (rank {", ".join(map(str, ranks[:4]))}{" ..." if len(ranks) > 4 else ""})'
            for fault, ranks in faults.items()
        ]
        return lines if len(lines) <= 6 else [*lines[:6], f'and {len(lines) - 6} more']

    def _expected(self) -> Expected:
        return Expected(self.nonce, self.num_tasks, self.elements)

    def _expect_library(self, reports: list[RankReport]) -> None:
        if self.injected_mpi:
            for report in reports:
                if fault := not_injected(report, self.injected_mpi):
                    raise SanityError(f'rank {report.rank} {fault}')
            return
        for report in reports:
            expect(
                not self.mpi_prefix or report.library.startswith(report.prefix + '/'),
                f'rank {report.rank} has loaded {report.library or "no MPI library"}, '
                f'not the one of {report.prefix}',
            )
            expect(
                not self.mpi_version or report.version == self.mpi_version,
                f'rank {report.rank}: the library says "{report.library_version}", '
                f'not version {self.mpi_version}',
            )

    def _slowest(self, name: str) -> RankReport:
        return max(self._reports(), key=lambda report: report.timings[name])

    @performance_function('us')
    def latency(self) -> float:
        """Half a round trip of 8 bytes between the first and the last rank, median of batches."""
        return self._reports()[0].timings['latency_us']

    @performance_function('us')
    def allreduce_time(self) -> float:
        """Sum of one float64 over all ranks, median of batches, on the slowest rank."""
        return self._slowest('allreduce_us').timings['allreduce_us']

    @performance_function('MB/s')
    def bandwidth(self) -> float:
        """Bandwidth of messages of 4 MiB between the first and the last rank, one at a time."""
        return self._reports()[0].timings['bandwidth_mb_per_s']

    @performance_function('B')
    def checked_bytes(self) -> float:
        """Bytes received by all ranks and compared."""
        return float(sum(r.size for report in self._reports() for r in report.operations.values()))


class Communication(CommunicationTest, pin_prefix=True):
    """Point-to-point, collective and one-sided communication of Open MPI.

    A Python program drives the library through its binary interface, so that nothing but an
    interpreter and the library is needed: no compiler, no mpi4py, no benchmark suite.
    """

    #: Python 3.6 or later that can load the library, i.e. that uses the same C library.
    executable = 'python3'

    programs = ('probe.py', 'binding.py', 'pattern.py')
    # It sees no Python packages but its own.
    isolation = ('-E', '-s')

    #: Shared library of the stack that is linked to MPI. Where a site's MPI stands in, it is
    #: loaded first: the search path of the stack's own objects decides which MPI they get.
    linked_object = variable(str, value='', loggable=True)

    def options_of_injection(self) -> dict[str, str]:
        """Return the options of the program where a site's MPI stands in."""
        expect(bool(self.linked_object), 'no object of the stack is linked to MPI: none to load')
        return {**super().options_of_injection(), '--linked': shlex.quote(self.linked_object)}


class PythonCommunication(CommunicationTest, pin_prefix=True):
    """Point-to-point, collective and one-sided communication through mpi4py.

    The same data, truths and measurements as :class:`Communication`; under test are the bindings
    of Python and that they use the stack's library.
    """

    #: Python of the modules, which must find mpi4py.
    executable = 'python3'

    programs = ('mpi4py_probe.py', 'binding.py', 'pattern.py')
