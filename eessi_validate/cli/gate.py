"""``eessi-validate gate`` and ``verify``: may this tarball go into the stack?"""

from __future__ import annotations

import datetime
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import verdict_code
from eessi_validate.cli.output import reader_may_leave
from eessi_validate.cli.recorded_command import recorded_command
from eessi_validate.cli.telling import NotifyOption, tell, webhook
from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    from eessi_validate.results.model import Report


def gate(
    command: typer.Context,
    tarball: Annotated[
        str | None,
        typer.Argument(help='The tarball or s3://bucket/key; its name is part of what it says.'),
    ] = None,
    stack: Annotated[
        Path | None, typer.Option('--stack', metavar='ROOT', help='Base stack that it is for.')
    ] = None,
    policy: Annotated[
        Path | None, typer.Option('--policy', help='Policy [default: everything must pass].')
    ] = None,
    waivers: Annotated[Path | None, typer.Option('--waivers', help='Waivers.')] = None,
    metadata: Annotated[
        Path | None, typer.Option('--metadata', help="The tarball's .meta.txt file.")
    ] = None,
    context: Annotated[
        str,
        typer.Option('--context', help='build, upload, ingest, compat-security or monitor.'),
    ] = 'ingest',
    out: Annotated[
        Path | None, typer.Option('--out', help='Directory of the results [default: a fresh one].')
    ] = None,
    static_only: Annotated[
        bool, typer.Option('--static-only', help='Inspect only; never accepts.')
    ] = False,
    in_place: Annotated[
        bool, typer.Option('--in-place', help='The stack is the tarball over its base already.')
    ] = False,
    replayed: Annotated[
        Path | None,
        typer.Option('--replay', metavar='REPORT', help='Decide anew on a stored report.'),
    ] = None,
    sign: Annotated[
        Path | None, typer.Option('--sign', metavar='KEY', help='Sign the verdict (official runs).')
    ] = None,
    checks: Annotated[
        list[Path] | None,
        typer.Option('--checks', help='ReFrame check files to use instead of the shipped ones.'),
    ] = None,
    bot_job: Annotated[
        str,
        typer.Option('--bot-job', metavar='ID', help='Write _bot_job<ID>.test here, for the bot.'),
    ] = '',
    endpoint_url: Annotated[
        str, typer.Option('--endpoint-url', help='Of the S3 server (default: AWS_ENDPOINT_URL).')
    ] = '',
    notify: NotifyOption = '',
    quiet: Annotated[bool, typer.Option('--quiet', help='Show no progress.')] = False,
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON on standard output.')] = False,
) -> None:
    """Inspect a tarball, test it over the base stack, and decide; the exit code is the verdict."""
    from eessi_validate.gate.decision.policy_file import CONTEXTS
    from eessi_validate.gate.flow import GateRequest, gate_tarball
    from eessi_validate.gate.staging.fetch import local_tarball
    from eessi_validate.report import write_all

    chat = webhook(notify)
    if context not in CONTEXTS:
        raise UsageError(f'unknown context {context!r}: valid are {", ".join(CONTEXTS)}')
    if bot_job and not bot_job.isalnum():
        raise UsageError(f'--bot-job {bot_job!r} is no job id')
    if replayed:
        if tarball or stack or sign or static_only or in_place or metadata:
            raise UsageError('--replay decides on a stored report: give only --policy, --waivers')
        _finish(_replay(replayed, policy, waivers), out, as_json=as_json)
    if tarball is None or stack is None:
        raise UsageError('give TARBALL and --stack ROOT, or --replay REPORT')
    directory = (out or _fresh_directory()).expanduser().absolute()
    source = command.with_resource(local_tarball(tarball, metadata, endpoint_url))
    report = gate_tarball(
        GateRequest(
            tarball=source.path,
            stack=stack,
            out=directory,
            policy=policy,
            waivers=waivers,
            metadata=source.metadata,
            context=context,
            static_only=static_only,
            in_place=in_place,
            sign=sign is not None,
            quiet=quiet or as_json,
            checks=tuple(str(path.expanduser().absolute()) for path in checks or ()),
            command=recorded_command(sys.argv[1:]),
        )
    )
    source.require_unchanged()
    write_all(report, directory)
    if sign:
        sign_report(report, directory, sign)
    tell(chat, report)
    if bot_job:
        from eessi_validate.gate.interfaces.bot_test_file import render_bot_test
        from eessi_validate.report.atomic import write_atomically

        write_atomically(Path.cwd() / f'_bot_job{bot_job}.test', render_bot_test(report))
    _finish(report, None, as_json=as_json, shown=directory)


