#!/usr/bin/env bash
# The official C suite and dfs-bench side by side on a DAOS: alternating pairs of runs of one configuration, then
# `dfs-bench compare` with means, ratios and 95 % intervals. Both connect anew for every phase, as the C suite does.
#
#   IO500     the C suite's program `io500`, built with DAOS; yours
#   POOL      the pool; CONT (bench) a container of it, mounted by dfuse at MOUNT, which the C suite's find walks
#   INI       a configuration without [global] (default: phases of a few seconds)
#   PAIRS     pairs of runs (10); fewer give no interval worth the name
#   MPIRUN    the launcher with ranks and binding (mpirun -np 2)
#   OUT       directory of the results (bench-daos)
#   DFS_BENCH this program (target/release/dfs-bench)
set -euo pipefail

fail() {
    echo "bench-daos: $1" >&2
    exit 2
}

: "${DFS_BENCH:=target/release/dfs-bench}" "${CONT:=bench}" "${PAIRS:=10}" "${MPIRUN=mpirun -np 2}" "${OUT:=bench-daos}"
[[ -n ${IO500:-} ]] || fail "IO500 is not set: the path of the official suite's program io500 (github.com/IO500/io500), built with DAOS"
[[ -x $IO500 ]] || fail "IO500=$IO500 is no program"
[[ -x $DFS_BENCH ]] || fail "DFS_BENCH=$DFS_BENCH is no program: cargo build --release"
[[ -n ${POOL:-} ]] || fail "POOL is not set: the pool to measure"
[[ -n ${MOUNT:-} ]] || fail "MOUNT is not set: where dfuse shows container $CONT (the C suite's find needs a mounted file system)"
[[ -d $MOUNT ]] || fail "MOUNT=$MOUNT is no directory: dfuse --mountpoint $MOUNT --pool $POOL --container $CONT --disable-caching"
[[ $PAIRS =~ ^[1-9][0-9]*$ ]] || fail "PAIRS=$PAIRS is no number of pairs"
[[ -z ${INI:-} || -r $INI ]] || fail "INI=$INI cannot be read"
! grep -qi '^ *\[global\]' "${INI:-/dev/null}" || fail "INI=$INI has a section [global]: it comes from POOL, CONT and MOUNT"
[[ ! -e $OUT ]] || fail "OUT=$OUT is there already"

mkdir -p "$OUT"
OUT=$(realpath "$OUT") IO500=$(realpath "$IO500") DFS_BENCH=$(realpath "$DFS_BENCH") MOUNT=$(realpath "$MOUNT")
[[ -z ${INI:-} ]] || INI=$(realpath "$INI")
export DFS_BENCH
# the C suite makes each directory of a path over DFS: only one below the working directory is the same in the container and in the mount
cd "$MOUNT"
configuration() {
    echo "[global]"
    echo "api = DFS --dfs.pool=$POOL --dfs.cont=$CONT --dfs.prefix=$MOUNT"
    echo "datadir = bench-daos-$1"
    echo "timestamp-datadir = FALSE"
    echo "resultdir = $OUT/$1/$2"
    echo "timestamp-resultdir = FALSE"
    if [[ -n ${INI:-} ]]; then
        cat "$INI"
    else
        printf '%s\n' "[debug]" "stonewall-time = 3" "[ior-easy]" "transferSize = 1m" "blockSize = 100m" "[ior-hard]" \
            "segmentCount = 2000" "[mdtest-easy]" "n = 20000" "[mdtest-hard]" "n = 20000"
    fi
}

# one run of a side; what it printed lies beside its results
run() {
    local side=$1 name=run-$2
    mkdir -p "$OUT/$side"
    configuration "$side" "$name" >"$OUT/$side/$name.ini"
    case $side in
    c-suite) $MPIRUN "$IO500" "$OUT/$side/$name.ini" ;;
    dfs-bench) $MPIRUN "$DFS_BENCH" "$OUT/$side/$name.ini" --connection phase --doctor off ;;
    esac >"$OUT/$side/$name.out" 2>"$OUT/$side/$name.err"
}

pairs=0
for ((pair = 1; pair <= PAIRS; pair++)); do
    sides=(c-suite dfs-bench)
    # who begins changes, so that what drifts hits both alike
    ((pair % 2)) || sides=(dfs-bench c-suite)
    for side in "${sides[@]}"; do
        if ! run "$side" "$pair"; then
            echo "bench-daos: $side, run $pair failed: see $OUT/$side/run-$pair.err" >&2
            # half a pair is none
            rm -rf "$OUT"/{c-suite,dfs-bench}/run-"$pair"
            break 2
        fi
    done
    pairs=$pair
    echo "pair $pair of $PAIRS" >&2
done
((pairs >= 3 || pairs == PAIRS)) || fail "$pairs pairs are too few to compare"

{
    date -u +%Y-%m-%d
    "$DFS_BENCH" --version
    grep -h '^IO500 version' "$OUT/c-suite/run-1.out"
    echo "launcher: ${MPIRUN:-none}; $pairs pairs; $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg)"
    "$DFS_BENCH" compare --force "$OUT/c-suite" "$OUT/dfs-bench"
} | tee "$OUT/comparison.txt"
