"""The extensions that a module names against those that are installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_bundle import PERL, SITE, Bundle

from eessi_library.installation import InstallationRequest
from eessi_library.installation.extensions.declared import declared_extensions, name_and_version
from eessi_library.installation.extensions.versions import Match, match


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    made = Bundle(tmp_path)
    made.python('numpy', '1.26.2')
    made.python('python-dateutil', '2.8.2', 'dateutil')
    made.r('limma', '3.54.0')
    made.r('base64enc', '0.1-3')
    made.r('base', '4.2.2')
    made.perl('XML::Parser', '2.46')
    made.perl('Try::Tiny', '0.31')
    return made


def test_a_sound_bundle_is_quiet(bundle: Bundle) -> None:
    names = (
        'NumPy-1.26.2,dateutil-2.8.2,python_dateutil-2.8.2,limma-3.54.0,base64enc-0.1-3,base,'
        'base64enc-0.1.3,XML::Parser-2.460,Try::Tiny-v0.310.0,numpy-v1.26.2'
    )
    assert bundle.found(names) == {}
    assert bundle.found('', f'setenv\tEBEXTSLISTBUNDLE\t\t"{names}"') == {}


@pytest.mark.parametrize(
    ('named', 'member', 'expected'),
    [
        ('numpy-1.26.3', 'numpy', ('version', 'error')),
        ('numpy-1.26.2rc1', 'numpy', ('version', 'error')),
        ('limma-3.54.2', 'limma', ('version', 'error')),
        ('base64enc-0.1-4', 'base64enc', ('version', 'error')),
        ('scipy-1.11.4', 'scipy', ('missing', 'error')),
        ('tools', 'tools', ('missing', 'error')),
        ('Biobase-2.58.0', 'Biobase', ('missing', 'error')),
        ('JSON::XS-4.03', 'JSON::XS', ('missing', 'error')),
    ],
)
def test_an_extension_that_is_missing_or_another(
    bundle: Bundle, named: str, member: str, expected: tuple[str, str]
) -> None:
    assert bundle.found(f'numpy-1.26.2,{named},limma-3.54.0')[member] == expected


def test_gmxapi_of_another_gromacs(tmp_path: Path) -> None:
    """GROMACS 2024.1 of EESSI came with the gmxapi of 2023.3."""
    bundle = Bundle(tmp_path)
    bundle.python('gmxapi', '0.4.1')
    assert bundle.found('gmxapi-0.4.2') == {'gmxapi': ('version', 'error')}
    assert bundle.found('gmxapi-0.4.1') == {}


def test_a_bundle_of_which_nothing_is_there(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.put('easybuild/numpy.log')
    assert bundle.found('numpy-1.26.2') == {'numpy': ('missing', 'error')}


def test_a_distribution_of_perl_by_the_record_of_makemaker(bundle: Bundle) -> None:
    """The main module need not carry the version of its distribution; perllocal.pod does."""
    assert bundle.found('Try::Tiny-0.32') == {'Try::Tiny': ('version', 'warning')}
    entry = (
        '=head2 Tue Jan  2 2024: C<Module> L<Try::Tiny|Try::Tiny>\n\n=over 4\n\n=item *\n\n'
        'C<installed into: /x>\n\n=item *\n\nC<VERSION: {version}>\n\n=back\n\n'
    )
    bundle.put(f'{PERL}/x86_64-linux/perllocal.pod', entry.format(version='0.32'))
    assert bundle.found('Try::Tiny-0.32') == {}
    assert bundle.found('Try::Tiny-0.33') == {'Try::Tiny': ('version', 'error')}


def test_what_cannot_be_decided_is_a_note(bundle: Bundle) -> None:
    bundle.put('bin/tool')
    bundle.put(f'{SITE}/copied/__init__.py')
    bundle.python('scm', '0.0.0')
    bundle.python('later', '1.2.post1')
    bundle.r('snapshot', '1.0')
    names = 'numpy-1.26.2,tool-1.2,copied-1.0,scm-1.4,later-1.2,snapshot-20180815,snapshot-4f1c2ab'
    assert bundle.found(names) == {
        'tool': ('undecided', 'note'),
        'copied': ('undecided', 'warning'),
        'scm': ('undecided', 'note'),
        'later': ('undecided', 'note'),
        'snapshot': ('undecided', 'note'),
    }


def test_gems_and_packages_of_other_languages_are_found_by_their_directory(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.put('lib/ruby/gems/3.2.0/gems/rack-protection-3.0.6/lib/x.rb')
    found = bundle.found('rack-protection-3.0.6')
    assert found == {'rack-protection': ('undecided', 'note')}


def test_packages_of_r_below_lib64(bundle: Bundle) -> None:
    bundle.put('lib64/R/library/rlang/DESCRIPTION', 'Package: rlang\nVersion: 1.1.3\n')
    assert bundle.found('rlang-1.1.3,limma-3.54.0') == {}
    assert bundle.found('rlang-1.1.4') == {'rlang': ('version', 'error')}


def test_a_package_of_r_without_its_description_is_missing(bundle: Bundle) -> None:
    (bundle.top / 'lib/R/library/limma/DESCRIPTION').unlink()
    assert bundle.found('limma-3.54.0,numpy-1.26.2') == {'limma': ('missing', 'error')}


def test_another_module_may_bring_it(bundle: Bundle) -> None:
    below = Path(bundle.release.software, 'software', 'Python', '3.11.3', SITE)
    (below / 'six-1.16.0.dist-info').mkdir(parents=True)
    assert bundle.found('numpy-1.26.2,six-1.16.0') == {'six': ('missing', 'error')}
    bundle.depends.append('Python/3.11.3')
    assert bundle.found('numpy-1.26.2,six-1.16.0') == {'six': ('undecided', 'note')}
    assert bundle.found('numpy-1.26.2,six-1.15.0') == {'six': ('missing', 'error')}


def test_the_easyconfig_says_what_an_extension_is_imported_as(bundle: Bundle) -> None:
    bundle.perl('LWP', '6.67')
    names = 'libwww::perl-6.67,Test::Data-1.0,XML::Parser-2.46'
    assert bundle.found(names)['libwww::perl'] == ('missing', 'error')
    bundle.put(
        'easybuild/Bundle-1.0.eb',
        "exts_list = [\n    ('libwww::perl', '6.67', {'modulename': 'LWP'}),\n"
        "    ('Test::Data', '1.0', {'modulename': False}),\n]\n",
    )
    assert bundle.found(names) == {'Test::Data': ('undecided', 'note')}


def test_a_distribution_that_was_told_no_version(bundle: Bundle) -> None:
    """As versioneer writes where there is no tag: it says nothing of the release."""
    bundle.python('none', '0+unknown')
    bundle.python('other', '0.1+unknown')
    assert bundle.found('none-2.3,other-2.3') == {
        'none': ('undecided', 'note'),
        'other': ('version', 'error'),
    }


def test_templates_that_easybuild_leaves_in(bundle: Bundle) -> None:
    bundle.python('bundle', '1.0')
    names = '%(namelower)s-%(version)s,numpy-%(numpy_version)s'
    assert bundle.found(names) == {'numpy': ('undecided', 'note')}


def test_a_module_without_a_list(bundle: Bundle) -> None:
    assert bundle.found('', '-- no extensions') == {}


def test_reading_names_and_versions(bundle: Bundle) -> None:
    assert next(name_and_version('perm-1.0-0.0')) == ('perm', '1.0-0.0')
    assert next(name_and_version('python-dateutil-2.8.2')) == ('python-dateutil', '2.8.2')
    assert next(name_and_version('base')) == ('base', '')
    assert ('py', '2to3-0.1') in list(name_and_version('py-2to3-0.1'))
    assert ('py-2to3', '0.1') in list(name_and_version('py-2to3-0.1'))
    assert declared_extensions(InstallationRequest(bundle.release, 'B/1', '/x')) == []


@pytest.mark.parametrize(
    ('language', 'declared', 'installed', 'expected'),
    [
        ('python', '1.0', '1.0.0', Match.SAME),
        ('python', '1.0-rc1', '1.0rc1', Match.SAME),
        ('python', '1.0', '1.0+cpu', Match.UNDECIDED),
        ('python', '1.0', '1.0rc1', Match.OTHER),
        ('python', '1.0', '1.0.1', Match.OTHER),
        ('python', 'main', '1.0', Match.UNDECIDED),
        ('R', '1.2-3', '1.2.3', Match.SAME),
        ('R', '1.2-3', '1.2-4', Match.OTHER),
        ('perl', '1.2', '1.200', Match.SAME),
        ('perl', '1.2.3', 'v1.2.3', Match.SAME),
        ('perl', '1.20', '1.21', Match.OTHER),
        ('perl', '1.10_01', '1.1001', Match.SAME),
        ('perl', '1.20', '', Match.UNDECIDED),
    ],
)
def test_versions_by_the_rules_of_the_language(
    language: str, declared: str, installed: str, expected: Match
) -> None:
    assert match(language, declared, installed) is expected
