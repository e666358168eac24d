"""Time the store of results and the comparison of releases, next to ReFrame's own store.

    python benchmarks/results_store.py [--work DIR] [compare|query|show|writers ...]

Makes its data from a seed below DIR (a temporary directory if left out; up to 1 GB) and removes it.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from eessi_validate.results.archive import SCHEMA, open_archive
from eessi_validate.results.archive.schema import table_of
from eessi_validate.results.imports.reframe_report import rows_of_report

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
SESSIONS, CASES = 300, 200
RELEASES = ('2023.06', '2025.06')

CHECK = """
import reframe as rfm
import reframe.utility.sanity as sn
from reframe.core.builtins import *

@rfm.simple_test
class EESSI_Speed(rfm.RunOnlyRegressionTest):
    valid_systems, valid_prog_environs = ['*'], ['*']
    executable, executable_opts = 'echo', ['speed=12.5']
    reference = {'*': {'perf': (12.0, -0.1, 0.1, 'ns/day')}}

    @sanity_function
    def says_speed(self):
        return sn.assert_found('speed', self.stdout)

    @performance_function('ns/day')
    def perf(self):
        return sn.extractsingle(r'speed=(\\S+)', self.stdout, 1, float)
"""


def row(what: str, figure: str, goal: str, reached: bool) -> None:
    print(f'| {what} | {figure} | {goal} | {"yes" if reached else "NO"} |', flush=True)


def timed(command: list[str], env: dict[str, str], repeat: int = 3) -> tuple[float, float]:
    """Return the median wall and processor time of a command in seconds."""
    times, used = [], []
    for _ in range(repeat):
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        times.append(time.perf_counter() - begin)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode not in (0, 1, 75):
            sys.exit(done.stderr.decode())
    return statistics.median(times), statistics.median(used)


def sessions(work: Path, db: Path) -> None:
    """Fill ReFrame's store and ours with the same sessions, from a record that ReFrame wrote."""
    check = work / 'check.py'
    check.write_text(CHECK)
    env = reframe_env(db)
    made = work / 'report.json'
    command = ['reframe', '-c', str(check), '-r', '--prefix', str(work / 'p')]
    subprocess.run([*command, f'--report-file={made}'], env=env, check=True, capture_output=True)
    template = json.loads(made.read_text())
    record = template['runs'][0]['testcases'][0]
    noise, archive = random.Random(1), open_archive(str(work / 'store'))
    connection = sqlite3.connect(db)
    for number, release in enumerate(RELEASES):
        for session in range(SESSIONS):
            begin = START + datetime.timedelta(days=number * 60, hours=4 * session)
            document = fill(template, record, release, f'{number}-{session}', begin, noise)
            insert(connection, document)
            rows, _ = rows_of_report(document, 'r', begin, {'cpu_target': 'x86_64/amd/zen2'})
            raw = {'report.json': json.dumps(document).encode()}
            archive.publish(table_of(rows), raw, begin)
    connection.commit()
    connection.close()


def fill(
    template: dict, record: dict, release: str, uuid: str, begin: datetime.datetime, noise
) -> dict:
    document = copy.deepcopy({**template, 'runs': []})
    stamp = begin.timestamp()
    document['session_info'] |= {
        'uuid': uuid, 'time_start_unix': stamp, 'time_end_unix': stamp + 3600, 'release': release
    }  # fmt: skip
    cases = []
    for number in range(CASES):
        name = f'EESSI_App{number % 50} %scale={number // 50 + 1}_node'
        passes = noise.random() > (0.01 if number else 0.5)
        value = 100 * (1 + number) * noise.gauss(1, 0.03) if passes else None
        key = next(iter(record['perfvalues']))
        cases.append(
            {
                **record,
                'name': name,
                'modules': [f'App{number % 50}/1.0-foss-2023b'],
                'uuid': f'{uuid}:0:{number}',
                'session_uuid': uuid,
                'result': 'pass' if passes else 'fail',
                'fail_phase': None if passes else 'sanity',
                'fail_reason': None if passes else f'sanity error: {number} is not found',
                'job_completion_time_unix': stamp + number,
                'perfvalues': {key: [value, 100.0 * (1 + number), -0.1, 0.1, 'ns/day', 'pass']},
            }
        )
    document['runs'] = [{**template['runs'][0], 'testcases': cases}]
    return document


