#!/usr/bin/env bash
# Puts the workers of a deployment back on the subprocess path, and forward again.
# What it is for and how to use it: docs/EXECUTOR-ROLLBACK-PROCEDURE.md, or --help.
set -euo pipefail

readonly VARIABLE=LLMBUS_USE_DIRECT_LLM
readonly EXIT_NOT_IN_EFFECT=1 EXIT_USAGE=2 EXIT_REFUSED=3 EXIT_CANNOT_ASK=4

usage() {
    cat <<'TEXT'
EXECUTOR-ROLLBACK-PROCEDURE.sh [options]

Sets LLMBUS_USE_DIRECT_LLM=false in an environment file, restarts the workers and waits until the
fleet says that the direct path is off. Run it again as often as you like.

  --forward           the other way: LLMBUS_USE_DIRECT_LLM=true
  --status            say how things stand, change nothing
  --dry-run           say what would be done, change nothing
  --env-file FILE     the workers' environment file [/etc/llmbus/worker.env]
  --restart COMMAND   restarts the workers, for example 'systemctl restart llmbus-worker'
  --pid PID           or: drain this worker by SIGTERM and wait for its end; may be repeated
  --start COMMAND     after --pid: starts the workers, unless a supervisor does
  --no-restart        or: edit the file only; you restart the workers yourself
  --llmbus COMMAND    how to call llmbus, for example 'docker compose exec -T worker llmbus' [llmbus]
  --this-host         only the workers of this host have to change
  --force             roll back although no fallback consumer is seen: tasks will wait for one
  --timeout SECONDS   for a drain by --pid, and for the fleet to change [120]

Exit codes: 0 done, 1 not in effect in time, 2 wrong command line or file, 3 refused (no fallback
consumer), 4 llmbus cannot be asked. Needs bash and python3; no root, if you may write the file.
TEXT
}

say() { printf '%s\n' "$*"; }
fail() {
    code=$1
    shift
    printf 'rollback: %s\n' "$*" >&2
    exit "$code"
}

wanted=false
action=change
dry_run=no
env_file=/etc/llmbus/worker.env
way=''
restart_command=''
start_command=''
pids=''
host=''
force=no
timeout=120
llmbus=(llmbus)

choose_way() {
    [ -z "$way" ] || [ "$way" = "$1" ] ||
        fail "$EXIT_USAGE" "--$way and --$1 exclude each other"
    way=$1
}

while [ $# -gt 0 ]; do
    case $1 in
    --env-file | --restart | --pid | --start | --llmbus | --timeout)
        [ -n "${2:-}" ] || fail "$EXIT_USAGE" "$1 needs a value (--help)"
        ;;
    esac
    case $1 in
    --forward) wanted=true; shift ;;
    --status) action=status; shift ;;
    --dry-run) dry_run=yes; shift ;;
    --force) force=yes; shift ;;
    --this-host) host=$(hostname); shift ;;
    --no-restart) choose_way no-restart; shift ;;
    --env-file) env_file=$2; shift 2 ;;
    --restart) choose_way restart; restart_command=$2; shift 2 ;;
    --pid)
        choose_way pid
        case $2 in 0* | *[!0-9]*) fail "$EXIT_USAGE" "--pid must be a process id, not $2" ;; esac
        pids="$pids $2"
        shift 2
        ;;
    --start) start_command=$2; shift 2 ;;
    --llmbus) read -r -a llmbus <<<"$2"; shift 2 ;;
    --timeout) timeout=$2; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) fail "$EXIT_USAGE" "unknown option $1 (--help)" ;;
    esac
done

case $timeout in '' | *[!0-9]*) fail "$EXIT_USAGE" "--timeout must be whole seconds, not $timeout" ;; esac
[ "$action" = status ] || [ -n "$way" ] ||
    fail "$EXIT_USAGE" "how are the workers restarted? Give --restart, --pid or --no-restart (--help)"
