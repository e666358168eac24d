from eessi_validate.localstack.catalogue import load_catalogue
from eessi_validate.localstack.extensions import extensions_of
from eessi_validate.localstack.modules import environment_name, lmodrc_text, module_text

CATALOGUE = load_catalogue()
TABLE = CATALOGUE.software(CATALOGUE.release('2023.06'), CATALOGUE.architecture('x86_64'))


def test_a_module_loads_its_dependencies_and_sets_easybuilds_variables():
    text = module_text(
        TABLE['OpenMPI'],
        '4.1.4-GCC-12.2.0',
        '/stack/OpenMPI',
        {'GCCcore': '12.2.0', 'hwloc': '2.9.0-GCCcore-12.2.0'},
        has=['bin'],
    )
    assert 'local root = "/stack/OpenMPI"' in text
    assert 'depends_on("hwloc/2.9.0-GCCcore-12.2.0")' in text
    assert 'prepend_path("PATH", pathJoin(root, "bin"))' in text
    assert 'MANPATH' not in text
    assert 'setenv("EBROOTOPENMPI", root)' in text
    assert 'setenv("EBVERSIONOPENMPI", "4.1.4")' in text
    assert 'setenv("OPAL_PREFIX", root)' in text
    assert 'setenv("OMPI_MCA_btl", "self,vader,tcp")' in text


def test_a_module_may_name_files_of_the_compat_layer():
    versions = dict.fromkeys(TABLE, 'x')
    text = module_text(TABLE['R'], '4.2.2-foss-2022b', '/r', versions, [], compat='/compat')
    assert 'setenv("TCL_LIBRARY", "/compat/usr/share/tcltk/tcl8.6")' in text
    assert 'setenv("TK_LIBRARY", pathJoin(root, "share/tcltk/tk8.6"))' in text


def test_settings_of_another_major_version_replace_those_of_the_first():
    text = module_text(TABLE['OpenMPI'], '5.0.7-GCC-14.2.0', '/r', dict.fromkeys(TABLE, 'x'), [])
    assert 'self,vader,tcp' not in text
    assert 'setenv("OMPI_MCA_pml", "ob1")' in text


def test_every_module_says_what_it_is_not():
    for software in TABLE.values():
        text = module_text(software, '1', '/r', dict.fromkeys(TABLE, '1'), [])
        assert 'not built by EasyBuild' in text
        assert '{' not in text


def test_names_become_variables_as_easybuild_makes_them():
    assert environment_name('R-bundle-Bioconductor') == 'RMINBUNDLEMINBIOCONDUCTOR'
    assert environment_name('GTK+') == 'GTKPLUS'


def test_lmods_settings_name_their_own_cache():
    assert '["dir"] = "/stack/.lmod/cache"' in lmodrc_text('/stack/.lmod')


def test_a_bundle_names_its_extensions_as_easybuild_does(tmp_path):
    library = tmp_path / 'lib/R/site-library/limma'
    library.mkdir(parents=True)
    (library / 'DESCRIPTION').write_text('Package: limma\nVersion: 3.54.1\n')
    wheels = [{'name': 'scipy', 'version': '1.10.1'}, {'name': 'numpy', 'version': '1.24.2'}]
    extensions = extensions_of({'wheels': wheels}, tmp_path)
    assert extensions == ['limma-3.54.1', 'numpy-1.24.2', 'scipy-1.10.1']
    versions = dict.fromkeys(TABLE, 'x')
    bundle = TABLE['R-bundle-Bioconductor']
    text = module_text(bundle, '3.16', '/b', versions, [], extensions=extensions)
    variable = 'EBEXTSLISTRMINBUNDLEMINBIOCONDUCTOR'
    assert f'setenv("{variable}", "limma-3.54.1,numpy-1.24.2,scipy-1.10.1")' in text
    assert 'EBEXTSLIST' not in module_text(bundle, '3.16', '/b', versions, [])
