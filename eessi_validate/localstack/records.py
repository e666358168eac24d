"""What a build writes about itself: provenance, module files, init/bash, README."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from eessi_validate.localstack import dpkgdb, inventory, modules, provenance
from eessi_validate.localstack.compat import template
from eessi_validate.localstack.extensions import extensions_of
from eessi_validate.localstack.job import Job
from eessi_validate.localstack.packages import Package
from eessi_validate.localstack.wheels import Wheel


def record_compat(
    job: Job,
    packages: Sequence[Package],
    names: Mapping[str, Sequence[str]],
    notes: Mapping[str, str],
) -> None:
    """Write the layer's dpkg database and its provenance document."""
    place = job.place(job.compat)
    dpkgdb.write_database(place.now, packages, names)
    content = _document(job, 'compat layer', 'compat', job.release.name, packages, notes=notes)
    provenance.write(place.now / provenance.COMPAT, content)


def record_installation(
    job: Job,
    name: str,
    versions: Mapping[str, str],
    packages: Sequence[Package],
    wheels: Sequence[Wheel] = (),
) -> None:
    """Write an installation's provenance document and its module file."""
    software, version = job.table[name], versions[name]
    final = job.installation(name, version)
    staged = job.staged(final)
    depends = [f'{d}/{versions[d]}' for d in software.depends]
    content = _document(
        job,
        'installation',
        name,
        version,
        packages,
        cpu_target=job.target,
        depends_on=depends,
        wheels=wheels,
    )
    provenance.write(staged / provenance.INSTALLATION, content)
    has = [d for d in ('bin', 'share/man') if (staged / d).is_dir()]
    top = final.parent.parent.parent
    module = job.staged(top) / 'modules' / 'all' / name / f'{version}.lua'
    module.parent.mkdir(parents=True, exist_ok=True)
    text = modules.module_text(
        software,
        version,
        str(final),
        versions,
        has,
        str(job.compat),
        extensions_of(content, staged),
    )
    module.write_text(text, encoding='utf-8')


def _document(
    job: Job,
    kind: str,
    name: str,
    version: str,
    packages: Iterable[Package],
    cpu_target: str | None = None,
    wheels: Iterable[Wheel] = (),
    **more: object,
) -> dict[str, object]:
    return provenance.document(
        kind=kind,
        name=name,
        version=version,
        release=job.release.name,
        suite=job.release.suite + ('-security' if job.release.security else ''),
        arch=job.arch.name,
        cpu_target=cpu_target,
        packages=packages,
        wheels=wheels,
        **more,
    )


def record_release(job: Job) -> None:
    """init/bash, Lmod's settings and the README: the same text whatever was added."""
    prefix = inventory.prefix_of(job.root, job.release.name)
    specifications = '\n'.join(
        f'{target}|{row["vendor"]}|{" ".join(row["flags"])}'
        for target, row in job.catalogue.cpu_targets.items()
    )
    words = {
        'ROOT': str(job.root),
        'PREFIX': str(prefix),
        'RELEASE': job.release.name,
        'TARGETS': specifications,
        'REPOSITORY': job.catalogue.repository,
    }
    init = job.staged(prefix) / 'init' / 'bash'
    init.parent.mkdir(parents=True, exist_ok=True)
    init.write_text(template('init_bash.sh', words), encoding='utf-8')
    lmod = inventory.target_of(job.root, job.release.name, job.target) / '.lmod'
    job.staged(lmod).mkdir(parents=True, exist_ok=True)
    text = modules.lmodrc_text(str(lmod))
    (job.staged(lmod) / 'lmodrc.lua').write_text(text, encoding='utf-8')
    readme = template('README.md', words)
    (job.stage / 'README.md').write_text(readme, encoding='utf-8')
