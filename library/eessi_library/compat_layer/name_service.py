"""Names of users, groups and hosts, through the compat layer's own C library."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import run_before

from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.compat_layer.layout import HOST_LINKS, host_targets, required
from eessi_library.nonce import integer

#: Files of the host that may be absent on a sound node (a directory service is not everywhere).
_OPTIONAL_ON_HOST = 'lib64/'


class NameService(CompatLayerTest, pin_prefix=True):
    """The running user, its group and localhost are found; what does not exist is not.

    Truth: what the host's own C library says on the same node.
    """

    group: ClassVar[str] = 'name_service'
    varies = 'the loopback address that is resolved, and the user that must not exist'
    truths: ClassVar[dict[str, str]] = {
        'users': "the host's own getent on the same node",
        'addresses': 'numeric addresses are their own name (RFC 3493, section 6.1)',
        'host links': 'the path of the host file',
    }

    @property
    def address(self) -> str:
        """Loopback address of this run."""
        parts = (integer(self.nonce, f'address {i}', 1, 254) for i in range(3))
        return '127.' + '.'.join(str(part) for part in parts)

    @run_before('run')
    def ask_the_host(self) -> None:
        """Keep the host's own answers: they are the truth."""
        self.prerun_cmds += [
            '{ getent passwd "$(id -u)"; getent group "$(id -g)"; id -un; } >host_users.txt || true'
        ]

    def script_users(self) -> str:
        """The user and group by number and by name, and a user that cannot exist."""
        return f"""\
getent passwd "$(id -u)"
getent group "$(id -g)"
id -un
getent passwd "$(id -un)"
unknown=0
getent passwd "no{self.nonce}" || unknown=$?
echo "unknown $unknown {self.address}"
"""

    def judge_users(self, out: str) -> None:
        """The same answers as the host's."""
        host = self.read_output('host_users.txt').splitlines()
        self.require(len(host) == 3, f'users: the host itself cannot name this user: {host}')
        *found, unknown = out.splitlines()
        self.compare('users: passwd, group, name of the running user', found, [*host, host[0]])
        self.compare('users: a user that does not exist', unknown, f'unknown 2 {self.address}')

    def script_hosts(self) -> str:
        """localhost by name, and an address of this run."""
        return f'getent ahosts localhost\necho =\ngetent ahostsv4 {self.address}\n'

    def judge_hosts(self, out: str) -> None:
        """Loopback addresses for localhost, the address itself for the other."""
        local, _, other = out.partition('=\n')
        addresses = {line.split()[0] for line in local.splitlines() if line.split()}
        self.require(
            bool(addresses) and all(a == '::1' or a.startswith('127.') for a in addresses),
            f'hosts: localhost is {sorted(addresses)}, expected loopback addresses',
        )
        found = [line.split()[:2] for line in other.splitlines()]
        self.require(
            [self.address, 'STREAM'] in found and all(row[0] == self.address for row in found),
            f'hosts: {self.address} is {found}',
        )

    def script_host_links(self) -> str:
        """Where each link leads, and whether one can read the host's file through it."""
        names = required(HOST_LINKS, self.release, self.package_manager)
        return f"""\
for name in {' '.join(names)}; do
    readable=no; [ -r "$COMPAT/$name" ] && readable=yes
    echo "$name $readable $(readlink "$COMPAT/$name" || echo 'no link')"
done
echo "nonce {self.address}"
"""

    def judge_host_links(self, out: str) -> None:
        """Each link leads to the host, and is not broken where the host has the file."""
        *lines, last = out.splitlines()
        self.compare('host_links: nonce', last, f'nonce {self.address}')
        found = dict(line.split(' ', 1) for line in lines)
        for name in required(HOST_LINKS, self.release, self.package_manager):
            readable, target = found.get(name, 'no no link').split(' ', 1)
            targets = host_targets(self.compat_path, name)
            self.require(
                target in targets,
                f'host_links: {self.compat_path}/{name} leads to {target!r}, expected {targets[0]}',
            )
            on_host = not name.startswith(_OPTIONAL_ON_HOST) and Path('/', name).exists()
            expected = 'yes' if on_host and os.access(f'/{name}', os.R_OK) else readable
            self.compare(f'host_links: {name} is readable', readable, expected)
