#!/usr/bin/env bash
# The page in a real browser, beside real peers on a LAN of network namespaces. Linux and root.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/page.sh [test [NAME]...] | figures | shots | setup

  test   run all tests of tests/page, or those of the files with these names: scripts/page.sh test door talk
  figures
         the tests that measure (first paint, frames with 1,000 people and 10,000 lines, what comes after a lost connection), judged by their limits: best on an idle machine
  shots  draw every view, light and dark, into docs/images
  setup  only install what is missing: chromium, node 18 or newer and npm, iproute2, and what tests/page/package-lock.json names

Environment:
  PEER=PATH      the program to test, instead of a debug build of this folder with all features
  CHROMIUM=PATH  the browser, instead of the chromium in the path
Ends with status 77 and a reason where it cannot run.
TEXT
}

skip() {
    printf 'page.sh: skipped: %s\n' "$*" >&2
    exit 77
}
have() { command -v "$1" >/dev/null 2>&1; }

# Debian's names of packages that give these commands.
packages() {
    local wanted=()
    have ip || wanted+=(iproute2)
    browser >/dev/null || wanted+=(chromium)
    have node || wanted+=(nodejs)
    have npm || wanted+=(npm)
    [ ${#wanted[@]} -gt 0 ] || return 0
    have apt-get || skip "missing, and no apt-get to install them: ${wanted[*]}"
    printf '  $ apt-get install %s\n' "${wanted[*]}"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}"; } >/dev/null \
        || skip "cannot install ${wanted[*]}"
}

browser() {
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
        [ -n "$name" ] && have "$name" && command -v "$name" && return
    done
    return 1
}

setup() {
    [ "$(uname -s)" = Linux ] || skip "network namespaces are Linux's"
    [ "$(id -u)" = 0 ] || skip "network namespaces need root; to run it: sudo -E scripts/page.sh"
    packages
    local version probe=page-check-$$
    version=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    [ "$version" -ge 18 ] || skip "node 18 or newer is needed, this is $(node --version): https://nodejs.org"
    ip netns add "$probe" 2>/dev/null \
        || skip "this root may not make network namespaces (a container without CAP_SYS_ADMIN?)"
    ip netns del "$probe"
    export CHROMIUM
    CHROMIUM=$(browser) || skip "no chromium"
    # Nothing is fetched where the packages are those of the lock file already.
    if ! cmp -s tests/page/package-lock.json tests/page/node_modules/.lsnp-lock; then
        npm ci --prefix tests/page --ignore-scripts --no-audit --no-fund --loglevel=error || skip "npm cannot install the packages"
        cp tests/page/package-lock.json tests/page/node_modules/.lsnp-lock
    fi
    if [ -z "${PEER:-}" ]; then
        cargo build --locked --quiet --features full --bin peer
        PEER=${CARGO_TARGET_DIR:-$PWD/target}/debug/peer
    fi
    export PEER
    # The names of all namespaces begin so: what a killed test leaves behind is found by it.
    export PAGE_LAN=page-$$
    trap sweep EXIT
}

sweep() {
    local name
    for name in $(ip netns list | sed -n "s/^\($PAGE_LAN-[a-z0-9-]*\).*/\1/p"); do
        ip netns pids "$name" | xargs -r kill -9 2>/dev/null || true
        ip netns del "$name" || true
    done
    rm -rf "${TMPDIR:-/tmp}/$PAGE_LAN-"*
}

tests() {
    local files=() name
    for name in "$@"; do files+=("tests/page/$name.test.mjs"); done
    [ ${#files[@]} -gt 0 ] || files=(tests/page/*.test.mjs)
    # One file after the other: what is measured is not disturbed by another browser. Node 18 has no option for that.
    local failed=()
    for name in "${files[@]}"; do
        node --test --test-reporter=spec "$name" || failed+=("$name")
    done
    [ ${#failed[@]} = 0 ] || { printf 'page.sh: failed: %s\n' "${failed[*]}" >&2; exit 1; }
}

command=${1:-test}
[ $# = 0 ] || shift
case "$command" in
    test) setup; tests "$@" ;;
    figures) setup; JUDGE=yes tests access lost size ;;
    shots) setup; node tests/page/shots.mjs ;;
    setup) setup ;;
    help | -h | --help) usage ;;
    *) usage >&2; exit 2 ;;
esac
