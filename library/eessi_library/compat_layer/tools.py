"""The tools of the compat layer start, and do what they are for."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before

from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.compat_layer.cpu_names import flags_in, names_for, unsupported_features
from eessi_library.compat_layer.git_objects import commit_name
from eessi_library.compat_layer.layout import REQUIRED_TOOLS, required
from eessi_library.compat_layer.session import leaving_status
from eessi_library.expect import expect
from eessi_library.nonce import integer

_AUTHOR = 'A. Tester <tester@example.org>'

#: Tools that are started by a check of their own, or that know no ``--version``.
_STARTED_ELSEWHERE = ('emerge', 'equery')

_ARCHSPEC_DATA = 'import archspec, os; print(os.path.dirname(archspec.__file__))'


class CompatTools(CompatLayerTest, pin_prefix=True):
    """Entering the compat layer, and its tools: each does a small job with a known result.

    Truths: a commit's name is the SHA-1 of its content, files are transferred and changed byte by
    byte, products are products, and a CPU can run a target whose features it reports.
    """

    group: ClassVar[str] = 'tools'
    varies = 'exit status of the session, numbers that make, patch, git and curl must hand on'
    truths: ClassVar[dict[str, str]] = {
        'exit status': 'the status that the session was told to end with',
        'git commit': 'SHA-1 of the objects, git-scm.com/book, Git Internals',
        'make, patch, linker, curl': 'arithmetic and bytes of the test itself',
        'archspec': "features that the target requires, against the kernel's list",
    }
    directions: ClassVar[dict[str, str]] = {
        **CompatLayerTest.directions,
        'start_up': 'lower',
    }

    @property
    def number(self) -> int:
        """Number of this run."""
        return integer(self.nonce, 'compat tools number', 100_000, 999_999)

    @property
    def factor(self) -> int:
        """Second number of this run."""
        return integer(self.nonce, 'compat tools factor', 100, 999)

    @property
    def told_status(self) -> int:
        """Exit status that a session is told to end with."""
        return integer(self.nonce, 'compat tools status', 3, 119)

    @run_before('run')
    def time_a_session(self) -> None:
        """Enter the compat layer once with a status to hand on, and read the clock around it."""
        told = f'echo "session $(({self.number} * {self.factor}))"; exit {self.told_status}'
        self.prerun_cmds += [
            'date +%s%N >clock.txt',
            f'{self._entrance()} <<< {shlex.quote(told)} >start.txt 2>&1 && status=0 || status=$?',
            'date +%s%N >>clock.txt',
            'echo "status $status" >>start.txt',
        ]

    def judge_start(self, _: str) -> None:
        """The session ran, calculated, and ended with the status it was told."""
        expect(self._has_startprefix(), f'start: {self.compat_path}/startprefix is missing')
        text = self.require_output('start.txt')
        lines = text.splitlines()
        product = f'session {self.number * self.factor}'
        self.require(product in lines, f'start: the session does not print {product!r}: {text!r}')
        self.compare(
            'start: status that startprefix reports', leaving_status(text), self.told_status
        )
        self.compare('start: status of startprefix', lines[-1], f'status {self.told_status}')

    def script_tools(self) -> str:
        """Where the session finds each tool, and whether it starts."""
        names = required(REQUIRED_TOOLS, self.release, self.package_manager)
        started = [name for name in names if name not in _STARTED_ELSEWHERE]
        return f"""\
PATH=$SESSION_PATH
for tool in {' '.join(names)}; do echo "$tool $(type -P "$tool" || echo nowhere)"; done
echo "nonce {self.number}"
for tool in {' '.join(started)}; do
    "$tool" --version >/dev/null || echo "broken $tool $?"
