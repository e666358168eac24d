"""Shuffle, aggregation, join, SQL and Python workers under Spark."""

from __future__ import annotations

import json
import random
from dataclasses import fields
from typing import Any, ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect
from eessi_library.nonce import integer
from eessi_library.python_program import PythonProgramTest
from eessi_library.spark.closed_forms import Numbers
from eessi_library.spark.messages import failure
from eessi_library.spark.result import Result, ResultError, Sums, parse_result

#: Shell functions that start the daemons of a standalone cluster on free ports of the loopback.
#: A daemon is there once its log has the line that names its address.
_CLUSTER = """\
wait_for() {{ for _ in $(seq 600); do grep -qE "$2" "$1" && return 0; \
kill -0 $3 2>/dev/null || break; sleep 0.1; done; grep -qE "$2" "$1" && return 0; \
tail -n 20 "$1" >&2; echo "$1: the daemon ended, or did not say '$2' within 60 s" >&2; return 1; }}
daemons=; trap 'kill $daemons 2>/dev/null || true; wait' EXIT
spark-class org.apache.spark.deploy.master.Master --host 127.0.0.1 --port 0 --webui-port 0 \
>master.log 2>&1 & daemons=$!
wait_for master.log 'Starting Spark master at spark://' $!
master=$(grep -oE -m1 'spark://127.0.0.1:[0-9]+' master.log)
for w in $(seq {workers}); do spark-class org.apache.spark.deploy.worker.Worker \
--host 127.0.0.1 --webui-port 0 --cores {cores} --memory {memory} --work-dir work$w $master \
>worker$w.log 2>&1 & daemons="$daemons $!"; echo $! >worker$w.pid; done
for w in $(seq {workers}); do \
wait_for worker$w.log 'Successfully registered with master' $(cat worker$w.pid); done
"""


