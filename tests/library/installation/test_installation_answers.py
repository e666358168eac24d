"""What programs say when they are started, and what is made of it: text in, findings out."""

from __future__ import annotations

import pytest

from eessi_library.installation.module_load import dependencies, root_variable
from eessi_library.installation.start_up import Answer, judge_answers


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


def test_names() -> None:
    assert root_variable('R-bundle-CRAN') == 'EBROOTRMINBUNDLEMINCRAN'
    assert root_variable('Boost.MPI') == 'EBROOTBOOSTMPI'
    assert dependencies('depends_on("a/1", "b/2")\nload("c/3")\ndepends-on d/4\n') == [
        'a/1',
        'b/2',
        'c/3',
        'd/4',
    ]
