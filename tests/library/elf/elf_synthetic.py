"""Writes small ELF files for any class, data encoding and machine, from the specification."""

import struct


def synthetic(
    wide=True,
    little=True,
    machine=62,
    kind=3,
    interpreter=None,
    soname=None,
    needed=(),
    rpath=None,
    runpath=None,
    extra=(),
    needs=(),
):
    """Return the bytes of a file with one PT_LOAD, PT_DYNAMIC and perhaps PT_INTERP.

    ``extra`` are further (tag, value) pairs; ``needs`` are (file, version) pairs, one DT_VERNEED
    record each. There are no section headers.
    """
    order = '<' if little else '>'
    word = 'Q' if wide else 'I'
    head_size = 64 if wide else 52
    phdr_size = 56 if wide else 32
    count = 3 if interpreter else 2
    start = head_size + count * phdr_size
    base = 0x10000

    strings = b'\0'

    def intern(text):
        nonlocal strings
        index = len(strings)
        strings += text.encode() + b'\0'
        return index

    entries = [(1, intern(name)) for name in needed]
    entries += [
        (tag, intern(text))
        for tag, text in ((14, soname), (15, rpath), (29, runpath))
        if text is not None
    ]
    verneed = b''
    for number, (file, version) in enumerate(needs):
        following = 32 if number + 1 < len(needs) else 0
        verneed += struct.pack(order + 'HHIII', 1, 1, intern(file), 16, following)
        verneed += struct.pack(order + 'IHHII', 0, 0, number + 2, intern(version), 0)
    interp = interpreter.encode() + b'\0' if interpreter else b''
    body = interp + b'\0' * (-(start + len(interp)) % 8)
    strings_at = start + len(body)
    body += strings + b'\0' * (-len(strings) % 8)
    verneed_at = start + len(body)
    body += verneed
    entries += [(5, base + strings_at), (10, len(strings)), *extra]
    if needs:
        entries += [(0x6FFFFFFE, base + verneed_at), (0x6FFFFFFF, len(needs))]
    entries.append((0, 0))
    dynamic_at = start + len(body)
    dynamic = b''.join(struct.pack(order + word * 2, *entry) for entry in entries)
    total = dynamic_at + len(dynamic)

    def phdr(p_type, offset, size):
        if wide:
            fields = (p_type, 4, offset, base + offset, base + offset, size, size, 8)
            return struct.pack(order + 'IIQQQQQQ', *fields)
        fields = (p_type, offset, base + offset, base + offset, size, size, 4, 8)
        return struct.pack(order + 'IIIIIIII', *fields)

    headers = phdr(3, start, len(interp)) if interpreter else b''
    headers += phdr(1, 0, total) + phdr(2, dynamic_at, len(dynamic))
    ident = b'\x7fELF' + bytes((2 if wide else 1, 1 if little else 2, 1)) + bytes(9)
    head = ident + struct.pack(
        order + 'HHI' + word * 3 + 'IHHHHHH',
        *(kind, machine, 1, 0, head_size, 0, 0, head_size, phdr_size, count, 0, 0, 0),
    )
    return head + headers + body + dynamic
