"""The one model that every run fills and every report reads: planned cases, results, judgement.

All classes are frozen pydantic models, so that ``report.json`` is this model, its JSON Schema is
generated from it, and reading it back gives equal objects.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = '1.0'


class Record(BaseModel):
    """Base of all records: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra='forbid', ser_json_inf_nan='strings')


class Evidence(str, Enum):
    """How a result was obtained, strongest first."""

    NATIVE = 'native'
    EMULATED = 'emulated'
    STATIC = 'static'
    STAND_IN = 'stand-in'


class Outcome(str, Enum):
    """What is known of one planned case. Only ``PASS`` is a pass."""

    PASS = 'pass'
    #: The test ran and found the software wrong; a run that does not end in time is wrong too.
    FAIL = 'fail'
    #: The job could not run, or was taken away: set-up, submission, scheduler, node.
    ERROR = 'error'
    #: The test declined to run. A skip is lost coverage, never a pass.
    SKIP = 'skip'
    #: Planned, but no result came back.
    MISSING = 'missing'
    #: Stopped by the user or by a signal before it ended.
    ABORTED = 'aborted'


class VerdictCode(str, Enum):
    """The closed set of verdicts."""

    ACCEPT = 'ACCEPT'
    ACCEPT_WAIVED = 'ACCEPT_WAIVED'
    REJECT = 'REJECT'
    HOLD = 'HOLD'


class Standing(str, Enum):
    """The counter that a case falls in once policy has been applied."""

    PASSED = 'passed'
    NEW_FAILURE = 'new_failure'
    #: A failure that a waiver covers.
    KNOWN = 'known'
    LOST_COVERAGE = 'lost_coverage'
    HELD = 'held'


class CaseId(Record):
    """Identity of a case; joins across releases because it holds no ReFrame name or hash."""

    test: str
    software: str
    version: str
    #: EasyBuild toolchain and suffix, e.g. ``foss-2022b`` or ``foss-2022b-CUDA-12.1.1``; may be ''.
    toolchain: str = ''
    cpu_target: str
    scale: str

    @property
    def key(self) -> str:
        """Printable form, unique within a plan."""
        version = f'{self.version}-{self.toolchain}' if self.toolchain else self.version
        return f'{self.test} {self.software}/{version} @{self.cpu_target} %{self.scale}'


class PlannedCase(Record):
    """One case that must have a result."""

    id: CaseId
    #: Full module name ``<name>/<version>-<toolchain><suffix>``; '' for compat-layer checks.
    module: str = ''
    #: ReFrame ``system:partition`` that runs it, and its environment.
    partition: str
    environ: str = ''
    #: Functional cases run concurrently, performance cases alone; the driver itself decides
    #: installation cases, which need no application test.
    kind: Literal['functional', 'performance', 'installation']
    #: Metrics (performance variables) that a pass must carry.
    required_metrics: tuple[str, ...] = ()
    evidence: Evidence = Evidence.NATIVE
    #: Why the case is in the plan, in a few words.
    reason: str = ''
    #: 0 for the first, 1 for the first repetition ...
    repetition: int = 0

    @property
    def key(self) -> str:
        """Printable form without spaces, unique among the cases of one test."""
        software = f'{self.id.software}/{self.id.version}'
        if self.id.toolchain:
            software += f'-{self.id.toolchain}'
        repetition = f'#{self.repetition + 1}' if self.repetition else ''
        return f'{software}@{self.id.cpu_target}%{self.id.scale}{repetition}'

    @property
    def full_key(self) -> str:
        """Test and key, unique within a plan; excuses and standings refer to a case by it."""
        return f'{self.id.test} {self.key}'


class NotPlanned(Record):
    """Something that could have been tested here and is not, with the reason."""

    subject: str
    cpu_target: str = ''
    reason: str


class Plan(Record):
    """The cases that must have a result, and why the rest is not among them."""

    cases: tuple[PlannedCase, ...]
    not_planned: tuple[NotPlanned, ...] = ()


class Metric(Record):
    """One measured or computed number of a case."""

    name: str
    value: float
    unit: str
    #: ``truth``: a number with an independent reference, compared by tolerance, not by speed.
    direction: Literal['higher', 'lower', 'truth']
    #: Reference and accepted interval in the same unit, when the test states them.
    reference: float | None = None
    lower: float | None = None
    upper: float | None = None


