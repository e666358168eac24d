"""In the place of ``eessi-upload-to-staging``: nothing is uploaded without a signed ACCEPT.

The command line is that of the script in EESSI's eessi-bot-software-layer (``scripts/``): options
that take the next word, whatever it is, two that only print, and the files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import UsageError
from eessi_validate.gate.attestation.verify import Verification, VerifyRequest, verify_tarball
from eessi_validate.gate.interfaces.private_copy import private_copy
from eessi_validate.gate.interfaces.real_script import run_script
from eessi_validate.gate.interfaces.settings import WrapperSettings
from eessi_validate.results.model import VerdictCode

#: Options of the script that take a value.
_WITH_VALUE = {
    '-a', '--artefact-prefix', '-A', '--action', '-b', '--bot-instance', '-e', '--endpoint-url',
    '-i', '--pr-comment-id', '-k', '--sign-key', '-m', '--metadata-prefix', '-M', '--mode',
    '-n', '--bucket-name', '-O', '--order', '-p', '--pull-request-number', '-r', '--repository',
    '-s', '--sign-script',
}  # fmt: skip
#: Options with which it prints something and uploads nothing.
_PRINTING = {'-h', '--help', '-l', '--list-variables'}
#: Our own.
CONFIG_OPTION = '--gate-config'


@dataclass(frozen=True)
class UploadCommand:
    """A command line of the script."""

    #: Options with their values, as they came.
    options: tuple[str, ...]
    files: tuple[Path, ...]
    #: The option with which it only prints; '' if it uploads.
    prints: str = ''
    #: File of settings.
    config: Path | None = None


def read_command(arguments: Sequence[str]) -> UploadCommand:
    """Return what a command line of the script says, read as the script reads it.

    :raises UsageError: if the script would not take it either, or there is nothing to upload.
    """
    options: list[str] = []
    files: list[Path] = []
    config: Path | None = None
    words = iter(arguments)
    for word in words:
        if word in _WITH_VALUE or word == CONFIG_OPTION:
            value = next(words, None)
            if value is None:
                raise UsageError(f'{word} needs a value')
            if word == CONFIG_OPTION:
                config = Path(value)
            else:
                options += (word, value)
        elif word in _PRINTING:
            return UploadCommand((), (), prints=word, config=config)
        elif word.startswith('-'):
            raise UsageError(f'unknown option {word}')
        else:
            files.append(Path(word))
    if not files:
        raise UsageError('no file to upload')
    return UploadCommand(tuple(options), tuple(files), config=config)


def upload(
    command: UploadCommand, settings: WrapperSettings, say: Callable[[str], None]
) -> VerdictCode:
    """Verify private copies of all files, and have the script upload those if all are accepted.

    :raises UsageError: for a file that is not there.
    :raises HoldError: if nothing is known of a file, or the script does not end well.
    """
    if command.prints:
        run_script(settings.script, [command.prints])
        return VerdictCode.ACCEPT
    with ExitStack() as copies:
        verdicts, paths = [], []
        for file in command.files:
            copy = copies.enter_context(private_copy(file, settings.state))
            done = verify_tarball(
                VerifyRequest(
                    tarball=copy.path,
                    attestation=settings.attestation_of(file),
                    allowed_signers=settings.allowed_signers,
                    policy=settings.policy,
                    stack=Path(settings.stack) if settings.stack else None,
                    context=settings.context,
                )
            )
            say_verification(file.name, done, say)
            verdicts.append(done.verdict)
            paths.append((copy.path, copy.lock))
        worst = _worst(verdicts)
        if worst not in (VerdictCode.ACCEPT, VerdictCode.ACCEPT_WAIVED):
            say('nothing is uploaded')
            return worst
        for path, lock in paths:
            run_script(settings.script, [*command.options, str(path)], keep=lock)
    return worst


def say_verification(name: str, done: Verification, say: Callable[[str], None]) -> None:
    """Say a verdict and all that speaks against it."""
    for each in done.objections:
        say(f'{each.effect}: {each.check}: {each.reason}')
    say(f'{done.verdict.value} {name} sha256:{done.sha256}, signed by {done.principal}')


def _worst(verdicts: Sequence[VerdictCode]) -> VerdictCode:
    order = (
        VerdictCode.ACCEPT, VerdictCode.ACCEPT_WAIVED, VerdictCode.HOLD, VerdictCode.REJECT,
    )  # fmt: skip
    return max(verdicts, key=order.index)
