"""The simulation against the real loader, on what this host and the local stack hold."""

import os
import re

import pytest
from elf_host import ask_loader, elf_files, rules_of, sample

from eessi_library.elf import FindingKind, Loader, read_elf


def assert_agrees(simulation, loader, path):
    """Same objects, same paths, same order, same missing names, same undefined symbols."""
    program = simulation.load(path, interpreter=loader)
    listed, messages = ask_loader(loader, path, LD_WARN='1', LD_BIND_NOW='1')
    assert [obj.path for obj in program.objects[1:]] == [p for _, p in listed if p], path
    assert set(program.missing) == {name for name, found in listed if found is None}, path
    said = set(re.findall(r'undefined symbol: ([^\s,]+)(?:, version (\S+))?\s+\(', messages))
    found = {
        (name, version)
        for finding in program.findings
        if finding.kind is FindingKind.MISSING_SYMBOL
        for name, _, version in [finding.subject.partition('@')]
    }
    assert found == said, path
    return program


def loadable(paths):
    return [path for path in paths if read_elf(path).is_dynamic]


def test_sample_of_the_host_agrees_with_its_loader(host_files, host_rules, host_loader):
    simulation = Loader(host_rules, check_symbols=True)
    for path in sample(loadable(host_files), 150):
        assert_agrees(simulation, host_loader, path)


@pytest.mark.slow
def test_all_of_the_host_agrees_with_its_loader(host_files, host_rules, host_loader):
    simulation = Loader(host_rules, check_symbols=True)
    for path in loadable(host_files):
        assert_agrees(simulation, host_loader, path)


@pytest.fixture(scope='module')
def stack_release(local_stack):
    release = local_stack / 'versions/2023.06'
    loader = str(release / 'compat/linux/x86_64/lib64/ld-linux-x86-64.so.2')
    if not os.access(loader, os.X_OK):
        pytest.skip('the local stack has no x86_64 compat layer')
    return release, loader


@pytest.mark.stack
def test_sample_of_the_stack_agrees_with_its_loader(stack_release):
    release, loader = stack_release
    rules = rules_of(loader, use_cache=True)
    simulation = Loader(rules, check_symbols=True)
    tops = (release / 'compat/linux/x86_64', release / 'software/linux/x86_64/generic')
    paths = loadable(elf_files(*tops))
    assert len(paths) > 100
    for path in sample(paths, 150):
        assert_agrees(simulation, loader, path)


@pytest.mark.stack
def test_no_program_of_the_software_layer_leaves_the_stack(stack_release, local_stack):
    release, loader = stack_release
    rules = rules_of(loader, use_cache=True)
    simulation = Loader(rules, prefixes=[str(local_stack)])
    outside = [
        finding
        for path in loadable(elf_files(release / 'software/linux/x86_64/generic'))
        for finding in simulation.load(path).findings
        if finding.kind is FindingKind.OUTSIDE_PREFIX
    ]
    assert outside == []
