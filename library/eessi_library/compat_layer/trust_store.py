"""Which certificates the compat layer trusts; nothing leaves the node."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import variable

from eessi_library.compat_layer import certificates
from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.compat_layer.layout import TRUST_STORE
from eessi_library.expect import expect
from eessi_library.nonce import integer

_PROBE = Path(__file__).with_name('tls_probe.py')

#: Parses each certificate of the store alone, so that a bad one is named by its number.
_PARSE = """\
import hashlib, re, ssl, sys
text = open(sys.argv[1]).read()
blocks = re.findall('-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----', text, re.S)
for number, block in enumerate(blocks, 1):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=block + '\\n')
        [certificate] = context.get_ca_certs(binary_form=True)
        valid = ssl.cert_time_to_seconds(context.get_ca_certs()[0]['notAfter']) > float(sys.argv[3])
        print(number, hashlib.sha256(sys.argv[2].encode() + certificate).hexdigest(), int(valid))
    except Exception as error:
        print(number, 'unreadable', repr(error).replace(' ', '_'))
paths = ssl.get_default_verify_paths()
print('default', paths.cafile or '-', paths.capath or '-')
"""

_CHAIN = """\
rm -rf {place}; mkdir {place}; cd {place}
export OPENSSL_CONF=$PWD/openssl.cnf
printf '[req]\\ndistinguished_name=dn\\nx509_extensions=ca\\n[dn]\\n' >openssl.cnf
printf '[ca]\\nbasicConstraints=critical,CA:TRUE\\n{of_authority}\\n' >>openssl.cnf
printf 'subjectAltName=DNS:{host}\\n{of_leaf}\\n' >leaf.ext
new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
$new -x509 -days 2 -subj '/CN=CA {nonce}' -keyout ca.key -out ca.pem 2>/dev/null
$new -x509 -days 2 -subj '/CN=CA {nonce}' -keyout other.key -out other.pem 2>/dev/null
$new -subj '/CN={host}' -keyout leaf.key -out leaf.csr 2>/dev/null
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial {serial} -days 2 \\
    -extfile leaf.ext -out leaf.pem 2>/dev/null
cat {store} ca.pem >extended.pem
"""

#: Extensions of authority and leaf. Without key identifiers an authority is found by its name, so
#: that a forged one of that name is refused for its signature, not for its key.
_WITHOUT_IDENTIFIERS = {
    'of_authority': 'subjectKeyIdentifier=none',
    'of_leaf': 'authorityKeyIdentifier=none',
}
#: All that RFC 5280, section 4.2, requires of a chain; clients may insist on it, Python 3.13 does
#: (VERIFY_X509_STRICT is among the flags of its default context).
_CONFORMING = {
    'of_authority': (
        'subjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\nkeyUsage=critical,keyCertSign'
    ),
    'of_leaf': 'authorityKeyIdentifier=keyid',
}


class TrustStore(CompatLayerTest, pin_prefix=True):
    """Every certificate parses, the store is what programs use, and only its chains are trusted.

    Truths: the bytes of the store as this test decodes them, and chains that the test makes with a
    throw-away authority: they are right or wrong by construction.
    """

    #: Least number of certificates that are valid today; Mozilla's list has about 140.
    least_certificates = variable(int, value=100, loggable=True)

    group: ClassVar[str] = 'trust_store'
    varies = 'names and serial number of the throw-away chain; key of the digests'
    truths: ClassVar[dict[str, str]] = {
        'certificates': 'RFC 7468, decoded by the test itself',
        'chains': 'made by the test: RFC 5280, section 6',
    }

    @property
    def store(self) -> str:
        """Path of the store."""
        return f'{self.compat_path}/{TRUST_STORE}'

    @property
    def host(self) -> str:
        """Name in the certificate of this run."""
        return f'{self.nonce}.test'

    @property
    def serial(self) -> int:
        """Serial number of the certificate of this run."""
        return integer(self.nonce, 'serial', 2**30, 2**31)

    def _blocks(self) -> list[str]:
        expect(Path(self.store).is_file(), f'certificates: {self.store} is missing')
        text = Path(self.store).read_text(encoding='utf-8', errors='replace')
        return certificates.blocks(text)

    def script_certificates(self) -> str:
        """Each certificate by itself, and where Python finds the store."""
        self.write('parse.py', _PARSE)
        store = shlex.quote(self.store)
        # `date`: the clock of the node, as it counts for every connection.
        return f'python3 -I -B parse.py {store} {self.nonce} "$(date +%s)"\n'

    def judge_certificates(self, out: str) -> None:
        """All of them, with the bytes that are in the file, and enough that are valid today."""
        blocks = self._blocks()
        *rows, default = [line.split() for line in out.splitlines()]
        text = Path(self.store).read_text(encoding='utf-8', errors='replace')
        begun = text.count('-----BEGIN ')
        self.compare('certificates: complete blocks in the store', len(blocks), begun)
        self.compare('certificates: certificates that are read', len(rows), len(blocks))
        for row, block in zip(rows, blocks, strict=True):
            self.require(
                row[1] == certificates.digest(block, self.nonce),
                f'certificates: number {row[0]} in {self.store} is {row[1]} ({row[2]})',
            )
        valid = sum(row[2] == '1' for row in rows)
        self.require(
            valid >= self.least_certificates,
            f'certificates: {valid} are valid today, expected at least {self.least_certificates}',
        )
        places = [place for place in default[1:] if place != '-']
        strangers = [place for place in places if not place.startswith(f'{self.compat_path}/')]
        self.require(
            bool(places) and not strangers,
            f'certificates: Python trusts {", ".join(strangers) or "no store"},'
            f' expected only {self.store}',
        )

    def script_default_store(self) -> str:
        """Roots of the store, verified without naming a store."""
        blocks = self._blocks()
        expect(bool(blocks), f'default_store: {self.store} has no certificate')
        lines = []
        for i in range(3):
            name = f'root{i}.pem'
            self.write(name, blocks[integer(self.nonce, f'root {i}', 0, len(blocks) - 1)])
            lines.append(f'openssl verify -no_check_time {name}\n')
        return ''.join([*lines, f'echo {self.nonce}\n'])

    def judge_default_store(self, out: str) -> None:
        """Each root is trusted because it is in the store."""
        expected = ['root0.pem: OK', 'root1.pem: OK', 'root2.pem: OK', self.nonce]
        self.compare('default_store: roots without naming a store', out.splitlines(), expected)

    def _make_chain(self, place: str, extensions: Mapping[str, str]) -> str:
        return _CHAIN.format(
            **extensions,
            place=place,
            host=self.host,
            nonce=self.nonce,
            serial=self.serial,
            store=shlex.quote(self.store),
        )

    def script_chain(self) -> str:
        """A certificate of a throw-away authority, against several stores and names."""
        store = shlex.quote(self.store)
        return (
            self._make_chain('chain', _WITHOUT_IDENTIFIERS)
            + f"""\
