"""Reads dpkg's database: ``status``, ``info/*.list`` and ``info/*.md5sums``. Pure."""

from __future__ import annotations

from pathlib import Path

from eessi_library.compat_layer.package_model import FILE, DatabaseError, Entry, Package

_PLACE = 'var/lib/dpkg'


def parse_status(text: str) -> list[dict[str, str]]:
    """Return the paragraphs of a status file; fields of several lines keep their line breaks."""
    paragraphs = []
    for block in text.split('\n\n'):
        fields: dict[str, str] = {}
        key = ''
        for line in block.splitlines():
            if line[:1] in (' ', '\t') and key:
                fields[key] += '\n' + line.strip()
            elif ':' in line:
                key, _, value = line.partition(':')
                fields[key] = value.strip()
        if fields.get('Package'):
            paragraphs.append(fields)
    return paragraphs


def parse_list(text: str) -> list[str]:
    """Return the paths of a ``.list`` file, relative, without the root itself."""
    paths = (line.strip().removeprefix('/.').strip('/') for line in text.splitlines())
    return [path for path in paths if path]


def parse_md5sums(text: str) -> dict[str, str]:
    """Return relative path -> MD5 of a ``.md5sums`` file; paths may contain spaces."""
    sums = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        digest, separator, path = line.partition('  ')
        if not separator or len(digest) != 32:
            raise DatabaseError(f'line {number} is not "<MD5>  <path>": {line!r}')
        sums[path.removeprefix('./').lstrip('/')] = digest
    return sums


def read_database(compat_path: str) -> list[Package]:
    """Return the packages that are installed; raises DatabaseError."""
    root = Path(compat_path, _PLACE)
    try:
        text = (root / 'status').read_text(encoding='utf-8', errors='surrogateescape')
    except OSError as error:
        raise DatabaseError(f'{root / "status"}: {error.strerror}') from error
    packages = []
    for fields in parse_status(text):
        if fields.get('Status', '').endswith(' installed'):
            packages.append(
                Package(fields['Package'], fields.get('Version', ''), _entries(root, fields))
            )
    return packages


def _entries(root: Path, fields: dict[str, str]) -> tuple[Entry, ...]:
    name, arch = fields['Package'], fields.get('Architecture', '')
    for stem in (f'{name}:{arch}', name):
        listing = root / 'info' / f'{stem}.list'
        if listing.is_file():
            break
    else:
        raise DatabaseError(f'{root}/info/{name}.list is missing, but {name} is installed')
    sums_file = listing.with_name(f'{stem}.md5sums')
    try:
        sums = parse_md5sums(_read(sums_file)) if sums_file.is_file() else {}
    except DatabaseError as error:
        raise DatabaseError(f'{sums_file}: {error}') from error
    # The list does not say what is a directory; what has no checksum is only asked to be there.
    listed = dict.fromkeys([*parse_list(_read(listing)), *sums])
    return tuple(Entry(path, FILE if path in sums else '', sums.get(path, '')) for path in listed)


def _read(file: Path) -> str:
    return file.read_text(encoding='utf-8', errors='surrogateescape')
