"""``eessi-validate bot``: the test step of a job of EESSI's build bot."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import ACCEPTED, HELD, REJECTED
from eessi_validate.cli.gate import sign_report
from eessi_validate.cli.recorded_command import recorded_command
from eessi_validate.cli.telling import NotifyOption, tell, webhook
from eessi_validate.errors import EessiValidateError, HoldError, UsageError

if TYPE_CHECKING:
    from eessi_validate.gate.interfaces.bot_job import BotJob
    from eessi_validate.gate.interfaces.settings import BuildValues
    from eessi_validate.results.model import Report

app = typer.Typer(help="The test step of EESSI's build bot.", no_args_is_help=True)

#: Below the job directory: the reports.
_REPORTS = 'gate_reports'


@app.command('test')
def run_test(
    in_place: Annotated[
        bool, typer.Option('--in-place', help='The stack is the tarball over its base already.')
    ] = False,
    static_only: Annotated[
        bool, typer.Option('--static-only', help='Inspect only; never accepts.')
    ] = False,
    notify: NotifyOption = '',
) -> None:
    """Gate the tarballs of the job directory that this is run in, and tell the bot."""
    from eessi_validate.gate.interfaces.bot_job import bot_job
    from eessi_validate.gate.interfaces.bot_test_file import render_bot_test
    from eessi_validate.gate.interfaces.settings import load_build_settings
    from eessi_validate.report.atomic import write_atomically

    job, chat = bot_job(Path.cwd(), os.environ), webhook(notify)
    for stale in (job.test_file, job.record_file):
        stale.unlink(missing_ok=True)
    outcomes: list[Report | str] = []
    reports: dict[str, Report] = {}
    try:
        settings = load_build_settings()
        for tarball in job.tarballs():
            outcome = _gate(job, tarball, settings, in_place=in_place, static_only=static_only)
            outcomes.append(outcome)
            if not isinstance(outcome, str):
                reports[tarball.name] = outcome
                tell(chat, outcome)
    except EessiValidateError as error:
        outcomes.append(str(error))
    write_atomically(job.record_file, job.record(reports))
    write_atomically(job.test_file, render_bot_test(*outcomes))
    for each in outcomes:
        typer.echo(f'eessi-validate: {_words(each)}')
    raise typer.Exit(ACCEPTED if job.is_success() else HELD if _unknown(outcomes) else REJECTED)


@app.command()
def check() -> None:
    """Make sure that what the bot is told still is about the tarballs that lie here.

    Exit code 0 if it is told SUCCESS, 1 if it is told FAILURE.
    """
    from eessi_validate.gate.interfaces.bot_job import bot_job
    from eessi_validate.gate.interfaces.bot_test_file import render_bot_test
    from eessi_validate.report.atomic import write_atomically

    job = bot_job(Path.cwd(), os.environ)
    try:
        why = job.why_unchecked()
    except EessiValidateError as error:
        why = str(error)
    if why:
        write_atomically(job.test_file, render_bot_test(why))
        typer.echo(f'eessi-validate: {why}')
    raise typer.Exit(ACCEPTED if job.is_success() else REJECTED)


@app.command()
def install(
    directory: Annotated[Path, typer.Argument(help='The directory bot/ of a checkout.')],
) -> None:
    """Copy test.sh and check-test.sh, which the bot runs, into a directory."""
    from importlib.resources import as_file, files

    if not directory.is_dir():
        raise UsageError(f'no directory {directory}')
    for name in ('test.sh', 'check-test.sh'):
        source = files('eessi_validate') / 'gate' / 'interfaces' / 'bot' / name
        try:
            with as_file(source) as path:
                shutil.copyfile(path, directory / name)
            (directory / name).chmod(0o755)
        except OSError as error:
            raise HoldError(f'cannot write {directory / name}: {error.strerror}') from error
        typer.echo(str(directory / name))


def _gate(
    job: BotJob, tarball: Path, settings: BuildValues, *, in_place: bool, static_only: bool
) -> Report | str:
    """Gate one tarball; return its report, or why it does not count."""
    from eessi_validate.gate.flow import GateRequest, gate_tarball
    from eessi_validate.gate.interfaces.settings import attestation_beside
    from eessi_validate.report import write_all

    out = job.directory / _REPORTS / tarball.name
    beside = attestation_beside(tarball)
    shutil.rmtree(out, ignore_errors=True)
    for stale in (beside, beside.with_name(f'{beside.name}.sig')):
        stale.unlink(missing_ok=True)
    repository = job.setting('repository', 'repo_name')
    if not settings.stack and not repository:
        raise UsageError('no base stack: give EESSI_VALIDATE_STACK, or repo_name in cfg/job.cfg')
    report = gate_tarball(
        GateRequest(
            tarball=tarball,
            stack=Path(settings.stack or f'/cvmfs/{repository}'),
            out=out,
            policy=Path(settings.policy) if settings.policy else None,
            waivers=Path(settings.waivers) if settings.waivers else None,
            context=settings.context,
            static_only=static_only,
            in_place=in_place,
            sign=bool(settings.sign),
            quiet=True,
            command=recorded_command(sys.argv[1:]),
        )
    )
    write_all(report, out)
    if why := job.why_of_another_job(report):
        return f'{tarball.name}: {why}'
    if settings.sign:
        made = sign_report(report, out, Path(settings.sign))
        for path, name in zip(made, (beside.name, f'{beside.name}.sig'), strict=True):
            shutil.copyfile(path, beside.with_name(name))
    return report


def _words(outcome: Report | str) -> str:
    if isinstance(outcome, str):
        return outcome
    name, judgement = outcome.subject.description, outcome.judgement
    return f'{name}: {judgement.verdict.value}: {judgement.summary}'


def _unknown(outcomes: list[Report | str]) -> bool:
    from eessi_validate.results.model import VerdictCode

    return not any(
        not isinstance(each, str) and each.judgement.verdict is VerdictCode.REJECT
        for each in outcomes
    )
