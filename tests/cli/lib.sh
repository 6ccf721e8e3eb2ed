# shellcheck shell=bash
# lib.sh: what the shell tests share. A test drives the program as a user does:
#
#     #!/usr/bin/env bash
#     . "${BASH_SOURCE[0]%/*}/lib.sh"
#     dlnet detect no-such.jpg                 # runs $DLNET; fills $status, $out and $err
#     expect_status "a missing image" 66
#     expect_err "the message names it" 'no-such\.jpg'
#     finish
#
# It starts in the repository's root, $T is an empty folder of its own that goes away at the end, $DATA the folder of the real data (need_data skips
# where it isn't there). The results have the form of cmocka's, so that one reader counts both.
set -u
cd "${BASH_SOURCE[0]%/*}/../.." || exit 1
export LC_ALL=C
DLNET=${DLNET:-./dlnet}
case $DLNET in /*) ;; *) DLNET=$PWD/${DLNET#./} ;; esac
DATA=${DLNET_DATA:-../shared/data}
case $DATA in /*) ;; *) DATA=$PWD/$DATA ;; esac
T=$(mktemp -d "${TMPDIR:-/tmp}/dlnet-test.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
passed=0 failed=0 skipped=0 failures=()
group=${0##*/} group=${group%.sh}
status=0 out='' err=''

ok() { passed=$((passed + 1)) && printf '[ RUN      ] %s: %s\n[       OK ] %s: %s\n' "$group" "$1" "$group" "$1"; }
skip() { skipped=$((skipped + 1)) && printf '[ RUN      ] %s: %s\n%s\n[  SKIPPED ] %s: %s\n' "$group" "$1" "${2-}" "$group" "$1"; }

# fail NAME [REASON]: also shows what the last run said.
fail()
{
    failed=$((failed + 1))
    failures+=("$1")
    printf '[ RUN      ] %s: %s\n' "$group" "$1"
    [ -z "${2-}" ] || printf '%s\n' "$2"
    printf '  exit status %s\n' "$status"
    printf '%s\n' "$out" | head -n 20 | sed 's/^/  stdout: /'
    printf '%s\n' "$err" | head -n 20 | sed 's/^/  stderr: /'
    printf '[  FAILED  ] %s: %s\n' "$group" "$1"
}

# run COMMAND …: with the caller's stdin when that is a file or a pipe made for it (run … < file), else nothing to read.
# Fills $status, $out and $err; the exact bytes are in $T/out and $T/err. Ends what hangs after $LIMIT seconds (status 124).
run()
{
    if [ -t 0 ]; then
        timeout "${LIMIT:-300}" "$@" >"$T/out" 2>"$T/err" </dev/null
    else
        timeout "${LIMIT:-300}" "$@" >"$T/out" 2>"$T/err"
    fi
    status=$?
    out=$(tr -d '\0' <"$T/out")
    err=$(tr -d '\0' <"$T/err")
}
dlnet() { run "$DLNET" "$@"; }

# check NAME COMMAND …: passes when the command does. Use it for whatever the expectations below don't say: check "same bytes" cmp a b
check()
{
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then ok "$name"; else fail "$name" "failed: $* $said"; fi
}

expect_status() { if [ "$status" -eq "$2" ]; then ok "$1"; else fail "$1" "expected exit status $2"; fi; }
expect_out() { if grep -Eq -- "$2" "$T/out"; then ok "$1"; else fail "$1" "expected on stdout: $2"; fi; }
expect_err() { if grep -Eq -- "$2" "$T/err"; then ok "$1"; else fail "$1" "expected on stderr: $2"; fi; }
expect_no_out() { if [ ! -s "$T/out" ]; then ok "$1"; else fail "$1" "expected nothing on stdout"; fi; }
expect_no_err() { if [ ! -s "$T/err" ]; then ok "$1"; else fail "$1" "expected nothing on stderr"; fi; }

# need_data NAME FOLDER: true where $DATA/FOLDER is there, else the test NAME is counted as skipped. need_tool NAME COMMAND likewise.
need_data() { if [ -e "$DATA/$2" ]; then return 0; else skip "$1" "no $DATA/$2"; return 1; fi; }
need_tool() { if command -v "$2" >/dev/null 2>&1; then return 0; else skip "$1" "no $2 on this machine"; return 1; fi; }

# For tables of bad input, in a folder of the test's own: row NAME STATUS PATTERNS COMMAND …: the command (dlnet, or one that runs "$DLNET") ends with that
# status and says a line that matches each of the PATTERNS, which stand on a line each. Before it, the caller may set results=N, the lines on stdout (0), and
# leaves=GLOB, the new files allowed.
results=0 leaves=
row()
{
    local name=$1 wanted=$2 patterns=$3 pattern why='' new
    shift 3
    [ "$1" = dlnet ] && shift && set -- "$DLNET" "$@"
    find . | sort >"$T/before"
    run "$@"
    [ "$status" -eq "$wanted" ] || why="expected exit status $wanted"
    while IFS= read -r pattern; do
        [ -z "$pattern" ] || grep -Eq -- "$pattern" "$T/err" || why="$why; expected on stderr: $pattern"
    done <<<"$patterns"
    [ "$(wc -l <"$T/out")" -eq "$results" ] || why="$why; expected $results lines on stdout"
    ! grep -Eq '(ERROR|SUMMARY): [A-Za-z]*Sanitizer|runtime error|ssertion' "$T/err" || why="$why; a crash"
    while IFS= read -r new; do
        # shellcheck disable=SC2254
        case $new in
        $leaves) ;;
        *) why="$why; left behind: $new" ;;
        esac
    done < <(find . | sort | comm -13 "$T/before" -)
    [ -z "${SHOW-}" ] || printf '%s\n   %s: %s\n' "$name" "$status" "$err" >&2
    if [ -z "$why" ]; then ok "$name"; else fail "$name" "$why"; fi
    rm -rf run
    results=0 leaves=
}

# Ends the test program: the last thing it calls.
finish()
{
    printf '[==========] %d test(s) run.\n[  PASSED  ] %d test(s).\n' $((passed + failed + skipped)) "$passed"
    [ "$skipped" -eq 0 ] || printf '[  SKIPPED ] %d test(s).\n' "$skipped"
    [ "$failed" -eq 0 ] && exit 0
    printf '[  FAILED  ] %d test(s), listed below:\n' "$failed"
    printf '[  FAILED  ] %s\n' "${failures[@]}"
    exit 1
}
