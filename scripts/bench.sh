#!/usr/bin/env bash
# What shared data costs between real peers, and the figures that must hold. Linux and root.
set -euo pipefail
cd "$(dirname "$0")/.."

PARTS=(edit insert same fetch call)

usage() {
    cat <<TEXT
usage: scripts/bench.sh [NAME]...

Runs every part, or only the named ones, and prints one table: what, target, measured.
  lists        3, 5, 10 and 20 peers edit one list on a bad network, in the simulator (LISTS_SEEDS, 200 by default)
  poison       broken and forged values of the cache, in the simulator
  edit         one edit of a list, until all others show it
  insert       what one insert into a list of 1,000 items weighs on the wire
  same         20 peers want the same 1 MiB at once
  fetch        values of 1 MiB from host to host, beside bare TCP
  call         a call on the loopback, beside a bare UDP ping-pong
Not among them, but by name: what docs/experiments/ is drawn from, about 15 minutes
  experiments  all of these, and the plots
  discovery    how crowds of 10 to 1,000 find each other
  propagation  an edit and a message, by the number of peers and the delay of the network
  cost         plain against signed against sealed
Environment:
  BENCH_QUICK=1  a few of everything, in about a minute; speeds are shown, not judged
  BENCH_SEED=N   which moments are chosen (1)
  PEER=PATH      the program to measure, instead of a release build of this folder
TEXT
}

FEATURES=full,sim
SHEETS=docs/experiments
ROWS=() NAMED=() DRAW=no

row() { ROWS+=(--also "$1|$2|$3|$4"); }

# Runs tests of the simulator whose names hold a word: one row, with the time and what they print about it.
simulated() {
    local what=$1 target=$2 filter=$3 out held=yes began=$SECONDS said
    echo "$filter"
    out=$(cargo test --quiet --locked --release --features "$FEATURES" --test sim "$filter" -- --nocapture 2>&1) || held=no
    said=$(grep -o 'test result: .*' <<<"$out" | head -n1 | sed 's/test result: //; s/;.*//')
    [ "$held" = yes ] || printf '%s\n' "$out" | tail -n 30
    grep -q ' 0 passed' <<<"$said" && held=no
    row "$what" "$target" "${said:-nothing ran}, $((SECONDS - began)) s" "$held"
}

lists() {
    export LISTS_SEEDS=${LISTS_SEEDS:-200}
    simulated "lists on a bad network, $LISTS_SEEDS seeds" "identical at all, 0 lost or doubled" lists::
}

poison() { simulated "poisoned and truncated values, 10,000 tries" "0 served" a_liar_who_is_trusted; }

# Writes what the bench of signatures and seals says about one message, for the plot.
cost() {
    local out
    out=$(cargo bench --quiet --locked --features "$FEATURES" --bench trust)
    printf '%s\n' "$out"
    [ -n "${BENCH_QUICK:-}" ] || sed -n 's/^csv //p' <<<"$out" >"$SHEETS/cost.csv"
}

case "${1:-}" in
    help | -h | --help)
        usage
        exit
        ;;
esac
wanted=("$@")
[ $# -gt 0 ] || wanted=(lists poison "${PARTS[@]}")
for name in "${wanted[@]}"; do
    case "$name" in
        lists | poison) "$name" ;;
        experiments)
            NAMED+=(discovery propagation)
            cost
            DRAW=yes
            ;;
        cost)
            cost
            DRAW=yes
            ;;
        discovery | propagation)
            NAMED+=("$name")
            DRAW=yes
            ;;
        edit | insert | same | fetch | call) NAMED+=("$name") ;;
        *)
            printf 'bench.sh: no part is called %s\n' "$name" >&2
            usage >&2
            exit 2
            ;;
    esac
done
options=(--seed "${BENCH_SEED:-1}")
[ -z "${BENCH_QUICK:-}" ] || options+=(--quick) DRAW=no
[ -z "${PEER:-}" ] || options+=(--peer "$PEER")
[ "$DRAW" = no ] || options+=(--sheets "$SHEETS")
held=0
if [ ${#NAMED[@]} -gt 0 ] || [ ${#ROWS[@]} -gt 0 ]; then
    only=$(IFS=, && printf %s "${NAMED[*]:-none}")
    cargo bench --quiet --locked --features "$FEATURES" --bench data -- "${options[@]}" --only "$only" "${ROWS[@]}" || held=$?
fi
[ "$DRAW" = no ] || scripts/plot.py "$SHEETS"
exit "$held"
