# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of the examples have in common; each sources this file, and is
# then in a network namespace of its own.
#	BUILD	the build folder (default: build beside tests)
#	NO_SKIP	what this kernel lacks is a failure
#	RINGS	the kernel has rings: the programs with one have to use it
# shellcheck shell=bash
# The functions are called by the tests.
# shellcheck disable=SC2317
set -euo pipefail

here=$(realpath "$(dirname "$0")")
# shellcheck source=tests/shared/needs.sh
. "$here/../shared/needs.sh"
if [ "${1-}" != --inside ]; then
	unshare -n true 2>/dev/null || {
		echo 'skipped: needs root for a network namespace'
		exit 77
	}
	exec unshare -n "$0" --inside
fi
programs=$(realpath "${BUILD:-$here/../../build}")/examples
tmp=$(mktemp -d)
listener='' failed=0 checked=0
clean_up()
{
	[ -z "$listener" ] || kill "$listener" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean_up EXIT
trap 'echo "FAILED: line $LINENO"' ERR

# expect WHAT PATTERN [FILE]: a line of the last output is like that
expect()
{
	checked=$((checked + 1))
	grep -qE -- "$2" "${3:-$tmp/output}" || {
		echo "FAILED: $1: no '$2' in"
		cat "${3:-$tmp/output}"
		failed=1
	}
}

# same WHAT VALUE EXPECTED
same()
{
	checked=$((checked + 1))
	[ "$2" = "$3" ] || {
		echo "FAILED: $1: '$2', not '$3'"
		failed=1
	}
}

run()
{
	"$programs/$1" "${@:2}" >"$tmp/output" 2>&1 || {
		echo "FAILED: $*"
		cat "$tmp/output"
		exit 1
	}
}

fails()
{
	checked=$((checked + 1))
	if "$programs/$1" "${@:2}" >"$tmp/output" 2>&1; then
		echo "FAILED: $* succeeded"
		failed=1
	fi
}

# lacks REASON: leaves out what comes next in this test, or fails
lacks()
{
	echo "not run: $*"
	[ -z "${NO_SKIP-}" ] || failed=1
}

# heard SECONDS PATTERN [NUMBER]: waits for a line of the listener, or so many,
# so long at the most
heard()
{
	local i
	for ((i = 0; i < $1 * 50; i++)); do
		if [ "$(grep -cE -- "$2" "$tmp/events")" -ge "${3:-1}" ]; then
			return
		fi
		sleep 0.02
	done
}

# listen COMMAND PROGRAM [ARGUMENT]...: until the program has told of what the
# command does, ten seconds at the most
listen()
{
	: >"$tmp/events"
	"$programs/$2" "${@:3}" >>"$tmp/events" 2>&1 &
	listener=$!
	local i
	for ((i = 0; i < 500; i++)); do
		[ ! -s "$tmp/events" ] || return 0
		"$1"
		sleep 0.02
	done
	echo "FAILED: $2 hears nothing"
	exit 1
}

# hear PATTERN: waits for the event, at most five seconds
hear()
{
	heard 5 "$1"
	expect 'events' "$1" "$tmp/events"
}

# hear_times NUMBER PATTERN: waits for so many lines, at most ten seconds
hear_times()
{
	heard 10 "$2" "$1"
	same "events with $2" "$(grep -cE -- "$2" "$tmp/events")" "$1"
}

# by_ring FILE: the figures of -v say how the messages came
by_ring()
{
	if [ -n "${RINGS-}" ]; then
		expect 'by ring' '^messages [1-9].* by ring [1-9][0-9]*, .* by queue 0,' "$1"
	else
		expect 'without a ring' '^messages [1-9].* by ring 0, .* by queue [1-9]' "$1"
	fi
}

deaf()
{
	kill "$listener" || {
		echo 'FAILED: the listener ended by itself:'
		cat "$tmp/events"
		exit 1
	}
	wait "$listener" 2>/dev/null || :
	listener=''
}

finish()
{
	echo "$(basename "$0") examples: $checked results looked at"
	exit $failed
}
