# SPDX-License-Identifier: LGPL-2.1-or-later
# Steps of a check: a line for each, with its output in a file, and a count at
# the end. To be sourced; scripts that a script with steps calls, and that have
# steps themselves, add to its count.
#   STEPS	the folder for the files (default: build/check)
# shellcheck shell=bash

steps_begin()
{
	[ -z "${STEPS_NESTED-}" ] || return 0
	export STEPS=${STEPS:-$PWD/build/check} STEPS_NESTED=
	rm -rf "$STEPS"
	mkdir -p "$STEPS"
	: >"$STEPS/results"
}

# step NAME COMMAND...: counts, with the output in a file of that name. Exit
# status 77 is skipped, with the reason in the last line.
step()
{
	local name=$1 started=$EPOCHREALTIME status=0 log took result
	shift
	log=$STEPS/$(tr -cs 'A-Za-z0-9._\n-' - <<<"$name").log
	[ ! -t 1 ] || printf '%-58s ...\r' "$name"
	("$@") >"$log" 2>&1 </dev/null || status=$?
	took=$(((${EPOCHREALTIME/./} - ${started/./}) / 100000))
	case $status in
	0)	result=ok ;;
	77)	result=skipped ;;
	*)	result=FAILED ;;
	esac
	echo "$result $name" >>"$STEPS/results"
	printf '%-58s %-8s %4d.%d s\n' "$name" $result $((took / 10)) $((took % 10))
	case $status in
	0)	return 0 ;;
	77)	tail -n 1 "$log"; return 0 ;;
	esac
	printf -- '--- exit status %d; the end of %s:\n%s\n---\n' "$status" "$log" \
		"$(tail -n 50 "$log" | tr -d '\0')"
	return 1
}

# steps_of COMMAND...: one that has steps itself
steps_of()
{
	STEPS_NESTED=1 "$@" </dev/null
}

# steps_beside COMMAND...: its steps run beside those that follow, until steps_join.
# They must not share files with the others.
steps_beside()
{
	"$@" </dev/null &
}

steps_join()
{
	wait
}

steps_count()
{
	grep -c "^$1 " "$STEPS/results" || :
}

# the last line counts; ends the script
steps_end()
{
	local failed
	failed=$(steps_count FAILED)
	if [ -z "${STEPS_NESTED-}" ]; then
		printf '\n'
		[ "$(steps_count skipped)" = 0 ] || echo "$(steps_count skipped) skipped"
		echo "$(steps_count ok) passed, $failed failed"
	fi
	[ "$failed" = 0 ] || exit 1
	exit 0
}
