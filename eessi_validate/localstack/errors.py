"""What can go wrong while a local stack is provisioned; each is one line for the reader."""

from __future__ import annotations

from eessi_validate.errors import EessiValidateError, HoldError


class LocalStackError(EessiValidateError):
    """The local stack cannot be built, read or changed as asked."""


class HostToolMissing(LocalStackError):
    """A program of the host is missing; the message names what to install."""


class MirrorError(HoldError):
    """The package archive could not be read; a retry or another mirror may help."""


class SuiteMissing(LocalStackError):
    """The package archive answers but does not carry the suite of the release."""


class ChecksumError(LocalStackError):
    """A package is not what the signed index of the archive says it is."""


class DiskFull(LocalStackError):
    """No space left, or a quota reached, below the named directory."""


class RelocationError(LocalStackError):
    """A file could not be fitted to its place in the stack."""


class IndexUnreachable(HoldError):
    """The index that pip uses could not be read; a retry may help."""


class WheelMissing(LocalStackError):
    """The index has no wheel for the Python, glibc and architecture of the release."""
