"""The static check of a module tree: each fault is named, the sound tree has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_validate.stack.consistency import module_tree_findings
from eessi_validate.stack.layout import Release

TARGET = 'x86_64/generic'


class Tree:
    """A release with one CPU target that tests fill."""

    def __init__(self, path: Path) -> None:
        self.release = Release('2025.06', path)
        self.software = self.release.software(TARGET) / 'software'
        self.modules = self.release.module_tree(TARGET)
        self.modules.mkdir(parents=True)

    def install(self, name: str, *lines: str, module: str = '', tcl: bool = False) -> None:
        """Make an installation and its module, which contains the lines."""
        root = self.software / name
        root.mkdir(parents=True, exist_ok=True)
        head = f'#%Module\nset root {root}' if tcl else f'local root = "{root}"'
        self.write(f'{module or name}{"" if tcl else ".lua"}', head, *lines)

    def write(self, module_file: str, *lines: str) -> None:
        path = self.modules / module_file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(lines) + '\n')

    def findings(self) -> list[str]:
        return module_tree_findings(self.release, TARGET)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / 'versions' / '2025.06')
    tree.install('GCC/12.3.0')
    return tree


#: How a module asks for another one: in Lua by EasyBuild 4 and 5, and in Tcl.
DEPENDENCIES = {
    'depends_on': ('depends_on("NAME")', False),
    'depends_on with single quotes': ("depends_on('NAME')", False),
    'load': ('load("NAME")', False),
    'conditional load of EasyBuild': (
        'if not ( isloaded("NAME") ) then\n    load("NAME")\nend',
        False,
    ),
    'conditional load on one line': (
        'if not ( isloaded("NAME") ) then load("NAME") end',
        False,
    ),
    'conditional depends_on': (
        'if not isloaded("NAME") then\n    depends_on("NAME")\nend',
        False,
    ),
    'Tcl depends-on': ('depends-on NAME', True),
    'Tcl module load': ('module load NAME', True),
    'Tcl conditional load of EasyBuild': (
        'if { ![ is-loaded NAME ] } {\n    module load NAME\n}',
        True,
    ),
}

each_dependency = pytest.mark.parametrize(
    ('line', 'tcl'), DEPENDENCIES.values(), ids=list(DEPENDENCIES)
)


@each_dependency
def test_dependency_that_is_there_is_no_fault(tree: Tree, line: str, tcl: bool) -> None:
    tree.install('zlib/1.2.13', line.replace('NAME', 'GCC/12.3.0'), tcl=tcl)
    assert tree.findings() == []


@each_dependency
def test_missing_dependency_is_named(tree: Tree, line: str, tcl: bool) -> None:
    tree.install('zlib/1.2.13', line.replace('NAME', 'GCC/13.1.0'), tcl=tcl)
    assert tree.findings() == ['module zlib/1.2.13 depends on GCC/13.1.0, which is not there']


def test_versionless_name_is_any_version(tree: Tree) -> None:
    tree.install('zlib/1.2.13', 'depends_on("GCC")')
    tree.install('bzip2/1.0.8', 'depends_on("OpenMPI")')
    assert tree.findings() == ['module bzip2/1.0.8 depends on OpenMPI, which is not there']


def test_comment_is_no_dependency(tree: Tree) -> None:
    tree.install('zlib/1.2.13', '-- load("OpenMPI/4.1.5")')
    tree.install('bzip2/1.0.8', '# module load OpenMPI/4.1.5', tcl=True)
    assert tree.findings() == []


def test_installation_without_its_module_is_named(tree: Tree) -> None:
    (tree.software / 'OpenMPI' / '4.1.5').mkdir(parents=True)
    assert tree.findings() == ['installation OpenMPI/4.1.5 has no module']


def test_hidden_directories_are_no_installations(tree: Tree) -> None:
    (tree.software / '.locks' / 'a').mkdir(parents=True)
    (tree.software / 'GCC' / '.lock').mkdir()
    assert tree.findings() == []


@pytest.mark.parametrize('tcl', [False, True])
def test_module_without_its_installation_is_named(tree: Tree, tcl: bool) -> None:
    tree.install('zlib/1.2.13', tcl=tcl)
    (tree.software / 'zlib' / '1.2.13').rmdir()
    (finding,) = tree.findings()
    assert finding.startswith('module zlib/1.2.13 points to /')
    assert finding.endswith('software/zlib/1.2.13, which is not there')


def test_empty_module_is_named(tree: Tree) -> None:
    tree.install('zlib/1.2.13')
    tree.write('zlib/1.2.13.lua', '')
    assert tree.findings() == ['module zlib/1.2.13 is empty']


def test_dangling_module_is_named(tree: Tree) -> None:
    (tree.modules / 'GCC' / '13.1.0.lua').symlink_to(tree.modules / 'gone.lua')
    assert tree.findings() == ['module GCC/13.1.0 cannot be read: No such file or directory']


def test_module_that_is_not_text_is_read_nonetheless(tree: Tree) -> None:
    (tree.modules / 'GCC' / '12.3.0.lua').write_bytes(b'\xff\xfe load("x")\n')
    assert tree.findings() == []


def test_tree_without_modules_is_a_fault(tmp_path: Path) -> None:
    (finding,) = module_tree_findings(Release('2025.06', tmp_path), TARGET)
    assert finding.startswith('no module below ')


def test_every_fault_is_reported_and_not_just_the_first(tree: Tree) -> None:
    tree.install('zlib/1.2.13', 'depends_on("a/1")', 'depends_on("b/2")')
    (tree.software / 'OpenMPI' / '4.1.5').mkdir(parents=True)
    assert len(tree.findings()) == 3


@pytest.mark.parametrize(
    ('line', 'tcl'),
    [
        ('depends_on("GCC/12.3.0", "OpenMPI/4.1.5")', False),
        ('load("GCC/12.3.0", "OpenMPI/4.1.5")', False),
        ('module load GCC/12.3.0 OpenMPI/4.1.5', True),
        ('depends-on GCC/12.3.0 OpenMPI/4.1.5', True),
    ],
)
def test_every_name_of_a_list_is_looked_at(tree: Tree, line: str, tcl: bool) -> None:
    tree.install('zlib/1.2.13', line, tcl=tcl)
    assert tree.findings() == ['module zlib/1.2.13 depends on OpenMPI/4.1.5, which is not there']


def test_hidden_dependency_is_there(tree: Tree) -> None:
    tree.install('zlib/.1.2.13')
    tree.install('bzip2/1.0.8', 'depends_on("zlib/.1.2.13")')
    assert tree.findings() == []


def test_hidden_module_of_a_visible_installation_is_its_module(tree: Tree) -> None:
    tree.install('zlib/1.2.13', module='zlib/.1.2.13')
    assert tree.findings() == []


def test_missing_hidden_dependency_is_named(tree: Tree) -> None:
    tree.install('bzip2/1.0.8', 'depends_on("zlib/.1.2.13")')
    assert tree.findings() == ['module bzip2/1.0.8 depends on zlib/.1.2.13, which is not there']


def test_help_text_is_no_dependency(tree: Tree) -> None:
    tree.install(
        'zlib/1.2.13',
        'help([==[\nUsage\n=====\n    module load OpenMPI/4.1.5\n    load("OpenMPI/4.1.5")\n]==])',
    )
    assert tree.findings() == []
