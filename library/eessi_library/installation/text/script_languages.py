"""How scripts in the shells, csh, Perl and Python set variables, start programs and set paths.

Patterns only, in Python's verbose syntax; ``ABSOLUTE`` in them stands for an absolute path. Each
token can be matched in one way only: a hostile script costs time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from .script_prose import without_here_documents, without_pod

_ABSOLUTE: Final = r'/[A-Za-z0-9_.+@%,~/-]+'

#: Nothing.
_NEVER: Final = r'(?!)(?P<path>)'


@dataclass(frozen=True, slots=True)
class Language:
    """Patterns of one language; a group that one does not have counts as empty.

    ``assigns``: ``name`` is given ``path``, or what variable ``of`` has and ``path`` behind it, or
    something ``other``. ``starts``: the program ``path``, or that in variable ``name`` and ``path``
    behind it, or ``default``; where there is a group ``behind`` it must not be empty for a path
    alone. ``tests``: the script looks whether ``path`` is there. ``searches``:
    ``path`` becomes a place where a loader or an interpreter looks.
    """

    interpreters: tuple[str, ...]
    assigns: str
    starts: str
    tests: str
    searches: str = _NEVER
    #: Comments.
    comment: str = r'^[ \t]*\#.*$'
    #: Takes text that is no code out.
    code_of: Callable[[str], str] = str


#: A path, or a variable and perhaps a path below it; no pattern of "case", which ends with ")".
_SHELL_WORD: Final = r"""
    ["']?
    (?: \$\{?(?P<name>[A-Za-z_]\w*) (?:\[[@*0]\])? (?: :?[-=] (?P<default>ABSOLUTE) )? \}? )?
    (?P<path>ABSOLUTE)?
    (?![\w$.+@%,~/-]) (?(opened) | (?(subshell) | (?!["']?[ \t]*[)*|]) ) )
"""

#: Where a shell takes a word for a program, behind settings and programs that start another one.
_SHELL_STARTS: Final = (
    r"""
    (?: ^ | [;&] | (?<!>)\| | (?<=[=\s"(])` | (?P<opened>\$\() | \{(?=[ \t])
      | \b(?:then|do|else|elif|if|while|until)\b
    )
    [ \t]* (?: (?:[!{] | (?P<subshell>\() )[ \t]* )?
    (?: SETTING[ \t]+ )*
    (?P<behind>
      (?: (?: \b(?:exec|command|nohup|time|eval|env|nice|timeout|source|sudo|stdbuf)\b
            | \.(?=[ \t])
          )
        (?: [ \t]+ (?: -a[ \t]+["'A-Za-z]\S* | -\S+ | \d[\d.]*[smh]? ) )*
        [ \t]+
        (?: SETTING[ \t]+ )*
      )*
    )
    """.replace('SETTING', r"""\w+=(?:[^\s`("';&|]|"[^"`(\n]*"|'[^'\n]*')*""")
    + _SHELL_WORD
)

SHELL: Final = Language(
    ('sh', 'bash', 'dash', 'ash', 'ksh', 'zsh'),
    assigns=r"""
    (?: (?: ^ | [;&|{(] | \b(?:then|do|else)\b ) [ \t]*
        (?: (?:export|readonly|local|declare|typeset)[ \t]+ (?:-\w+[ \t]+)* )?
        (?P<name>[A-Za-z_]\w*) = \(? ["']?
      | :[ \t]+["']? (?=\$\{(?P<own>[A-Za-z_]\w*):?=)
    )
    (?: \$\{?(?P<of>[A-Za-z_]\w*) (?: :?[-=] )? \}? )?
    (?P<path>ABSOLUTE)?
    (?P<other>[^\s;&|]*)
    """,
    starts=_SHELL_STARTS,
    tests=r"""
    (?: \s-[xefrsL] | \btype(?:[ \t]+-\w)? | \bwhich | \bhash | \bcommand[ \t]+-v )
    [ \t]+ ["']? (?P<path>ABSOLUTE)
    """,
    code_of=without_here_documents,
)

CSH: Final = Language(
    ('csh', 'tcsh'),
    assigns=r"""
    (?: ^ | [;&|] | \bthen\b ) [ \t]*
    (?: set[ \t]+(?P<name>\w+)[ \t]*=[ \t]* | setenv[ \t]+(?P<own>\w+)[ \t]+ )
    \(? [ \t]* ["']?
    (?: \$\{?(?P<of>[A-Za-z_]\w*)\}? )?
    (?P<path>ABSOLUTE)?
    (?P<other>[^\s;&|]*)
    """,
    starts=_SHELL_STARTS,
    tests=r"""\s-[xefrs] [ \t]+ ["']? (?P<path>ABSOLUTE)""",
    searches=r"""
    (?: \bsetenv[ \t]+ (?:LD_LIBRARY_PATH|LD_PRELOAD|PYTHONPATH|PERL5LIB) | \balias[ \t]+[\w.-]+ )
    [ \t]+
    ["']? (?P<path>ABSOLUTE)
    """,
)

PERL: Final = Language(
    ('perl',),
    assigns=r"""
    (?: [$@](?P<name>[A-Za-z_]\w*)[ \t]* (?: \|\| | // )? =(?![=~])[ \t]* \(?
      | \buse[ \t]+constant[ \t]+(?P<own>\w+)[ \t]*=>[ \t]*
    )
    (?: \$ENV\{["']?\w+["']?\}[ \t]* (?: \|\| | // )[ \t]* )?
    (?: ["'] (?: \$\{?(?P<of>[A-Za-z_]\w*)\}? )? (?P<path>ABSOLUTE)
      | (?P<other>[^\s;]+)
    )
    """,
    starts=r"""
    (?: \b(?:exec|system)\b [ \t]* \{ [ \t]* ["'] (?=/)
      | \b(?:exec|system)\b [ \t]* \(? [ \t]* (?: \{[^{}\n]*\}[ \t]* )?
        (?: ["'] | qw[ \t]*[(\[{/|<][ \t]* | (?=[$@]) )
      | (?: ^ | [=(,;] | \breturn\b ) [ \t]* `
      | \bqx[ \t]*[({\[/|!][ \t]*
      | \bopen\b[^;\n]{0,200}? ["']-\|["'],[ \t]* (?: ["'] | (?=\$) )
      | \bopen\b[^;\n]{0,200}? ["'] (?=[^"'\n]*\|[ \t]*["'])
    )
    (?: [$@]\{?(?P<name>[A-Za-z_]\w*)\}? )?
    (?P<path>ABSOLUTE)?
    """,
    tests=r"""-[xefrs] [ \t]* \(? [ \t]* ["'] (?P<path>ABSOLUTE)""",
    searches=r"""
    (?: \buse[ \t]+lib[ \t]+
      | \bunshift[ \t]*\(?[ \t]*@INC,[ \t]*
      | \$ENV\{["']?(?:LD_LIBRARY_PATH|LD_PRELOAD|PERL5LIB|PYTHONPATH)["']?\}[ \t]*\.?=[ \t]*
    )
    (?: ["'] | qw[ \t]*[(\[{/][ \t]* )
    (?P<path>ABSOLUTE)
    """,
    code_of=without_pod,
)

PYTHON: Final = Language(
    ('python', 'pypy'),
    assigns=r"""
    ^[ \t]* (?P<name>[A-Za-z_]\w*) (?: [ \t]*:[ \t]*[\w.\[\], ]+ )? [ \t]*=(?!=)[ \t]* [\[(]*\s*
    (?: os\.(?:environ\.get|getenv)\([^,()\n]*,[ \t]*
      | os\.(?:environ\.get|getenv)\([^,()\n]*\)[ \t]*or[ \t]+
      | (?:pathlib\.)?Path\([ \t]*
    )?
    (?: [rfb]?["'] (?: \{(?P<of>[A-Za-z_]\w*)\} )? (?P<path>ABSOLUTE)
      | (?P<other>[^\s\#]+)
    )
    """,
    starts=r"""
    (?: \b(?:os\.)?(?:exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?)\(\s*
        (?: (?:os\.)?P_\w+,\s* )?
      | \bos\.(?:system|popen)\(\s*
      | (?: \bsubprocess\. | (?<![\w.]) )
        (?:Popen|run|call|check_call|check_output|getoutput|getstatusoutput)\(\s* [\[(]?\s*
    )
    (?: os\.path\.join\([ \t]* )?
    (?: [rfb]?["'] (?: \{(?P<inner>[A-Za-z_]\w*)\} )? (?P<path>ABSOLUTE)
      | (?P<name>[A-Za-z_]\w*) (?:\[0\])? (?=[\s,)\]+])
    )
    """,
    tests=r"""
    (?: os\.path\.(?:exists|isfile|isdir) | os\.access | shutil\.which
      | \bPath(?=\([^()\n]*\)\.(?:exists|is_file|is_dir))
    )
    \([ \t]*
    ["'] (?P<path>ABSOLUTE)
    """,
    searches=r"""
    (?: \bsys\.path\.(?: insert\([ \t]*\d+, | append\( )
      | \baddsitedir\(
      | environ\[["'](?:LD_LIBRARY_PATH|LD_PRELOAD|PYTHONPATH|PERL5LIB)["']\][ \t]*\+?=
    )
    [ \t]* [rfb]?["'] (?P<path>ABSOLUTE)
    """,
    comment=r'^[ \t]*\#.*$ | """[\s\S]*?"""',
)

_LANGUAGES: Final = (SHELL, CSH, PERL, PYTHON)


def language_of(interpreter: str) -> Language | None:
    """Return the language of an interpreter by its name, e.g. ``python3.11``."""
    name = re.sub(r'[\d.]+$', '', interpreter)
    return next((each for each in _LANGUAGES if name in each.interpreters), None)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern of a language, ready for use."""
    text = re.sub(r'\bABSOLUTE\b', lambda _: _ABSOLUTE, pattern)
    return re.compile(text, re.MULTILINE | re.VERBOSE)