def insert(connection: sqlite3.Connection, document: dict) -> None:
    """Insert a session as ReFrame 4.10's storage.py does."""
    info = document['session_info']
    values = (info['uuid'], info['time_start_unix'], info['time_end_unix'], json.dumps(document))
    connection.execute('INSERT INTO sessions VALUES(?, ?, ?, ?, ?)', (*values, 'report.json'))
    connection.executemany(
        'INSERT INTO testcases VALUES(?, ?, ?, ?, ?, ?, ?)',
        [
            (c['name'], c['system'], c['partition'], c['environ'],
             c['job_completion_time_unix'], info['uuid'], c['uuid'])
            for c in document['runs'][0]['testcases']
        ],
    )  # fmt: skip


def reframe_env(db: Path) -> dict[str, str]:
    return {
        **os.environ,
        'RFM_SQLITE_DB_FILE': str(db),
        'RFM_ENABLE_RESULTS_STORAGE': '1',
    }


def compare(work: Path) -> None:
    db = work / 'results.db'
    sessions(work, db)
    spans = []
    for number in range(2):
        first = START + datetime.timedelta(days=number * 60)
        last = first + datetime.timedelta(days=55)
        spans.append(f'{first:%Y%m%dT%H%M%S+0000}:{last:%Y%m%dT%H%M%S+0000}')
    spec = f'{spans[0]}/{spans[1]}/mean:/'
    theirs, theirs_used = timed(['reframe', f'--performance-compare={spec}'], reframe_env(db), 2)
    command = ['eessi-validate', 'compare', *RELEASES, '--store', str(work / 'store'), '--json']
    loose, loose_used = timed(command, dict(os.environ))
    open_archive(str(work / 'store')).compact()
    ours, ours_used = timed(command, dict(os.environ))
    total = len(RELEASES) * SESSIONS * CASES
    size = db.stat().st_size / 1e6
    row(
        f'ReFrame compares {total:,} cases ({size:.0f} MB)',
        f'{theirs:.2f} s (processor {theirs_used:.2f} s)',
        '',
        True,
    )
    what = f'compare {total:,} cases'
    goal = '<= 0.1 x'
    for name, spent, used in (
        (f'{what}, 600 files', loose, loose_used),
        (f'{what}, after gc', ours, ours_used),
    ):
        figure = f'{spent:.2f} s, {spent / theirs:.2f} x '
        figure += f'(processor {used:.2f} s, {used / theirs_used:.2f} x)'
        row(name, figure, goal, spent <= 0.1 * theirs)


def many(work: Path, rows: int, file_rows: int, releases: int) -> str:
    """Store ``rows`` results, sorted within files as ``gc`` leaves them."""
    store = str(work / f'store-{rows}')
    archive, rng = open_archive(store), np.random.default_rng(1)
    targets = np.array(
        ['aarch64/generic', 'aarch64/neoverse_n1', 'x86_64/amd/zen2', 'x86_64/amd/zen3',
         'x86_64/amd/zen4', 'x86_64/generic', 'x86_64/intel/haswell', 'x86_64/intel/skylake_avx512']
    )  # fmt: skip
    for number in range(rows // file_rows):
        release = f'20{20 + number % releases}.06'
        begin = START + datetime.timedelta(hours=number)
        index = np.arange(file_rows)
        # Sessions of 200 cases on one target each, in the order in which gc leaves them.
        target = targets[index * len(targets) // file_rows]
        moment = pa.array(
            np.datetime64(begin.replace(tzinfo=None), 'us') + index.astype('timedelta64[s]')
        ).cast(SCHEMA.field('time').type)
        base = table_of([{'run_id': f'r{number}', 'recorded': begin, 'release': release}])
        columns = {name: pa.repeat(base[name][0], file_rows) for name in SCHEMA.names}
        columns |= {
            'time': moment,
            'cpu_target': pa.array(target),
            'test': pa.array(np.char.add('EESSI_App', (index % 50).astype(str))),
            'software': pa.array(np.char.add('App', (index % 50).astype(str))),
            'outcome': pa.array(np.where(rng.random(file_rows) < 0.05, 'fail', 'pass')),
            'metric': pa.repeat('perf', file_rows),
            'value': pa.array(rng.normal(100, 5, file_rows)),
            'unit': pa.repeat('ns/day', file_rows),
            'system': pa.array(np.char.add('site', (index % 7).astype(str))),
            'first': pa.repeat(True, file_rows),
        }
        archive.publish(
            pa.Table.from_arrays([columns[n] for n in SCHEMA.names], schema=SCHEMA),
            {'r': str(number).encode()},
            begin,
        )
    return store


def query(work: Path) -> None:
    total = 10_000_000
    store = many(work, total, 200_000, 5)
    text = 'release=2022.06 target=x86_64/amd/zen2'
    command = [sys.executable, __file__, '--ask', store, text]
    found = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
             for _ in range(3)]  # fmt: skip
    rows, spent, peak, used = (statistics.median(part) for part in zip(*found, strict=True))
    what = f'{total:,} results, {rows:,.0f} of them asked for by release and target'
    row(what, f'{spent:.2f} s (processor {used:.2f} s)', '<= 2 s', spent <= 2)
    row('the same, memory', f'{peak:.2f} GB', '<= 1 GB', peak <= 1)


def ask(store: str, text: str) -> None:
    """Answer one query in this process: rows, seconds, gigabytes at most, processor seconds."""
    from eessi_validate.cli.results import SHOWN

    begin, used = time.perf_counter(), time.process_time()
    frame = open_archive(store).frame(text, SHOWN)
    spent, used = time.perf_counter() - begin, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps([len(frame), spent, peak, used]))


