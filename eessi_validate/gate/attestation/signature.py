"""SSH signatures by ``ssh-keygen -Y``, in a namespace of their own (ssh-keygen(1)).

Keys may be files, in an agent, or on a hardware token. The namespace keeps a signature that was
made for something else, e.g. by the bot for an upload, from counting as a verdict.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError

NAMESPACE = 'eessi-validate-gate'

#: A person may have to touch a token.
_SECONDS = 120


def sign_file(path: Path, key: Path) -> Path:
    """Sign ``path`` and return the signature beside it, which is verified once made.

    :arg key: private key, or the public key of one in an agent or on a token.
    :raises UsageError: if there is no such key.
    :raises HoldError: if it cannot be signed.
    """
    if not key.is_file():
        raise UsageError(f'no key at {key}')
    signature = path.with_name(f'{path.name}.sig')
    signature.unlink(missing_ok=True)
    _ssh_keygen(['-Y', 'sign', '-f', str(key), '-n', NAMESPACE, str(path)])
    if not signature.is_file():
        raise HoldError('ssh-keygen made no signature')
    check = ['-Y', 'check-novalidate', '-n', NAMESPACE, '-s', str(signature)]
    _ssh_keygen(check, path.read_bytes())
    return signature


def verify_signature(
    data: bytes, signature: bytes, allowed_signers: Path, principals: tuple[str, ...] = ()
) -> str:
    """Return the principal whose valid signature ``data`` carries in our namespace.

    :arg allowed_signers: file in the form of ssh-keygen(1), "ALLOWED SIGNERS".
    :arg principals: those that count; empty means all of the file.
    :raises HoldError: if nobody's signature is valid, with ssh-keygen's own message.
    :raises UsageError: if there is no file of allowed signers.
    """
    if not allowed_signers.is_file():
        raise UsageError(f'no allowed signers at {allowed_signers}')
    with tempfile.NamedTemporaryFile(suffix='.sig') as copy:
        copy.write(signature)
        copy.flush()
        common = ['-f', str(allowed_signers), '-s', copy.name]
        named = principals_of(common)
        # Of several principals with one key, ssh-keygen finds the first only.
        wanted = list(principals) or named
        refusals = []
        for name in wanted:
            try:
                _ssh_keygen(['-Y', 'verify', *common, '-n', NAMESPACE, '-I', name], data)
            except HoldError as error:
                refusals.append(str(error))
            else:
                return name
        if principals and not set(named) & set(principals):
            raise HoldError(f'it is signed by {", ".join(named)}, whose signature does not count')
    raise HoldError(refusals[0])


def principals_of(signers_and_signature: list[str]) -> list[str]:
    """Return the principals whose key made a signature, whatever it is of.

    :arg signers_and_signature: ``-f`` and ``-s`` with their files.
    :raises HoldError: if there are none.
    """
    found = _ssh_keygen(['-Y', 'find-principals', *signers_and_signature]).split('\n')
    # A line of the file may name several principals, with patterns.
    return [name for line in found for name in line.strip().split(',') if name]


def ssh_keygen_command(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command and an environment in which its messages are in English."""
    return ['ssh-keygen', *arguments], {**os.environ, 'LC_ALL': 'C'}


def _ssh_keygen(arguments: list[str], data: bytes = b'') -> str:
    command, environment = ssh_keygen_command(arguments)
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HoldError(f'ssh-keygen cannot be run: {error}') from error
    if done.returncode:
        text = (done.stderr or done.stdout).decode(errors='replace').strip().splitlines()
        raise HoldError(f'ssh-keygen: {text[-1] if text else f"status {done.returncode}"}')
    return done.stdout.decode(errors='replace')
