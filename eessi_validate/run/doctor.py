"""Checks what a run needs, before it runs, and names the fix for each problem."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from eessi_validate.errors import EessiValidateError
from eessi_validate.rfm.catalogue import load_catalogue
from eessi_validate.rfm.partitions import Partition, host_partitions, site_partitions
from eessi_validate.run.host import host_facts, tool_versions
from eessi_validate.stack.layout import Release, open_stack
from eessi_validate.stack.targets import execution_tier, find_target, host_family

Level = Literal['ok', 'note', 'problem']

#: Commands of a scheduler, by the name that ReFrame has for it.
_SCHEDULER_COMMANDS = {
    'slurm': ('sbatch', 'sacct', 'scancel'),
    'squeue': ('sbatch', 'squeue', 'scancel'),
    'pbs': ('qsub', 'qstat', 'qdel'),
    'torque': ('qsub', 'qstat', 'qdel'),
    'lsf': ('bsub', 'bjobs', 'bkill'),
    'sge': ('qsub', 'qstat', 'qdel'),
    'flux': ('flux',),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was examined."""

    level: Level
    subject: str
    found: str
    #: What to do about it; '' if nothing.
    fix: str = ''


def examine(stack: str, release: str, configs: tuple[str, ...], system: str) -> tuple[Finding, ...]:
    """Return all findings, problems included; never raises for what it examines."""
    findings = [*_host(), *_reframe()]
    findings += _guarded('scheduler', lambda: _scheduler(configs, system))
    if stack:
        findings += _guarded('stack', lambda: _stack(stack, release))
    else:
        fix = 'give --stack ROOT; build one with: eessi-validate stack build'
        findings.append(Finding('note', 'stack', 'not examined', fix))
    return tuple(findings)


def _guarded(subject: str, examination: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(examination())
    except EessiValidateError as error:
        return [Finding('problem', subject, str(error), 'correct the option')]


def _host() -> Iterator[Finding]:
    facts = host_facts()
    yield Finding('ok', 'host', f'{facts.cpu_model}, {facts.cpus} CPU(s), {facts.os}')
    yield Finding('ok', 'CPU', f'archspec names it {facts.cpu_target} ({host_family()})')
    load = facts.load_before or 0.0
    if load > facts.cpus / 2:
        yield Finding(
            'note', 'load', f'{load} on {facts.cpus} CPU(s)',
            'performance figures need an idle host',
        )  # fmt: skip
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < 2:
        yield Finding('problem', 'disk', f'{free:.1f} GB free here', 'free 2 GB or use --out')


def _reframe() -> Iterator[Finding]:
    versions = tool_versions()
    if versions['reframe'] == '4.10.4':
        yield Finding('ok', 'ReFrame', versions['reframe'])
    else:
        yield Finding(
            'problem', 'ReFrame', versions['reframe'],
            f'{sys.executable} -m pip install reframe-hpc==4.10.4',
        )  # fmt: skip
    try:
        tests = load_catalogue()
    except EessiValidateError as error:
        yield Finding('problem', 'tests', str(error), 'mend the check file')
        return
    covered = sorted({test.covers for test in tests})
    yield Finding('ok', 'tests', f'{len(tests)} for {", ".join(covered)}')


def _scheduler(configs: tuple[str, ...], system: str) -> Iterator[Finding]:
    if configs:
        partitions = site_partitions([Path(c).absolute() for c in configs], system)
    else:
        partitions = host_partitions()
    for partition in partitions:
        yield _partition(partition)


def _partition(partition: Partition) -> Finding:
    missing = [c for c in _SCHEDULER_COMMANDS.get(partition.scheduler, ()) if not shutil.which(c)]
    if missing:
        fix = f'install {", ".join(missing)} or choose another system'
        return Finding('problem', partition.name, f'scheduler {partition.scheduler}', fix)
    scales = sorted(f for f in partition.features if f.startswith(('cores_', 'node')))
    if not scales:
        fix = 'add the scales that fit to its "features", e.g. cores_1, nodes_1'
        return Finding('problem', partition.name, 'no scale among its features', fix)
    return Finding('ok', partition.name, f'scheduler {partition.scheduler}; {", ".join(scales)}')


def _stack(root: str, release_name: str) -> Iterator[Finding]:
    stack = open_stack(root)
    names = stack.release_names
    if not names:
        yield Finding('problem', 'stack', f'{stack.root} has no release', 'check the root')
        return
    release = stack.release(release_name or names[-1])
    yield Finding('ok', 'stack', f'{stack.repository}, releases {", ".join(names)}')
    for target in release.cpu_targets:
        yield _target(release, target)
    yield from _module_system(release)


def _target(release: Release, name: str) -> Finding:
    try:
        tier, reason = execution_tier(find_target(name))
    except EessiValidateError as error:
        return Finding('note', name, str(error), 'add it to the table of CPU targets')
    count = len(release.modules(name))
    found = f'{count} modules, {tier.value}' + (f': {reason}' if reason else '')
    if not count:
        return Finding('problem', name, 'no modules', f'look into {release.module_tree(name)}')
    return Finding('ok' if tier.value == 'native' else 'note', name, found)


def _module_system(release: Release) -> Iterator[Finding]:
    """Source the init script in a clean shell and ask its module system for its version."""
    if not release.init.is_file():
        yield Finding('problem', 'init', f'{release.init} is missing', 'the release is incomplete')
        return
    script = f'source {release.init} >/dev/null && module --version 2>&1 && echo "$MODULEPATH"'
    environment = {
        'HOME': os.environ.get('HOME', '/'),
        'PATH': '/usr/bin:/bin',
        'EESSI_SILENT': '1',
    }
    try:
        done = subprocess.run(
            ['bash', '-c', script], capture_output=True, text=True, env=environment, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding('problem', 'module system', str(error), 'source the init script by hand')
        return
    lines = (done.stdout + done.stderr).split('\n')
    named = next((line.strip() for line in lines if 'Version' in line), '')
    if done.returncode or not named:
        last = next((line for line in reversed(lines) if line.strip()), 'no message')
        yield Finding('problem', 'module system', last, f'source {release.init} by hand')
    else:
        yield Finding('ok', 'module system', named)


def print_findings(findings: tuple[Finding, ...], *, as_json: bool) -> None:
    """Print the findings, problems with their fix."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
        return
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f'{finding.level:<8}{finding.subject:<{width}}  {finding.found}')
        if finding.fix:
            print(f'{"":<8}{"":<{width}}  fix: {finding.fix}')
