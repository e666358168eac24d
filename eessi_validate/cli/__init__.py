"""The command line; the only room that knows exit codes."""

from eessi_validate.cli.entry import app, main

__all__ = ['app', 'main']
