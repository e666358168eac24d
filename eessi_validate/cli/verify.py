"""``eessi-validate verify``: may this very file be ingested, by what a gate has signed?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eessi_validate.cli.exit_codes import verdict_code
from eessi_validate.cli.output import reader_may_leave


def verify(
    tarball: Annotated[Path, typer.Argument(help='The tarball that is to be ingested.')],
    attestation: Annotated[Path, typer.Option('--attestation', help='What a gate has signed.')],
    allowed_signers: Annotated[
        Path, typer.Option('--allowed-signers', help='File of ssh-keygen(1): who may sign.')
    ],
    policy: Annotated[Path, typer.Option('--policy', help='The policy that must have decided.')],
    signature: Annotated[
        Path | None, typer.Option('--signature', help='Default: the attestation with .sig.')
    ] = None,
    stack: Annotated[
        Path | None,
        typer.Option('--stack', metavar='ROOT', help='Base stack (default: as attested).'),
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
