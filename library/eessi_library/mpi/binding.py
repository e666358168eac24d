"""Calls the MPI library of an installation from Python, without a compiler and without mpi4py.

Open MPI's binary interface: handles are the addresses of exported objects (``mpi.h``:
``MPI_COMM_WORLD`` is ``&ompi_mpi_comm_world``), the same in versions 1.x to 5.x. Runs beside
``probe.py`` on the ranks: standard library only, Python 3.6 and later.
"""

import ctypes
import glob
import os

#: The libraries of Open MPI that a site brings together: MPI itself and its run-time layers.
FAMILY = ('libmpi', 'libopen-rte', 'libopen-pal')
#: ``mpi.h`` of Open MPI.
LOCK_SHARED = 2
_MAX_LIBRARY_VERSION = 256
_MAX_PROCESSOR_NAME = 256


def library_file(prefix):
    """Return the path of the MPI library below ``prefix``, or a name for the loader to find."""
    if not prefix:
        return 'libmpi.so.40'
    found = [
        path
        for pattern in ('lib*/libmpi.so.*', 'lib*/*/libmpi.so.*')
        for path in glob.glob(os.path.join(prefix, pattern))
        # What a distribution leaves beside it, such as debugging symbols, is not the library.
        if path.rpartition('.so.')[2].replace('.', '').isdigit()
    ]
    if not found:
        raise OSError('there is no libmpi.so.* below ' + prefix)
    return min(found, key=len)


class Mpi:
    """An initialised MPI; ``call`` calls its functions, ``handle`` gives its constants."""

    def __init__(self, prefix, linked=''):
        path = library_through(linked) if linked else library_file(prefix)
        # Components that Open MPI loads itself bind to the library's symbols.
        self._library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        if not hasattr(self._library, 'ompi_mpi_comm_world'):
            raise OSError(path + ' is not Open MPI')
        self.call('MPI_Init', None, None)
        self.world = self.handle('comm_world')
        self.byte, self.int64 = self.handle('byte'), self.handle('int64_t')
        self.float64 = self.handle('double')
        self.sum, self.max = self.handle('op_sum'), self.handle('op_max')
        self.rank, self.ranks = self._integer('MPI_Comm_rank'), self._integer('MPI_Comm_size')

    def handle(self, name):
        """Return a predefined handle, e.g. ``comm_world`` or ``op_sum``."""
        return ctypes.c_void_p(
            ctypes.addressof(ctypes.c_char.in_dll(self._library, 'ompi_mpi_' + name))
        )

    def function(self, name):
        """Return a function of the library, for calls that are timed."""
        return getattr(self._library, name)

    def call(self, name, *arguments):
        """Call a function; integers are passed as C ``int``.

        :raises RuntimeError: if it returns an error class.
        """
        code = getattr(self._library, name)(*arguments)
        if code:
            raise RuntimeError(f'{name} returned {code}')

    def _integer(self, name):
        value = ctypes.c_int()
        self.call(name, self.world, ctypes.byref(value))
        return value.value

    def _text(self, name, size):
        buffer, length = ctypes.create_string_buffer(size), ctypes.c_int()
        self.call(name, buffer, ctypes.byref(length))
        return buffer.value.decode(errors='replace')

    def library_version(self):
        """Return the library's own words about itself."""
        return self._text('MPI_Get_library_version', _MAX_LIBRARY_VERSION)

    def processor_name(self):
        """Return the name of the node."""
        return self._text('MPI_Get_processor_name', _MAX_PROCESSOR_NAME)

    def window(self, memory, unit):
        """Expose memory to the other ranks; return the window."""
        window = ctypes.c_void_p()
        info = self.handle('info_null')
        size = ctypes.c_ssize_t(ctypes.sizeof(memory))
        self.call('MPI_Win_create', memory, size, unit, info, self.world, ctypes.byref(window))
        return window

    def free(self, window):
        """Free a window."""
        self.call('MPI_Win_free', ctypes.byref(window))

    def barrier(self):
        """Wait for all ranks."""
        self.call('MPI_Barrier', self.world)

    def finalize(self):
        """End MPI."""
        self.call('MPI_Finalize')


def library_through(linked):
    """Return the MPI library that the loader chooses for an object that is linked to MPI."""
    ctypes.CDLL(linked, mode=ctypes.RTLD_GLOBAL)
    path = loaded_library()
    if not path:
        raise OSError(linked + ' brings no MPI library')
    return path


def stem(path):
    """Return the name of a shared library without version: ``libmpi``; '' for another file."""
    name, so, version = os.path.basename(path).partition('.so')
    return name if so and not version.strip('.0123456789') else ''


def loaded_libraries():
    """Return the paths of all libraries of MPI that this process has in memory."""
    found = set()
    with open('/proc/self/maps') as maps:
        for line in maps:
            words = line.split(None, 5)
            if len(words) == 6 and stem(words[5].strip()) in FAMILY:
                found.add(words[5].strip())
    return sorted(found)


def loaded_library():
    """Return the path of the MPI library that this process has in memory; '' if none."""
    return next((path for path in loaded_libraries() if stem(path) == 'libmpi'), '')


def offered_libraries(directory):
    """Return the libraries of MPI in a directory, without links: as they appear in memory."""
    if not directory or not os.path.isdir(directory):
        return []
    names = [name for name in os.listdir(directory) if stem(name) in FAMILY]
    return sorted({os.path.realpath(os.path.join(directory, name)) for name in names})
