"""The commands together: one thin file per verb; whatever goes wrong ends in a documented code."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from eessi_validate import __version__
from eessi_validate.cli.ab import ab
from eessi_validate.cli.bot import app as bot_app
from eessi_validate.cli.check import check
from eessi_validate.cli.compare import compare, history
from eessi_validate.cli.exit_codes import ACCEPTED, HELD, REJECTED, USAGE
from eessi_validate.cli.gate import gate
from eessi_validate.cli.inspect import inspect
from eessi_validate.cli.prove import prove
from eessi_validate.cli.results import app as results_app
from eessi_validate.cli.run import doctor, plan, run
from eessi_validate.cli.stack import app as stack_app
from eessi_validate.cli.staging import app as staging_app
from eessi_validate.cli.verify import verify
from eessi_validate.cli.waivers import app as waivers_app
from eessi_validate.cli.wrappers import AS_THEY_ARE, ingest_gate, upload_gate
from eessi_validate.errors import EessiValidateError, HoldError, UsageError

#: What a wrong command line raises: ``ClickException``, which typer bundles or imports by version.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name='eessi-validate',
    help='Decides whether software may go into an EESSI-style software stack, and says why.',
    epilog='Exit codes: 0 ACCEPT, 1 REJECT, 2 usage error, 75 HOLD (not known: retry or ask).',
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(plan)
app.command()(doctor)
app.add_typer(stack_app, name='stack')
app.command()(check)
app.command()(inspect)
app.command()(gate)
app.command()(verify)
app.add_typer(waivers_app, name='waivers')
app.command()(prove)
app.command()(ab)
app.add_typer(results_app, name='results')
app.command()(compare)
app.command()(history)
app.add_typer(bot_app, name='bot')
app.command('upload-gate', context_settings=AS_THEY_ARE)(upload_gate)
app.add_typer(staging_app, name='staging')
app.command('ingest-gate', context_settings=AS_THEY_ARE)(ingest_gate)


@app.callback(invoke_without_command=True)
def main_options(
    version: Annotated[bool, typer.Option('--version', help='Show the version.')] = False,
) -> None:
    """Options that need no command."""
    if version:
        typer.echo(f'eessi-validate {__version__}')
        raise typer.Exit


def main() -> None:
    """Run the command line; whatever goes wrong ends in a documented exit code."""
    try:
        code = app(standalone_mode=False)
        # typer turns an interrupt into status 130, which is no verdict.
        sys.exit(code if code in (REJECTED, USAGE, HELD) else HELD if code else ACCEPTED)
    except typer.Abort:
        sys.exit(HELD)
    except _CommandLineError as error:
        error.show()  # type: ignore[attr-defined]
        sys.exit(USAGE)
    except UsageError as error:
        typer.echo(f'eessi-validate: {error}', err=True)
        sys.exit(USAGE)
    except HoldError as error:
        typer.echo(f'eessi-validate: HOLD: {error}', err=True)
        sys.exit(HELD)
    except EessiValidateError as error:
        # Not a verdict on any software: that is only ever the code of a judged run.
        typer.echo(f'eessi-validate: {error}', err=True)
        sys.exit(HELD)
    except KeyboardInterrupt:
        typer.echo('eessi-validate: HOLD: stopped', err=True)
        sys.exit(HELD)
    except Exception:  # noqa: BLE001 - an internal error is HOLD, whatever it is
        traceback.print_exc()
        typer.echo('eessi-validate: HOLD: internal error (above); nothing was decided', err=True)
        sys.exit(HELD)


def upload_main() -> None:
    """Run ``eessi-validate-upload``: callers that take the path of a program cannot give a verb."""
    sys.argv[1:1] = ['upload-gate']
    main()


def ingest_main() -> None:
    """Run ``eessi-validate-ingest``, likewise."""
    sys.argv[1:1] = ['ingest-gate']
    main()
