"""The host as an oracle: its ELF files, its loader, and what that loader says."""

import hashlib
import os
import re
import subprocess

from eessi_library.elf import LoaderRules, hwcaps_subdirectories, read_cache, read_defaults

SYSTEM_DIRECTORIES = ('/usr/bin', '/usr/lib/x86_64-linux-gnu')
HOST_LOADER = '/lib64/ld-linux-x86-64.so.2'


def elf_files(*tops):
    """Every regular, dynamically linkable ELF file below the directories, sorted by path."""
    found = []
    for top in tops:
        for directory, _, names in os.walk(top):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                with open(path, 'rb') as file:
                    head = file.read(18)
                if head[:4] == b'\x7fELF' and max(head[16:18]) in (2, 3):
                    found.append(path)
    return sorted(found)


def sample(paths, count):
    """A choice of ``count`` paths that is the same in every run."""
    return sorted(paths, key=lambda path: hashlib.sha1(path.encode()).digest())[:count]


def rules_of(loader, use_cache, **others):
    text = subprocess.run([loader, '--help'], capture_output=True, text=True, check=True).stdout
    supported = re.findall(r'^  (x86-64-v\d) \(supported, searched\)', text, re.M)
    defaults = read_defaults(loader)
    cache = None
    if use_cache and defaults.cache and os.path.exists(defaults.cache):
        cache = read_cache(defaults.cache)
    return LoaderRules(
        default_directories=defaults.directories,
        cache=cache,
        lib=defaults.lib,
        platform='x86_64',
        subdirectories=hwcaps_subdirectories('x86_64', max(supported, default=None)),
        interpreter=loader,
        **others,
    )


def ask_loader(loader, path, cwd=None, **environment):
    """What the real loader says: [(needed name or None, path or None)] and its messages.

    LD_TRACE_LOADED_OBJECTS makes it list and not run, as ldd does.
    """
    run = subprocess.run(
        [loader, path],
        env={'LD_TRACE_LOADED_OBJECTS': '1', **environment},
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
    )
    listed = []
    for line in run.stdout.splitlines():
        match = re.match(r'\t(?:(.+) => )?(.+?)(?: \(0x[0-9a-f]+\))?$', line)
        if match is None or 'linux-vdso' in line or 'statically linked' in line:
            continue
        name, found = match.groups()
        if name or found.startswith('/') or '(0x' in line:
            listed.append((name, None if found == 'not found' else found))
    return listed, run.stdout + run.stderr