[ -z "$pids" ] || command -v ps >/dev/null || fail "$EXIT_USAGE" "--pid needs ps"
[ -z "$start_command" ] || [ "$way" = pid ] || fail "$EXIT_USAGE" "--start goes with --pid"
command -v python3 >/dev/null || fail "$EXIT_USAGE" "python3 is needed"
[ -f "$env_file" ] || fail "$EXIT_USAGE" "there is no environment file $env_file (--env-file)"
# What a link leads to is edited, so that the link stays one.
env_file=$(python3 -c 'import os, sys; print(os.path.realpath(sys.argv[1]))' "$env_file")
[ -r "$env_file" ] || fail "$EXIT_USAGE" "$env_file cannot be read by this user"

# The lines that set a variable, as systemd, Compose and shells write them; the last one counts.
value_of() {
    sed -n -E "s/^[[:space:]]*(export[[:space:]]+)?$1=(.*)\$/\\2/p" "$env_file" | tail -n 1 |
        sed -E -e 's/[[:space:]]+$//' -e "s/^\"(.*)\"\$/\\1/" -e "s/^'(.*)'\$/\\1/"
}

# llmbus is to look where these workers look.
for name in LLMBUS_AMQP_URL LLMBUS_REDIS_URL LLMBUS_PREFIX LLMBUS_RABBITMQ_API_URL; do
    value=$(value_of "$name")
    [ -z "$value" ] || export "$name=$value"
done

ask() {
    "${llmbus[@]}" "$1" --json </dev/null ||
        fail "$EXIT_CANNOT_ASK" "\`${llmbus[*]} $1 --json\` failed, see above (--llmbus)"
}

# Sets consumers, ready and unacked of the fallback queue; -1 is unknown.
look_at_fallback() {
    answer=$(ask status) || exit $?
    read -r consumers ready unacked <<<"$(printf '%s' "$answer" | python3 -c '
import json, sys
queues = [queue for queue in json.load(sys.stdin)["queues"] if queue["kind"] == "fallback"]
queue = queues[0] if queues else {"consumers": 0, "ready": 0, "unacked": 0}
print(*(-1 if queue[name] is None else queue[name] for name in ("consumers", "ready", "unacked")))
')"
}

# Sets on, off and silent: how many workers ask directly, do not, or do not say. One that serves the
# fallback queue alone has no lanes to ask about, and one that drains is as good as gone.
look_at_fleet() {
    answer=$(ask workers) || exit $?
    read -r on off silent <<<"$(printf '%s' "$answer" | python3 -c '
import json, sys
host = sys.argv[1]
told = [
    worker.get("direct_path")
    for worker in json.load(sys.stdin)["workers"]
    if not worker["draining"] and worker["lanes"] != ["fallback"] and host in ("", worker["host"])
]
print(told.count(True), told.count(False), told.count(None))
' "$host")"
    changed=$off
    others=$((on + silent))
    if [ "$wanted" = true ]; then
        changed=$on
        others=$((off + silent))
    fi
}

in_effect() { [ "$changed" -gt 0 ] && [ "$others" -eq 0 ]; }

show() {
    say "$VARIABLE in $env_file: $(value_of "$VARIABLE" | grep . || echo 'not set, which means true')"
    look_at_fleet
    say "workers${host:+ on $host}: $on ask directly, $off do not, $silent do not say"
    look_at_fallback
    say "fallback queue: $consumers consumers, $ready waiting, $unacked running (-1 is unknown)"
}

require_fallback() {
    look_at_fallback
    if [ "$wanted" = true ]; then
        [ "$consumers" -gt 0 ] || [ "$ready" -eq 0 ] ||
            say "careful: $ready tasks wait in the fallback queue and nobody consumes it"
    elif [ "$consumers" -gt 0 ]; then
        say "fallback consumers: $consumers"
    elif [ "$force" = yes ]; then
        say "no fallback consumer is seen; going on because of --force: tasks will wait for one"
    else
        fail "$EXIT_REFUSED" "no consumer of the fallback queue is seen, so every task would wait." \
            "Start \`llmbus fallback\` (its numbers come up to 5 s late), or use --force"
    fi
}

