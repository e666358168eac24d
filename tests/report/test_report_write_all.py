from __future__ import annotations

import pytest
import report_factory as factory

from eessi_validate.report import write_all
from eessi_validate.report.atomic import write_atomically


def test_every_form_is_written_and_nothing_else(tmp_path):
    files = write_all(factory.rejected(), tmp_path / 'new' / 'out')
    assert sorted(files) == ['html', 'json', 'junit', 'markdown', 'terminal']
    assert sorted(files.values()) == sorted((tmp_path / 'new' / 'out').iterdir())


@pytest.mark.parametrize('make', [factory.rejected, factory.held, lambda: factory.hostile(20)])
def test_the_same_report_gives_the_same_bytes(make, tmp_path):
    first = write_all(make(), tmp_path / 'a')
    second = write_all(make(), tmp_path / 'b')
    for form in first:
        assert first[form].read_bytes() == second[form].read_bytes()


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = write_atomically(tmp_path / 'report.md', 'old')
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, 'new \udc80')
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
