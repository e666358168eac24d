"""The OSU Micro-Benchmarks: latency, bandwidth and a collective, with their data validated."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError
from reframe.utility.typecheck import Str

from eessi_library.diagnosis import comes_from
from eessi_library.expect import expect
from eessi_library.library_test import LibraryTest
from eessi_library.mpi import osu_truths as truths
from eessi_library.mpi.osu_output import OutputError, Table, error_message, parse_table
from eessi_library.mpi.rank_reports import Presence, expect_layout, expect_nonce, read_reports

#: Size in bytes of the messages whose latency is reported.
SHORT = 8


@dataclass(frozen=True)
class Run:
    """One start of one benchmark."""

    #: ``latency``, ``bw`` or ``allreduce``.
    program: str
    #: ``fixed`` or ``fresh``.
    choice: str
    sizes: tuple[int, ...]
    iterations: int
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of its output and of the directory of its ranks' notes."""
        return f'{self.program}-{self.choice}'


class OsuTest(LibraryTest, pin_prefix=True):
    """What tests by the OSU Micro-Benchmarks share; abstract.

    Each program runs twice: with fixed sizes of messages, whose numbers are reported, and with
    sizes that the nonce chooses. Both must print exactly the sizes asked for. Where the version
    has it (5.9 and later), every size is validated, also while it is timed, as EESSI's own test
    suite does it; numbers of older versions therefore do not compare with those of newer ones.
    Each message that is timed is then preceded by one that warms up (``-u 1``), not by five, which
    would cost three times as much.
    """

    #: Version that the benchmarks must print; a module's ``7.1-1`` is 7.1. '' accepts any, and
    #: asks for validation.
    osu_version = variable(str, value='', loggable=True)

    #: Largest message of fixed size, in bytes; a program may have another one.
    largest = variable(int, value=1024**2, loggable=True)

    #: Largest message of the sizes that the nonce chooses, in bytes.
    largest_fresh = variable(int, value=64 * 1024, loggable=True)

    #: Where the messages lie: '' in the memory of the host, ``cuda`` or ``rocm`` in that of GPUs.
    device = variable(Str['^(cuda|rocm)?$'], value='', loggable=True)

    #: Starts a program on a rank, beside this file.
    executable = './rank.sh'

    #: What follows the options where messages lie on GPUs.
    device_buffers: ClassVar[tuple[str, ...]] = ()

    fewest_tasks: ClassVar[int] = 2

    #: Title of what each program prints, in the order of the runs.
    titles: ClassVar[dict[str, str]] = {}

    varies = 'the sizes of messages of a second run of each program, all of which it prints'

    truths: ClassVar[dict[str, str]] = {
        'data': "the benchmark's own validation: Pass for every size",
        'sizes': 'the sizes of -m MIN:MAX, each twice the one before; no other',
        'layout': 'ranks and ranks per node asked for; one table, so one world',
        'version': 'that of the module',
        'device': 'title and buffers are those of the device asked for, of no device if of none',
        'speed': 'no message is faster than a core can store it; latency does not fall by orders',
    }

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All starts, in their order."""
        raise NotImplementedError

    @property
    def validates(self) -> bool:
        """Whether the version can validate its data."""
        return truths.has_validation(self.osu_version)

    @run_before('run')
    def need_enough_ranks(self) -> None:
        """Skip where there is nobody to send to: the benchmarks refuse a single rank."""
        if self.num_tasks < self.fewest_tasks:
            self.skip('these benchmarks need two ranks or more: choose a larger scale')

    @run_before('run')
    def compose_runs(self) -> None:
        """Start each program on every task, the last one as the main command."""
        shutil.copy(Path(__file__).with_name('rank.sh'), self.stagedir)
        Path(self.stagedir, 'rank.sh').chmod(0o755)
        if self.program_root:
            self.prerun_cmds += [comes_from(f'osu_{p}', self.program_root) for p in self.titles]
        for run in self.runs:
            Path(self.stagedir, 'ranks', run.name).mkdir(parents=True, exist_ok=True)
        *first, last = self.runs
        for run in first:
            command = ' '.join([self.executable, *self._arguments(run)])
            self.prerun_cmds.append(self.on_all_tasks(command))
        self.executable_opts = self._arguments(last)

    def _arguments(self, run: Run) -> list[str]:
        return [
            f'ranks/{run.name}', self.nonce, f'osu_{run.program}',
            '-m', f'{run.sizes[0]}:{run.sizes[-1]}',
            '-i', str(run.iterations), '-x', str(max(run.iterations // 10, 1)),
            *run.options, *(['-c', '-u', '1'] if self.validates else []),
            *(['-d', self.device, *self.device_buffers] if self.device else []),
            f'>{run.name}.out',
        ]  # fmt: skip

    @sanity_function
    def every_run_is_sound(self) -> bool:
        """Judge by the end of the job; then each run by layout, sizes, data and numbers."""
        self.expect_clean_end()
        for run in self.runs:
            reports = read_reports(self, Presence.parse, f'ranks/{run.name}')
            expect_layout(self, reports)
            expect_nonce(self, reports)
        tables = {run.name: self._table(run) for run in self.runs}
        for run in self.runs:
            self._expect_table(run, tables[run.name])
        for fault in self.contradictions(tables):
            raise SanityError(fault)
        return True

    def contradictions(self, tables: dict[str, Table]) -> list[str]:
        """Return what the runs, by name, say against each other."""
        del tables
        return []

    def last_words(self, output: str) -> str | None:
        """Return what a benchmark said when it gave up."""
        return error_message('\n'.join([output, *(self.read_output(f'{run.name}.out')
                                                  for run in self.runs)]))  # fmt: skip

    def _table(self, run: Run) -> Table:
        try:
            text = self.require_output(f'{run.name}.out')
            return parse_table(text, self.titles[run.program], self.device)
        except OutputError as error:
            raise SanityError(f'{run.name}: {error}') from None

    def _expect_table(self, run: Run, table: Table) -> None:
        known = truths.printed_versions(self.osu_version)
        expect(
            not known or table.version in known,
            f'{run.name}: osu_{run.program} says version {table.version}, not {" or ".join(known)}',
        )
        impossible = truths.impossible_bandwidth if run.program == 'bw' else (
            truths.impossible_latency
        )  # fmt: skip
        fault = (
            truths.difference_in_sizes(table, run.sizes)
            or truths.not_validated(table, self.validates)
            or impossible(table, truths.fastest(self.device))
        )
        if fault and 'sizes' in fault and run.choice == 'fresh':
            fault = f"does not reflect this run's nonce (recorded or foreign), {fault}"
        expect(not fault, f'{run.name}: {fault}')

    def _measured(self, program: str, size: int) -> float:
        (run,) = (r for r in self.runs if (r.program, r.choice) == (program, 'fixed'))
        return self._table(run).value(size)

    def pair_of_runs(
        self, program: str, fixed: tuple[int, ...], iterations: int, *options: str
    ) -> tuple[Run, Run]:
        """Return the run with ``fixed`` sizes and that with fresh ones."""
        base = truths.fresh_base(self.nonce, program)
        fresh = truths.sizes(base, self.largest_fresh)
        return (
            Run(program, 'fixed', fixed, iterations, options),
            Run(program, 'fresh', fresh, iterations, options),
        )


class OsuPointToPoint(OsuTest, pin_prefix=True):
    """Latency and bandwidth between two ranks: ``osu_latency`` and ``osu_bw``.

    Both refuse to run in a world of more or fewer than two ranks.

    5.9 to 7.1 never free the data that the receiver expects, with each iteration once more twice
    the largest size (``validate_data`` of 6.0; CHANGES of 7.2): hence few iterations of large
    messages. 220 up to 4 MiB took 1.8 GB.
    """

    #: Largest message of fixed size of ``osu_bw``, in bytes.
    largest_bandwidth = variable(int, value=4 * 1024**2, loggable=True)

    #: Iterations of each size that are timed: ping-pongs, and windows of 64 messages.
    latency_iterations = variable(int, value=200, loggable=True)
    #: Number of windows of 64 messages of each size that are timed.
    bandwidth_iterations = variable(int, value=10, loggable=True)

    titles: ClassVar[dict[str, str]] = {'latency': 'Latency Test', 'bw': 'Bandwidth Test'}

    device_buffers: ClassVar[tuple[str, ...]] = ('D', 'D')

    most_tasks: ClassVar[int | None] = 2

    directions: ClassVar[dict[str, str]] = {'latency': 'lower', 'bandwidth': 'higher'}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All starts, in their order."""
        sizes = truths.sizes(1, self.largest)
        return (
            *self.pair_of_runs('latency', sizes, self.latency_iterations),
            *self.pair_of_runs('bw', self._bandwidth_sizes, self.bandwidth_iterations),
        )

    def contradictions(self, tables: dict[str, Table]) -> list[str]:
        """Return what bandwidth and latency say against each other."""
        latency, bandwidth = tables['latency-fixed'], tables['bw-fixed']
        common = [size for size in latency.sizes if size in bandwidth.sizes]
        found = truths.inconsistent(latency, bandwidth, common[-1])
        return [found] if found else []

    @property
    def _bandwidth_sizes(self) -> tuple[int, ...]:
        return truths.sizes(1, self.largest_bandwidth)

    @performance_function('us')
    def latency(self) -> float:
        """Half a round trip of 8 bytes, mean."""
        return self._measured('latency', SHORT)

    @performance_function('MB/s')
    def bandwidth(self) -> float:
        """Bandwidth of the largest messages of fixed size, 64 of them under way."""
        return self._measured('bw', self._bandwidth_sizes[-1])


