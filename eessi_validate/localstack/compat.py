"""The parts of a compat layer that maintainer scripts, EESSI or Gentoo Prefix would make."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path

from eessi_validate.localstack import host
from eessi_validate.localstack.catalogue import Architecture, CompatLayer
from eessi_validate.localstack.relocate import Place

BUNDLE = 'etc/ssl/certs/ca-certificates.crt'


def finish_compat(place: Place, layer: CompatLayer, arch: Architecture) -> dict[str, str]:
    """Add everything that no package brings; returns notes for the provenance document."""
    notes = {'locale': _locale(place, arch), 'archspec': _archspec(place)}
    _trust_store(place.now)
    _host_links(place.now, layer)
    _time_zone(place.now)
    _lmod(place)
    _wrappers(place, arch)
    _loader_link(place.now, arch)
    words = {'COMPAT': str(place.final), 'TRIPLET': arch.triplet}
    write_script(place.now / 'startprefix', template('startprefix.sh', words))
    return notes


def template(name: str, words: Mapping[str, str]) -> str:
    """A text that travels with the package, its ``@WORD@`` replaced."""
    path = resources.files('eessi_validate.localstack') / 'templates' / name
    text = path.read_text(encoding='utf-8')
    for word, value in words.items():
        text = text.replace(f'@{word}@', value)
    return text


def write_script(path: Path, text: str) -> None:
    """Write an executable file; never through a link, and never in place of its target."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')
    path.chmod(0o755)


def _locale(place: Place, arch: Architecture) -> str:
    """Compile en_US.utf8 with the layer's own localedef, or the host's for a foreign layer."""
    sources = place.now / 'usr' / 'share' / 'i18n'
    into = place.now / 'usr' / 'lib' / 'locale' / 'en_US.utf8'
    into.parent.mkdir(parents=True, exist_ok=True)
    charmap = sources / 'charmaps' / 'UTF-8.gz'
    native = host.machine() == arch.name
    command = ['localedef']
    if native:
        lib = place.now / 'usr' / 'lib' / arch.triplet
        loader = [str(place.now / arch.loader), '--library-path', str(lib)]
        command = [*loader, str(place.now / 'usr' / 'bin' / 'localedef')]
    elif shutil.which('localedef') is None or not charmap.exists():
        return 'none: a foreign architecture, and the host has no localedef'
    try:
        subprocess.run(['gzip', '-dkf', str(charmap)], check=True, capture_output=True)
        subprocess.run(
            [*command, '--no-archive', '-i', 'en_US', '-f', 'UTF-8', str(into)],
            env={**os.environ, 'I18NPATH': str(sources), 'LC_ALL': 'C'},
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.CalledProcessError) as failed:
        return f'none: {failed}'
    shutil.rmtree(sources)
    made = (into / 'LC_CTYPE').exists()
    return f'en_US.utf8 by the {"own" if native else "host"} localedef' if made else 'none'


def _archspec(place: Place) -> str:
    """Copy the archspec that eessi-validate itself depends on (pure Python, PyPI)."""
    site = place.now / 'usr' / 'lib' / 'python3' / 'dist-packages'
    distribution = metadata.distribution('archspec')
    for file in distribution.files or ():
        if file.parts[0] == '..' or file.suffix == '.pyc' or 'tests' in file.parts:
            continue
        target = site.joinpath(*file.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)
    python = f'#!{place.final}/usr/bin/python3'
    run = 'import sys\nfrom archspec.cli import main\nsys.exit(main())\n'
    write_script(place.now / 'usr' / 'bin' / 'archspec', f'{python}\n{run}')
    return f'{distribution.version} (PyPI)'


def _trust_store(compat: Path) -> None:
    """Concatenate the certificates, as update-ca-certificates(8) does."""
    certificates = sorted((compat / 'usr' / 'share' / 'ca-certificates').glob('**/*.crt'))
    bundle = compat / BUNDLE
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b''.join(c.read_bytes() for c in certificates))
    for link, target in (('cert.pem', BUNDLE), ('certs', 'etc/ssl/certs')):
        path = compat / 'usr' / 'lib' / 'ssl' / link
        if path.parent.is_dir() and not os.path.lexists(path):
            path.symlink_to(os.path.relpath(compat / target, path.parent))


def _host_links(compat: Path, layer: CompatLayer) -> None:
    for name in layer.host_links:
        path = compat / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(f'/{name}')


def _time_zone(compat: Path) -> None:
    """etc/localtime is the layer's own UTC; TZDIR of startprefix names the rest."""
    zone = compat / 'usr' / 'share' / 'zoneinfo'
    link = compat / 'etc' / 'localtime'
    if zone.is_dir() and not os.path.lexists(link):
        link.symlink_to('../usr/share/zoneinfo/Etc/UTC')


def _lmod(place: Place) -> None:
    """Outside of init/bash, Lmod knows its own modules only."""
    path = place.now / 'etc' / 'lmod' / 'modulespath'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{place.final}/usr/share/lmod/lmod/modulefiles/Core\n', encoding='utf-8')


def _wrappers(place: Place, arch: Architecture) -> None:
    """Programs that have a path of the host compiled in get a wrapper that names the layer's."""
    final = place.final
    bundle = f'{final}/{BUNDLE}'
    settings = {
        'openssl': {'SSL_CERT_FILE': bundle, 'OPENSSL_CONF': f'{final}/etc/ssl/openssl.cnf'},
        'curl': {'CURL_CA_BUNDLE': bundle},
        'git': {'GIT_SSL_CAINFO': bundle, 'GIT_EXEC_PATH': f'{final}/usr/lib/git-core'},
        'iconv': {'GCONV_PATH': f'{final}/usr/lib/{arch.triplet}/gconv'},
    }
    for name, env in settings.items():
        _wrap(place, name, ''.join(f'export {k}="${{{k}:-{v}}}"\n' for k, v in env.items()))
    listing = (
        f'export LOCPATH="${{LOCPATH:-{final}/usr/lib/locale}}"\n'
        '# locale(1) itself looks for -a in a directory of the host\n'
        'if [ "$1" = -a ] || [ "$1" = --all-locales ]; then\n'
        '    { echo C; echo POSIX; for d in "$LOCPATH"/*/LC_CTYPE; do d=${d%/LC_CTYPE}; '
        f'echo "${{d##*/}}"; done; }} | LC_ALL=C {final}/usr/bin/sort -u\n'
        '    exit\n'
        'fi\n'
    )
    _wrap(place, 'locale', listing)


def _wrap(place: Place, name: str, before: str) -> None:
    program = place.now / 'usr' / 'bin' / name
    if not program.is_file() or program.is_symlink():
        return
    aside = place.now / 'usr' / 'libexec' / 'eessi-validate' / name
    aside.parent.mkdir(parents=True, exist_ok=True)
    program.rename(aside)
    final = place.final
    command = f'exec {final}/usr/libexec/eessi-validate/{name} "$@"\n'
    write_script(program, f'#!{final}/usr/bin/bash\n{before}{command}')


def _loader_link(compat: Path, arch: Architecture) -> None:
    """ld.so on PATH, as glibc installs it."""
    loader = re.sub(r'^lib', 'usr/lib', arch.loader)
    path = compat / 'usr' / 'bin' / 'ld.so'
    path.unlink(missing_ok=True)
    path.symlink_to(os.path.relpath((compat / loader).resolve(), path.parent))
