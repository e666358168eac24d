"""Python, R and Perl bundles: is every extension that is installed complete and importable?

Run in the environment of the module, with the interpreters of the stack that its PATH finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model import InstallationRequest, Observation
from .perl import check_perl
from .python import check_python, python_sites
from .r import check_r, r_sites


def check_bundles(
    request: InstallationRequest, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield every extension of an installation that does not load."""
    for site in python_sites(request):
        yield from check_python(request, site, environment, scratch)
    for site in r_sites(request):
        yield from check_r(request, site, environment, scratch)
    yield from check_perl(request, environment, scratch)
