"""How a fault of the archive's form is told: some end the reading, others do not."""

from __future__ import annotations

from collections.abc import Callable

#: Takes the id of a finding, the member it is about ('' for the archive) and a sentence.
Report = Callable[[str, bytes, str], None]


class ReadingStopped(Exception):
    """The archive cannot be read any further: nothing after this place is known."""

    def __init__(self, finding: str, sentence: str, member: bytes = b'') -> None:
        super().__init__(sentence)
        self.finding = finding
        self.sentence = sentence
        self.member = member