class CaseResult(Record):
    """The result of one planned case."""

    case: PlannedCase
    outcome: Outcome
    #: One sentence that names the fault; '' for a pass.
    reason: str = ''
    metrics: tuple[Metric, ...] = ()
    #: Outcomes of all attempts, in order; more than one only after retries.
    attempts: tuple[Outcome, ...] = ()
    evidence: Evidence = Evidence.NATIVE
    #: ReFrame pipeline phase that failed (``setup``, ``run``, ``sanity``, ``performance`` ...).
    phase: str = ''
    seconds: float | None = None
    nodes: tuple[str, ...] = ()
    exit_code: int | None = None
    #: Last lines of standard output and of standard error.
    stdout_tail: str = ''
    stderr_tail: str = ''
    #: The job script, verbatim.
    job_script: str = ''
    #: Directory that holds the case's files, relative to the report.
    directory: str = ''
    #: Command line that repeats this case by hand.
    command: str = ''

    @property
    def flaky(self) -> bool:
        """True when a retry passed after a failure."""
        return self.outcome is Outcome.PASS and any(
            a in (Outcome.FAIL, Outcome.ERROR) for a in self.attempts
        )


class Subject(Record):
    """What is decided on."""

    kind: Literal['stack', 'tarball']
    #: Repository name, e.g. ``local.eessi.io``.
    repository: str
    release: str
    #: Root of the stack as given on the command line.
    root: str
    cpu_targets: tuple[str, ...]
    #: sha256 of the tarball, or the identity digest of the release tree.
    digest: str = ''
    description: str = ''


class HostFacts(Record):
    """Where the run happened."""

    hostname: str
    cpu_model: str
    cpu_target: str
    cpus: int
    kernel: str
    os: str
    load_before: float | None = None


class Run(Record):
    """Executed cases and all that is needed to repeat them."""

    id: str
    nonce: str
    started: str
    seconds: float
    host: HostFacts
    #: Versions of the tool, the library, ReFrame and Python.
    versions: dict[str, str]
    system: str
    #: The command line of the driver.
    command: str
    results: tuple[CaseResult, ...]
    interrupted: bool = False
    #: Results that arrived for cases nobody planned; never counted as a pass.
    unplanned: tuple[str, ...] = ()
    #: Warnings and errors of ReFrame's own loading that make the run untrustworthy.
    problems: tuple[str, ...] = ()


class Excuse(Record):
    """Why one subject, check and target is held or rejected, and what would release it."""

    subject: str
    check: str
    cpu_target: str
    effect: Literal['reject', 'hold', 'note']
    reason: str
    release: str
    #: ``PlannedCase.full_key`` of the cases it is about.
    cases: tuple[str, ...] = ()


class Judgement(Record):
    """Policy applied to plan and run."""

    verdict: VerdictCode
    #: One sentence: why this verdict.
    summary: str
    policy: str
    excuses: tuple[Excuse, ...] = ()
    #: Counter of each case, by ``PlannedCase.full_key``; one that is absent is not yet judged.
    standings: dict[str, Standing] = Field(default_factory=dict)


class Counters(Record):
    """The second line of every report."""

    planned: int
    ran: int
    passed: int
    new_failures: int
    known: int
    lost_coverage: int
    held: int
    flaky: int = 0


class FailureClass(str, Enum):
    """What a failing case is against the same case on the base alone."""

    #: Passes on the base.
    REGRESSION = 'REGRESSION'
    #: Nothing to compare with: new software, or no result on the base.
    NEW_FAIL = 'NEW-FAIL'
    #: Fails on the base too.
    ALWAYS_FAIL = 'ALWAYS-FAIL'
    #: Planned, and without a result.
    LOST_COVERAGE = 'LOST-COVERAGE'
    #: Passes in one attempt and fails in another, here or on the base.
    FLAKY = 'FLAKY'


class Baseline(Record):
    """A case on the base alone, on the same host."""

    #: ``PlannedCase.full_key`` of the case.
    case: str
    #: None: the base has no such case.
    outcome: Outcome | None = None
    flaky: bool = False
    reason: str = ''


