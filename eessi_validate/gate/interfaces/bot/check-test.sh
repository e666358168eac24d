#!/usr/bin/env bash
# Says what came of the test step, in _bot_job<ID>.test: SUCCESS only if every tarball of the job
# was accepted and still is the one that was. Exit code 0 only then.
job=${SLURM_JOB_ID:-${SLURM_JOBID:-}}
file=_bot_job${job}.test
"${EESSI_VALIDATE:-eessi-validate}" bot check
status=$?
case $status in
    0 | 1) exit "$status" ;;
esac
# The program could not tell, so whatever the file says was not checked.
rm -f -- "$file"
cat >"$file" <<EOF
[TEST]
comment_description = <details><summary>:cry: FAILURE _(click triangle for details)_</summary><dl><dd>the test step cannot be checked: eessi-validate ended with ${status}</dd></dl></details>
status = FAILURE
EOF
exit 1
