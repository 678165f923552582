#!/bin/sh
# Instructions per operation of every loop on the null store, counted by callgrind: the same on a busy machine as on an idle one.
# A loop is run twice, with N and with 2 N operations; the difference has no set-up in it. Looks (one in 50 ms) are in it, and valgrind
# is slow, so a loop that compares much data shows a few more instructions than it has.
set -eu
cd "$(dirname "$0")/../.."
binary=$(cargo bench -p io500-phases --bench instructions --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p' | tail -n 1)
[ -n "$binary" ] || { echo "the bench does not build; see: cargo bench -p io500-phases --bench instructions --no-run" >&2; exit 1; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT

count() { # loop operations recorder
    valgrind --tool=callgrind --callgrind-out-file="$out" --collect-atstart=no --toggle-collect='*measured_loop*' \
        "$binary" "$1" "$2" "$3" >/dev/null 2>&1 || { echo "callgrind failed on $1" >&2; exit 1; }
    sed -n 's/^\(summary\|totals\): \([0-9]*\)$/\2/p' "$out" | tail -n 1
}

printf '%-14s %12s %12s\n' 'per operation' 'no latencies' 'latencies'
for which in ${*:-Create Stat Delete HardCreate HardRead EasyTransfer HardTransfer EasyVerify HardVerify QueuedVerify}; do
    case $which in
    EasyVerify) n=20 ;;
    HardVerify | QueuedVerify) n=200 ;;
    *) n=10000 ;;
    esac
    row=
    for recorder in series latencies; do
        once=$(count "$which" $n $recorder)
        twice=$(count "$which" $((2 * n)) $recorder)
        row="$row $(((twice - once + n / 2) / n))"
    done
    # shellcheck disable=SC2086 # two words
    printf '%-14s %12d %12d\n' "$which" $row
done
