#!/usr/bin/env bash
# lint.sh C-FILE … -- SCRIPT …: what `make lint` runs. All checks run; exit status 1 when any of them found something. A tool that isn't there is told and
# left out, except clang-format.
set -u
sources=() scripts=() list=sources
for file in "$@"; do
    if [ "$file" = -- ]; then
        list=scripts
    elif [ $list = sources ]; then
        sources+=("$file")
    else
        scripts+=("$file")
    fi
done
bad=0

# step TOOL COMMAND …
step()
{
    local name=$1
    shift
    if ! command -v "$name" >/dev/null 2>&1; then
        echo "lint: no $name on this machine, left out" >&2
        [ "$name" != clang-format ] || bad=1
        return
    fi
    if "$@"; then echo "lint: $name: good"; else
        echo "lint: $name: mistakes, see above" >&2
        bad=1
    fi
}

# Long files are a hint, not a mistake.
check_size()
{
    local file lines
    for file in "${sources[@]}"; do
        lines=$(wc -l <"$file")
        [ "$lines" -le 600 ] || echo "lint: $file has $lines lines: more than one idea?" >&2
    done
}

# What src/ is compiled with, for the tools that parse it. Test sources use cmocka's macros, which they read as dead code.
flags=(-Isrc -I/usr/include/stb -D_GNU_SOURCE)
read -ra packages <<<"$(pkg-config --cflags libcjson cairo zlib expat yajl openblas 2>/dev/null)"
mapfile -t c_files < <(printf '%s\n' "${sources[@]}" | grep '^src/.*\.c$')

step "clang-format" clang-format --dry-run --Werror "${sources[@]}"
step "cppcheck" cppcheck --quiet -j2 --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=arrayIndexThenCheck --suppress=uninitvar --suppress=legacyUninitvar --suppress='*:/usr/include/*' --suppress=invalidFunctionArg:src/math/softmax.c --suppress=normalCheckLevelMaxBranches -D__GNUC__=12 -D__x86_64__=1 "${flags[@]}" src
# Without the count of what was found in other people's headers.
tidy() { clang-tidy "$@" 2> >(grep -v 'warnings\? generated' >&2); }
step "clang-tidy" tidy --quiet --warnings-as-errors='*' "${c_files[@]}" -- -std=gnu11 -fopenmp "${flags[@]}" "${packages[@]}"
# SC2034: what lib.sh sets is read by those who source it.
step "shellcheck" shellcheck -x -P SCRIPTDIR -S warning -e SC2034 "${scripts[@]}"
check_size
exit $bad
