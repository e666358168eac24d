"""The long fuzz run: ``python tests/hostile/fuzz_reader.py SECONDS [SEED [DIRECTORY]]``.

Prints executions, accepted archives, findings and failures; what fails is kept in the directory.
Exit code 1 after a failure.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from reader_property import Tally, check_reader
from tar_mutations import mutated_archives


def batch(first_seed: int, tally: Tally, last: list[bytes]) -> Callable[[], None]:
    """Return a property over a thousand archives; ``last`` holds the one it looked at last."""

    @seed(first_seed)
    @settings(
        max_examples=1000,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated_archives(), st.sampled_from([100, 512, 700, 4096, 1 << 20]))
    def reads_as_others_do(archive: bytes, chunk: int) -> None:
        last[:] = [archive]
        check_reader(archive, chunk, tally)

    return reads_as_others_do


def main(seconds: float, start: int, keep: Path) -> int:
    """Run batches of examples until the time is up."""
    tally, failures, began = Tally(), 0, time.monotonic()
    batches = random.Random(start)
    while time.monotonic() - began < seconds:
        last: list[bytes] = []
        try:
            batch(batches.randrange(1 << 62), tally, last)()
        except Exception as error:  # noqa: BLE001 - counted and shown, the run goes on
            failures += 1
            # The last example is the smallest one: hypothesis ends by showing it.
            found = keep / f'fuzz-{start}-{failures}.tar'
            found.write_bytes(last[0])
            print(f'{found}: {type(error).__name__}: {str(error)[:300]}', flush=True)
        print(
            json.dumps(
                {
                    'seconds': round(time.monotonic() - began),
                    'executions': tally.executions,
                    'accepted': tally.accepted,
                    'refused_by_second_reading': tally.refused_by_second,
                    'failures': failures,
                    'findings': dict(tally.findings.most_common()),
                }
            ),
            flush=True,
        )
    return 1 if failures else 0


if __name__ == '__main__':
    seconds, first_seed, directory = [*sys.argv[1:], *('60', '1', '.')[len(sys.argv) - 1 :]][:3]
    sys.exit(main(float(seconds), int(first_seed), Path(directory)))
