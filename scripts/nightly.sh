#!/usr/bin/env bash
# Runs the simulator with many times its usual seeds. To be run before an issue is closed.
#
#   scripts/nightly.sh [TIMES] [FILTER]...     100 times by default; FILTER names tests, as for cargo test
#
# Lists that many edit at once have 100 seeds for each of these, 10,000 by default; LISTS_SEEDS=N says how many instead.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
-h | --help)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
times=${1:-100}
[ $# -eq 0 ] || shift
export SIM_SEEDS=$times LISTS_SEEDS=${LISTS_SEEDS:-$((times * 100))}
exec cargo test --locked --release --no-default-features --features sim,shared --test sim -- "$@"
