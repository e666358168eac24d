"""The detached signature that a file of an upload comes with, verified before the file is read.

EESSI's build bot makes it with ``ssh-keygen -Y sign``, of the tarball and of its metadata, puts it
beside either as ``<file>.sig`` and takes its own name for the namespace (eessi-bot-software-layer,
``scripts/sign_verify_file_ssh.sh``, ``scripts/eessi-upload-to-staging``). It covers content only:
name and CPU target of a tarball are bound by its metadata.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.attestation.signature import NAMESPACE, principals_of, ssh_keygen_command
from eessi_validate.gate.attestation.sshsig import LARGEST, namespace_of
from eessi_validate.gate.inspection.findings import printable
from eessi_validate.gate.inspection.model import Subject
from eessi_validate.gate.inspection.opening import open_tarball
from eessi_validate.results.model import TarballSignature

_PIECE = 1 << 20
#: ``ssh-keygen`` has all of the file by then, and only has to say what it thinks of it.
_SECONDS = 120


@dataclass(frozen=True)
class SignatureCheck:
    """What is known of a file from its bytes and its signature alone."""

    subject: Subject
    #: None where no signature is valid.
    signature: TarballSignature | None = None
    #: Id of the finding and its sentence; '' if there is nothing to say against it.
    finding: str = ''
    sentence: str = ''


def check_upload_signature(
    file: Path,
    signature: Path | None,
    allowed_signers: Path | None,
    preferred: tuple[str, ...] = (),
) -> SignatureCheck:
    """Verify the signature of a file; the digest is that of the very bytes that were verified.

    :arg signature: file of the signature; None: the file is only hashed.
    :arg allowed_signers: file in the form of ssh-keygen(1), "ALLOWED SIGNERS".
    :arg preferred: principals to try first: of several with one key, ssh-keygen names only one.
    :raises UsageError: if there is no such file, or none of allowed signers.
    :raises HoldError: if the file cannot be read, or ``ssh-keygen`` not be run.
    """
    descriptor = open_tarball(file)
    name = printable(os.fsencode(file.name))
    try:
        if signature is None:
            return SignatureCheck(_feed(descriptor, name, None))
        if allowed_signers is None or not allowed_signers.is_file():
            raise UsageError(f'no allowed signers at {allowed_signers}')
        return _Check(descriptor, name, allowed_signers, preferred).of(signature)
    except OSError as error:
        raise HoldError(f'{file} cannot be verified: {error}') from error
    finally:
        os.close(descriptor)


class _Check:
    def __init__(
        self, descriptor: int, name: str, allowed_signers: Path, preferred: tuple[str, ...]
    ) -> None:
        self._descriptor = descriptor
        self._name = name
        self._allowed = str(allowed_signers)
        self._preferred = preferred

    def of(self, signature: Path) -> SignatureCheck:
        try:
            with signature.open('rb') as stream:
                data = stream.read(LARGEST + 1)
        except OSError as error:
            return self._refused('signature-missing', f'no signature at {signature.name}: '
                                 f'{error.strerror}')  # fmt: skip
        try:
            namespace = namespace_of(data)
        except ValueError as error:
            return self._refused('signature-invalid', str(error))
        if namespace == NAMESPACE:
            why = 'its signature is one for verdicts, not for uploads'
            return self._refused('signature-unknown', why)
        # What is verified is a copy, so that it cannot be exchanged between two looks at it.
        with tempfile.NamedTemporaryFile(suffix='.sig') as copy:
            copy.write(data)
            copy.flush()
            return self._verified(copy.name, namespace)

    def _verified(self, signature: str, namespace: str) -> SignatureCheck:
        refusal = ''
        try:
            named = principals_of(['-f', self._allowed, '-s', signature])
        except HoldError as error:
            named, refusal = [], str(error)
        purpose = ['-n', namespace, '-s', signature]
        for principal in dict.fromkeys((*self._preferred, *named)):
            subject, refusal = self._ask(
                ['-Y', 'verify', '-f', self._allowed, '-I', principal, *purpose]
            )
            if not refusal:
                signed = TarballSignature(principal=principal, namespace=namespace)
                return SignatureCheck(subject, signed)
        subject, wrong = self._ask(['-Y', 'check-novalidate', *purpose])
        if wrong:
            return SignatureCheck(subject, finding='signature-invalid', sentence=wrong)
        sentence = f'a valid signature for {namespace}, but of nobody who may: {refusal}'
        return SignatureCheck(subject, finding='signature-unknown', sentence=sentence)

    def _refused(self, finding: str, sentence: str) -> SignatureCheck:
        subject = _feed(self._descriptor, self._name, None)
        return SignatureCheck(subject, finding=finding, sentence=sentence)

    def _ask(self, arguments: list[str]) -> tuple[Subject, str]:
        """Give the file to ``ssh-keygen``; return what was given, and why it is refused."""
        command, environment = ssh_keygen_command(arguments)
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment
            )
            try:
                assert process.stdin is not None
                subject = _feed(self._descriptor, self._name, process.stdin.fileno())
                process.stdin.close()
                code = process.wait(_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise HoldError(f'ssh-keygen does not end: {error}') from error
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            text = said.read(_PIECE).decode(errors='replace').strip().splitlines()
        if not code:
            return subject, ''
        return subject, f'ssh-keygen: {text[-1] if text else f"status {code}"}'


def _feed(descriptor: int, name: str, pipe: int | None) -> Subject:
    """Read a file to its end, handing every piece on; return its digest."""
    digest, size = hashlib.sha256(), 0
    os.lseek(descriptor, 0, os.SEEK_SET)
    while piece := os.read(descriptor, _PIECE):
        digest.update(piece)
        size += len(piece)
        if pipe is not None:
            # A reader that has left has refused already, and says so by its status.
            with contextlib.suppress(BrokenPipeError):
                _write_all(pipe, piece)
    return Subject(name=name, sha256=digest.hexdigest(), size=size)


def _write_all(pipe: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(pipe, rest) :]