class OsuAllreduce(OsuTest, pin_prefix=True):
    """Sum over all ranks, at least two: ``osu_allreduce``.

    Its validation does not see every wrong sum: 6.0 compares floats by ``abs`` of whole numbers,
    7.2 compares nothing (``validate_reduction``); 7.4 does. The test of MPI communication checks
    sums exactly.
    """

    truths: ClassVar[dict[str, str]] = {
        **OsuTest.truths,
        'data': "the benchmark's own validation: Pass for every size; 7.2 says so of any result",
    }

    #: Number of reductions of each size that are timed; the nonce adds up to 49.
    iterations = variable(int, value=100, loggable=True)

    titles: ClassVar[dict[str, str]] = {'allreduce': 'Allreduce Latency Test'}

    directions: ClassVar[dict[str, str]] = {'allreduce_time': 'lower'}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All starts, in their order."""
        iterations = self.iterations + truths.integer(self.nonce, 'osu iterations', 0, 49)
        return self.pair_of_runs('allreduce', truths.sizes(4, self.largest), iterations, '-f')

    def contradictions(self, tables: dict[str, Table]) -> list[str]:
        """Return what is wrong with minimum, mean, maximum and number of iterations."""
        found = [
            (run, truths.wrong_statistics(tables[run.name], run.iterations)) for run in self.runs
        ]
        return [f'{run.name}: {fault}' for run, fault in found if fault]

    @performance_function('us')
    def allreduce_time(self) -> float:
        """Sum of 8 bytes over all ranks, mean over the ranks."""
        return self._measured('allreduce', SHORT)
