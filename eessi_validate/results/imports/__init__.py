"""Results that others wrote, as rows of the store: ReFrame reports, performance logs, our own."""

from __future__ import annotations

from eessi_validate.results.imports.read import Imported, Origin, read_results

__all__ = ['Imported', 'Origin', 'read_results']
