"""What programs say when they are started, and what is made of it: text in, findings out."""

from __future__ import annotations

import pytest

from eessi_library.installation.module_load import dependencies, root_variable
from eessi_library.installation.start_up import Answer, judge_answers, judge_version, version_of


@pytest.mark.parametrize(
    ('said', 'severity'),
    [
        ('Traceback (most recent call last):\n  File "/s/bin/app", line 1, in <module>\n'
         "ModuleNotFoundError: No module named 'app'", 'error'),
        ('Traceback (most recent call last):\n  File "/s/bin/app", line 1, in <module>\n'
         '    import app\n  File "/s/app/cli.py", line 1, in <module>\n'
         "ModuleNotFoundError: No module named 'extra'", 'warning'),
        ("Can't locate App/Main.pm in @INC (you may need to install the App::Main module) "
         '(@INC contains: /x) at /s/bin/app line 3.', 'error'),
        ("Can't locate Extra.pm in @INC (@INC contains: /x) at /s/lib/App.pm line 3.", 'warning'),
        ('Error: Could not find or load main class org.App', 'error'),
        ('Fatal Python error: init_fs_encoding: failed to get the Python codec', 'error'),
        ('usage: app FILE', None),
    ],
)  # fmt: skip
def test_a_program_whose_own_code_is_not_there(said: str, severity: str | None) -> None:
    found = list(judge_answers('bin/app', [Answer('--version', 1, said)]))
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert all(f.check == 'start-up/incomplete' for f in found)
    assert list(judge_answers('bin/app', [Answer('--version', 0, said)])) == []


def test_a_path_that_holds_the_version_proves_nothing() -> None:
    """As GROMACS does, which prints where its executable lies."""
    said = 'GROMACS: gmx, version 2023.3\nExecutable: /s/GROMACS/2024.1-foss-2023b/bin/gmx\n'
    arguments = ('2024.1', [Answer('--version', 0, said)], {'programs': ['gmx']})
    (found,) = judge_version('bin/gmx', *arguments, 'GROMACS/2024.1-foss-2023b')
    assert (found.severity, found.subject) == ('error', '2023.3')
    right = said.replace('2023.3', '2024.1')
    arguments = ('2024.1', [Answer('--version', 0, right)], {'programs': ['gmx']})
    assert list(judge_version('bin/gmx', *arguments, 'GROMACS/2024.1-foss-2023b')) == []


@pytest.mark.parametrize(
    ('program', 'wanted', 'said', 'severity'),
    [
        ('go', '1.21.6', 'Go is a tool for managing Go source code.', 'warning'),
        ('gnuplot', '5.4.6', 'gnuplot 5.4 patchlevel 6', 'warning'),
        ('unzip', '6.0', 'UnZip 6.00 of 20 April 2009', 'warning'),
        ('vim', '9.1.0004', 'VIM - Vi IMproved 9.1 (2024 Jan 02)', 'warning'),
        ('tool', '2.0', 'uses zlib 1.2.13', 'warning'),
        ('tool', '2.0', 'tool 1.9.3', 'error'),
        ('tool', '2.0', 'Version: 1.9.3', 'error'),
    ],
)
def test_a_program_that_is_not_known_to_report_its_version(
    program: str, wanted: str, said: str, severity: str
) -> None:
    answers = [Answer('--version', 0, said)]
    assert [f.severity for f in judge_version(f'bin/{program}', wanted, answers, {})] == [severity]
    known = list(judge_version(f'bin/{program}', wanted, answers, {'programs': [program]}))
    assert [f.severity for f in known] == ['error']


@pytest.mark.parametrize(
    ('status', 'output', 'check'),
    [
        (0, 'App 1.0', None),
        (1, 'unknown option --version', None),
        (0, '', 'start-up/silent'),
        (-11, 'App 1.0', 'start-up/crash'),
        (-4, '', 'start-up/crash'),
        (139, 'Segmentation fault', 'start-up/crash'),
        (127, 'not found', 'start-up/crash'),
        (None, 'App 1.0', 'start-up/no-answer'),
        (
            127,
            'app: error while loading shared libraries: libx.so.1: cannot open',
            'start-up/loader',
        ),
        (1, 'symbol lookup error: app: undefined symbol: thing', 'start-up/loader'),
        (0, "wrapper: /lib/libc.so.6: version `GLIBC_9' not found", 'start-up/loader'),
    ],
)
def test_what_an_answer_says(status: int | None, output: str, check: str | None) -> None:
    found = list(judge_answers('bin/app', [Answer('--version', status, output)]))
    assert [each.check for each in found] == ([check] if check else [])


@pytest.mark.parametrize(
    ('said', 'right'),
    [
        ('App 2022.5', True),
        ('App v2022.5-Debian', True),
        ('App 2022.50', False),
        ('App 12022.5', False),
        ('App 2022.4', False),
        ('App 1.2022.5', False),
        ('no number', False),
    ],
)
def test_the_version_of_the_module_must_be_what_the_program_says(said: str, right: bool) -> None:
    found = list(judge_version('bin/app', '2022.5', [Answer('--version', 0, said)], {}))
    assert bool(found) is not right


def test_names() -> None:
    assert version_of('GROMACS/2022.5-foss-2022b-CUDA-12.1.1') == '2022.5'
    assert version_of('R-bundle-Bioconductor/3.16-foss-2022b-R-4.2.2') == '3.16'
    assert root_variable('R-bundle-CRAN') == 'EBROOTRMINBUNDLEMINCRAN'
    assert root_variable('Boost.MPI') == 'EBROOTBOOSTMPI'
    assert dependencies('depends_on("a/1", "b/2")\nload("c/3")\ndepends-on d/4\n') == [
        'a/1',
        'b/2',
        'c/3',
        'd/4',
    ]
