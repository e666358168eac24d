"""Prints the faults that were tried, and why each was rejected: docs/broken-stacks.md.

``./run-tests -o junit_family=xunit1 --junitxml=FILE tests/broken`` writes what this reads.
"""

from __future__ import annotations

import html
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator

HEAD = """# Broken stacks

Each of these faults was built into a real local stack, and `eessi-validate run` gave REJECT with
the reason beside it. A fault that is not caught, or is rejected for anything else, fails the tests.
The table is printed by `tests/broken/table_of_faults.py`.
"""
#: Where a stack is on the machine of the tests says nothing.
_MACHINE = re.compile(r'/\S*?/(?=local\.eessi\.io/)')
#: So much of a reason is shown.
SHOWN = 160


def main() -> None:
    """Print the table for all files that are named."""
    print(HEAD)
    sections: dict[str, list[str]] = {}
    for name in sys.argv[1:]:
        for application, row in _rows(name):
            sections.setdefault(application, []).append(row)
    tried = sum(map(len, sections.values()))
    caught = tried - sum('not caught' in row for rows in sections.values() for row in rows)
    print(f'{tried} faults tried, {caught} caught.')
    for application, rows in sections.items():
        print(f'\n## {application}\n| fault | reason of the verdict |\n|---|---|')
        print('\n'.join(rows))


def _rows(name: str) -> Iterator[tuple[str, str]]:
    for case in ET.parse(name).iter('testcase'):
        told = {each.get('name', ''): each.get('value', '') for each in case.iter('property')}
        if 'fault' in told:
            reason = _shown(told.get('reason', '')) or '**not caught**'
            yield told['application'], f'| {told["fault"]} | {reason} |'


def _shown(reason: str) -> str:
    text = _MACHINE.sub('', ' '.join(reason.split()))
    text = text if len(text) <= SHOWN else f'{text[:SHOWN]}…'
    for character in '|_*`':
        text = text.replace(character, f'\\{character}')
    return html.escape(text, quote=False)


if __name__ == '__main__':
    main()