class Pipeline(PythonProgramTest, pin_prefix=True):
    """Spark answers with the integers that arithmetic series give, however data are partitioned.

    Number of rows, groups, offset and weights are drawn from the nonce. Two passes with
    different numbers of partitions must give the same integers, which the test computes by
    closed forms without adding up the rows.
    """

    #: About how many rows one pass shuffles; the nonce adds up to one per cent.
    rows = variable(int, value=200_000, loggable=True)

    #: Rows that go through Python workers.
    python_rows = variable(int, value=5_000, loggable=True)

    #: ``local`` (threads of one JVM) or ``standalone`` (master, workers and executors).
    cluster = variable(str, value='local', loggable=True)

    #: Memory of the driver, of each executor and of each worker, in MiB.
    memory = variable(int, value=768, loggable=True)

    #: Options of every JVM. The quick compiler halves the time of runs of a few seconds; leave
    #: it out, with '', where the rows take minutes.
    java_options = variable(str, value='-XX:TieredStopAtLevel=1', loggable=True)

    #: Program that hands the work to Spark.
    executable = 'spark-submit'

    launched = False

    varies = 'rows, groups, offset, weights and partitions'

    truths: ClassVar[dict[str, str]] = {
        'counts and sums of groups': 'arithmetic series, eessi_library.spark.closed_forms',
        'join and SQL': 'the same series, weighted; exact integers',
        'Python workers': 'n (n + 1) (2 n + 1) / 6',
        'partitions': 'two passes with different partitions give the same integers',
        'layout': 'cores, executors and kind of cluster as asked for',
    }

    directions: ClassVar[dict[str, str]] = {
        'speed': 'higher',
        'pass_time': 'lower',
        'start_up': 'lower',
        'weighted_sum': 'truth',
    }

    @property
    def cores(self) -> int:
        """Cores that Spark may use in all."""
        return self.num_cpus_per_task or 1

    @property
    def workers(self) -> int:
        """Workers of a standalone cluster, one executor each; two where there are cores."""
        return 2 if self.cores % 2 == 0 else 1

    @property
    def numbers(self) -> Numbers:
        """The data of this run, drawn from the nonce."""
        rows = self.rows + integer(self.nonce, 'spark rows', 0, self.rows // 100)
        groups = integer(self.nonce, 'spark groups', 101, 499)
        generator = random.Random(integer(self.nonce, 'spark weights', 0, 2**40))
        # A third of the keys has no weight: an inner join must drop them, a left join must not.
        keys = [key for key in range(groups) if generator.random() < 2 / 3]
        weights = [(key, generator.randint(1, 999)) for key in keys]
        offset = integer(self.nonce, 'spark offset', 1, 10**6)
        return Numbers(rows, groups, offset, weights, self.python_rows)

    @property
    def partitions(self) -> list[int]:
        """Partitions of the two passes: a prime from the nonce, and twice the cores."""
        return [(3, 5, 7)[integer(self.nonce, 'spark partitions', 0, 2)], 2 * self.cores]

    @run_before('run')
    def write_input(self) -> None:
        """Write the program, its input and Spark's settings; nothing is downloaded."""
        numbers = self.numbers
        task: dict[str, Any] = {f.name: getattr(numbers, f.name) for f in fields(numbers)}
        task |= {'nonce': self.nonce, 'partitions': self.partitions}
        self.write('input.json', json.dumps(task))
        self.write('spark.conf', self._settings())
        self.send_program(__file__, 'spark_program.py')

    def _settings(self) -> str:
        settings = {
            'spark.ui.enabled': 'false',
            'spark.driver.host': '127.0.0.1',
            'spark.driver.bindAddress': '127.0.0.1',
            'spark.driver.memory': f'{self.memory}m',
            'spark.executor.memory': f'{self.memory}m',
            'spark.executor.cores': str(self.cores // self.workers),
            'spark.cores.max': str(self.cores),
            'spark.default.parallelism': str(self.cores),
            'spark.scheduler.minRegisteredResourcesRatio': '1.0',
            'spark.sql.adaptive.coalescePartitions.enabled': 'false',
            'spark.sql.autoBroadcastJoinThreshold': '-1',
        }
        if self.java_options:
            settings['spark.driver.extraJavaOptions'] = self.java_options
            settings['spark.executor.extraJavaOptions'] = self.java_options
        return ''.join(f'{key} {value}\n' for key, value in settings.items())

    @run_before('run')
    def compose_commands(self) -> None:
        """Start the cluster if there is to be one, and hand the program to it."""
        self.env_vars['SPARK_LOCAL_IP'] = '127.0.0.1'
        self.env_vars['SPARK_LOCAL_DIRS'] = '$PWD/scratch'
        self.env_vars['SPARK_CONF_DIR'] = '$PWD'
        self.env_vars['SPARK_DAEMON_MEMORY'] = '256m'
        self.env_vars['SPARK_DAEMON_JAVA_OPTS'] = self.java_options
        self.env_vars['PYTHONDONTWRITEBYTECODE'] = '1'
        master = f'local[{self.cores}]'
        if self.cluster == 'standalone':
            master = '$master'
            memory = f'{self.memory + 64}m'
            cores = self.cores // self.workers
            text = _CLUSTER.format(workers=self.workers, cores=cores, memory=memory)
            self.prerun_cmds += text.splitlines()
        options = ['--master', f'"{master}"', '--properties-file', 'spark.conf']
        self.executable_opts = [*options, 'spark_program.py']

    def _result(self) -> Result:
        try:
            return parse_result(self.require_output('result.json'))
        except ResultError as error:
            raise SanityError(str(error)) from None

    def last_words(self, output: str) -> str | None:
        """Return what Java, a daemon or Python says."""
        return failure(output) or super().last_words(output)

    @sanity_function
    def answers_are_exact(self) -> bool:
        """Check the end, the nonce, the layout, and every integer of every pass."""
        self.expect_clean_end()
        result = self._result()
        self.expect_nonce('result.json', result.nonce)
        self._expect_layout(result)
        asked = self.partitions
        found = [p.partitions for p in result.passes]
        used = [p.partitions_used for p in result.passes]
        expect(
            found == used == asked,
            f'the passes used {used} partitions, asked for {asked}',
        )
        expected = self.numbers.sums()
        for one in result.passes:
            _expect_sums(one.sums, expected, f'with {one.partitions} partitions')
        return True

    def _expect_layout(self, result: Result) -> None:
        master, executors = 'local', 0
        if self.cluster == 'standalone':
            master, executors = 'spark', self.workers
        expect(result.master == master, f'Spark ran on {result.master}, asked for {master}')
        expect(
            result.executors == executors and result.cores == self.cores,
            f'Spark reports {result.executors} executors and {result.cores} cores, '
            f'asked for {executors} and {self.cores}',
        )

    @performance_function('rows/s')
    def speed(self) -> float:
        """Rows per second through shuffle, aggregation and join, in the last and fastest pass."""
        return self.numbers.rows / self._seconds()

    @performance_function('s')
    def pass_time(self) -> float:
        """Seconds of shuffle, aggregation and join in the last pass."""
        return self._seconds()

    @performance_function('s')
    def start_up(self) -> float:
        """Seconds until there is a session."""
        return self._result().start_up

    @performance_function('1')
    def weighted_sum(self) -> float:
        """The weighted sum relative to its closed form."""
        return self._result().passes[-1].sums.joined[1] / self.numbers.sums().joined[1]

    def _seconds(self) -> float:
        passes = self._result().passes
        expect(bool(passes) and passes[-1].seconds > 0, 'the passes report no time')
        return passes[-1].seconds


def _expect_sums(found: Sums, expected: Sums, when: str) -> None:
    """Fail with the first row that differs."""
    expect(
        found.joined == expected.joined,
        f'the join {when} gives count and sum {found.joined}, expected {expected.joined}',
    )
    for name in ('groups', 'classes', 'squares'):
        rows, wanted = getattr(found, name), getattr(expected, name)
        expect(
            len(rows) == len(wanted),
            f'the {name} {when} have {len(rows)} rows, expected {len(wanted)}',
        )
        for row, right in zip(rows, wanted, strict=True):
            expect(row == right, f'a row of the {name} {when} is {row}, expected {right}')
