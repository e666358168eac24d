"""The compat layer of an EESSI-style stack: one test for each group of checks."""

import reframe as rfm
from reframe.core.meta import make_test

from eessi_implementations.cases import COMPAT_LAYER, planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.compat_layer.c_library import CLibrary
from eessi_library.compat_layer.compiler import Compiler
from eessi_library.compat_layer.loader import Loader
from eessi_library.compat_layer.locale_time import LocaleAndTime
from eessi_library.compat_layer.module_system import ModuleSystem
from eessi_library.compat_layer.name_service import NameService
from eessi_library.compat_layer.package_database import PackageDatabase
from eessi_library.compat_layer.permissions import Permissions
from eessi_library.compat_layer.portage_setup import PortageSetup
from eessi_library.compat_layer.tools import CompatTools
from eessi_library.compat_layer.trust_store import TrustStore

for library_test in (
    CompatTools, CLibrary, LocaleAndTime, NameService, TrustStore, Loader,
    PackageDatabase, Permissions, ModuleSystem, Compiler, PortageSetup,
):  # fmt: skip
    name = f'EESSI_compat_{library_test.__name__}'
    body = {
        'covers': COMPAT_LAYER,
        'compute_unit': NODE,
        'case': planned_cases(name, COMPAT_LAYER),
    }
    made = make_test(name, (library_test, EESSIImplementation), body, module=__name__)
    globals()[name] = rfm.simple_test(made)
