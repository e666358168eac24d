"""What the ELF room raises; everything else that escapes (besides OSError) is a bug."""


class ElfError(Exception):
    """Base of every error of this room."""


class MalformedElf(ElfError):
    """The file starts as ELF but breaks the specification, or a limit of this reader."""


class LoaderLimit(ElfError):
    """A simulation would need more work than any sound program does (hostile input)."""
