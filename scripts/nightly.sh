#!/usr/bin/env bash
# Runs the simulator with many times its usual seeds. To be run before an issue is closed.
#
#   scripts/nightly.sh [TIMES] [FILTER]...     100 times by default; FILTER names tests, as for cargo test
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
-h | --help)
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
times=${1:-100}
[ $# -eq 0 ] || shift
SIM_SEEDS=$times exec cargo test --locked --release --no-default-features --features sim --test sim -- "$@"
