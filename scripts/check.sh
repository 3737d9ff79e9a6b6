#!/usr/bin/env bash
# Sets up what the checks need and runs all of them, or those named.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/check.sh [--cold] [--list] [STEP]...

Runs every step, or only the named ones, and stops at the first that fails.
  --cold   also build the release program from nothing and print its CPU seconds (target: at most 120)
  --list   print the steps
Environment:
  CHECK_DENY=no   do not install cargo-deny where it is missing
  CHECK_NETNS=no  leave out the network namespaces, and with them the page
  CHECK_PAGE=no   leave out the page in a browser
TEXT
}

STEPS=(tools format clippy docs test floor simulator fuzz deny namespaces page demo)
DONE=() SKIPPED=() STEP= TESTED=
# All that is built for release has the same features, so that it is built once.
export FEATURES=full,sim

note() { printf '    %s\n' "$*"; }
run() {
    printf '  $ %s\n' "$*"
    "$@"
}
skip() {
    SKIPPED+=("$STEP: $*")
    note "skipped: $*"
}
have() { command -v "$1" >/dev/null 2>&1; }
missing() {
    printf 'check.sh: %s\n' "$*" >&2
    exit 1
}

# True when the package has a target of that kind and name.
target() {
    cargo metadata --no-deps --format-version 1 --offline 2>/dev/null \
        | grep -q "\"kind\":\[\"$1\"\][^}]*\"name\":\"$2\""
}

tools() {
    have cargo || missing "no cargo: install Rust from https://rustup.rs"
    local wanted found
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    found=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n1)" = "$wanted" ] \
        || missing "Rust $wanted or newer is needed, this is $found: rustup update stable"
    have cc || have gcc || have clang || missing "no C linker: install gcc (Debian: apt-get install gcc)"
    local tool
    for tool in rustfmt clippy; do
        cargo "${tool/rustfmt/fmt}" --version >/dev/null 2>&1 && continue
        have rustup || missing "no $tool: install it with your Rust"
        run rustup component add "$tool"
    done
    note "$(rustc --version); $(cargo nextest --version 2>/dev/null | head -n1 || true)"
}

format() { run cargo fmt --all --check; }

clippy() { run cargo clippy --locked --all-targets --all-features -- -D warnings; }

docs() { RUSTDOCFLAGS="-D warnings" run cargo doc --locked --no-deps --document-private-items --all-features; }

# The tests of every target, with all that the program can do; benches are compiled by clippy.
test() {
    if cargo nextest --version >/dev/null 2>&1; then
        run cargo nextest run --locked --features full --no-tests=pass
        run cargo test --locked --features full --doc
    else
        run cargo test --locked --features full
    fi
    # The page and the demo run what was tested: a build apart would be one with other features of its libraries.
    TESTED=${CARGO_TARGET_DIR:-$PWD/target}/debug/peer
}

# The lower floors stand without sockets, clocks and tasks, and everything without lists and streams.
floor() {
    run cargo check --locked --lib --no-default-features
    run cargo check --locked --all-targets
}

simulator() {
    target test sim || missing "there is no test target sim"
    run cargo test --locked --release --features "$FEATURES" --test sim
}

# The committed inputs of the fuzzers, once each, without libfuzzer; the fuzzers themselves are compiled where they can be.
fuzz() {
    [ -d fuzz ] || { skip "there are no fuzzers"; return; }
    target test fuzz || missing "no test target fuzz replays the inputs of the fuzzers"
    run cargo test --locked --release --all-features --test fuzz
    if have c++ || have g++ || have clang++; then
        run cargo check --manifest-path fuzz/Cargo.toml --target-dir target/fuzz
    else
        skip "no C++ compiler: the fuzzers are not compiled"
    fi
}

deny() {
    local deny="cargo-deny"
    if ! have cargo-deny; then
        deny=target/tools/bin/cargo-deny
        if [ ! -x "$deny" ]; then
            if [ "${CHECK_DENY:-yes}" = no ]; then
                skip "cargo-deny is missing and CHECK_DENY=no"
                return
            fi
            # A debug build of it takes a third of the time and is fast enough.
            if ! run cargo install --quiet --locked --debug --root target/tools --target-dir target/tools/build cargo-deny; then
                skip "cargo-deny cannot be installed here"
                return
            fi
            rm -rf target/tools/build
        fi
    fi
    local common=(--log-level error --config .deny.toml)
    run "$deny" "${common[@]}" check bans licenses sources
    if ! "$deny" "${common[@]}" fetch db >/dev/null 2>&1; then
        skip "the advisories cannot be fetched here; bans, licenses and sources were checked"
        return
    fi
    run "$deny" "${common[@]}" check advisories
}

