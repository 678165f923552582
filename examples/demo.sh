#!/usr/bin/env bash
# Two ranks run the suite over DFS (the stand-in) and over POSIX, both in the same memory or disk, and the results stand side by side.
# The write phases are capped far below the rules, so it takes a minute and less than 2 GiB. Results: target/demo; everything else is removed.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${CARGO_TARGET_DIR:-target}/release/dfs-bench
results=${CARGO_TARGET_DIR:-target}/demo

# Shared memory, where it is large enough; many containers have 64 MiB.
base=${TMPDIR:-/tmp}
if [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 3000000 ] 2>/dev/null; then
    base=/dev/shm
fi
store=$(mktemp -d "$base/dfs-bench-demo.XXXXXX")
trap 'rm -rf "$store"' EXIT
rm -rf "$results"

suite() {
    local name=$1
    shift
    printf '\n== %s\n' "mpirun -np 2 dfs-bench --stonewall 1 $*"
    mpirun -np 2 "$bench" --stonewall 1 --resultdir "$results/$name" \
        --set ior-easy.blockSize=512m --set ior-hard.segmentCount=5000 \
        --set mdtest-easy.n=100000 --set mdtest-hard.n=20000 "$@"
}
DAOS_STANDIN_ROOT=$store/standin suite dfs --api dfs
suite posix --api posix --datadir "$store/posix"

printf '\n== %s\n' "dfs-bench compare $results/posix $results/dfs"
"$bench" compare "$results/posix" "$results/dfs"
echo
echo "The stand-in is no storage system: these figures compare two ways to this machine's memory, not DAOS with anything."
echo "Pictures of both: $bench report $results/posix $results/dfs"
