"""Read a stack: releases, CPU targets, modules, compat layer; nothing is executed."""

from eessi_validate.stack.layout import Release, Stack, open_stack
from eessi_validate.stack.modules import Module, discover_modules, parse_module

__all__ = ['Module', 'Release', 'Stack', 'discover_modules', 'open_stack', 'parse_module']
