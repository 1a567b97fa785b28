# SPDX-License-Identifier: GPL-2.0-only
# The base of a patch series. To be sourced.
# shellcheck shell=bash

hooks=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/hooks

# unpack_base VERSION [PATH]...: the files that a series changes, all of net/netlink,
# and these, from Debian's source into the current folder. Not all of them are in
# every version.
unpack_base()
{
	local version=$1 paths missing
	local source=${KERNEL_SOURCE:-/usr/src/linux-source-$version.tar.xz}
	if [ ! -e "$source" ]; then
		echo "no $source (Debian: linux-source-$version)" >&2
		return 1
	fi
	paths=$({ cat "$hooks"/*.diff "$hooks"/*/*.diff | sed -n 's,^+++ b/,,p'
		  printf '%s\n' net/netlink "${@:2}"; } | sort -u |
		sed "s,^,linux-source-$version/,")
	# shellcheck disable=SC2086
	missing=$(tar -xf "$source" --strip-components=1 $paths 2>&1) ||
		! grep -v 'Not found in archive\|previous errors' <<<"$missing" >&2
}
