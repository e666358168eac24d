"""Ways in which Spark can be broken, and what the verdict must say about each."""

from __future__ import annotations

from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

LOCAL = ('--test', 'EESSI_Spark_Local', '--scale', 'cores_2')
TWICE = (*LOCAL, '--repeat', '2')
STANDALONE = ('--test', 'EESSI_Spark_Standalone', '--scale', 'cores_2')


def _submit(stack: Tampering) -> Path:
    return stack.installation('Spark') / 'bin' / 'spark-submit'


def _jar(stack: Tampering, pattern: str) -> Path:
    (site,) = stack.installation('Spark').glob('lib/python3.*/site-packages')
    (jar,) = (site / 'pyspark' / 'jars').glob(pattern)
    return jar


def _stub(stack: Tampering) -> None:
    shell = stack.compat / 'usr/bin/bash'
    stack.replace(_submit(stack), f'#!{shell}\necho Spark 3.5.9: result.json written\n')


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_submit(stack), after='kill -SEGV $$')


def _change(stack: Tampering, change: str) -> None:
    code = f'import json; r = json.load(open("result.json")); {change}'
    code += '; json.dump(r, open("result.json", "w"))'
    stack.wrap(_submit(stack), after=f"[ $status = 0 ] && python3 -c '{code}'")


def _lost_row(stack: Tampering) -> None:
    _change(stack, 'r["passes"][1]["groups"][5][1] -= 1')


def _wrong_join(stack: Tampering) -> None:
    _change(stack, 'r["passes"][0]["joined"][1] += 1')


def _missing_jar(stack: Tampering) -> None:
    stack.remove(_jar(stack, 'spark-core_*.jar'))


def _missing_sql(stack: Tampering) -> None:
    stack.remove(_jar(stack, 'spark-catalyst_*.jar'))


def _missing_java(stack: Tampering) -> None:
    # The directory of the JVM also has a link of another name.
    stack.remove(next(stack.installation('Java').glob('lib/jvm/*/lib/server/libjvm.so')))


def _status(stack: Tampering) -> None:
    stack.wrap(_submit(stack), after='status=3')


def _one_partitioning(stack: Tampering) -> None:
    """Both passes with the partitions of the first: their agreement would show nothing."""
    _change(stack, 'r["passes"][1].update(partitions_used=r["passes"][0]["partitions_used"])')


def _squares_by_float(stack: Tampering) -> None:
    _change(stack, 'r["passes"][1]["squares"][3][1] = int(r["passes"][1]["squares"][3][1] * 1.001)')


def _played_back(stack: Tampering) -> None:
    """Answer every run after the first with the result of the first."""
    store = stack.directory('played-back') / 'result.json'
    stack.wrap(
        _submit(stack),
        call=f'if [ -f {store} ]; then cp {store} .; else "$real" "$@"; cp result.json {store}; fi',
    )


def _played_back_with_nonce(stack: Tampering) -> None:
    """As above, but the recording carries the nonce of the run."""
    store = stack.directory('played-back') / 'result.json'
    nonce = r'nonce=$(grep -oE "\"nonce\": \"[0-9a-f]+\"" input.json)'
    copy = f'sed -E "s/\\"nonce\\": \\"[0-9a-f]+\\"/$nonce/" {store} >result.json'
    stack.wrap(
        _submit(stack),
        call=f'if [ -f {store} ]; then {nonce}; {copy}; '
        f'else "$real" "$@"; cp result.json {store}; fi',
    )


def _no_cluster(stack: Tampering) -> None:
    """Run within one process although a cluster was asked for."""
    stack.wrap(_submit(stack), call='shift 2; "$real" --master "local[2]" "$@"')


def _no_worker(stack: Tampering) -> None:
    program = _submit(stack).with_name('spark-class')
    stack.wrap(program, before='case "$*" in *worker.Worker*) echo no worker; exit 1;; esac')


FAULTS = (
    Fault('stub that prints success', _stub, r'did not write result\.json', LOCAL),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV', LOCAL),
    Fault('one row lost', _lost_row, r'a row of the groups with 4 partitions is', LOCAL),
    Fault('weighted sum off by one', _wrong_join, r'the join with \d partitions gives', LOCAL),
    Fault('status 3 after success', _status, r'exit status 3', LOCAL),
    Fault('sum off by 1e-3', _squares_by_float, r'a row of the squares with 4 partitions', LOCAL),
    Fault('one partitioning twice', _one_partitioning, r'the passes used .* asked for', LOCAL),
    Fault('missing jar', _missing_jar, r'ClassNotFoundException: org\.apache\.spark', LOCAL),
    Fault(
        'missing SQL',
        _missing_sql,
        # The first class that is missed differs from run to run.
        r'SparkSession does not exist|(NoClassDefFound|ClassNotFound)\w+: org[./]apache[./]spark',
        LOCAL,
    ),
    Fault('missing Java', _missing_java, r'libjvm\.so|JVM', LOCAL),
    Fault('played back', _played_back, r"does not reflect this run's nonce", TWICE),
    Fault(
        'played back with the right nonce',
        _played_back_with_nonce,
        r'the passes used|the join with|a row of the groups',
        TWICE,
    ),
    Fault('local in place of a cluster', _no_cluster, r'Spark ran on local', STANDALONE),
    Fault('no worker', _no_worker, r'worker1\.log', STANDALONE),
)

APPLICATION = Application(
    'Spark',
    'spark',
    FAULTS,
    sound=(LOCAL, STANDALONE),
    always=0,
)
