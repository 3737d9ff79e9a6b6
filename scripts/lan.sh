#!/usr/bin/env bash
# A LAN of network namespaces on this machine: to measure the program on, or to play with it.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/lan.sh COMMAND

  bench [OPTIONS]   measure the release program against the targets (about 10 minutes; bench --help)
  test              the same, short; figures are shown, not judged

  up [N]            make a LAN of N hosts (3): 10.78.0.1 and so on, joined by a bridge
  shell H           a shell on host H, with a home of its own; start `peer` there
  run H CMD...      run a command on host H
  watch H           print the datagrams that host H sends and receives (needs tcpdump)
  cut H             pull the cable of host H;  restore H  plugs it in again
  loss PERCENT      let every host lose so many percent of what it is sent (needs tc with netem); 0 ends it
  status            the hosts and what runs on them
  down              end it all

Needs Linux and root. The name of the LAN to play with is play, or $LAN_NAME.
What `bench` and `test` build has the features in $FEATURES (node).
TEXT
}

NAME=${LAN_NAME:-play}
SWITCH=lan-$NAME-sw
HOMES=${TMPDIR:-/tmp}/lan-$NAME

host() { printf 'lan-%s-h%s' "$NAME" "$1"; }
die() {
    printf 'lan.sh: %s\n' "$*" >&2
    exit 1
}
needs_root() {
    [ "$(uname -s)" = Linux ] || die "network namespaces are Linux's"
    [ "$(id -u)" = 0 ] || die "network namespaces need root: sudo -E scripts/lan.sh $*"
    command -v ip >/dev/null || die "no ip command: install iproute2 (Debian: apt-get install iproute2)"
}
is_up() { [ -e "/run/netns/$SWITCH" ]; }
needs_host() {
    is_up || die "no LAN is up: scripts/lan.sh up"
    [ -n "${1:-}" ] && [ -e "/run/netns/$(host "$1")" ] || die "no host ${1:-}: 1 to $(hosts | wc -l)"
}
hosts() { ip netns list | sed -n "s/^lan-$NAME-h\([0-9]*\).*/\1/p" | sort -n; }

namespace() {
    ip netns add "$1"
    ip netns exec "$1" sh -c 'for c in all default; do echo 1 >/proc/sys/net/ipv6/conf/$c/disable_ipv6; done' 2>/dev/null || true
    ip -n "$1" link set lo up
}

up() {
    local count=$1 n
    case "$count" in '' | *[!0-9]* | 0) die "not a number of hosts: $count" ;; esac
    [ "$count" -le 200 ] || die "at most 200 hosts"
    ! is_up || die "it is up already; scripts/lan.sh down ends it"
    trap down EXIT
    namespace "$SWITCH"
    ip -n "$SWITCH" link add br0 type bridge forward_delay 0
    ip -n "$SWITCH" link set br0 up
    for ((n = 1; n <= count; n++)); do
        namespace "$(host "$n")"
        ip -n "$SWITCH" link add "p$n" type veth peer name eth0 netns "$(host "$n")"
        ip -n "$SWITCH" link set "p$n" master br0
        ip -n "$SWITCH" link set "p$n" up
        ip -n "$(host "$n")" addr add "10.78.0.$n/24" brd + dev eth0
        ip -n "$(host "$n")" link set eth0 up
        ip -n "$(host "$n")" route add default via 10.78.0.254
    done
    trap - EXIT
    printf '%s hosts are up, 10.78.0.1 to 10.78.0.%s. Now: scripts/lan.sh shell 1\n' "$count" "$count"
}

down() {
    local name
    for name in $(ip netns list | sed -n "s/^\(lan-$NAME-[a-z0-9]*\).*/\1/p"); do
        ip netns pids "$name" | xargs -r kill 2>/dev/null || true
        ip netns del "$name"
    done
    rm -rf "$HOMES"
}

# Runs a command on a host, with folders of its own and the release program in the path.
on() {
    local home=$HOMES/$1 name
    name=$(host "$1")
    shift
    mkdir -p "$home/run"
    chmod 700 "$home" "$home/run"
    exec ip netns exec "$name" env HOME="$home" XDG_STATE_HOME="$home/state" XDG_CONFIG_HOME="$home/config" \
        XDG_DATA_HOME="$home/data" XDG_CACHE_HOME="$home/cache" XDG_RUNTIME_DIR="$home/run" \
        PATH="$PWD/target/release:$PATH" PS1="$name \\w \\$ " "$@"
}

loss() {
    local n
    is_up || die "no LAN is up: scripts/lan.sh up"
    for n in $(hosts); do
        ip netns exec "$SWITCH" tc qdisc del dev "p$n" root 2>/dev/null || true
        [ "$1" = 0 ] || ip netns exec "$SWITCH" tc qdisc add dev "p$n" root netem loss "$1%"
    done
}

status() {
    local n pid
    is_up || die "no LAN is up: scripts/lan.sh up"
    for n in $(hosts); do
        printf 'host %s  10.78.0.%s\n' "$n" "$n"
        for pid in $(ip netns pids "$(host "$n")"); do
            printf '  %s %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true)"
        done
    done
}

command=${1:-help}
[ $# = 0 ] || shift
case "$command" in
    bench) exec cargo bench --quiet --locked --features "${FEATURES:-node}" --bench netns -- "$@" ;;
    test) exec cargo bench --quiet --locked --features "${FEATURES:-node}" --bench netns -- --quick "$@" ;;
    up) needs_root up; up "${1:-3}" ;;
    shell) needs_root shell; needs_host "${1:-}"; on "$1" bash --norc ;;
    run) needs_root run; needs_host "${1:-}"; [ $# -gt 1 ] || die "run what?"; on "$@" ;;
    watch) needs_root watch; needs_host "${1:-}"; on "$1" tcpdump -n -l -A -i any udp ;;
    cut) needs_root cut; needs_host "${1:-}"; ip -n "$SWITCH" link set "p$1" down ;;
    restore)
        needs_root restore
        needs_host "${1:-}"
        ip -n "$SWITCH" link set "p$1" up
        ;;
    loss) needs_root loss; loss "${1:?percent}" ;;
    status) needs_root status; status ;;
    down) needs_root down; down ;;
    help | -h | --help) usage ;;
    *) usage >&2; exit 2 ;;
esac
