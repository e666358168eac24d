"""``eessi-validate staging``: what is in a staging bucket."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import HELD, verdict_code
from eessi_validate.cli.gate import sign_report
from eessi_validate.cli.recorded_command import recorded_command
from eessi_validate.cli.telling import NotifyOption, tell, webhook
from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    from eessi_validate.gate.flow import GateRequest
    from eessi_validate.results.model import Report

app = typer.Typer(help='Gate what appears in a staging bucket.', no_args_is_help=True)


@app.callback()
def staging() -> None:
    """Gate what appears in a staging bucket."""


@app.command()
def watch(
    url: Annotated[str, typer.Argument(help='s3://bucket/prefix')],
    stack: Annotated[
        Path, typer.Option('--stack', metavar='ROOT', help='Base stack that it is for.')
    ],
    out: Annotated[Path, typer.Option('--out', help='Directory of the reports.')],
    state: Annotated[
        Path | None, typer.Option('--state', help='What was taken (default: OUT/state.json).')
    ] = None,
    once: Annotated[bool, typer.Option('--once', help='Look once; then end.')] = False,
    interval: Annotated[
        float, typer.Option('--interval', min=1, help='Seconds between two looks.')
    ] = 60,
    endpoint_url: Annotated[
        str, typer.Option('--endpoint-url', help='Of the S3 server (default: AWS_ENDPOINT_URL).')
    ] = '',
    policy: Annotated[
        Path | None, typer.Option('--policy', help='Policy (default: everything must pass).')
    ] = None,
    waivers: Annotated[Path | None, typer.Option('--waivers', help='Waivers.')] = None,
    allowed_signers: Annotated[
        Path | None,
        typer.Option(
            '--allowed-signers', help='Who may sign: tarballs and metadata need their .sig then.'
        ),
    ] = None,
    context: Annotated[str, typer.Option('--context', help='As of gate.')] = 'ingest',
    sign: Annotated[
        Path | None, typer.Option('--sign', metavar='KEY', help='Sign verdicts (official runs).')
    ] = None,
    publish: Annotated[
        bool, typer.Option('--publish', help='Write verdicts into the bucket, beside the objects.')
    ] = False,
    wait_for_metadata: Annotated[
        bool, typer.Option('--wait-for-metadata', help='Only what has its .meta.txt already.')
    ] = False,
    retry_held: Annotated[
        bool, typer.Option('--retry-held', help='Gate again what was held, at every look.')
    ] = False,
    notify: NotifyOption = '',
    static_only: Annotated[
        bool, typer.Option('--static-only', help='Inspect only; never accepts.')
    ] = False,
    most_bytes: Annotated[
        int, typer.Option('--max-bytes', min=1, help='Of the largest object that is downloaded.')
    ] = 64 << 30,
) -> None:
    """Gate each new version of each tarball below the prefix once; Ctrl-C ends it at any time.

    With --once the exit code is that of the gravest verdict of this look, 0 if nothing was new.
    """
    from eessi_validate.gate.decision.policy_file import CONTEXTS, load_policy
    from eessi_validate.gate.flow import GateRequest
    from eessi_validate.gate.staging.object_store import ObjectStore, split_url
    from eessi_validate.gate.staging.watch import Watcher, WatchOptions
    from eessi_validate.gate.staging.watch_state import watch_state
    from eessi_validate.stack.layout import open_stack

    if context not in CONTEXTS:
        raise UsageError(f'unknown context {context!r}: valid are {", ".join(CONTEXTS)}')
    # Wrong options are told before anything is taken.
    open_stack(stack)
    load_policy(policy)
    if allowed_signers and not allowed_signers.is_file():
        raise UsageError(f'no allowed signers at {allowed_signers}')
    bucket, prefix = split_url(url)
    directory = out.expanduser().absolute()
    stops: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        stops.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    store = ObjectStore(bucket, endpoint_url)
    request = GateRequest(
        tarball=Path(),
        stack=stack,
        out=directory,
        policy=policy,
        waivers=waivers,
        allowed_signers=allowed_signers,
        context=context,
        static_only=static_only,
        sign=sign is not None,
        quiet=True,
        command=recorded_command(sys.argv[1:]),
    )
    options = WatchOptions(
        prefix=prefix,
        out=directory,
        publish=publish,
        wait_for_metadata=wait_for_metadata,
        retry_held=retry_held,
        most_bytes=most_bytes,
    )
    watched = f'{store.endpoint or "AWS"} {store.address(prefix)}'
    with watch_state(state or directory / 'state.json', watched) as taken:
        watcher = Watcher(store, taken, _Gatekeeper(request, sign, webhook(notify)), options, _say)
        try:
            if once:
                raise typer.Exit(verdict_code(watcher.look().value))
            watcher.watch(interval, stopped=lambda: bool(stops))
        except KeyboardInterrupt:
            _say('stopped; what has no verdict yet is gated next time')
            raise typer.Exit(HELD) from None


@app.command()
def analysis(
    reports: Annotated[list[Path], typer.Argument(help='report.json of each tarball.')],
) -> None:
    """Print Markdown for the analysis slot of a staging pull request, below 60,000 bytes."""
    from eessi_validate.report.analysis_slot import render_analysis
    from eessi_validate.results.report_file import read_json

    typer.echo(render_analysis([read_json(path) for path in reports]), nl=False)


class _Gatekeeper:
    """The gate as a watcher sees it."""

    def __init__(self, request: GateRequest, key: Path | None, chat: str) -> None:
        self._request = request
        self._key = key
        self._chat = chat

    def decide(self, tarball: Path, metadata: Path | None, out: Path) -> Report:
        from dataclasses import replace

        from eessi_validate.gate.flow import gate_tarball
        from eessi_validate.gate.staging.fetch import SIGNATURE_SUFFIX

        asked = replace(self._request, tarball=tarball, metadata=metadata, out=out)
        if asked.allowed_signers:
            # That there is none is for the gate to find.
            asked = replace(asked, signature=tarball.with_name(tarball.name + SIGNATURE_SUFFIX))
            if metadata:
                beside = metadata.with_name(metadata.name + SIGNATURE_SUFFIX)
                asked = replace(asked, metadata_signature=beside)
        return gate_tarball(asked)

    def write(self, report: Report, out: Path) -> Sequence[Path]:
        from eessi_validate.report import write_all

        written = write_all(report, out)
        files = [written['markdown']]
        if self._key:
            files += sign_report(report, out, self._key)
        return files

    def tell(self, report: Report) -> None:
        tell(self._chat, report)


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()
