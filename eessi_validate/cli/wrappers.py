"""``upload-gate`` and ``ingest-gate``: in the place of EESSI's upload and ingestion scripts.

Also installed as ``eessi-validate-upload`` and ``eessi-validate-ingest``, for callers that take the
path of a program. Reasons go to standard output, which is what those callers show.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import HELD, USAGE, verdict_code
from eessi_validate.errors import EessiValidateError, UsageError

if TYPE_CHECKING:
    from eessi_validate.results.model import VerdictCode

#: The words are those of another program: all are handed on as they are.
AS_THEY_ARE = {
    'ignore_unknown_options': True,
    'allow_interspersed_args': False,
    'help_option_names': [],
}


def upload_gate(
    arguments: Annotated[
        list[str] | None, typer.Argument(help='The command line of eessi-upload-to-staging.')
    ] = None,
) -> None:
    """Upload what has a signed ACCEPT, with the script that does it; refuse everything else."""
    from eessi_validate.gate.interfaces.settings import load_settings
    from eessi_validate.gate.interfaces.upload import read_command, upload

    def answer() -> VerdictCode:
        command = read_command(arguments or [])
        return upload(command, load_settings('upload', command.config), _say)

    _end(answer)


def ingest_gate(
    arguments: Annotated[
        list[str] | None, typer.Argument(help='[--gate-config FILE] REPOSITORY TARBALL')
    ] = None,
) -> None:
    """Ingest what verifies, with the script that does it; refuse everything else."""
    from eessi_validate.gate.interfaces.ingestion import ingest
    from eessi_validate.gate.interfaces.settings import load_settings
    from eessi_validate.gate.interfaces.upload import CONFIG_OPTION

    def answer() -> VerdictCode:
        words = list(arguments or [])
        config = None
        if words[:1] == [CONFIG_OPTION] and len(words) > 1:
            config = Path(words[1])
            del words[:2]
        if len(words) != 2 or any(word.startswith('-') for word in words):
            raise UsageError(f'give [{CONFIG_OPTION} FILE] REPOSITORY TARBALL')
        return ingest(words[0], Path(words[1]), load_settings('ingest', config), _say)

    _end(answer)


def _say(line: str) -> None:
    typer.echo(f'eessi-validate: {line}')


def _end(answer: Callable[[], VerdictCode]) -> None:
    """End with the code of a verdict; the caller looks for the reason on standard output."""
    try:
        code = verdict_code(answer().value)
    except UsageError as error:
        _say(str(error))
        code = USAGE
    except EessiValidateError as error:
        _say(f'HOLD: {error}')
        code = HELD
    except OSError as error:
        _say(f'HOLD: {error}')
        code = HELD
    raise typer.Exit(code)
