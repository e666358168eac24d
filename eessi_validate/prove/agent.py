"""Stands in for a program of the software under test: watches it, plays it back or spoils it.

A program, not a module: a stub in the place of the real program starts it as
``python3 -I -S agent.py CONTROL REAL NAME ARGUMENTS...``; standard library only. What it does is
said by ``CONTROL/orders.json``:

mode       ``record`` runs the program and keeps what it writes, ``replay`` writes that again
           without running anything (but a daemon, which runs), ``live`` only runs it, ``stub``
           prints ``text`` instead.
fault      ``crash``, ``status``, ``fewer_ranks`` or ``slow``, applied to call number ``call``.
recording  directory of the recorded calls, by rank and number.

A call made by another watched program, such as a rank started by mpirun, is not counted.
"""

import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time

LAUNCHERS = ('mpirun', 'mpiexec', 'orterun', 'prterun')
RANK_VARIABLES = ('OMPI_COMM_WORLD_RANK', 'PMIX_RANK', 'PMI_RANK', 'SLURM_PROCID')
INSIDE, FAULT = 'EESSI_VALIDATE_PROVE_INSIDE', 'EESSI_VALIDATE_PROVE_FAULT'
#: What the stub took away, so that the stack's libraries do not get into this Python.
SAVED = {
    'EESSI_VALIDATE_PROVE_LIBRARY_PATH': 'LD_LIBRARY_PATH',
    'EESSI_VALIDATE_PROVE_PRELOAD': 'LD_PRELOAD',
}
NOT_OUTPUT = ('rfm_job.out', 'rfm_job.err', 'rfm_job.sh')


def rank():
    return next((os.environ[name] for name in RANK_VARIABLES if name in os.environ), '-')


def stage_directory():
    """The job's directory: the nearest one upwards that has a job script."""
    here = os.getcwd()
    place = here
    while place != '/':
        if os.path.exists(os.path.join(place, 'rfm_job.sh')):
            return place
        place = os.path.dirname(place)
    return here


def snapshot(root):
    found = {}
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, root)
            if relative not in NOT_OUTPUT:
                status = os.lstat(path)
                found[relative] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def next_call(control, who):
    """Number the calls of a rank from 0, also when several start at once."""
    with open(os.path.join(control, 'lock'), 'a') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        number = 0
        while os.path.exists(os.path.join(control, 'calls', f'{who}-{number}')):
            number += 1
        os.makedirs(os.path.join(control, 'calls', f'{who}-{number}'))
    return number


def start(real, name, arguments, environment, stdout=None, stderr=None):
    pid = os.fork()
    if pid:
        return pid
    try:
        for source, target in ((stdout, 1), (stderr, 2)):
            if source is not None:
                os.dup2(source, target)
        os.execve(real, [name, *arguments], environment)
    except OSError as error:
        os.write(2, f'{name}: {error.strerror}\n'.encode())
    os._exit(127)


def tee(source, target, copy):
    while chunk := os.read(source, 65536):
        copy.write(chunk)
        write_all(target, chunk)
    os.close(source)


def write_all(target, data):
    try:
        while data:
            data = data[os.write(target, data) :]
    except BrokenPipeError:
        pass


def run_watched(real, name, arguments, environment, directory):
    """Run the program with a copy of what it prints; return its wait status."""
    pipes = [os.pipe(), os.pipe()]
    pid = start(real, name, arguments, environment, pipes[0][1], pipes[1][1])
    threads = []
    for number, (reader, writer) in enumerate(pipes):
        os.close(writer)
        copy = open(os.path.join(directory, ('stdout', 'stderr')[number]), 'wb')  # noqa: SIM115
        threads.append(threading.Thread(target=tee, args=(reader, number + 1, copy)))
        threads[-1].start()
        threads[-1].copy = copy
    _, status = os.waitpid(pid, 0)
    for thread in threads:
        thread.join()
        thread.copy.close()
    return status


def leave(status):
    """End as the program ended."""
    sys.stdout.flush()
    if os.WIFSIGNALED(status):
        die(os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def die(number):
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    time.sleep(60)


def sink(descriptor):
    try:
        return os.readlink(f'/proc/self/fd/{descriptor}')
    except OSError:
        return ''


def record(control, number, who, real, name, arguments, environment):
    directory = os.path.join(control, 'recording', f'{who}-{number}')
    os.makedirs(directory)
    stage = stage_directory()
    before = snapshot(stage)
    if number == 0:
        keep_inputs(control, stage, before)
    status = run_watched(real, name, arguments, environment, directory)
    after = snapshot(stage)
    changed = sorted(path for path, facts in after.items() if before.get(path) != facts)
    own = {os.path.relpath(s, stage) for s in (sink(1), sink(2)) if s.startswith(stage)}
    for relative in changed:
        if relative not in own:
            target = os.path.join(directory, 'files', relative)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(stage, relative), target, follow_symlinks=False)
    call = {
        'program': name, 'arguments': arguments, 'stage': stage, 'status': status,
        'sinks': [sink(1), sink(2)], 'files': [path for path in changed if path not in own],
        'removed': sorted(set(before) - set(after)),
    }  # fmt: skip
    with open(os.path.join(directory, 'call.json'), 'w') as stream:
        json.dump(call, stream)
    return status