def verify(
    tarball: Annotated[Path, typer.Argument(help='The tarball that is to be ingested.')],
    attestation: Annotated[Path, typer.Option('--attestation', help='What a gate has signed.')],
    allowed_signers: Annotated[
        Path, typer.Option('--allowed-signers', help='File of ssh-keygen(1): who may sign.')
    ],
    policy: Annotated[Path, typer.Option('--policy', help='The policy that must have decided.')],
    signature: Annotated[
        Path | None, typer.Option('--signature', help='[default: the attestation with .sig]')
    ] = None,
    stack: Annotated[
        Path | None,
        typer.Option('--stack', metavar='ROOT', help='Base stack [default: as attested].'),
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option('--metadata', help="The tarball's .meta.txt file.")
    ] = None,
    context: Annotated[str, typer.Option('--context', help='What it is verified for.')] = 'ingest',
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON on standard output.')] = False,
) -> None:
    """Check a signed verdict just before ingestion, without executing anything of the tarball."""
    import json

    from eessi_validate.gate.attestation.verify import VerifyRequest, verify_tarball

    done = verify_tarball(
        VerifyRequest(
            tarball=tarball,
            attestation=attestation,
            allowed_signers=allowed_signers,
            policy=policy,
            signature=signature,
            stack=stack,
            metadata=metadata,
            context=context,
        )
    )
    with reader_may_leave():
        if as_json:
            answer = {
                'verdict': done.verdict.value,
                'sha256': done.sha256,
                'principal': done.principal,
                'objections': [each.model_dump(mode='json') for each in done.objections],
            }
            typer.echo(json.dumps(answer, indent=1))
        else:
            for each in done.objections:
                typer.echo(f'{each.effect}: {each.check}: {each.reason}')
            typer.echo(f'{done.verdict.value}  sha256:{done.sha256}  signed by {done.principal}')
    raise typer.Exit(verdict_code(done.verdict.value))


def sign_report(report: Report, directory: Path, key: Path) -> list[Path]:
    """Write attestation and signature into ``directory``; return both."""
    from eessi_validate.gate.attestation.signature import sign_file
    from eessi_validate.gate.attestation.statement import make_statement
    from eessi_validate.report.atomic import write_atomically

    path = directory / 'attestation.json'
    digest = hashlib.sha256((directory / 'report.json').read_bytes()).hexdigest()
    write_atomically(path, make_statement(report, digest).decode())
    return [path, sign_file(path, key)]


def _replay(path: Path, policy: Path | None, waivers: Path | None) -> Report:
    from eessi_validate.gate.decision.policy_file import load_policy
    from eessi_validate.gate.flow import replay
    from eessi_validate.results.report_file import read_json

    return replay(read_json(path), load_policy(policy), waivers)


def _finish(report: Report, out: Path | None, *, as_json: bool, shown: Path | None = None) -> None:
    """Show the report and end with the code of its verdict."""
    from eessi_validate.report import print_report, render_json, write_all

    if out is not None:
        write_all(report, out)
    with reader_may_leave():
        if as_json:
            typer.echo(render_json(report), nl=False)
        else:
            print_report(report)
            if directory := out or shown:
                typer.echo(f'report: {directory / "report.html"}')
    raise typer.Exit(verdict_code(report.judgement.verdict.value))


def _fresh_directory() -> Path:
    stamp = datetime.datetime.now().strftime('%Y%m%dT%H%M%S')
    return Path(f'eessi-validate-gate-{stamp}')
