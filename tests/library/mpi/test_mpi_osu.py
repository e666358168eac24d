"""Outputs of the OSU Micro-Benchmarks 5.8 to 7.5, and what makes one refused.

Those of 6.0 and 7.2 under ``recorded/osu-*`` are of our own runs on two ranks of two busy cores
with Open MPI 4.1.4 (docs/osu-micro-benchmarks.md says how they were built). 6.0 prints 5.9. For
``-corrupt`` a byte of what arrived was flipped, or 1.5 added to a sum. The others were printed
elsewhere, as published:

- 5.8: converged-computing/metrics-operator at f36771b, README of the example
  network-osu-benchmark (two pods, Open MPI);
- 6.2: notes on allreduce over 200 nodes (``-f -m 100000:5242880 -i 100``, Open MPI), found by its
  text; the repository is not known;
- 7.5: eth-cscs/cscs-docs at 5d74d59, image-mpich.md (two nodes, MPICH, ``--validation``);
- 7.5 on GPUs: bandwidth from the same page (one node, GH200, ``--validation D D``), latency from
  the EESSI blog of 14 November 2025 on Slingshot 11 (``osu_latency D D`` of
  OSU-Micro-Benchmarks/7.5-gompi-2023b-CUDA-12.4.0, two nodes);
- 7.2 on GPUs: notes on a CUDA-aware Open MPI on the cluster juliet (``-d cuda D D``, two nodes).

The form of ``osu_allreduce -f -c`` of 7.4 is written after the ``printf`` statements of its
sources; so was that of 7.2 here, before our runs confirmed it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.mpi import osu_truths as truths
from eessi_library.mpi.osu_output import OutputError, Table, error_message, parse_table

RECORDED = Path(__file__).parent / 'recorded'
TITLES = {
    'latency': 'Latency Test', 'bw': 'Bandwidth Test', 'allreduce': 'Allreduce Latency Test',
}  # fmt: skip
FIXED = truths.sizes(1, 4 * 1024**2)

#: 7.2 prints the datatype below the headings.
OF_7_2 = """\
# OSU MPI Latency Test v7.2
# Size          Latency (us)        Validation
# Datatype: MPI_CHAR.
200                     2.46              Pass
400                     3.31              Pass
"""
#: Written after the sources: 7.4 with -f and -c.
ALLREDUCE = """\