openssl x509 -in leaf.pem -noout -serial -issuer -nameopt compat
try() {{
    name=$1; shift
    status=0; openssl verify -no-CApath "$@" leaf.pem >answer 2>&1 || status=$?
    echo "$name $([ $status = 0 ] && echo accepted || grep -o 'error [0-9]*' answer | head -n 1)"
}}
try store -CAfile {store}
try extended -CAfile extended.pem
try named -CAfile extended.pem -verify_hostname {self.host}
try misnamed -CAfile extended.pem -verify_hostname other.{self.host}
try forged -CAfile other.pem
try expired -CAfile extended.pem -attime $(($(date +%s) + 864000))
"""
        )

    def judge_chain(self, out: str) -> None:
        """Accepted with its authority and for its name; refused otherwise, for the right reason."""
        serial, issuer, *answers = out.splitlines()
        self.compare('chain: serial number', int(serial.partition('=')[2], 16), self.serial)
        self.require(f'CA {self.nonce}' in issuer, f'chain: issuer is {issuer!r}')
        # Numbers: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY 20, _HOSTNAME_MISMATCH 62,
        # _CERT_SIGNATURE_FAILURE 7, _CERT_HAS_EXPIRED 10 (openssl-verification-options(1)).
        expected = {
            'store': 'error 20',
            'extended': 'accepted',
            'named': 'accepted',
            'misnamed': 'error 62',
            'forged': 'error 7',
            'expired': 'error 10',
        }
        found = dict(line.split(' ', 1) for line in answers if ' ' in line)
        for name, right in expected.items():
            self.compare(f'chain: {name}', found.get(name), right)

    def script_handshake(self) -> str:
        """Connections on the loopback interface."""
        # Store by the session's own environment, as users have it.
        return (
            self._make_chain('handshake', _CONFORMING) + f'python3 -I -B {shlex.quote(str(_PROBE))}'
            f' leaf.pem leaf.key extended.pem {self.host} {self.nonce}\n'
        )

    def judge_handshake(self, out: str) -> None:
        """Refused by default, the text of this run with the authority in the store."""
        expected = [
            f'{client} {store} {answer}'
            for client in ('curl', 'python')
            for store, answer in (('default', 'refused'), ('extended', self.nonce))
        ]
        self.compare('handshake', out.splitlines(), expected)
