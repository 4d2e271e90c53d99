#!/bin/sh
# Runs a command that has to end in time:
#   scripts/bounded.sh SECONDS COMMAND [ARGUMENT...]
# Its exit status is the command's. A command that goes on past the bound is ended, with all that it started, and counts as failed (124). Before that
# is said which tests it began and did not end, and the stacks of all threads of the programs built here are printed.
set -eu
[ $# -ge 2 ] || {
    echo "usage: $0 SECONDS COMMAND [ARGUMENT...]" >&2
    exit 64
}
bound=$1
shift
built=$(cd "$(dirname "$0")/.." && pwd -P)/.build/
work=$(mktemp -d)
log=$work/log
shown=0

# What came since it was last shown. The command writes to a file, so that nothing it leaves behind can keep a reader waiting.
show() {
    size=$(wc -c <"$log")
    tail -c +$((shown + 1)) "$log" | head -c $((size - shown))
    shown=$size
}

# The processes of the command's session: all that it started, unless they made sessions of their own.
processes() {
    for process in /proc/[0-9]*; do
        { read -r line <"$process/stat"; } 2>/dev/null || continue
        # The name, in parentheses, may contain anything; behind it stand state, parent, group and session.
        # shellcheck disable=SC2086 # a list of words
        set -- ${line##*) }
        [ "$4" != "$session" ] || echo "${process#/proc/}"
    done
}

end_all() {
    for signal in TERM KILL; do
        # shellcheck disable=SC2046 # a list of numbers
        kill -s "$signal" $(processes) 2>/dev/null || break
        sleep 2
    done
    wait
}

unended_tests() {
    awk '
        /^◇ Test (case|run) / { next }
        /^◇ Test .* started\.$/ { sub(/^◇ Test /, ""); sub(/ started\.$/, ""); begun[$0]++ }
        /^(✔|✘) Test .* (passed|failed) after / {
            sub(/^(✔|✘) Test /, ""); sub(/( with [0-9]+ test cases?)? (passed|failed) after .*/, ""); begun[$0]--
        }
        END { for (test in begun) if (begun[test] > 0) print "    " test }' "$log"
}

stacks() {
    for process in $(processes); do
        case $(readlink "/proc/$process/exe" || true) in
            "$built"*)
                echo "bounded: the stacks of $process, $(tr '\0' ' ' <"/proc/$process/cmdline")"
                timeout 300 gdb -p "$process" -batch -ex 'thread apply all bt 40' 2>&1 || echo "bounded: no stacks"
                ;;
        esac
    done
}

(
    # A shell's command in the background ignores SIGINT and SIGQUIT, and so would all that it starts.
    setsid env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null &
    echo $! >"$work/started"
    status=0
    wait $! || status=$?
    echo "$status" >"$work/status"
) &
until [ -s "$work/started" ]; do sleep 0.1; done
session=$(cat "$work/started")
trap 'rm -rf "$work"' EXIT
trap 'end_all; exit 130' INT TERM HUP

deadline=$(($(date +%s) + bound))
until [ -s "$work/status" ]; do
    if [ "$(date +%s)" -ge $deadline ]; then
        show
        echo
        echo "bounded: after $bound s this has not ended: $*"
        echo "bounded: tests that were begun and have not ended:"
        unended_tests
        stacks
        end_all
        exit 124
    fi
    sleep 1
    show
done
show
exit "$(cat "$work/status")"
