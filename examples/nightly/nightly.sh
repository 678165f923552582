#!/bin/sh
# One night: a run, and the gate against the nights before. Used by the crontab, the scrontab and the GitLab job beside it.
#
#   NIGHTLY_DIR  keeps the results of all nights
#   RANKS        MPI ranks (default 4)
#   LAUNCH       the launcher (default: mpirun -np $RANKS)
#   LIMIT        how far a scored figure may fall (default 5%)
#   NIGHTS       so many runs before the last one are its baseline (default 10)
#
# The arguments are those of the run: nightly.sh io500.ini --pool tank --cont bench
# Exit code: that of the run, or 6 when the gate fails.
set -u
: "${NIGHTLY_DIR:?set NIGHTLY_DIR to the directory of the results}"
ranks=${RANKS:-4}
mkdir -p "$NIGHTLY_DIR/runs"
code_file=$NIGHTLY_DIR/exit-code

# launchers make 1 of most exit codes, so the run writes its own
${LAUNCH:-mpirun -np "$ranks"} dfs-bench "$@" --resultdir "$NIGHTLY_DIR/runs" --progress plain \
    --exit-code-file "$code_file"
launched=$?
code=$(cat "$code_file" 2>/dev/null || echo "$launched")
if [ "$code" -ne 0 ]; then
    echo "nightly: the run ended with $code; $(dfs-bench runs "$NIGHTLY_DIR/runs" --patience 0 | tail -1)" >&2
    exit "$code"
fi

dfs-bench compare --rolling "${NIGHTS:-10}" --fail-below "${LIMIT:-5%}" --junit "$NIGHTLY_DIR/gate.xml" \
    --format html --output "$NIGHTLY_DIR/comparison.html" --force "$NIGHTLY_DIR/runs"
