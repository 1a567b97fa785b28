# SPDX-License-Identifier: GPL-2.0-only
# The base of a patch series. To be sourced.
# shellcheck shell=bash

hooks=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/hooks
# shellcheck source=tests/roots/roots.sh
. "$hooks/../../../tests/roots/roots.sh"

# unpack_base VERSION [PATH]...: the files that a series changes, all of net/netlink,
# and these, from Debian's source into the current folder. Not all of them are in
# every version.
unpack_base()
{
	local version=$1 source paths missing
	source=$(kernel_source "$version") || return
	paths=$({ cat "$hooks"/*.diff "$hooks"/*/*.diff | sed -n 's,^+++ b/,,p'
		  printf '%s\n' net/netlink "${@:2}"; } | sort -u |
		sed "s,^,linux-source-$version/,")
	# shellcheck disable=SC2086
	missing=$(tar -xf "$source" --strip-components=1 $paths 2>&1) ||
		! grep -v 'Not found in archive\|previous errors' <<<"$missing" >&2
}
