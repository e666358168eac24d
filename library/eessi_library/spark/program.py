"""What runs under the Spark of the stack: reads input.json, writes result.json.

Sent to the stage directory by the library test; it imports nothing of the test. All numbers are
integers, so that every digit counts and no order of summation can be told from another.
"""

import json
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

with open('input.json', encoding='utf-8') as stream:
    task = json.load(stream)
rows, groups, offset = task['rows'], task['groups'], task['offset']

begin = time.perf_counter()
session = SparkSession.builder.getOrCreate()
context = session.sparkContext
context.setLogLevel('ERROR')


def collected(frame, *names):
    """Rows as lists of integers, sorted here and not by Spark."""
    return sorted([int(row[name]) for name in names] for row in frame.collect())


def pipeline(partitions):
    """Shuffle, aggregate and join; then the same sums by SQL and by Python workers."""
    session.conf.set('spark.sql.shuffle.partitions', partitions)
    start = time.perf_counter()
    numbers = session.range(0, rows, 1, partitions)
    facts = numbers.select(
        (F.col('id') % groups).alias('key'), (F.col('id') + offset).alias('value')
    ).repartition(partitions, 'value')
    sums = facts.groupBy('key').agg(
        F.count('*').alias('n'),
        F.sum('value').alias('total'),
        F.min('value').alias('least'),
        F.max('value').alias('most'),
    )
    groups_found = collected(sums, 'key', 'n', 'total', 'least', 'most')
    weights = session.createDataFrame(task['weights'], 'key long, weight long')
    joined = facts.join(weights.hint('shuffle_merge'), 'key')
    weighted = joined.agg(
        F.count('*').alias('n'), F.sum(F.col('value') * F.col('weight')).alias('total')
    )
    joined_found = collected(weighted, 'n', 'total')
    seconds = time.perf_counter() - start

    facts.createOrReplaceTempView('facts')
    weights.createOrReplaceTempView('weights')
    query = session.sql(
        'SELECT w.weight % 7 AS class, COUNT(DISTINCT f.key) AS keys, SUM(f.value) AS total '
        'FROM facts f LEFT JOIN weights w ON f.key = w.key '
        'GROUP BY w.weight % 7 HAVING w.weight % 7 IS NOT NULL ORDER BY 1'
    )
    some = context.parallelize(range(task['python_rows']), partitions)
    pairs = some.map(lambda i: (i % 10, i * i)).reduceByKey(lambda a, b: a + b, partitions)
    return {
        'partitions': partitions,
        'partitions_used': facts.rdd.getNumPartitions(),
        'groups': groups_found,
        'joined': joined_found[0],
        'classes': collected(query, 'class', 'keys', 'total'),
        'squares': sorted(list(pair) for pair in pairs.collect()),
        'seconds': seconds,
    }


result = {
    'nonce': task['nonce'],
    'version': session.version,
    'python': sys.version.split()[0],
    'java': context._jvm.java.lang.System.getProperty('java.version'),
    'master': context.master.split(':')[0].split('[')[0],
    'cores': context.defaultParallelism,
    'executors': context._jsc.sc().getExecutorMemoryStatus().size() - 1,
    'start_up': time.perf_counter() - begin,
}
result['passes'] = [pipeline(n) for n in task['partitions']]
session.stop()
with open('result.json', 'w', encoding='utf-8') as stream:
    json.dump(result, stream)
print(f'Spark {result["version"]}: result.json written')
