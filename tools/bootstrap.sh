# shellcheck shell=bash
# Set-up shared by quickstart, run-tests and .ci/run: sourced, never run.
#
#   begin NAME                      a clean environment; sets $top and $cache
#   need THING=PACKAGE...           programs or files of the host and the packages that bring them
#   make_environment FOLDER EXTRAS  after need; sets $venv, installs only what changed
#
# What cannot be set up ends with one message and exit code 75: nothing was decided.

say() { printf '%s: %s\n' "$name" "$*" >&2; }

die() {
    say "$*"
    exit 75
}

# The caller's shell may have modules, a conda or another virtual environment active: none of them
# may reach the Python, the jobs or the tests that are started here.
forget_callers_shell() {
    local variable
    while read -r variable; do
        case $variable in
            EESSI_VALIDATE_*) ;;
            PYTHON* | VIRTUAL_ENV* | CONDA* | _CONDA* | PYTEST_* | COVERAGE_* | COV_CORE_* | RFM_* | \
                MODULE* | LOADEDMODULES* | _LMFILES_* | LMOD_* | __LMOD* | _ModuleTable* | EESSI_* | \
                EB[RVD]* | LD_LIBRARY_PATH | LIBRARY_PATH | CPATH | BASH_ENV | \
                PIP_USER | PIP_TARGET | PIP_PREFIX | PIP_ROOT | PIP_PYTHON | PIP_REQUIRE_VIRTUALENV | \
                PIP_NO_DEPS)
                unset "$variable"
                ;;
        esac
    done < <(compgen -e)
    unset -f module ml 2>/dev/null || true
    export PYTHONNOUSERSITE=1
    export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin"
}

begin() {
    name=$1
    top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
    forget_callers_shell
    if [ -z "${HOME:-}" ]; then
        HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
        export HOME=${HOME:-/nonexistent}
    fi
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/eessi-validate
    mkdir -p -- "$cache" 2>/dev/null && [ -w "$cache" ] ||
        die "$cache cannot be written: set HOME or XDG_CACHE_HOME to a directory of yours"
}

# All that is missing is named at once; Python always belongs to it.
need() {
    local thing packages=()
    find_python || packages=(python3 python3-venv)
    for thing in flock=util-linux "$@"; do
        case $thing in
            /*) [ -e "${thing%%=*}" ] ;;
            *) type -P "${thing%%=*}" >/dev/null ;;
        esac || packages+=("${thing#*=}")
    done
    [ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
    find_python || die 'no Python >= 3.10 here: put one on PATH and run this again'
}

# As root on Debian and Ubuntu packages are installed; anyone else is told which and how.
install_packages() {
    if ! type -P apt-get >/dev/null; then
        die "this host lacks what Debian's packages $* bring: install it and run $name again"
    elif [ "$(id -u)" -ne 0 ]; then
        die "packages are missing; run $name again after: sudo apt-get install -y $*"
    fi
    say "installing packages: $*"
    quietly apt_get "$@" || die "apt-get could not install $* (above)"
}

apt_get() (
    exec 8</var/lib/dpkg && flock 8
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update || true # the lists at hand may do
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@"
)

# Run a command, and show the end of what it printed only if it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" </dev/null >"$log" 2>&1 || status=$?
    [ "$status" -eq 0 ] || tail -n 20 -- "$log" >&2
    rm -f -- "$log"
    return "$status"
}

# Print the Python behind $1 and its version, if a virtual environment can be made with it.
usable_python() {
    "$1" -I -c '
import sys
assert sys.version_info >= (3, 10)
import ctypes, ensurepip, sqlite3, ssl, venv
print(sys._base_executable, "%d.%d" % sys.version_info[:2])' 2>/dev/null
}

find_python() {
    local candidate path
    for candidate in python3 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3; do
        path=$(type -P "$candidate") && python=$(usable_python "$path") && return
    done
    return 1
}

# Where nothing can be written beside the sources, the environment lives in the cache.
place_environment() {
    venv=$top/$1
    if [ ! -w "$top" ] && [ ! -w "$venv" ]; then
        venv=$cache/checkouts/$(printf %s "$top" | sha256sum | cut -c1-12)/$1
    fi
    if [ -e "$venv/pyvenv.cfg" ] && [ ! -e "$venv/setup.lock" ]; then
        die "$venv was not made by this script: move it away and run this again"
    fi
    mkdir -p -- "$venv" && : >>"$venv/setup.lock" || die "$venv cannot be written"
}

lock() {
    flock -n "$1" 9 && return
    say "waiting for another command that uses $venv"
    flock "$1" 9
}

is_current() { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/setup.done" 2>/dev/null)" = "$1" ]; }

# The lock stays shared for as long as the command runs: nobody renews the environment under it.
make_environment() {
    local recipe
    place_environment "$1"
    recipe="$python $2 $top $(cat "$top/pyproject.toml" "$top/tools/bootstrap.sh" | sha256sum)"
    exec 9<"$venv/setup.lock"
    lock -s
    if ! is_current "$recipe"; then
        lock -x
        is_current "$recipe" || install_project "${python% *}" "$2" "$recipe"
        lock -s
    fi
}

install_project() {
    local what=.
    [ -z "$2" ] || what=".[$2]"
    say "setting up $venv (about a minute)"
    find "$venv" -mindepth 1 -maxdepth 1 ! -name setup.lock -exec rm -rf -- {} +
    quietly "$1" -m venv -- "$venv" || die "$1 could not make a virtual environment (above)"
    (cd -- "$top" && quietly "$venv/bin/python" -m pip --disable-pip-version-check install \
        --no-input --progress-bar off --editable "$what") || die 'pip could not install (above)'
    printf '%s\n' "$3" >"$venv/setup.done"
}