def keep_inputs(control, stage, names):
    """Keep the files that were there before the first call: what the test itself wrote."""
    for relative, (_, size, _) in names.items():
        if size <= 1 << 20:
            target = os.path.join(control, 'inputs', relative)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(stage, relative), target, follow_symlinks=False)


def is_daemon(directory):
    """Whether the recorded call was still running when the job stopped it, and its agent."""
    return os.path.isdir(directory) and not os.path.exists(os.path.join(directory, 'call.json'))


def replay(directory):
    """Write what a recorded call wrote; return its wait status."""
    try:
        with open(os.path.join(directory, 'call.json')) as stream:
            call = json.load(stream)
    except FileNotFoundError:
        os.write(2, b'eessi-validate prove: this call was not recorded\n')
        return 97 << 8
    stage = stage_directory()
    old, new = call['stage'].encode(), stage.encode()
    for relative in call['removed']:
        if os.path.lexists(os.path.join(stage, relative)):
            os.unlink(os.path.join(stage, relative))
    for relative in call['files']:
        source = os.path.join(directory, 'files', relative)
        target = os.path.join(stage, relative)
        if os.path.lexists(target):
            os.unlink(target)
        if not os.path.lexists(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
            continue
        with open(source, 'rb') as stream, open(target, 'wb') as copy:
            copy.write(stream.read().replace(old, new))
        shutil.copymode(source, target)
    for number, name in ((1, 'stdout'), (2, 'stderr')):
        with open(os.path.join(directory, name), 'rb') as stream:
            write_all(number, stream.read().replace(old, new))
    return call['status']


def with_one_rank(arguments):
    """Ask a launcher for one rank, however many were asked for."""
    changed = list(arguments)
    for number, word in enumerate(changed[:-1]):
        if word in ('-np', '-n', '--np', '-c'):
            changed[number + 1] = '1'
            return changed
    return changed


def main():
    control, real, name, *arguments = sys.argv[1:]
    with open(os.path.join(control, 'orders.json')) as stream:
        orders = json.load(stream)
    environment = {k: v for k, v in os.environ.items() if k not in SAVED}
    environment.update({SAVED[k]: v for k, v in os.environ.items() if k in SAVED and v})
    who = rank()
    if INSIDE in os.environ:
        fault = environment.pop(FAULT, '')
        if fault and who in ('-', '0'):
            spoil(start(real, name, arguments, environment), fault)
        os.execve(real, [name, *arguments], environment)
    number = next_call(control, who)
    if orders['mode'] == 'stub':
        write_all(1, orders['text'].encode())
        return
    if orders['mode'] == 'replay':
        directory = os.path.join(orders['recording'], f'{who}-{number}')
        if not is_daemon(directory):
            leave(replay(directory))
    environment[INSIDE] = '1'
    if orders['mode'] == 'replay':
        os.execve(real, [name, *arguments], environment)
    if orders['mode'] == 'record':
        leave(record(control, number, who, real, name, arguments, environment))
    run_live(orders, number, who, real, name, arguments, environment)


def run_live(orders, number, who, real, name, arguments, environment):
    fault = orders.get('fault', '')
    here = number == orders.get('call')
    if fault == 'fewer_ranks' and os.path.basename(name) in LAUNCHERS:
        arguments = with_one_rank(arguments)
    elif fault == 'slow' and here:
        time.sleep(3600)
    elif fault in ('crash', 'status') and here and who in ('-', '0'):
        if os.path.basename(name) not in LAUNCHERS:
            spoil(start(real, name, arguments, environment), fault)
        environment[FAULT] = fault
    os.execve(real, [name, *arguments], environment)


def spoil(pid, fault):
    """Wait for the program, then end badly although it ended well."""
    _, status = os.waitpid(pid, 0)
    if status:
        leave(status)
    if fault == 'crash':
        die(signal.SIGSEGV)
    os._exit(3)


if __name__ == '__main__':
    main()