# OSU MPI Allreduce Latency Test v7.4
# Datatype: MPI_INT.
# Size       Avg Latency(us)   Min Latency(us)   Max Latency(us)  Iterations        Validation
132                    10.00              9.00             11.00         117              Pass
264                    12.00             11.00             13.00         117              Pass
"""


def _text(version: str, program: str) -> str:
    return (RECORDED / f'osu-{version}-{program}.txt').read_text()


def _table(version: str, program: str) -> Table:
    return parse_table(_text(version, program), TITLES[program])


def _latency(text: str) -> Table:
    return parse_table(text, 'Latency Test')


@pytest.mark.parametrize('version', ['5.8', '7.5'])
def test_published_runs_contradict_nothing(version: str) -> None:
    latency, bandwidth = _table(version, 'latency'), _table(version, 'bw')
    asked = (0, *FIXED) if version == '5.8' else FIXED
    assert (latency.version, bandwidth.version) == (version, version)
    assert truths.difference_in_sizes(latency, asked) is None
    assert truths.difference_in_sizes(bandwidth, FIXED) is None
    for table in (latency, bandwidth):
        assert truths.not_validated(table, truths.has_validation(version)) is None
    assert truths.impossible_latency(latency) is None
    assert truths.impossible_bandwidth(bandwidth) is None
    assert truths.inconsistent(latency, bandwidth, FIXED[-1]) is None


def test_published_runs_on_gpus_contradict_nothing() -> None:
    latency = parse_table(_text('7.5', 'cuda-latency'), 'Latency Test', 'cuda')
    bandwidth = parse_table(_text('7.5', 'cuda-bw'), 'Bandwidth Test', 'cuda')
    older = parse_table(_text('7.2', 'cuda-latency'), 'Latency Test', 'cuda')
    assert (latency.version, bandwidth.version, older.version) == ('7.5', '7.5', '7.2')
    for table in (latency, bandwidth, older):
        assert truths.difference_in_sizes(table, FIXED) is None
    assert truths.not_validated(bandwidth, True) is None
    for table in (latency, older):
        assert truths.impossible_latency(table, truths.fastest('cuda')) is None
    assert truths.impossible_bandwidth(bandwidth, truths.fastest('cuda')) is None


@pytest.mark.parametrize(
    ('old', 'new', 'device', 'reason'),
    [
        ('', '', '', 'it is another benchmark: .*, not "OSU MPI Latency Test"'),
        ('', '', 'rocm', 'it is another benchmark: .*, not "OSU MPI-ROCM Latency Test"'),
        ('MPI-CUDA', 'MPI', 'cuda', 'it is another benchmark: .*, not "OSU MPI-CUDA Latency Test"'),
        (
            'Receive Buffer on DEVICE (D)',
            'Receive Buffer on HOST (H)',
            'cuda',
            'not all messages lie on devices: "# Send Buffer on DEVICE .D. and Receive .* HOST',
        ),
    ],
)
def test_messages_that_lie_elsewhere_than_asked_for_are_refused(
    old: str, new: str, device: str, reason: str
) -> None:
    text = _text('7.2', 'cuda-latency').replace(old, new)
    with pytest.raises(OutputError, match=reason):
        parse_table(text, 'Latency Test', device)


def test_gpus_may_be_faster_than_cores_and_no_faster_than_their_memory() -> None:
    text = _text('7.5', 'cuda-bw')
    shared = parse_table(text.replace('113955.83', '1139558.3'), 'Bandwidth Test', 'cuda')
    assert truths.impossible_bandwidth(shared, truths.fastest('cuda')) is None
    assert 'faster than memory' in (truths.impossible_bandwidth(shared, truths.fastest('')) or '')
    broken = parse_table(text.replace('113955.83', '11395583.'), 'Bandwidth Test', 'cuda')
    fault = truths.impossible_bandwidth(broken, truths.fastest('cuda'))
    assert 'faster than memory' in (fault or '')


def test_our_runs_of_6_0_contradict_nothing() -> None:
    latency, bandwidth = _table('6.0', 'latency'), _table('6.0', 'bw')
    for table in (latency, bandwidth):
        assert table.version in truths.printed_versions('6.0')
        assert truths.not_validated(table, True) is None
    assert truths.difference_in_sizes(latency, truths.sizes(1, 1024**2)) is None
    assert truths.difference_in_sizes(bandwidth, FIXED) is None
    assert truths.impossible_latency(latency) is None
    assert truths.impossible_bandwidth(bandwidth) is None
    assert truths.inconsistent(latency, bandwidth, 1024**2) is None
    table = _table('6.0', 'allreduce')
    assert truths.difference_in_sizes(table, truths.sizes(4, 1024**2)) is None
    assert truths.wrong_statistics(table, 101) is None
    assert truths.not_validated(table, True) is None


def test_our_runs_of_7_2_contradict_nothing() -> None:
    for program in ('latency', 'bw'):
        table = _table('7.2', program)
        assert truths.difference_in_sizes(table, truths.sizes(200, 51200)) is None
        assert truths.not_validated(table, True) is None
    table = _table('7.2', 'allreduce')
    assert truths.difference_in_sizes(table, truths.sizes(132, 33792)) is None
    assert truths.not_validated(table, True) is None
    assert truths.wrong_statistics(table, 117) is None


@pytest.mark.parametrize(
    ('program', 'size'), [('latency', 6400), ('allreduce', 1056)]
)  # of allreduce, the number of elements: 4224 bytes
def test_what_a_benchmark_says_of_wrong_data_is_the_reason(program: str, size: int) -> None:
    text = _text('6.0', f'{program}-corrupt')
    said = f'DATA VALIDATION ERROR: osu_{program} exited with status 1 on message size {size}.'
    with pytest.raises(OutputError, match=said):
        parse_table(text, TITLES[program])
    assert error_message(text) == said
    unsaid = parse_table(text.replace(said, ''), TITLES[program])
    last = unsaid.sizes[-1]
    assert truths.not_validated(unsaid, True) == (
        f'validation does not say Pass for messages of {last} bytes'
    )


def test_published_allreduce_has_its_statistics_and_iterations() -> None:
    table = _table('6.2', 'allreduce')
    assert table.sizes == truths.sizes(100_000, 5_242_880)
    assert truths.wrong_statistics(table, 100) is None
    fault = truths.wrong_statistics(table, 101)
    assert fault == '100000 bytes: 100 iterations, asked for 101'


def test_datatype_below_the_headings_and_both_columns_are_read() -> None:
    assert _latency(OF_7_2).value(400) == 3.31
    table = parse_table(ALLREDUCE, 'Allreduce Latency Test')
    assert [row.valid for row in table.rows] == [True, True]
    assert truths.wrong_statistics(table, 117) is None


def test_lines_of_the_mpi_library_are_no_rows() -> None:
    assert _latency('[node:7] SET UCX_TLS=rc\n' + OF_7_2 + 'UCX WARN unused\n') == _latency(OF_7_2)


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', 'there is no title'),
        (OF_7_2 * 2, '2 titles in one run: ranks that do not see each other'),
        (OF_7_2.replace('Latency Test', 'Multi Latency Test'), 'it is another benchmark'),
        (OF_7_2.replace('OSU MPI ', 'OSU MPI-CUDA '), 'it is another benchmark'),
        (OF_7_2.replace('Latency (us)', 'Bandwidth (MB/s)'), 'unknown columns'),
        (OF_7_2.replace('# Size', '# Bytes'), '0 headings'),
        (OF_7_2[: OF_7_2.index('200 ')], 'there is no line for any message size'),
        (OF_7_2.replace('3.31              Pass', '3.31'), 'has 2 fields, expected 3'),
        (OF_7_2.replace('3.31 ', 'nan '), 'messages of 400 bytes: not all are numbers from 0 on'),
        (OF_7_2.replace('3.31 ', 'inf '), 'not all are numbers from 0 on'),
        (OF_7_2.replace('3.31 ', '-3.3 '), 'not all are numbers from 0 on'),
        (OF_7_2.replace('3.31 ', 'fast '), 'is not one of sizes and numbers'),
        (
            OF_7_2 + 'DATA VALIDATION ERROR: osu_latency exited with status 1 on message size 400.',
            'DATA VALIDATION ERROR: osu_latency exited with status 1 on message size 400.',
        ),
    ],
)
def test_anything_but_one_whole_table_is_refused(text: str, reason: str) -> None:
    with pytest.raises(OutputError, match=reason):
        _latency(text)


def test_validation_fails_closed() -> None:
    for word in ('Fail', 'pass', 'Passed'):
        fault = truths.not_validated(_latency(OF_7_2.replace('3.31              Pass',
                                             f'3.31              {word}')), True)  # fmt: skip
        assert fault == 'validation does not say Pass for messages of 400 bytes'
    without = _latency(OF_7_2.replace('        Validation', '').replace('              Pass', ''))
    assert truths.not_validated(without, True) == (
        'validation was asked for, but there is no column Validation'
    )
    assert truths.not_validated(without, False) is None


@pytest.mark.parametrize(
    ('version', 'there'),
    [('5.6.3', False), ('5.8', False), ('5.9', True), ('6.2', True), ('7.1', True),
     ('10.0', True), ('', True), ('develop', True)],
)  # fmt: skip
def test_validation_is_asked_for_unless_the_version_is_known_to_lack_it(
    version: str, there: bool
) -> None:
    assert truths.has_validation(version) is there


@pytest.mark.parametrize(
    ('module', 'printed'),
    [('7.1-1', ('7.1',)), ('5.6.3', ('5.6.3',)), ('6.0', ('6.0', '5.9')), ('', ())],
)
def test_a_module_says_which_versions_may_be_printed(module: str, printed: tuple[str, ...]) -> None:
    assert truths.printed_versions(module) == printed


def test_sizes_are_all_there_and_no_other() -> None:
    table = _latency(OF_7_2)
    assert truths.difference_in_sizes(table, (200, 400)) is None
    assert truths.difference_in_sizes(table, (200, 400, 800)) == (
        'sizes of messages: missing [800], not asked for none'
    )
    assert truths.difference_in_sizes(table, (200,)) == (
        'sizes of messages: missing none, not asked for [400]'
    )
    assert 'come as [200, 400]' in (truths.difference_in_sizes(table, (400, 200)) or '')


@pytest.mark.parametrize('program', ['latency', 'bw', 'allreduce'])
def test_fresh_sizes_are_never_fixed_ones_and_follow_the_nonce(program: str) -> None:
    bases = {truths.fresh_base(f'{n:016x}', program) for n in range(300)}
    assert len(bases) > 25
    assert not bases & set(FIXED)
    if program == 'allreduce':
        assert all(base % 4 == 0 for base in bases)


def test_what_no_memory_can_do_is_refused() -> None:
    fast = _latency(OF_7_2.replace('400 ', '40000000 '))
    assert truths.impossible_latency(fast) == (
        '40000000 bytes in 3.31 us: faster than memory can be'
    )
    text = _text('7.5', 'bw')
    fault = truths.impossible_bandwidth(
        parse_table(text.replace('3764.11', '3764110.99'), 'Bandwidth Test')
    )
    assert fault is not None
    assert 'faster than memory' in fault


def test_latency_and_bandwidth_do_not_fall_by_orders() -> None:
    falling = _text('7.5', 'latency').replace('38.25', '999999.99')
    fault = truths.impossible_latency(_latency(falling))
    assert 'latency falls from 1e+06 us for 1 bytes to 1341.79 us' in (fault or '')
    text = _text('7.5', 'bw').replace('3764.11', '   0.10')
    fault = truths.impossible_bandwidth(parse_table(text, 'Bandwidth Test'))
    assert 'bandwidth falls from 0.14 MB/s' in (fault or '')


@pytest.mark.parametrize('latency', ['   5.00', '99999999.99'])
def test_bandwidth_goes_with_latency(latency: str) -> None:
    text = _text('7.5', 'latency').replace('1341.79', latency)
    fault = truths.inconsistent(_latency(text), _table('7.5', 'bw'), FIXED[-1])
    assert 'does not go with 3764.11 MB/s' in (fault or '')


def test_short_messages_on_busy_cores_are_no_contradiction() -> None:
    assert truths.impossible_latency(_latency(OF_7_2.replace('2.46', '1282.01'))) is None
    text = _text('7.5', 'bw').replace('   0.14 ', '   0.00 ')
    assert truths.impossible_bandwidth(parse_table(text, 'Bandwidth Test')) is None


def test_nothing_takes_no_time_and_no_long_message_gets_nowhere() -> None:
    stopped = _latency(OF_7_2.replace('2.46', '0.00'))
    assert truths.impossible_latency(stopped) == '200 bytes in 0 us'
    text = _text('7.5', 'bw').replace('3764.11', '   0.00')
    fault = truths.impossible_bandwidth(parse_table(text, 'Bandwidth Test'))
    assert fault == '0 MB/s with 4194304 bytes'


def test_mean_lies_between_minimum_and_maximum() -> None:
    text = ALLREDUCE.replace('10.00', '19.00')
    fault = truths.wrong_statistics(parse_table(text, 'Allreduce Latency Test'), 117)
    assert fault == '132 bytes: mean 19 us is not between 9 and 11 us'


def test_last_words_of_the_benchmarks_are_found() -> None:
    said = 'This test requires exactly two processes'
    assert error_message(f'Loading\n{said}\nmpirun noticed\n') == said
    assert error_message('all is well') is None
