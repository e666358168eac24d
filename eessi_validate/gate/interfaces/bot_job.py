"""The job directory of EESSI's build bot: what it was to build, and what came of it.

Files: ``cfg/job.cfg`` says what for; ``_bot_job<ID>.result`` names the tarballs, which are what the
bot uploads; ``_bot_job<ID>.test`` is read by the bot (sources: eessi-bot-software-layer,
``tools/job_metadata.py``, ``tasks/build.py``, ``tasks/deploy.py``). ``_bot_job<ID>.gate.json`` is
ours: digest and verdict of each tarball that was gated.
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eessi_validate.errors import EessiValidateError, UsageError
from eessi_validate.gate.interfaces.private_copy import digest_of
from eessi_validate.results.model import Report, VerdictCode

_JOB = re.compile(r'[0-9A-Za-z_]+')
_TARBALL = re.compile(r'eessi[^/\0]*\.tar(?:\.[A-Za-z0-9]+)?')
_ACCEPTED = (VerdictCode.ACCEPT.value, VerdictCode.ACCEPT_WAIVED.value)


@dataclass(frozen=True)
class BotJob:
    """A job by its directory and number."""

    directory: Path
    id: str

    @property
    def test_file(self) -> Path:
        """What the bot reads."""
        return self.directory / f'_bot_job{self.id}.test'

    @property
    def record_file(self) -> Path:
        """What the check of the test step compares with."""
        return self.directory / f'_bot_job{self.id}.gate.json'

    def tarballs(self) -> tuple[Path, ...]:
        """Return what the job has built: what its result names, else what lies there.

        :raises UsageError: if the build failed, or its result cannot be read.
        """
        result = self.directory / f'_bot_job{self.id}.result'
        if not result.exists():
            found = sorted(self.directory.glob('eessi-*.tar.*'))
            return tuple(path for path in found if path.name.endswith(('.tar.gz', '.tar.zst')))
        section = _read_ini(result).get('RESULT', {})
        if section.get('status') != 'SUCCESS':
            raise UsageError('the build has not succeeded: there is nothing to test')
        names = section.get('artefacts', '').split()
        if strange := [name for name in names if not _TARBALL.fullmatch(name)]:
            raise UsageError(f'{result.name} names {strange[0]!r}, which is no tarball of the job')
        return tuple(self.directory / name for name in names)

    def setting(self, section: str, name: str) -> str:
        """Return a value of ``cfg/job.cfg``; '' if it has none."""
        path = self.directory / 'cfg' / 'job.cfg'
        if not path.exists():
            return ''
        return _read_ini(path).get(section, {}).get(name, '').strip()

    def why_of_another_job(self, report: Report) -> str:
        """Return why a tarball is not what this job was to build; '' if it is."""
        if report.gate is None:
            return 'it was not gated'
        release = self.setting('repository', 'repo_version')
        if release and report.subject.release.partition('-')[0] != release:
            return f'it is of release {report.subject.release}; the job is for {release}'
        target = self.setting('architecture', 'software_subdir')
        if report.gate.kind == 'software' and target and report.gate.cpu_target != target:
            return f'it is for {report.gate.cpu_target}; the job is for {target}'
        return ''

    def why_unchecked(self) -> str:
        """Return why what the test step wrote down does not count; '' if it does."""
        section = _read_ini(self.test_file).get('TEST', {}) if self.test_file.exists() else {}
        if section.get('status') not in ('SUCCESS', 'FAILURE'):
            return 'the test step has not said what came of it'
        if section['status'] == 'FAILURE':
            return ''
        try:
            recorded: Any = json.loads(self.record_file.read_bytes())['tarballs']
            tarballs = self.tarballs()
            if not tarballs:
                return 'there is no tarball: nothing was tested'
            for path in tarballs:
                known = recorded.get(path.name, {})
                if known.get('verdict') not in _ACCEPTED:
                    return f'{path.name} was not accepted'
                if known.get('sha256') != digest_of(path):
                    return f'{path.name} is not the file any more that was tested'
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            return f'{self.record_file.name} cannot be read: {type(error).__name__}'
        except EessiValidateError as error:
            return str(error)
        return ''

    def record(self, reports: Mapping[str, Report]) -> str:
        """Return the content of the record file."""
        tarballs = {
            name: {
                'sha256': report.subject.digest.removeprefix('sha256:'),
                'verdict': report.judgement.verdict.value,
            }
            for name, report in reports.items()
        }
        return json.dumps({'schema_version': 1, 'tarballs': tarballs}, indent=1) + '\n'

    def is_success(self) -> bool:
        """Say whether the bot is told that all went well."""
        return _read_ini(self.test_file).get('TEST', {}).get('status') == 'SUCCESS'


def bot_job(directory: Path, environment: Mapping[str, str]) -> BotJob:
    """Return the job that runs in a directory.

    :raises UsageError: if there is none.
    """
    number = environment.get('SLURM_JOB_ID') or environment.get('SLURM_JOBID') or ''
    if not _JOB.fullmatch(number):
        raise UsageError('this is no job of the bot: there is no SLURM_JOB_ID')
    return BotJob(directory, number)


def _read_ini(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    try:
        parser.read_string(path.read_text(encoding='utf-8', errors='replace'))
    except (OSError, configparser.Error) as error:
        raise UsageError(f'{path.name} cannot be read: {type(error).__name__}') from error
    return {name: dict(parser[name]) for name in parser.sections()}
