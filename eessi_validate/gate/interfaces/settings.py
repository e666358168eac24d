"""Settings of the wrappers: a YAML file, of which the environment may replace single values.

The wrappers take the place of scripts whose command lines are given, and ``sudo`` drops the
environment, so there has to be a file as well.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.decision.policy_file import Context, first_fault, read_yaml
from eessi_validate.user_cache import cache_home

#: Variable that names the file, and where it is otherwise.
CONFIG_VARIABLE = 'EESSI_VALIDATE_GATE_CONFIG'
CONFIG_PATH = Path('/etc/eessi-validate/gate.yaml')

Plug = Literal['upload', 'ingest']

#: Variables that replace values of either wrapper; ``script`` has one for each.
_VARIABLES = {
    'policy': 'EESSI_VALIDATE_POLICY',
    'allowed_signers': 'EESSI_VALIDATE_ALLOWED_SIGNERS',
    'stack': 'EESSI_VALIDATE_STACK',
    'attestations': 'EESSI_VALIDATE_ATTESTATIONS',
    'state': 'EESSI_VALIDATE_STATE',
}
#: Variables that replace values of the test step.
_BUILD_VARIABLES = {
    'stack': 'EESSI_VALIDATE_STACK',
    'policy': 'EESSI_VALIDATE_POLICY',
    'waivers': 'EESSI_VALIDATE_WAIVERS',
    'sign': 'EESSI_VALIDATE_SIGN_KEY',
}
_REQUIRED = ('script', 'policy', 'allowed_signers')


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra='forbid')


class WrapperValues(_Part):
    """What a file says of one wrapper."""

    script: str = ''
    policy: str = ''
    allowed_signers: str = ''
    stack: str = ''
    attestations: str = ''
    state: str = ''
    context: Context | None = None


class BuildValues(_Part):
    """What a file says of the test step on build nodes."""

    #: '': ``/cvmfs/<repository>``, as the job says.
    stack: str = ''
    policy: str = ''
    waivers: str = ''
    #: Key to sign with; '': nothing is signed.
    sign: str = ''
    #: That of the attestation: an upload asks for its own.
    context: Context = 'upload'


class SettingsFile(_Part):
    """A file of settings."""

    schema_version: Literal[1]
    build: BuildValues = BuildValues()
    upload: WrapperValues = WrapperValues()
    ingest: WrapperValues = WrapperValues()


class WrapperSettings(_Part):
    """What one wrapper works with."""

    #: The script whose place the wrapper takes.
    script: Path
    policy: Path
    allowed_signers: Path
    #: Root of the base stack; ``{repository}`` stands for the repository's name; '': as attested.
    stack: str
    #: Directory of the attestations; None: they are beside the tarballs.
    attestations: Path | None
    #: Directory for verdicts and private copies.
    state: Path
    context: Context

    def attestation_of(self, tarball: Path) -> Path:
        """Return the attestation of a tarball: ``<tarball>.attestation.json``.

        :raises HoldError: if there is none.
        """
        path = attestation_beside((self.attestations or tarball.parent) / tarball.name)
        if not path.is_file():
            raise HoldError(f'no attestation at {path}: gate {tarball.name} first')
        return path


def attestation_beside(tarball: Path) -> Path:
    """Return the place of an attestation beside its tarball; its signature adds ``.sig``."""
    return tarball.with_name(f'{tarball.name}.attestation.json')


def load_settings(
    plug: Plug, config: Path | None = None, environment: Mapping[str, str] | None = None
) -> WrapperSettings:
    """Return the settings of one wrapper.

    :arg config: the file; by default the one that the environment names, else that of the host.
    :raises UsageError: if a file that is named is not there, others can write it, or a value that
        is needed is not given.
    """
    environment = os.environ if environment is None else environment
    content = _from_file(config, environment)
    values = (content.upload if plug == 'upload' else content.ingest).model_dump()
    variables = {**_VARIABLES, 'script': f'EESSI_VALIDATE_{plug.upper()}_SCRIPT'}
    for name, variable in variables.items():
        values[name] = environment.get(variable) or values[name]
    for name in _REQUIRED:
        if not values[name]:
            raise UsageError(
                f'no {name} for the {plug} wrapper: give {plug}.{name} in '
                f'{CONFIG_PATH} or {variables[name]}'
            )
    script = Path(values['script'])
    # A relative one could come from whatever directory the caller happens to be in.
    if not script.is_absolute():
        raise UsageError(f'{plug}.script {script} is not an absolute path')
    if not os.access(script, os.X_OK) or not script.is_file():
        raise UsageError(f'{plug}.script {script} is no program that can be run')
    return WrapperSettings(
        script=script,
        policy=Path(values['policy']),
        allowed_signers=Path(values['allowed_signers']),
        stack=values['stack'] or ('/cvmfs/{repository}' if plug == 'ingest' else ''),
        attestations=Path(values['attestations']) if values['attestations'] else None,
        state=Path(values['state']) if values['state'] else cache_home() / plug,
        context=values['context'] or plug,
    )


def load_build_settings(environment: Mapping[str, str] | None = None) -> BuildValues:
    """Return the settings of the test step on build nodes.

    :raises UsageError: as :func:`load_settings`.
    """
    environment = os.environ if environment is None else environment
    content = _from_file(None, environment).build
    changes = {
        name: environment[variable]
        for name, variable in _BUILD_VARIABLES.items()
        if environment.get(variable)
    }
    return content.model_copy(update=changes)


def _from_file(config: Path | None, environment: Mapping[str, str]) -> SettingsFile:
    named = config or Path(environment.get(CONFIG_VARIABLE) or CONFIG_PATH)
    try:
        status = named.stat()
        data = named.read_bytes()
    except FileNotFoundError as error:
        if config or environment.get(CONFIG_VARIABLE):
            raise UsageError(f'no settings at {named}') from error
        return SettingsFile(schema_version=1)
    except OSError as error:
        raise UsageError(f'settings {named} cannot be read: {error.strerror}') from error
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid not in (0, os.geteuid()):
        raise UsageError(f'others can write the settings {named}: chmod go-w, or chown it')
    try:
        return SettingsFile.model_validate(read_yaml(data, str(named)))
    except ValidationError as error:
        raise UsageError(f'{named} is no file of settings: {first_fault(error)}') from error