# Two and more real peers on a LAN of network namespaces: a short run, whose figures are not judged.
namespaces() {
    if [ "${CHECK_NETNS:-yes}" = no ]; then
        skip "CHECK_NETNS=no"
        return
    fi
    if [ "$(uname -s)" != Linux ]; then
        skip "network namespaces are Linux's"
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        skip "network namespaces need root; to run them: sudo -E scripts/check.sh namespaces"
        return
    fi
    if ! have ip; then
        if have apt-get; then
            { run apt-get update -q && run apt-get install -q -y --no-install-recommends iproute2; } >/dev/null || true
        fi
        have ip || { skip "no ip command: install iproute2"; return; }
    fi
    local probe="lsnp-check-$$"
    if ! ip netns add "$probe" 2>/dev/null; then
        skip "this root may not make network namespaces (a container without CAP_SYS_ADMIN?)"
        return
    fi
    ip netns del "$probe"
    run scripts/lan.sh test
    HOSTILE_QUICK=1 run scripts/hostile.sh replay privacy amplification flood siege identities keychange
    BENCH_QUICK=1 run scripts/bench.sh edit insert fetch same call
}

# The page in Chromium, beside real peers.
page() {
    if [ "${CHECK_PAGE:-yes}" = no ] || [ "${CHECK_NETNS:-yes}" = no ]; then
        skip "CHECK_PAGE=no or CHECK_NETNS=no"
        return
    fi
    local told status=0
    told=$(PEER=$TESTED scripts/page.sh setup 2>&1) || status=$?
    case $status in
        0) PEER=$TESTED run scripts/page.sh test ;;
        77) skip "${told##*skipped: }" ;;
        *) missing "scripts/page.sh setup: $told" ;;
    esac
}

# The README's session, played in three terminals.
demo() {
    if ! have tmux; then
        skip "no tmux; install it to play the demo"
        return
    fi
    PEER=$TESTED run scripts/demo.sh --quick
}

# CPU seconds (user and system) of a release build from nothing, in a target folder of its own.
cold() {
    local folder=target/cold before after spent
    rm -rf "$folder"
    run cargo fetch --locked --quiet
    before=$(mktemp) after=$(mktemp)
    times >"$before"
    run cargo build --locked --release --quiet --target-dir "$folder"
    times >"$after"
    spent=$(($(seconds "$after") - $(seconds "$before")))
    rm -rf "$folder" "$before" "$after"
    note "cold release build: $spent CPU seconds (target: at most 120)"
    [ "$spent" -le 120 ] || missing "the cold release build takes more than 120 CPU seconds"
}

# What `times` says of the children that have ended: user and system seconds, added.
seconds() {
    tail -n1 "$1" | awk '{ for (i = 1; i <= 2; i++) { split($i, t, "m"); s += t[1] * 60 + t[2] } printf "%d", s }'
}

main() {
    local wanted=() step cold=no
    while [ $# -gt 0 ]; do
        case "$1" in
            --cold) cold=yes ;;
            --list) printf '%s\n' "${STEPS[@]}"; exit 0 ;;
            -h | --help) usage; exit 0 ;;
            -*) usage >&2; exit 2 ;;
            *)
                printf '%s\n' "${STEPS[@]}" | grep -qx -- "$1" || { usage >&2; exit 2; }
                wanted+=("$1")
                ;;
        esac
        shift
    done
    [ ${#wanted[@]} -gt 0 ] || wanted=("${STEPS[@]}")
    [ "$cold" = no ] || wanted+=(cold)
    # What is built once is not built in small parts.
    [ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0
    export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
    trap 'status=$?; [ $status = 0 ] || printf "\nFAILED at step %s (exit status %s)\n" "${STEP:-start}" "$status" >&2' EXIT
    local began=$SECONDS
    for step in "${wanted[@]}"; do
        STEP=$step
        local start=$SECONDS
        printf '\n== %s\n' "$step"
        "$step"
        DONE+=("$(printf '%-11s %4d s' "$step" $((SECONDS - start)))")
    done
    printf '\nPassed in %d s:\n' $((SECONDS - began))
    printf '  %s\n' "${DONE[@]}"
    if [ ${#SKIPPED[@]} -gt 0 ]; then
        printf 'Skipped:\n'
        printf '  %s\n' "${SKIPPED[@]}"
    fi
}

main "$@"
