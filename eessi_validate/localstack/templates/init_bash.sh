# EESSI-style initialisation of the local stack: source this file under bash.
# Environment: EESSI_SILENT, EESSI_PROC_CPUINFO, EESSI_MACHINE_TYPE, EESSI_SOFTWARE_SUBDIR_OVERRIDE
# (the same meaning as in EESSI's own init/bash).

_eessi_say() { if [ -z "${EESSI_SILENT:-}" ]; then echo "$1"; fi; }

# Prints every CPU target of this host, the best one last.
_eessi_cpu_targets() {
    local family=$1 file=$2 line vendor='' flags='' target want flag matches
    echo "$family/generic"
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
            vendor_id*:* | 'CPU implementer'*:*) vendor=${line#*: } ;;
            flags*:* | Features*:* | cpu$'\t'*:*) flags=${line#*: } ;;
        esac
    done < "$file"
    while IFS='|' read -r target want line; do
        case $target in "$family"/*) ;; *) continue ;; esac
        if [ -n "$want" ] && [ "$want" != "$vendor" ]; then continue; fi
        matches=yes
        for flag in $line; do
            case " $flags " in *[[:space:]]"$flag"[[:space:],]*) ;; *) matches=no ;; esac
        done
        if [ "$matches" = yes ]; then echo "$target"; fi
    done <<'TARGETS'
@TARGETS@
TARGETS
}

_eessi_init() {
    local here target
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || return 1
    if [ "$here" != '@PREFIX@' ]; then
        echo "ERROR: this stack was built for @PREFIX@ and cannot be used at $here: build it there" >&2
        return 1
    fi
    export EESSI_CVMFS_REPO='@ROOT@' EESSI_VERSION='@RELEASE@' EESSI_PREFIX='@PREFIX@' EESSI_OS_TYPE=linux
    export EESSI_CPU_FAMILY=${EESSI_MACHINE_TYPE:-$(uname -m)}
    case $EESSI_CPU_FAMILY in arm64) EESSI_CPU_FAMILY=aarch64 ;; esac
    export EESSI_COMPAT_LAYER_DIR=$EESSI_PREFIX/compat/linux/$EESSI_CPU_FAMILY
    export EESSI_EPREFIX=$EESSI_COMPAT_LAYER_DIR
    if [ ! -d "$EESSI_EPREFIX" ]; then
        echo "ERROR: $EESSI_CVMFS_REPO has no compatibility layer for $EESSI_CPU_FAMILY in $EESSI_VERSION" >&2
        return 1
    fi
    export EESSI_SOFTWARE_SUBDIR=${EESSI_SOFTWARE_SUBDIR_OVERRIDE:-}
    if [ -z "$EESSI_SOFTWARE_SUBDIR" ]; then
        EESSI_SOFTWARE_SUBDIR=$EESSI_CPU_FAMILY/generic
        while read -r target; do
            if [ -d "$EESSI_PREFIX/software/linux/$target/modules/all" ]; then EESSI_SOFTWARE_SUBDIR=$target; fi
        done <<< "$(_eessi_cpu_targets "$EESSI_CPU_FAMILY" "${EESSI_PROC_CPUINFO:-/proc/cpuinfo}")"
    fi
    export EESSI_SOFTWARE_PATH=$EESSI_PREFIX/software/linux/$EESSI_SOFTWARE_SUBDIR
    if [ ! -d "$EESSI_SOFTWARE_PATH/modules/all" ]; then
        echo "ERROR: $EESSI_VERSION has no software for the CPU target $EESSI_SOFTWARE_SUBDIR" >&2
        return 1
    fi
    export EESSI_MODULEPATH=$EESSI_SOFTWARE_PATH/modules/all
    _eessi_say "Local stack in EESSI layout: $EESSI_CVMFS_REPO, release $EESSI_VERSION, $EESSI_SOFTWARE_SUBDIR"

    # a host's own Lmod, its modules and its cache have no say here
    unset MODULEPATH LMOD_CMD LMOD_DIR LMOD_PKG LMOD_RC ${!_ModuleTable@} ${!__LMOD_REF_COUNT@} LOADEDMODULES _LMFILES_
    export LMOD_CONFIG_DIR=$EESSI_SOFTWARE_PATH/.lmod LMOD_ALLOW_ROOT_USE=yes MODULEPATH_ROOT=$EESSI_SOFTWARE_PATH/modules
    . "$EESSI_EPREFIX/usr/share/Lmod/init/bash" || return 1
    export MODULEPATH=$EESSI_MODULEPATH
}

if _eessi_init; then
    unset -f _eessi_say _eessi_cpu_targets _eessi_init
else
    unset -f _eessi_say _eessi_cpu_targets _eessi_init
    return 1 2>/dev/null || exit 1
fi
