"""Numbers of the ELF format, under the names of their specification.

Sources: System V gABI 4.1 chapters 4 and 5 ("Object Files", "Program Loading and Dynamic
Linking"), Linux Standard Base core 5.0 chapters 10 and 11 (``DT_VER*``, ``DT_GNU_HASH``, notes,
symbol versioning), and ``elf/elf.h`` of glibc where these two are silent.
"""

from typing import Final

# e_ident (gABI chapter 4, "ELF Identification")
ELFMAG: Final = b'\x7fELF'
EI_CLASS: Final = 4
EI_DATA: Final = 5
EI_VERSION: Final = 6
EI_OSABI: Final = 7
EI_ABIVERSION: Final = 8
EI_NIDENT: Final = 16
ELFCLASS32: Final = 1
ELFCLASS64: Final = 2
ELFDATA2LSB: Final = 1
ELFDATA2MSB: Final = 2
EV_CURRENT: Final = 1
ELFOSABI_NONE: Final = 0
ELFOSABI_GNU: Final = 3

# e_type
ET_REL: Final = 1
ET_EXEC: Final = 2
ET_DYN: Final = 3
ET_CORE: Final = 4

# e_machine (registry kept by the gABI maintainers)
EM_386: Final = 3
EM_PPC64: Final = 21
EM_X86_64: Final = 62
EM_AARCH64: Final = 183
EM_AMDGPU: Final = 224
EM_RISCV: Final = 243

#: Names used in messages; ``EM_PPC64`` is ppc64le when the data encoding is little-endian.
MACHINE_NAMES: Final = {
    EM_386: 'i386',
    EM_PPC64: 'ppc64',
    EM_X86_64: 'x86_64',
    EM_AARCH64: 'aarch64',
    EM_AMDGPU: 'amdgpu',
    EM_RISCV: 'riscv',
}

# e_phnum does not fit: the count is in sh_info of section 0 (gABI, "Program Header")
PN_XNUM: Final = 0xFFFF

# p_type
PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_NOTE: Final = 4

# d_tag (gABI chapter 5, "Dynamic Section"; LSB 10.3.2 for the GNU ones)
DT_NULL: Final = 0
DT_NEEDED: Final = 1
DT_HASH: Final = 4
DT_STRTAB: Final = 5
DT_SYMTAB: Final = 6
DT_STRSZ: Final = 10
DT_SYMENT: Final = 11
DT_SONAME: Final = 14
DT_RPATH: Final = 15
DT_RUNPATH: Final = 29
DT_FLAGS: Final = 30
DT_GNU_HASH: Final = 0x6FFFFEF5
DT_VERSYM: Final = 0x6FFFFFF0
DT_FLAGS_1: Final = 0x6FFFFFFB
DT_VERDEF: Final = 0x6FFFFFFC
DT_VERDEFNUM: Final = 0x6FFFFFFD
DT_VERNEED: Final = 0x6FFFFFFE
DT_VERNEEDNUM: Final = 0x6FFFFFFF

# DT_FLAGS (gABI) and DT_FLAGS_1 (glibc elf.h)
DF_ORIGIN: Final = 0x1
DF_TEXTREL: Final = 0x4
DF_BIND_NOW: Final = 0x8
DF_1_NOW: Final = 0x1
DF_1_NODEFLIB: Final = 0x800
DF_1_PIE: Final = 0x08000000

# Notes (LSB 10.2.2; glibc elf.h)
NT_GNU_BUILD_ID: Final = 3
NOTE_NAME_GNU: Final = b'GNU\x00'

# Sections and symbols (gABI chapter 4, "Sections", "Symbol Table")
SHN_UNDEF: Final = 0
SHN_ABS: Final = 0xFFF1
SHN_XINDEX: Final = 0xFFFF
SHT_NULL: Final = 0
SHT_SYMTAB: Final = 2
SHT_STRTAB: Final = 3
SHT_NOBITS: Final = 8
SHT_DYNSYM: Final = 11
SHT_SYMTAB_SHNDX: Final = 18
SHF_EXECINSTR: Final = 4
STB_LOCAL: Final = 0
STB_GLOBAL: Final = 1
STB_WEAK: Final = 2
STB_GNU_UNIQUE: Final = 10
STT_NOTYPE: Final = 0
STT_OBJECT: Final = 1
STT_FUNC: Final = 2
STT_COMMON: Final = 5
STT_TLS: Final = 6
STT_GNU_IFUNC: Final = 10
STV_DEFAULT: Final = 0
STV_INTERNAL: Final = 1
STV_HIDDEN: Final = 2

# Symbol versioning (LSB 10.7)
VER_NDX_LOCAL: Final = 0
VER_NDX_GLOBAL: Final = 1
VERSYM_HIDDEN: Final = 0x8000
VERSYM_VERSION: Final = 0x7FFF
VER_FLG_BASE: Final = 0x1
VER_FLG_WEAK: Final = 0x2
