#!/usr/bin/env bash
# Attacks on the release program, on a LAN of network namespaces, and the figures that must hold. Linux and root.
set -euo pipefail
cd "$(dirname "$0")/.."

STEPS=(forgery replay privacy amplification flood siege identities keychange cost fuzz older)

usage() {
    cat <<TEXT
usage: scripts/hostile.sh [STEP]...

Runs every step, or only the named ones, and prints one table: what, target, measured.
  forgery        every small change of every signed vector, none of which may count as signed
  replay         all that four peers say, said again: to them, after restarts, to others, on another LAN
  privacy        an ear on the wire, for sealed messages and for a closed group
  amplification  forged senders of every TYPE and size, and addresses that lists name
  flood          two peers that write to each other while somebody floods them
  siege          what takes sessions and presence from two who know each other
  identities     100,000 identities from one address, then from 200
  keychange      1,000 others under the name of a contact
  cost           what signing and sealing take
  fuzz, older    where those figures come from
Environment:
  HOSTILE_QUICK=1  a few of everything, in about a minute; speeds are shown, not judged
  FEATURES=NAMES   what the program is built with (node)
TEXT
}

QUICK=()
[ -z "${HOSTILE_QUICK:-}" ] || QUICK=(--quick)
ROWS=()
row() { ROWS+=(--also "$1|$2|$3|$4"); }

# The sum of the numbers that stand before a word.
sum() { grep -io "[0-9][0-9,_]* $1" | tr -dc '0-9\n' | awk '{ sum += $1 } END { print NR ? sum : "" }'; }

forgery() {
    local all=all out mutants accepted held=no
    [ ${#QUICK[@]} = 0 ] || all=
    echo "forgery"
    out=$(FORGERY=$all cargo test --quiet --locked --release --test wire forgery -- --nocapture 2>&1) || {
        printf '%s\n' "$out"
        row "forgery" ">= 1,000,000 mutants, 0 accepted" "the test failed" no
        return
    }
    printf '%s\n' "$out" | grep -i 'mutants' || true
    mutants=$(sum mutants <<<"$out") accepted=$(sum accepted <<<"$out")
    [ "${accepted:-1}" = 0 ] && { [ "${mutants:-0}" -ge 1000000 ] || [ -z "$all" ]; } && held=yes
    row "forgery: mutants of signed vectors" ">= 1,000,000, 0 accepted" "${mutants:-?}, ${accepted:-?} accepted" "$held"
}

cost() {
    echo "cost"
    cargo bench --quiet --locked --features "${FEATURES:-node}" --bench trust || row "cost" "see above" "the bench failed" no
}

fuzz() {
    cat <<'TEXT'
fuzz
  scripts/fuzz.sh runs the fuzzers; their inputs are replayed by `cargo test --test fuzz`. What was run: fuzz/README.md.
TEXT
}

older() {
    cat <<'TEXT'
older
  Older clients are tested in tests/sim (older) and tests/node; the reference client itself needs a lab of its own.
TEXT
}

case "${1:-}" in
    help | -h | --help)
        usage
        exit
        ;;
esac
wanted=("$@")
[ $# -gt 0 ] || wanted=("${STEPS[@]}")
parts=
for step in "${wanted[@]}"; do
    case "$step" in
        forgery | cost | fuzz | older) "$step" ;;
        replay | privacy | amplification | flood | siege | identities | keychange) parts=$parts${parts:+,}$step ;;
        *)
            printf 'hostile.sh: no step is called %s\n' "$step" >&2
            usage >&2
            exit 2
            ;;
    esac
done
if [ -z "$parts" ] && [ ${#ROWS[@]} = 0 ]; then
    exit
fi
exec cargo bench --quiet --locked --features "${FEATURES:-node}" --bench hostile -- "${QUICK[@]}" --only "${parts:-none}" "${ROWS[@]}"
