#!/bin/sh
# Notes that this rank runs, and where, then becomes the program:
#   rank.sh DIRECTORY NONCE PROGRAM [ARGUMENT...]
# Open MPI's mpirun, PMIx and PMI (Hydra), and Slurm tell a process its rank by these names.
directory=$1 nonce=$2
shift 2
rank=${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-${PMI_RANK:-${SLURM_PROCID:-0}}}}
ranks=${OMPI_COMM_WORLD_SIZE:-${PMI_SIZE:-${SLURM_STEP_NUM_TASKS:-1}}}
# By this name the benchmarks choose a GPU: the ranks of a node each one of its own.
LOCAL_RANK=${OMPI_COMM_WORLD_LOCAL_RANK:-${MPI_LOCALRANKID:-${SLURM_LOCALID:-0}}}
export LOCAL_RANK
printf '{"nonce": "%s", "rank": %d, "ranks": %d, "node": "%s"}\n' \
  "$nonce" "$rank" "$ranks" "$(uname -n)" >"$directory/$rank.json" || exit 1
exec "$@"
