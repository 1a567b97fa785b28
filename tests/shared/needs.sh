# SPDX-License-Identifier: LGPL-2.1-or-later
# A test that lacks a program is skipped, and says which one. To be sourced.
# shellcheck shell=bash

# not_here PROGRAM...: those that are not here
not_here()
{
	local program
	for program; do
		command -v "$program" >/dev/null || printf ' %s' "$program"
	done
}

# needs PROGRAM...: ends the script where one is not here
needs()
{
	local lacking
	lacking=$(not_here "$@")
	[ -z "$lacking" ] || {
		echo "skipped: not installed:$lacking"
		exit 77
	}
}
