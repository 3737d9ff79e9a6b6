#!/usr/bin/env bash
# Plays the README's session with alice, bob and charlie in three panes of tmux.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/demo.sh [--quick]

Starts three peers on this machine, each with folders of its own, on a discovery port of their own, types the README's
session, and leaves them to you (leave: QUIT in each pane, or close the terminal).
  --quick   type fast, print the panes and end; exit status 1 when something expected did not show

Environment: PEER=PROGRAM plays with that program instead of target/release/peer. FEATURES=NAMES: what that one is built with (node).
TEXT
}

QUICK=no
case "${1:-}" in
    '') ;;
    --quick) QUICK=yes ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
command -v tmux >/dev/null || { echo "demo.sh: no tmux: install it (Debian: apt-get install tmux)" >&2; exit 1; }
if [ -z "${PEER:-}" ]; then
    cargo build --release --locked --quiet --features "${FEATURES:-node}"
    PEER=$PWD/target/release/peer
fi

FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/lsnp-demo.XXXXXX")
PORT=$((20000 + $$ % 20000))
MISSED=0
tmux_() { TMUX='' tmux -S "$FOLDER/tmux" -f /dev/null "$@"; }
end() {
    tmux_ kill-server 2>/dev/null || true
    # The peers may still be saying goodbye and saving.
    local try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        rm -rf "$FOLDER" 2>/dev/null && return
        sleep 0.2
    done
    rm -rf "$FOLDER"
}
trap end EXIT
trap 'exit 130' INT TERM

# A pane's program, with folders of its own; the runtime folder is that of one machine.
program() {
    local home=$FOLDER/$1 login
    case "$1" in alice) login=jack ;; bob) login=lee ;; *) login=sam ;; esac
    mkdir -p "$home" "$FOLDER/run"
    chmod 700 "$home" "$FOLDER/run"
    printf "env -u PEER_NAME HOME='%s' XDG_STATE_HOME='%s/state' XDG_CONFIG_HOME='%s/config' XDG_RUNTIME_DIR='%s' \
PEER_DISCOVERY_PORT=%s PEER_NOTIFY=off USER=%s LOGNAME=%s '%s'; read -r _" \
        "$home" "$home" "$home" "$FOLDER/run" "$PORT" "$login" "$login" "$PEER"
}

declare -A PANE
pane() { PANE[$1]=$2; }
text() { tmux_ capture-pane -p -J -S - -t "${PANE[$1]}"; }

# Types a line, as a person would.
type_() {
    local who=$1 line=$2 at
    if [ "$QUICK" = yes ]; then
        tmux_ send-keys -t "${PANE[$who]}" -l -- "$line"
    else
        for ((at = 0; at < ${#line}; at++)); do
            tmux_ send-keys -t "${PANE[$who]}" -l -- "${line:at:1}"
            sleep 0.04
        done
        sleep 0.3
    fi
    tmux_ send-keys -t "${PANE[$who]}" Enter
}

# Waits until the pane shows the text.
see() {
    local who=$1 wanted=$2 until=$((SECONDS + 6))
    while [ "$SECONDS" -lt "$until" ]; do
        if text "$who" | grep -qF -- "$wanted"; then
            [ "$QUICK" = yes ] || sleep 0.7
            return
        fi
        sleep 0.05
    done
    MISSED=$((MISSED + 1))
    printf 'demo.sh: %s does not show: %s\n' "$who" "$wanted" >&2
}

tmux_ new-session -d -x 118 -y 44 "$(program alice)"
tmux_ set-option -g status off
tmux_ set-option -g pane-border-status top
tmux_ set-option -g pane-border-format ' #{pane_title} '
pane alice "$(tmux_ display-message -p '#{pane_id}')"
start() {
    pane "$1" "$(tmux_ split-window -v -P -F '#{pane_id}' "$(program "$1")")"
    tmux_ select-layout even-vertical
    tmux_ select-pane -t "${PANE[$1]}" -T "$1"
}

play() {
    tmux_ select-pane -t "${PANE[alice]}" -T alice
    see alice 'Your name ['
    type_ alice alice
    see alice 'You are alice@'
    type_ alice LIST
    see alice 'Nobody yet'
    start bob
    see bob 'Your name ['
    type_ bob bob
    see bob 'alice is here'
    see alice 'bob is here'
    start charlie
    see charlie 'Your name ['
    type_ charlie charlie
    see alice 'charlie is here'
    see bob 'charlie is here'
    see charlie 'alice is here'
    see charlie 'bob is here'
    type_ alice LIST
    see alice 'STATE'
    type_ alice 'hello'
    see alice 'Not a command. To tell everyone: POST hello'
    type_ alice 'POST hello'
    see alice 'Posted to 2: bob, charlie'
    see bob 'hello'
    see charlie 'hello'
    type_ bob 'DM alice shall we have lunch?'
    see bob 'To alice, private: shall we have lunch?'
    see bob 'stored: alice'
    see alice 'shall we have lunch?'
    type_ charlie 'PROFILE Charlie C. | back at two'
    see alice 'Charlie C.'
    type_ alice 'DM "Charlie C." see you then'
    see charlie 'see you then'
    type_ alice 'HISTORY charlie'
    see alice 'you to Charlie C.'
    type_ charlie QUIT
    see alice 'Charlie C. left'
    see bob 'Charlie C. left'
}

if [ "$QUICK" = yes ]; then
    play
    for who in alice bob charlie; do
        printf -- '--- %s\n' "$who"
        text "$who" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
    done
    [ "$MISSED" = 0 ] || exit 1
else
    play >"$FOLDER/log" 2>&1 &
    tmux_ attach-session || true
    kill $! 2>/dev/null || true
fi