def show(work: Path) -> None:
    store = many(work, 165_000, 1_000, 3)
    command = ['eessi-validate', 'results', 'show', 'outcome=pass', '--limit', '10000']
    command += ['--store', store]
    for name in ('165 files', 'after gc'):
        found = [
            json.loads(
                subprocess.run(
                    [sys.executable, __file__, '--ask', store, 'outcome=pass'],
                    capture_output=True,
                    check=True,
                ).stdout
            )
            for _ in range(3)
        ]
        read = statistics.median(part[1] for part in found)
        used = statistics.median(part[3] for part in found)
        figure = f'{read:.2f} s (processor {used:.2f} s)'
        row(f'165,000 results, filter, {name}, in Python', figure, '<= 1 s', read <= 1)
        spent, used = timed(command, dict(os.environ))
        what = f'165,000 results, filter and show 10,000, {name}, whole command'
        row(what, f'{spent:.2f} s (processor {used:.2f} s)', '<= 1 s', spent <= 1)
        open_archive(store).compact()


def _write(store: str, writer: int, done, together) -> None:
    archive = open_archive(store)
    together.wait()
    for run in range(10):
        rows = [
            {'run_id': f'{writer}-{run}', 'recorded': START, 'time': START, 'first': True,
             'release': '2025.06', 'test': f'T{i}', 'outcome': 'pass'}
            for i in range(50)
        ]  # fmt: skip
        archive.publish(table_of(rows), {'r': f'{writer}-{run}'.encode()}, START)
        done.put(f'{writer}-{run}')


def writers(work: Path) -> None:
    lost = torn = finished = 0
    for trial in range(5):
        store, rng = str(work / f'writers-{trial}'), random.Random(trial)
        fork = multiprocessing.get_context('fork')
        done = [fork.SimpleQueue() for _ in range(20)]
        together = fork.Barrier(21)
        all_writers = [
            fork.Process(target=_write, args=(store, i, done[i], together)) for i in range(20)
        ]
        for process in all_writers:
            process.start()
        together.wait()
        time.sleep(rng.uniform(0.02, 0.5))
        victim = rng.randrange(20)
        os.kill(all_writers[victim].pid or 0, signal.SIGKILL)
        for process in all_writers:
            process.join()
        told = set()
        for i, queue in enumerate(done):
            while not queue.empty():
                told.add(queue.get())
            if i != victim:
                finished += 10
        archive = open_archive(store)
        counts = archive.frame(columns=['run_id'])['run_id'].value_counts()
        lost += len(told - set(counts.index))
        torn += int((counts != 50).sum()) + len(archive.warnings)
    row(
        '20 writers of 10,000 results, one killed, 5 times',
        f'{lost} of {finished}+ finished runs lost, {torn} torn or unreadable',
        '0 and 0',
        not lost and not torn,
    )


PARTS = {'compare': compare, 'query': query, 'show': show, 'writers': writers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('parts', nargs='*', choices=[*PARTS, []])
    parser.add_argument('--work', type=Path)
    parser.add_argument('--ask', nargs=2, metavar=('STORE', 'QUERY'), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        ask(*given.ask)
        return
    print('| what | figure | goal | reached |\n|---|---|---|---|')
    for name in given.parts or PARTS:
        work = Path(tempfile.mkdtemp(prefix='results-store-', dir=given.work))
        try:
            PARTS[name](work)
        finally:
            shutil.rmtree(work)


if __name__ == '__main__':
    main()
