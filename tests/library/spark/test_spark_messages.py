"""The fault behind an exit status, found in what Spark, Java and the daemons print."""

import pytest

from eessi_library.spark.messages import failure

MISSING_CLASS = (
    'Error: Could not find or load main class org.apache.spark.launcher.Main\n'
    'Caused by: java.lang.ClassNotFoundException: org.apache.spark.launcher.Main\n'
)
MISSING_JVM = "Error: missing `server' JVM at `/stack/lib/server/libjvm.so'.\nPlease install it.\n"
IN_A_THREAD = (
    'Exception in thread "main" java.lang.NoClassDefFoundError: org/apache/spark/internal/Logging\n'
    '\tat java.base/java.lang.ClassLoader.defineClass1(Native Method)\n'
)
DAEMON = "no worker\nworker1.log: the daemon ended, or did not say 'registered' within 60 s\n"


@pytest.mark.parametrize(
    ('output', 'expected'),
    [
        ('all is well\n', None),
        ('INFO: Error rates are low\n', None),
        (MISSING_CLASS, 'java.lang.ClassNotFoundException: org.apache.spark.launcher.Main'),
        (MISSING_JVM, "missing `server' JVM at `/stack/lib/server/libjvm.so'."),
        (IN_A_THREAD, 'java.lang.NoClassDefFoundError: org/apache/spark/internal/Logging'),
        (DAEMON, "worker1.log: the daemon ended, or did not say 'registered' within 60 s"),
    ],
)
def test_the_fault_is_named(output, expected):
    assert failure(output) == expected
