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
	steps_started=$EPOCHSECONDS
}

# steps_file NAME: a file name for a step
steps_file()
{
	tr -cs 'A-Za-z0-9._\n-' - <<<"$1"
}

# how long each step took when it last passed, for the next one who waits for it
steps_times=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/libmnl-mmap/times
steps_usual()
{
	[ ! -e "$steps_times/$1" ] || echo "usually $(cat "$steps_times/$1") s"
}

# step NAME COMMAND...: counts, with the output in a file of that name. Exit
# status 77 is skipped, with the reason in the last line.
step()
{
	local name=$1 started=$EPOCHREALTIME status=0 file log took result
	shift
	file=$(steps_file "$name")
	log=$STEPS/$file.log
	[ ! -t 1 ] || printf '%-58s ... %-16s\r' "$name" "$(steps_usual "$file")"
	("$@") >"$log" 2>&1 </dev/null || status=$?
	took=$(((${EPOCHREALTIME/./} - ${started/./}) / 100000))
	case $status in
	0)	result=ok ;;
	77)	result=skipped ;;
	*)	result=FAILED ;;
	esac
	echo "$result $name" >>"$STEPS/results"
	if [ $result = ok ]; then
		mkdir -p "$steps_times"
		echo $((took / 10)) >"$steps_times/$file"
	fi
	printf '%-58s %-8s %4d.%d s\n' "$name" $result $((took / 10)) $((took % 10))
	case $status in
	0)	return 0 ;;
	77)	tail -n 1 "$log"; return 0 ;;
	esac
	printf -- '--- exit status %d; the end of %s:\n%s\n---\n' "$status" "$log" \
		"$(tail -n 50 "$log" | tr -d '\0')"
	: >"$STEPS/failed.$$"
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

# The last line counts; ends the script. One that another script calls fails for its
# own steps only.
steps_end()
{
	local took again
	if [ -n "${STEPS_NESTED-}" ]; then
		[ ! -e "$STEPS/failed.$$" ] || exit 1
		exit 0
	fi
	took=$((EPOCHSECONDS - steps_started))
	again=$(grep -c '' "$STEPS/started-again" 2>/dev/null || :)
	printf '\nall steps together: %d min %d s\n' $((took / 60)) $((took % 60))
	[ "${again:-0}" = 0 ] ||
		echo "$again times a guest died before its command began, and was started again"
	grep -v '^ok ' "$STEPS/results" | sort || :
	echo "$(steps_count ok) passed, $(steps_count FAILED) failed," \
	     "$(steps_count skipped) skipped"
	[ "$(steps_count FAILED)" = 0 ] || exit 1
	exit 0
}
