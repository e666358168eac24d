"""``eessi-validate stack``: provision, show, check and remove the local stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eessi_validate.cli.exit_codes import REJECTED
from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    from eessi_validate.localstack.inventory import ReleaseArch

app = typer.Typer(
    help='A real repository in EESSI layout from public packages, in about a minute.',
    no_args_is_help=True,
)

Root = Annotated[
    Path | None,
    typer.Option('--root', help='Root, .../local.eessi.io [default: the one in the cache].'),
]
Json = Annotated[bool, typer.Option('--json', help='Print one JSON document.')]
Arch = Annotated[str | None, typer.Option('--arch', help='x86_64, aarch64 or ppc64le.')]


@app.command()
def build(
    release: Annotated[str, typer.Option(help='2023.06 or 2025.08.')] = '2023.06',
    arch: Arch = None,
    software: Annotated[
        str, typer.Option('--set', metavar='SET|NAME,...', help='Sets and names of software.')
    ] = 'minimal',
    root: Root = None,
    mirror: Annotated[
        str | None, typer.Option(metavar='URL', help="Debian mirror [default: the host's].")
    ] = None,
    security: Annotated[
        bool, typer.Option('--security', help='With security updates: release RELEASE-security.')
    ] = False,
    cache: Annotated[Path | None, typer.Option(help='Where downloads are kept.')] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help='A further CPU target, identical to generic; may be repeated.'),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build a release, or add to it what is missing."""
    from eessi_validate.localstack import BuildRequest, build_stack
    from eessi_validate.localstack.progress import for_terminal

    names = tuple(n.strip() for n in software.split(',') if n.strip())
    request = BuildRequest(release, arch, names, root, mirror, security, cache, tuple(target or ()))
    report = build_stack(request, for_terminal())
    if as_json:
        _print_json({**vars(report), 'init': report.init})
        return
    what = ', '.join(report.added) or 'nothing to do'
    typer.echo(f'{report.release} {report.arch}: {what}')
    typer.echo(f'source {report.init}')


@app.command('list')
def list_(root: Root = None, as_json: Json = False) -> None:
    """List releases and architectures."""
    from eessi_validate.localstack import default_root, installed_releases

    top = root or default_root()
    found = installed_releases(top.absolute())
    if as_json:
        _print_json([_summary(r) for r in found])
    for each in () if as_json else found:
        typer.echo(f'{each.release:<18} {each.arch:<8} {len(each.installed):>3} modules')
    if not found and not as_json:
        typer.echo(f'no local stack in {top}')


@app.command()
def show(
    release: Annotated[str, typer.Argument(help='A release, e.g. 2023.06.')],
    arch: Arch = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Show what a release holds, and from which packages."""
    from eessi_validate.localstack import default_root
    from eessi_validate.localstack.inventory import disk_bytes, find_release

    found = [
        r
        for r in find_release((root or default_root()).absolute(), release)
        if arch in (None, r.arch)
    ]
    if as_json:
        records = [
            {
                **_summary(r),
                'compat_record': r.record,
                'installations': [i.record for i in r.installed],
            }
            for r in found
        ]
        _print_json(records)
        return
    for each in found:
        packages = len(each.record['packages'])
        typer.echo(
            f'{each.release} {each.arch}, Debian {each.record["debian_suite"]}: compat layer of '
            f'{packages} packages, {disk_bytes(each.compat) / 1e6:.0f} MB'
        )
        for one in each.installed:
            count = len(one.record['packages'])
            size = disk_bytes(one.path) / 1e6
            typer.echo(f'  {one.module:<40} {one.cpu_target:<16} {count:>3} pkgs {size:>6.0f} MB')


@app.command()
def verify(
    release: Annotated[str, typer.Argument(help='A release, e.g. 2023.06.')],
    arch: Arch = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Audit a release; exit 1 when there are findings."""
    from dataclasses import asdict

    from eessi_validate.localstack import default_root, verify_stack

    reports = verify_stack(root or default_root(), release, [arch] if arch else [])
    if as_json:
        _print_json([asdict(r) for r in reports])
    for each in () if as_json else reports:
        for finding in each.findings:
            typer.echo(f'{finding.check}: {finding.path}: {finding.message}')
        loaded = f'{each.modules_loaded} modules loaded'
        typer.echo(
            f'{each.release} {each.arch} ({each.grade}): {len(each.findings)} findings; '
            f'{each.elf_objects} ELF objects, {each.files} files, {each.digests} digests, '
            f'{loaded if each.grade == "native" else "modules not loaded"}; {each.seconds} s'
        )
    if any(r.findings for r in reports):
        raise typer.Exit(REJECTED)


@app.command()
def pack(
    module: Annotated[str, typer.Argument(help='A module or its name, e.g. GROMACS.')],
    release: Annotated[str, typer.Option(help='Its release.')] = '2023.06',
    target: Annotated[
        str | None, typer.Option(help='Its CPU target [default: generic of this machine].')
    ] = None,
    root: Root = None,
    out: Annotated[Path, typer.Option('--out', metavar='DIR', help='Where it goes.')] = Path(),
    take_out: Annotated[
        bool,
        typer.Option('--take-out', help='Then remove it from the stack, which is its base then.'),
    ] = False,
    as_json: Json = False,
) -> None:
    """Pack an installation as the tarball that a build node would deploy; print its path."""
    from eessi_validate.gate.packing import pack_installation
    from eessi_validate.localstack import default_root, inventory
    from eessi_validate.localstack.host import machine

    top = (root or default_root()).absolute()
    cpu_target = target or f'{machine()}/generic'
    inventory.find_release(top, release)
    one = inventory.find_installation(top, release, cpu_target, module)
    others = _dependents(top, release, cpu_target, one.module) if take_out else ()
    if others:
        raise UsageError(f'{one.module} cannot be taken out: {", ".join(others)} need it')
    out.mkdir(parents=True, exist_ok=True)
    arch = cpu_target.partition('/')[0]
    inventory.keep_build_record(top, release, arch, one)
    tarball = pack_installation(top, release, cpu_target, one.module, out)
    if take_out:
        inventory.take_out(top, release, arch, one)
    if as_json:
        _print_json({'tarball': str(tarball), 'module': one.module, 'taken_out': take_out})
    else:
        typer.echo(tarball)


def _dependents(root: Path, release: str, target: str, module: str) -> list[str]:
    from eessi_validate.stack.dependencies import dependents, read_dependencies
    from eessi_validate.stack.layout import open_stack

    modules = open_stack(root).release(release).modules(target)
    return sorted(dependents(read_dependencies(modules), [module]))


@app.command()
def remove(
    release: Annotated[str, typer.Argument(help='A release, e.g. 2023.06.')],
    arch: Arch = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Remove a release, or one architecture of it; downloads are kept."""
    from eessi_validate.localstack import default_root, remove_release

    gone = remove_release((root or default_root()).absolute(), release, arch)
    if as_json:
        _print_json([str(p) for p in gone])
    for path in () if as_json else gone:
        typer.echo(f'removed {path}')


def _summary(each: ReleaseArch) -> dict[str, object]:
    return {
        'release': each.release,
        'architecture': each.arch,
        'debian_suite': each.record['debian_suite'],
        'compat': str(each.compat),
        'modules': [i.module for i in each.installed],
        'cpu_targets': sorted({i.cpu_target for i in each.installed}),
    }


def _print_json(content: object) -> None:
    import json

    typer.echo(json.dumps(content, indent=1, default=str))
