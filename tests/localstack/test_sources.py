from pathlib import Path

from eessi_validate.localstack.sources import (
    Mirrors,
    choose_mirrors,
    host_mirrors,
    mirrors_from_option,
    parse_deb822,
    parse_list,
)

DATA = Path(__file__).parent / 'data'


def test_deb822_names_every_suite_once_and_leaves_disabled_stanzas_out():
    found = parse_deb822((DATA / 'debian.sources').read_text())
    assert [(s.uri, s.suite) for s in found] == [
        ('http://mirror.example/debian/', 'bookworm'),
        ('http://mirror.example/debian/', 'bookworm-updates'),
        ('http://mirror.example/debian-security', 'bookworm-security'),
    ]
    assert found[0].components == ('main', 'contrib')


def test_one_line_sources_skip_comments_source_packages_and_broken_lines():
    found = parse_list((DATA / 'sources.list').read_text())
    assert [s.suite for s in found if s.uri.startswith('http')] == [
        'stable',
        'bookworm',
        'bullseye/updates',
    ]
    assert found[-2].components == ('main', 'contrib')
    assert found[-2].signed_by == '/usr/share/keyrings/debian-archive-keyring.gpg'


def test_mirrors_are_the_debian_archives_over_http():
    deb822 = choose_mirrors(parse_deb822((DATA / 'debian.sources').read_text()))
    assert deb822 == Mirrors(
        'http://mirror.example/debian', 'http://mirror.example/debian-security'
    )
    one_line = choose_mirrors(parse_list((DATA / 'sources.list').read_text()))
    assert one_line == Mirrors('https://mirror.example/debian', 'http://mirror.example/security')


def test_a_host_of_another_distribution_has_no_mirror():
    assert choose_mirrors(parse_deb822((DATA / 'ubuntu.sources').read_text())) == Mirrors()


def test_host_directories_are_read_in_apts_order(tmp_path):
    parts = tmp_path / 'sources.list.d'
    parts.mkdir()
    (parts / 'debian.sources').write_text((DATA / 'debian.sources').read_text())
    (parts / 'ignored.save').write_text('deb http://ignored.example/debian bookworm main\n')
    assert host_mirrors(tmp_path).main == 'http://mirror.example/debian'
    (tmp_path / 'sources.list').write_text('deb http://first.example/debian trixie main\n')
    assert host_mirrors(tmp_path).main == 'http://first.example/debian'
    assert host_mirrors(tmp_path / 'nothing-here') == Mirrors()


def test_the_security_archive_of_a_given_mirror_is_its_sibling():
    expected = Mirrors('http://mirror.example/debian', 'http://mirror.example/debian-security')
    assert mirrors_from_option('http://mirror.example/debian/') == expected
