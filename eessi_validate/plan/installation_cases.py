"""Cases that need no application test: those of any installation, and those of a whole release.

The driver decides them itself. What is only read and what is executed are two cases, because
their evidence differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from eessi_validate.results.model import CaseId, Evidence, PlannedCase
from eessi_validate.stack.modules import Module


@dataclass(frozen=True)
class DriverTest:
    """One test that the driver decides."""

    name: str
    #: Of one installation, or of a release and CPU target as a whole.
    subject: Literal['installation', 'release']
    #: False: files are read, nothing is run.
    executes: bool
    reason: str
    #: Planned only when it is named.
    on_request: bool = False
    #: Evidence, where it is not that of the execution tier.
    evidence: Evidence | None = None

    @property
    def needs_the_cpu(self) -> bool:
        """True when this host must be able to execute the CPU target."""
        return self.executes and self.evidence is not Evidence.EMULATED


FILES_TEST: Final = DriverTest(
    'EESSI_installation_files', 'installation', False,
    'its files fit every user, this release and this CPU target',
)  # fmt: skip
START_TEST: Final = DriverTest(
    'EESSI_installation_start', 'installation', True,
    'its module loads, its programs start, its extensions import',
)  # fmt: skip
EMULATED_TEST: Final = DriverTest(
    'EESSI_installation_emulated', 'installation', True,
    'its programs start on the emulated CPU of their target', True, Evidence.EMULATED,
)  # fmt: skip
INIT_TEST: Final = DriverTest(
    'EESSI_init_selection', 'release', True,
    'the init script picks the right CPU target for recorded CPUs',
)  # fmt: skip
MPI_TEST: Final = DriverTest(
    'EESSI_mpi_injection', 'release', False,
    "the site's MPI can stand in for the stack's",
)  # fmt: skip
GPU_TEST: Final = DriverTest(
    'EESSI_gpu_driver', 'release', False,
    'the GPU driver of this node serves the CUDA of the stack',
)  # fmt: skip

INSTALLATION_TESTS: Final = (FILES_TEST, START_TEST, EMULATED_TEST)
RELEASE_TESTS: Final = (INIT_TEST, MPI_TEST, GPU_TEST)
DRIVER_TESTS: Final = {test.name: test for test in (*INSTALLATION_TESTS, *RELEASE_TESTS)}


@dataclass(frozen=True)
class ReleaseCheck:
    """Whether a test of a whole release applies to one CPU target of it here, and why (not)."""

    test: str
    cpu_target: str
    applies: bool
    reason: str = ''


def installation_cases(
    module: Module,
    cpu_target: str,
    tests: tuple[DriverTest, ...],
    partitions: dict[str, str],
    evidence: Evidence,
) -> Iterator[PlannedCase]:
    """Yield the cases of one installation.

    :arg partitions: name of the test -> where it is decided.
    :arg evidence: that of what is executed; what is only read is static.
    """  # fmt: skip
    for test in tests:
        yield PlannedCase(
            id=CaseId(
                test=test.name,
                software=module.software,
                version=module.version,
                toolchain=module.toolchain,
                cpu_target=cpu_target,
                scale='cores_1',
            ),
            module=module.full_name,
            partition=partitions[test.name],
            kind='installation',
            evidence=test.evidence or (evidence if test.executes else Evidence.STATIC),
            reason=test.reason,
        )


def release_case(test: DriverTest, release: str, cpu_target: str, partition: str) -> PlannedCase:
    """Return the case of a test of a whole release."""
    return PlannedCase(
        id=CaseId(
            test=test.name,
            software=test.name.removeprefix('EESSI_'),
            version=release,
            cpu_target=cpu_target,
            scale='cores_1',
        ),
        partition=partition,
        kind='installation',
        evidence=Evidence.NATIVE if test.executes else Evidence.STATIC,
        reason=test.reason,
    )