# Every line that sets the variable says the same afterwards; nothing else is touched.
write_setting() {
    backup="$env_file.$(date -u +%Y%m%dT%H%M%SZ).bak"
    say "set $VARIABLE=$wanted in $env_file (before: $backup)"
    [ "$dry_run" = no ] || return 0
    if [ ! -w "$env_file" ] || [ ! -w "$(dirname "$env_file")" ]; then
        fail "$EXIT_USAGE" "$env_file and its folder must be writable by this user"
    fi
    beside="$env_file.new.$$"
    trap 'rm -f "$beside"' EXIT
    cp -p "$env_file" "$backup"
    cp -p "$env_file" "$beside" # takes the mode along, for the file may hold keys
    awk -v name="$VARIABLE" -v value="$wanted" '
        $0 ~ "^[ \t]*(export[ \t]+)?" name "=" { sub("=.*", "=" value); found = 1 }
        { print }
        END { if (!found) print name "=" value }
    ' "$env_file" >"$beside"
    mv -f "$beside" "$env_file"
}

# Before anything is changed: no wrong process is to be signalled.
check_pids() {
    for pid in $pids; do
        arguments=$(ps -o args= -p "$pid") || arguments=''
        case $arguments in
        *llmbus*) kill -0 "$pid" || fail "$EXIT_USAGE" "process $pid is not yours (--pid)" ;;
        '') say "process $pid has ended already" ;;
        *) fail "$EXIT_USAGE" "process $pid is no llmbus: it is left alone (--pid)" ;;
        esac
    done
}

drain() {
    say "drain process $1: SIGTERM, then wait until it has finished its calls"
    [ "$dry_run" = no ] || return 0
    kill -TERM "$1" 2>/dev/null || return 0
    for _ in $(seq "$timeout"); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 1
    done
    fail "$EXIT_NOT_IN_EFFECT" "process $1 still drains after $timeout s; it was not killed, for its" \
        "calls are paid. Run this again when it has ended"
}

run_command() {
    say "run: $1"
    [ "$dry_run" = yes ] || bash -c "$1" || fail "$EXIT_NOT_IN_EFFECT" "\`$1\` failed ($?). The file" \
        "is changed: mend that and run this again"
}

restart_workers() {
    case $way in
    no-restart) say "restart the workers yourself now; --status tells when it is in effect" ;;
    restart) run_command "$restart_command" ;;
    pid)
        for pid in $pids; do drain "$pid"; done
        [ -z "$start_command" ] || run_command "$start_command"
        ;;
    esac
}

verify() {
    say "wait up to $timeout s until every worker${host:+ of $host} says so"
    [ "$dry_run" = no ] || return 0
    for _ in $(seq "$timeout"); do
        look_at_fleet
        if in_effect; then
            say "in effect: $changed workers have $VARIABLE=$wanted"
            return 0
        fi
        sleep 1
    done
    fail "$EXIT_NOT_IN_EFFECT" "not in effect after $timeout s: $changed workers have changed, $others" \
        "have not. Look at \`llmbus workers\`; nothing is lost meanwhile"
}

if [ "$action" = status ]; then
    show
    exit 0
fi
[ "$dry_run" = no ] || say "dry run: nothing is changed"
check_pids
require_fallback
if [ "$(value_of "$VARIABLE")" = "$wanted" ]; then
    say "$env_file says $VARIABLE=$wanted already"
    look_at_fleet
    if in_effect; then
        say "in effect already: $changed workers; nothing to do"
        exit 0
    fi
else
    write_setting
fi
restart_workers
[ "$way" = no-restart ] || verify
