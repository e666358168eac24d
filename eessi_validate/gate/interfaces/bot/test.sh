#!/usr/bin/env bash
# Test step of a job of EESSI's build bot: gates the tarballs of the job directory.
# Called without arguments, in the job directory, after bot/build.sh and bot/check-build.sh.
# EESSI_VALIDATE names the program, if it is not on PATH.
job=${SLURM_JOB_ID:-${SLURM_JOBID:-}}
# What an earlier run of the same job has left says nothing about this one.
rm -f -- "_bot_job${job}.test" "_bot_job${job}.gate.json"
exec "${EESSI_VALIDATE:-eessi-validate}" bot test "$@"
