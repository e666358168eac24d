import os
import threading

import pytest

from eessi_validate.localstack import provenance, publish


def make(top, **files):
    for name, text in files.items():
        path = top / name.replace('__', '/')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return top


def unit(top, **files):
    provenance.write(top / provenance.INSTALLATION, {'packages': []})
    return make(top, **files)


def test_a_new_release_appears_with_one_rename(tmp_path, monkeypatch):
    stage = make(tmp_path / 'stage', compat__x='1', modules__y='2')
    renames = []
    rename = os.rename
    monkeypatch.setattr(os, 'rename', lambda a, b: (renames.append(b), rename(a, b)))
    publish.publish(stage, tmp_path / 'versions' / 'R', tmp_path / 'work')
    assert renames == [tmp_path / 'versions' / 'R']


def test_installations_come_before_their_module_files(tmp_path, monkeypatch):
    final = make(tmp_path / 'R', modules__all__A__1='old', software__A__1__bin='old')
    stage = make(tmp_path / 'stage', modules__all__B__2='module')
    unit(stage / 'software' / 'B' / '2', bin='program')
    moved = []
    for name in ('rename', 'replace'):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda a, b, real=real: (moved.append(str(b)), real(a, b)))
    publish.publish(stage, final, tmp_path / 'work')
    assert [m.removeprefix(f'{final}/') for m in moved] == ['software/B', 'modules/all/B']
    assert (final / 'software' / 'A' / '1' / 'bin').read_text() == 'old'


def test_a_unit_is_exchanged_never_merged(tmp_path):
    final = unit(tmp_path / 'R' / 'A', leftover='x', bin='old')
    stage = unit(tmp_path / 'stage' / 'A', bin='new')
    publish.publish(stage, final, tmp_path / 'work')
    assert not (final / 'leftover').exists()
    assert (final / 'bin').read_text() == 'new'


def test_the_second_of_two_waits_for_the_lock(tmp_path):
    order, waiting = [], threading.Event()

    def second():
        with publish.lock(tmp_path / 'lock', waiting.set):
            order.append('second')

    with publish.lock(tmp_path / 'lock'):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append('first')
    thread.join(10)
    assert order == ['first', 'second']


def test_discarding_leaves_nothing_behind(tmp_path):
    tree = make(tmp_path / 'tree', a__b='1')
    publish.discard(tree, tmp_path / 'work')
    assert list((tmp_path / 'work').iterdir()) == []
    with pytest.raises(OSError, match='tree'):
        publish.discard(tree, tmp_path / 'work')
