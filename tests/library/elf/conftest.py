"""Fixtures of the ELF tests; each skips where the host lacks what it needs."""

import dataclasses
import os
import shutil

import pytest
from elf_host import HOST_LOADER, SYSTEM_DIRECTORIES, ask_loader, elf_files, rules_of
from elf_workbench import Workbench

from eessi_library.elf import Loader


@pytest.fixture(scope='session')
def host_files():
    files = elf_files(*SYSTEM_DIRECTORIES)
    if not files:
        pytest.skip('no ELF files in the system directories of this host')
    return files


@pytest.fixture(scope='session')
def host_loader():
    if not os.path.exists(HOST_LOADER):
        pytest.skip(f'{HOST_LOADER} does not exist: not a glibc host of x86_64')
    return HOST_LOADER


@pytest.fixture(scope='session')
def host_rules(host_loader):
    """The rules of this host's loader; what depends on its CPU comes from ``ld.so --help``."""
    return rules_of(host_loader, use_cache=True)


@pytest.fixture
def bench(tmp_path):
    if shutil.which('gcc') is None:
        pytest.skip('gcc is not installed: fixture objects cannot be built')
    return Workbench(tmp_path)


@pytest.fixture
def load(host_rules, host_loader):
    """Simulate a load, after making sure that the real loader lists the same objects."""

    def run(path, library_path='', agree=True, cwd=None, **options):
        rules = dataclasses.replace(host_rules, library_path=library_path)
        program = Loader(rules, **options).load(path)
        if agree:
            environment = {'LD_LIBRARY_PATH': library_path} if library_path else {}
            listed, messages = ask_loader(host_loader, path, cwd, **environment)
            assert [obj.path for obj in program.objects[1:]] == [p for _, p in listed if p], (
                messages
            )
            assert set(program.missing) == {name for name, found in listed if found is None}
        return program

    return run
