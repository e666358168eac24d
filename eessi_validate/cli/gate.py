"""``eessi-validate gate``: may this tarball go into the stack?"""

from __future__ import annotations

import datetime
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import verdict_code
from eessi_validate.cli.gate_bundle import decide_on_bundle
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
        Path | None, typer.Option('--policy', help='Policy (default: everything must pass).')
    ] = None,
    waivers: Annotated[Path | None, typer.Option('--waivers', help='Waivers.')] = None,
    metadata: Annotated[
        Path | None, typer.Option('--metadata', help="The tarball's .meta.txt file.")
    ] = None,
    signature: Annotated[
        Path | None,
        typer.Option('--signature', help='Its signature; it is verified before all else.'),
    ] = None,
    metadata_signature: Annotated[
        Path | None,
        typer.Option(
            '--metadata-signature', help='That of the metadata (default: their .sig, if there).'
        ),
    ] = None,
    allowed_signers: Annotated[
        Path | None,
        typer.Option('--allowed-signers', help='File of ssh-keygen(1): who may sign tarballs.'),
    ] = None,
    context: Annotated[
        str,
        typer.Option('--context', help='build, upload, ingest, compat-security or monitor.'),
    ] = 'ingest',
    out: Annotated[
        Path | None, typer.Option('--out', help='Directory of the results (default: a fresh one).')
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
    investigate: Annotated[
        bool, typer.Option('--investigate', help='Say what failures come from, by running more.')
    ] = False,
    previous_tests: Annotated[
        Path | None,
        typer.Option('--previous-tests', metavar='PATH', help='Tests of before, to compare with.'),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option('--bundle', metavar='DIR', help='Decide on all tarballs of a change there.'),
    ] = None,
    targets: Annotated[
        list[str] | None,
        typer.Option(
            '--targets', help='Of a bundle: expected CPU targets (default: policy, else stack).'
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option('--processes', min=1, max=64, help='Of a bundle: readers at a time.')
    ] = 1,
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
    if bundle:
        _refuse_together(
            '--bundle decides on a directory: what belongs to a tarball lies beside it',
            tarball, metadata, signature, metadata_signature, sign, static_only, in_place, replayed,
            checks, investigate, bot_job,
        )  # fmt: skip
        decide_on_bundle(
            bundle,
            stack,
            policy=policy,
            waivers=waivers,
            allowed_signers=allowed_signers,
            targets=targets,
            context=context,
            processes=processes,
            out=out,
            as_json=as_json,
        )
    if targets:
        raise UsageError('--targets says what a bundle must have: give --bundle DIR')
    if replayed:
        _refuse_together(
            '--replay decides on a stored report: give only --policy, --waivers',
            tarball, stack, metadata, signature, metadata_signature, allowed_signers, sign,
            static_only, in_place, checks, investigate, bot_job,
        )  # fmt: skip
        _finish(_replay(replayed, policy, waivers), out, as_json=as_json)
    if tarball is None or stack is None:
        raise UsageError('give TARBALL and --stack ROOT, or --replay REPORT')
    if bool(signature or metadata_signature) != bool(allowed_signers):
        raise UsageError('--signature and --allowed-signers say something only together')
    if previous_tests and not investigate:
        raise UsageError('--previous-tests are for --investigate')
    if investigate and (static_only or in_place):
        raise UsageError('--investigate needs cases that are run, and a base to compare with')
    if sign and not sign.is_file():
        raise UsageError(f'no key at {sign}')
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
            signature=signature,
            metadata_signature=metadata_signature
            or _signature_beside(source.metadata if allowed_signers else None),
            allowed_signers=allowed_signers,
            context=context,
            static_only=static_only,
            in_place=in_place,
            investigate=investigate,
            previous_tests=previous_tests,
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


def _signature_beside(metadata: Path | None) -> Path | None:
    """Return the signature that lies beside the metadata, so that it is not overlooked."""
    if metadata is None:
        return None
    beside = metadata.with_name(f'{metadata.name}.sig')
    return beside if os.path.lexists(beside) else None


def _refuse_together(why: str, *others: object) -> None:
    if any(others):
        raise UsageError(why)


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