class Cause(str, Enum):
    """What a failure is put down to."""

    BUILD = 'build'
    TEST = 'test'
    #: The base stack or the host, which are the same with and without the build.
    BASE = 'base'
    LUCK = 'luck'


#: What a rerun said; ``none`` where there was nothing to run.
CellWord = Literal['pass', 'fail', 'not known', 'none']


class Investigation(Record):
    """A failing case once more, one thing changed at a time."""

    #: ``PlannedCase.full_key`` of the case.
    case: str
    #: The same again, on the base alone, with the previous test, and both.
    again: CellWord
    base: CellWord
    previous: CellWord
    both: CellWord
    #: Empty if the reruns do not tell.
    causes: tuple[Cause, ...]
    #: Why reruns said nothing.
    reasons: tuple[str, ...] = ()


class TarballFinding(Record):
    """One finding of the static inspection."""

    id: str
    severity: Literal['reject', 'hold', 'note']
    member: str
    sentence: str
    waivable: bool


class Waiver(Record):
    """A reviewed, expiring exception for a check on a CPU target."""

    id: str = Field(min_length=1)
    #: Id of a finding or name of a test; ``*`` stands for any characters.
    check: str = Field(min_length=1)
    #: CPU target; ``*`` stands for any characters.
    target: str = Field(min_length=1)
    #: Software and bounds of its version, e.g. ``<=2022.5``; or the digest of one tarball.
    software: str = ''
    version: str = ''
    #: ``sha256:`` and 64 hexadecimal digits.
    digest: str = Field(default='', pattern=r'^(sha256:[0-9a-f]{64})?$')
    issue: str = Field(pattern=r'^https://[^\s]+$')
    owner: str = Field(min_length=1)
    #: Last day on which it counts, e.g. ``2026-12-01``; at most 90 days ahead.
    expires: str = Field(pattern=r'^\d{4}-\d\d-\d\d$')


class TarballSignature(Record):
    """Whose valid signature a tarball, or its metadata, came with."""

    principal: str
    #: What it was made for (SSHSIG): the name of a build bot, ``file`` where nothing was said.
    namespace: str


class GateRecord(Record):
    """What a gate adds to a run: the tarball, its findings, the base, and what decided."""

    tarball: str
    size: int
    #: ``software``, ``compat``, ``init`` or ``scripts``; '' if unknown.
    kind: str
    os: str = ''
    cpu_target: str = ''
    #: Full names of the modules that the tarball brings, with their directory.
    modules: tuple[str, ...] = ()
    #: Prefix of the tarball's paths: ``<release>[-<suffix>]``.
    top: str = ''
    findings: tuple[TarballFinding, ...] = ()
    #: Whose signature was verified before the tarball was read; None if that was not asked for.
    signature: TarballSignature | None = None
    #: Whether the tarball came with metadata, and whose signature of those was verified.
    with_metadata: bool = False
    metadata_signature: TarballSignature | None = None
    #: Identity of the base stack without the tarball.
    base_digest: str
    #: How the tarball was laid over the base; ``none`` if nothing was run.
    method: Literal['overlay', 'fuse-overlayfs', 'in-place', 'none']
    #: Why nothing was run; '' if something was.
    hold: str = ''
    baselines: tuple[Baseline, ...] = ()
    #: Of failing cases, where that was asked for.
    investigations: tuple[Investigation, ...] = ()
    #: Context of the decision and its day, which decide what rules and waivers count.
    context: str
    decided: str
    policy_digest: str = ''
    waivers: tuple[Waiver, ...] = ()
    waivers_digest: str = ''
    #: Why the run is a trial, which cannot be signed; '' if it is official.
    trial: str
    #: Class of each case without a clean pass, by ``PlannedCase.full_key``.
    classes: dict[str, FailureClass] = Field(default_factory=dict)


class Report(Record):
    """Everything a presenter shows; presenters compute nothing."""

    schema_version: str = Field(default=SCHEMA_VERSION)
    subject: Subject
    judgement: Judgement
    counters: Counters
    plan: Plan
    run: Run
    #: None where a stack was decided on rather than a tarball.
    gate: GateRecord | None = None