done
"""

    def judge_tools(self, out: str) -> None:
        """Every required tool is one of the compat layer's own and starts."""
        names = required(REQUIRED_TOOLS, self.release, self.package_manager)
        found = dict(line.split(' ', 1) for line in out.splitlines() if ' ' in line)
        self.compare('tools: nonce', found.get('nonce'), str(self.number))
        for name in names:
            place = found.get(name, 'nowhere')
            self.require(
                place.startswith(f'{self.compat_path}/'),
                f'tools: {name} is found {place if place == "nowhere" else "at " + place}, '
                f'expected in {self.compat_path}',
            )
        broken = [line for line in out.splitlines() if line.startswith('broken ')]
        self.require(not broken, f'tools: do not start (tool, status): {"; ".join(broken)}')

    def script_make(self) -> str:
        """A makefile with two levels of targets."""
        return f"""\
printf 'all: half\\n\\t@echo $$((2 * $$(cat half)))\\n' >Makefile.txt
printf 'half:\\n\\t@echo $$(({self.number} * {self.factor})) >half\\n' >>Makefile.txt
rm -f half
make -s SHELL="$COMPAT/bin/bash" -f Makefile.txt all
"""

    def judge_make(self, out: str) -> None:
        """The target that depends on another is made last."""
        self.compare('make', out.strip(), str(2 * self.number * self.factor))

    def script_patch(self) -> str:
        """A unified diff of one line."""
        return f"""\
printf 'one\\ntwo\\nthree\\n' >patched.txt
printf -- '--- a\\n+++ b\\n@@ -1,3 +1,3 @@\\n one\\n-two\\n+{self.number}\\n three\\n' >change.txt
patch -s patched.txt change.txt
cat patched.txt
"""

    def judge_patch(self, out: str) -> None:
        """One line is another now, the others are not."""
        self.compare('patch', out.split(), ['one', str(self.number), 'three'])

    def script_patchelf(self) -> str:
        """A copy of a program with another RPATH."""
        return f"""\
cp "$(type -P bash)" patched_program
chmod u+w patched_program
patchelf --set-rpath "/nonexistent/{self.number}:$(patchelf --print-rpath patched_program)" \\
    patched_program
patchelf --print-rpath patched_program
./patched_program --norc -c 'echo $(({self.number} * {self.factor}))'
rm -f patched_program
"""

    def judge_patchelf(self, out: str) -> None:
        """The RPATH is there, and the program still runs."""
        lines = out.split()
        self.require(
            bool(lines) and lines[0].split(':')[0] == f'/nonexistent/{self.number}',
            f'patchelf: RPATH /nonexistent/{self.number} is not in {lines[:1]}',
        )
        self.compare('patchelf: program', lines[1:], [str(self.number * self.factor)])

    def script_linker(self) -> str:
        """Data as an object file."""
        return f"""\
printf %s {self.nonce} >data.txt
ld.bfd -r -b binary data.txt -o data.o
objdump -s -j .data data.o
objdump -t data.o
"""

    def judge_linker(self, out: str) -> None:
        """The object holds the data and the symbols of its size."""
        dump = ''.join(line[6:41].replace(' ', '') for line in out.splitlines() if line[:2] == ' 0')
        self.compare('linker: data section', dump, self.nonce.encode().hex())
        sizes = [line for line in out.splitlines() if line.endswith('_binary_data_txt_size')]
        self.require(len(sizes) == 1, 'linker: no symbol _binary_data_txt_size')
        self.compare('linker: size symbol', int(sizes[0].split()[0], 16), len(self.nonce))

    def script_archspec(self) -> str:
        """The name of this CPU, what the kernel says of it, and where the names are defined."""
        return (
            f'archspec cpu\npython3 -c {shlex.quote(_ARCHSPEC_DATA)}\necho {self.number}\n'
            # Features of the first processor; families without a list of them have no such line.
            f'grep -m 1 -iE "^(flags|features)" /proc/cpuinfo || true\necho end {self.number}\n'
        )

    def judge_archspec(self, out: str) -> None:
        """The name is one of this family, and the CPU has each feature that it requires."""
        lines = out.splitlines()
        expect(len(lines) > 3, f'archspec: no answer but {out!r}')
        name, data, number, *cpuinfo, end = lines
        self.compare('archspec: end', end, f'end {self.number}')
        self.compare('archspec: nonce', number, str(self.number))
        file = Path(data, 'json/cpu/microarchitectures.json')
        expect(file.is_file(), f'archspec: {file} is missing')
        targets = json.loads(file.read_text(encoding='utf-8'))['microarchitectures']
        self.require(name in targets, f'archspec: {name!r} is not the name of a target')
        self.compare(f'archspec: family of {name}', names_for(targets, name)[-1], self.arch)
        missing = unsupported_features(targets[name], flags_in(cpuinfo))
        self.require(not missing, f'archspec: {name} needs {missing}, which this CPU does not have')

    @property
    def _date(self) -> int:
        return 1_600_000_000 + self.number

    def script_git(self) -> str:
        """A repository of one commit with fixed author and date."""
        return f"""\
rm -rf repository
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME='A. Tester' GIT_AUTHOR_EMAIL=tester@example.org
export GIT_COMMITTER_NAME="$GIT_AUTHOR_NAME" GIT_COMMITTER_EMAIL="$GIT_AUTHOR_EMAIL"
export GIT_AUTHOR_DATE='{self._date} +0000' GIT_COMMITTER_DATE='{self._date} +0000'
git init -q repository
cd repository
echo {self.nonce} >data
git add data
git commit -q -m 'number {self.number}'
git log --format='%H %s'
git clone -q . ../cloned
cat ../cloned/data
git --exec-path
test -x "$(git --exec-path)/git-remote-https"
rm -rf ../cloned
"""

    def judge_git(self, out: str) -> None:
        """The commit has the only name it can have, and a clone has its content."""
        lines = out.splitlines()
        message = f'number {self.number}'
        content = f'{self.nonce}\n'.encode()
        name = commit_name('data', content, _AUTHOR, self._date, message)
        self.compare('git: commit', lines[0], f'{name} {message}')
        self.compare('git: file of the clone', lines[1], self.nonce)
        self.require(
            lines[2].startswith(f'{self.compat_path}/'),
            f'git: its programs are taken from {lines[2]}, outside the compat layer',
        )

    def script_curl(self) -> str:
        """A file by its URL, and the protocols that curl knows."""
        return f"""\
for i in {{1..2000}}; do echo "{self.nonce} $i"; done >sent.txt
curl -q -sS -o received.txt "file://$PWD/sent.txt"
sha256sum <received.txt
curl -q --version
"""

    def judge_curl(self, out: str) -> None:
        """The file arrives unchanged, and TLS is built in."""
        sent = ''.join(f'{self.nonce} {i}\n' for i in range(1, 2001))
        expected = hashlib.sha256(sent.encode()).hexdigest()
        self.compare('curl: SHA-256 of the file', (out.split() or [''])[0], expected)
        protocols = [line for line in out.splitlines() if line.startswith('Protocols:')]
        self.require(
            bool(protocols) and 'https' in protocols[0].split(),
            f'curl: https is not among its protocols: {protocols}',
        )

    def script_pip_check(self) -> str:
        """The dependencies of installed Python packages."""
        return f'export HOME=$PWD PIP_CONFIG_FILE=/dev/null\npip check\necho {self.number}\n'

    def judge_pip_check(self, out: str) -> None:
        """Nothing is missing and nothing is in conflict."""
        lines = out.strip().splitlines()
        self.compare('pip_check', lines, ['No broken requirements found.', str(self.number)])

    @performance_function('ms')
    def start_up(self) -> float:
        """Time to enter and leave the compat layer."""
        begin, end = (int(line) for line in self.require_output('clock.txt').split())
        return (end - begin) / 1e6
