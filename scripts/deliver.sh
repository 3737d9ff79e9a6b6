#!/usr/bin/env bash
# What becomes of messages between real peers, on a LAN of network namespaces. Linux and root.
set -euo pipefail
cd "$(dirname "$0")/.."

PARTS=(lossy kill latency disk)

usage() {
    cat <<TEXT
usage: scripts/deliver.sh [PART]...

Runs every part, or only the named ones, and prints one table: what, target, measured.
  lossy    200 DMs at 0, 10, 30 and 50 % loss, with 10 % doubled and 10 % overtaken
  kill     kill -9 of either of two who write to each other, 200 times
  latency  one DM in a session on one computer, beside a bare ping-pong and a bare commit
  disk     a full disk, a read-only one, and a broken history
Environment:
  DELIVER_QUICK=1  a few of everything, in about a minute; speeds are shown, not judged
  DELIVER_SEED=N   which frames are lost and which moments are chosen (1)
TEXT
}

case "${1:-}" in
    help | -h | --help)
        usage
        exit
        ;;
esac
for part in "$@"; do
    case " ${PARTS[*]} " in
        *" $part "*) ;;
        *)
            printf 'deliver.sh: no part is called %s\n' "$part" >&2
            usage >&2
            exit 2
            ;;
    esac
done
wanted=("$@")
[ $# -gt 0 ] || wanted=("${PARTS[@]}")
QUICK=()
[ -z "${DELIVER_QUICK:-}" ] || QUICK=(--quick)
only=$(IFS=, && printf %s "${wanted[*]}")
exec cargo bench --quiet --locked --bench delivery -- "${QUICK[@]}" --seed "${DELIVER_SEED:-1}" --only "$only"
