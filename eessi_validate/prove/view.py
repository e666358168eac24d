"""Starts a command that sees a stack with changes, while the stack itself stays as it is.

A program, not a module: ``python3 -I view.py SPEC COMMAND...``; standard library only. The command
runs in a mount namespace of its own (unshare(2), in a user namespace where this user is not root),
in which an overlay (mount(2), overlayfs) lies over the root of the stack. The changes live in
memory and end with the last process of the namespace, however that ends. SPEC is a JSON file:

root     directory that the overlay covers.
private  directory that becomes the mount point of the changes.
files    path below root -> text of an executable file there.
copies   path below root -> path below root that is copied there, links as links.
removed  paths below root that are not there.
watch    directories: which of their files are opened is written to ``opened``.
opened   that file.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import stat
import struct
import sys

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PR_SET_PDEATHSIG = 1
IN_OPEN, IN_ISDIR = 0x20, 0x40000000
#: Directories that are watched at most (the kernel allows 8,192 and more for each user).
MOST_WATCHES = 6000

#: Exit status when there can be no such view here.
NO_VIEW = 96

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f'{what}: {os.strerror(error)}')
    return result


def mount(source, target, kind, flags=0, options=''):
    result = libc.mount(
        source.encode(), target.encode(), kind.encode() if kind else None, flags,
        options.encode() if options else None,
    )  # fmt: skip
    check(result, f'cannot mount {kind or "private"} on {target}')


def enter_namespaces():
    """Enter a mount namespace; return whether a user namespace was needed for it."""
    if os.geteuid() == 0 and libc.unshare(CLONE_NEWNS) == 0:
        return False
    user, group = os.geteuid(), os.getegid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), 'cannot make a user and mount namespace')
    for name, text in (
        ('setgroups', 'deny'), ('uid_map', f'{user} {user} 1'), ('gid_map', f'{group} {group} 1'),
    ):  # fmt: skip
        with open(f'/proc/self/{name}', 'w') as stream:
            stream.write(text)
    return True


def place(upper, relative):
    path = os.path.join(upper, relative)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def fill(upper, spec):
    """Write the changes; nothing is copied up later, which needs ownership that may not be ours."""
    root = spec['root']
    for target, source in spec['copies'].items():
        shutil.copy2(os.path.join(root, source), place(upper, target), follow_symlinks=False)
    for relative, text in spec['files'].items():
        path = place(upper, relative)
        with open(path, 'w') as stream:
            stream.write(text)
        os.chmod(path, 0o755)
    for relative in spec['removed']:
        # A whiteout (Documentation/filesystems/overlayfs.rst); everybody may make one since 5.8.
        os.mknod(place(upper, relative), stat.S_IFCHR, os.makedev(0, 0))
    for directory, _, _ in os.walk(upper):
        original = os.path.join(root, os.path.relpath(directory, upper))
        if os.path.isdir(original):
            shutil.copymode(original, directory)
            os.chmod(directory, os.stat(directory).st_mode | 0o700)


def escaped(path):
    return path.replace('\\', '\\\\').replace(':', '\\:').replace(',', '\\,')


def cover(spec):
    """Lay the overlay with the changes over the root."""
    in_user_namespace = enter_namespaces()
    mount('none', '/', '', MS_REC | MS_PRIVATE)
    mount('tmpfs', spec['private'], 'tmpfs', 0, 'mode=0755')
    upper, work = os.path.join(spec['private'], 'upper'), os.path.join(spec['private'], 'work')
    os.mkdir(upper)
    os.mkdir(work)
    fill(upper, spec)
    parts = [f'lowerdir={escaped(spec["root"])}', f'upperdir={escaped(upper)}']
    parts += [f'workdir={escaped(work)}', *(['userxattr'] if in_user_namespace else [])]
    mount('overlay', spec['root'], 'overlay', 0, ','.join(parts))


def watch(spec):
    """Leave a process behind that writes down which files are opened, until this one ends.

    It is no child of this process, whose command waits for all of its children.
    """
    ready, told = os.pipe()
    followed = os.getpid()
    pid = os.fork()
    if pid:
        os.close(told)
        os.waitpid(pid, 0)
        os.read(ready, 1)
        os.close(ready)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(ready)
    watcher, names = watches(spec['watch'])
    os.write(told, b'.')
    os.close(told)
    with open(spec['opened'], 'a') as stream:
        while os.path.exists(f'/proc/{followed}'):
            if select.select([watcher], [], [], 0.2)[0]:
                for path in opened_now(watcher, names):
                    stream.write(path + '\n')
                stream.flush()
    os._exit(0)


def watches(tops):
    """Watch all directories below some; return the descriptor, and directory by watch."""
    watcher = check(libc.inotify_init1(0), 'inotify')
    names = {}
    for top in tops:
        for directory, _, _ in os.walk(top):
            if len(names) < MOST_WATCHES:
                names[libc.inotify_add_watch(watcher, directory.encode(), IN_OPEN)] = directory
    return watcher, names


def opened_now(watcher, names):
    """Return the files of the waiting events (inotify(7))."""
    data, found = os.read(watcher, 1 << 16), []
    while data:
        number, mask, _, size = struct.unpack_from('iIII', data)
        name = data[16 : 16 + size].split(b'\0')[0].decode(errors='replace')
        data = data[16 + size :]
        if name and not mask & IN_ISDIR:
            found.append(os.path.join(names.get(number, ''), name))
    return found


def main():
    with open(sys.argv[1]) as stream:
        spec = json.load(stream)
    try:
        cover(spec)
        # A change of credentials clears it (prctl(2)).
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if spec['watch']:
            watch(spec)
    except OSError as error:
        print(f'ERROR: no private view of {spec["root"]}: {error}', flush=True)
        sys.exit(NO_VIEW)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == '__main__':
    main()
