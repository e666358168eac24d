"""In the place of the ingestion script, ``<script> <repository> <tarball>`` (EESSI
filesystem-layer, ``scripts/automated_ingestion``): nothing is ingested that does not verify.

The caller asks again and again until it is told 0, so a refusal is remembered for a while, and what
is in the repository already is not ingested twice. An ACCEPT is never remembered: what is handed
on has just been read to its end.
"""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import UsageError
from eessi_validate.gate.attestation.verify import VerifyRequest, verify_tarball
from eessi_validate.gate.flow import base_digest_of
from eessi_validate.gate.inspection import inspect_tarball
from eessi_validate.gate.interfaces.private_copy import digest_of, private_copy
from eessi_validate.gate.interfaces.real_script import run_script
from eessi_validate.gate.interfaces.remembered import Remembered, key_of, still_counts
from eessi_validate.gate.interfaces.settings import WrapperSettings
from eessi_validate.gate.interfaces.upload import say_verification
from eessi_validate.gate.versions import source_digest
from eessi_validate.results.model import VerdictCode
from eessi_validate.stack.layout import Stack, open_stack

_REPOSITORY = re.compile(r'[A-Za-z0-9][A-Za-z0-9.-]*')
_BESIDE = ('.sig', '.meta.txt', '.meta.txt.sig')


@dataclass(frozen=True)
class _Question:
    """A tarball and everything that the answer depends on."""

    repository: str
    tarball: Path
    stack: Stack
    settings: WrapperSettings

    @property
    def metadata(self) -> Path:
        return self.tarball.with_name(f'{self.tarball.name}.meta.txt')

    def key(self, sha256: str) -> str:
        """Return a digest over all of it: nothing that changed is answered from memory."""
        settings = self.settings
        attestation = settings.attestation_of(self.tarball)
        bases = [f'{name}={base_digest_of(self.stack, name)}' for name in self.stack.release_names]
        return key_of(
            sha256, self.tarball.name, self.repository, settings.context, str(self.stack.root),
            attestation, attestation.with_name(f'{attestation.name}.sig'), settings.policy,
            settings.allowed_signers, self.metadata, source_digest(), *sorted(bases),
            datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        )  # fmt: skip


def ingest(
    repository: str, tarball: Path, settings: WrapperSettings, say: Callable[[str], None]
) -> VerdictCode:
    """Verify a private copy, and have the script ingest that if it is accepted.

    :arg repository: name of the CernVM-FS repository, e.g. ``software.eessi.io``.
    :raises UsageError: for a repository or a file that is not there.
    :raises HoldError: if nothing is known of the tarball, or the script does not end well.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f'{repository!r} is no name of a repository')
    stack = open_stack(settings.stack.replace('{repository}', repository))
    if stack.repository != repository:
        raise UsageError(f'the base stack {stack.root} is {stack.repository}, not {repository}')
    question = _Question(repository, tarball, stack, settings)
    memory = Remembered(settings.state)
    sha256 = digest_of(tarball)
    with memory.alone(f'{repository}-{sha256}'):
        return _answer(question, sha256, memory, say)


def _answer(
    question: _Question, sha256: str, memory: Remembered, say: Callable[[str], None]
) -> VerdictCode:
    stack, settings, name = question.stack, question.settings, question.tarball.name
    done_before = f'ingested-{question.repository}-{sha256}'
    refused = f'refused-{question.repository}-{sha256}'
    if _is_there(question, sha256, memory.recall(done_before)):
        say(f'{name} sha256:{sha256} is in {question.repository} already: nothing to do')
        return VerdictCode.ACCEPT
    key = question.key(sha256)
    if still_counts(content := memory.recall(refused), key):
        for line in content['said']:
            say(line)
        say('(decided before; it is asked anew when something changes, or in an hour)')
        return VerdictCode(content['verdict'])
    with private_copy(question.tarball, settings.state) as copy:
        for suffix in _BESIDE:
            beside = question.tarball.with_name(f'{name}{suffix}')
            if beside.is_file():
                shutil.copyfile(beside, copy.path.with_name(beside.name))
        metadata = copy.path.with_name(f'{name}.meta.txt')
        verified = verify_tarball(
            VerifyRequest(
                tarball=copy.path,
                attestation=settings.attestation_of(question.tarball),
                allowed_signers=settings.allowed_signers,
                policy=settings.policy,
                stack=stack.root,
                metadata=metadata if metadata.is_file() else None,
                context=settings.context,
            )
        )
        said: list[str] = []
        say_verification(name, verified, said.append)
        for line in said:
            say(line)
        if verified.verdict not in (VerdictCode.ACCEPT, VerdictCode.ACCEPT_WAIVED):
            # What changed under way is no answer to the question that was asked.
            if verified.sha256 == sha256 and question.key(sha256) == key:
                entry = {'key': key, 'said': said, 'verdict': verified.verdict.value}
                memory.write_down(refused, entry)
            return verified.verdict
        run_script(settings.script, [question.repository, str(copy.path)], keep=copy.lock)
        bases = {each: base_digest_of(stack, each) for each in open_stack(stack.root).release_names}
        memory.write_down(f'ingested-{question.repository}-{verified.sha256}', {'bases': bases})
    return verified.verdict


def _is_there(question: _Question, sha256: str, record: dict[str, object]) -> bool:
    """Say whether what was ingested before is still in the repository, to the byte."""
    if not record:
        return False
    stack = question.stack
    if record.get('bases') == {name: base_digest_of(stack, name) for name in stack.release_names}:
        return True
    inspection = inspect_tarball(question.tarball, base=stack.root)
    totals, facts = inspection.totals, inspection.facts
    same = inspection.subject.sha256 == sha256 and not totals.new and not totals.replaced
    return same and facts.complete and facts.base_checked
