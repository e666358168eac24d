"""Text of module files and of Lmod's settings, as EasyBuild's flat naming scheme has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eessi_validate.localstack.catalogue import Software
from eessi_validate.localstack.provenance import HONESTY, HONESTY_PYPI


def environment_name(name: str) -> str:
    """EasyBuild's part of a variable name: ``R-bundle-X`` -> ``RMINBUNDLEMINX``."""
    return name.upper().replace('+', 'PLUS').replace('-', 'MIN').replace('.', '')


def module_text(
    software: Software,
    version: str,
    root: str,
    depends: Mapping[str, str],
    has: Sequence[str],
    compat: str = '',
    extensions: Sequence[str] = (),
) -> str:
    """A Lua module for Lmod.

    `root` is the installation, `compat` the compat layer, `depends` maps what it depends on to
    module versions, `has` names those of bin and share/man that the installation really has,
    `extensions` its extensions with their versions.
    """
    plain = version.split('-', 1)[0]
    honesty = HONESTY_PYPI if software.pypi else HONESTY
    variable = environment_name(software.name)
    lines = [
        f'help([==[\n\nDescription\n===========\n{software.description}\n\n{honesty}\n]==])',
        '',
        f'whatis([==[Description: {software.description}]==])',
        f'whatis([==[Origin: {honesty}]==])',
        '',
        f'local root = "{root}"',
        '',
        f'conflict("{software.name}")',
        '',
    ]
    lines += [f'depends_on("{name}/{depends[name]}")' for name in software.depends]
    paths = {'bin': 'PATH', 'share/man': 'MANPATH'}
    lines += [f'prepend_path("{paths[d]}", pathJoin(root, "{d}"))' for d in has if d in paths]
    lines += [f'prepend_path("{k}", {_lua(v)})' for k, v in software.prepend.items()]
    lines += [
        f'setenv("EBROOT{variable}", root)',
        f'setenv("EBVERSION{variable}", "{plain}")',
    ]
    env = {**software.env, **software.env_of_major.get(plain.split('.')[0], {})}
    lines += [
        f'setenv("{key}", {_lua(value.replace("{compat}", compat))})' for key, value in env.items()
    ]
    if extensions:
        lines.append(f'setenv("EBEXTSLIST{variable}", "{",".join(extensions)}")')
    return '\n'.join(lines) + '\n'


def _lua(value: str) -> str:
    """A Lua expression for a value in which ``{root}`` stands for the installation."""
    if value == '{root}':
        return 'root'
    if value.startswith('{root}/'):
        return f'pathJoin(root, "{value[7:]}")'
    return f'"{value}"'


def lmodrc_text(lmod_dir: str) -> str:
    """``.lmod/lmodrc.lua``: no properties, and where a spider cache would lie."""
    return (
        'propT = {}\n'
        'scDescriptT = {\n'
        '    {\n'
        f'        ["dir"] = "{lmod_dir}/cache",\n'
        f'        ["timestamp"] = "{lmod_dir}/cache/timestamp",\n'
        '    },\n'
        '}\n'
    )
