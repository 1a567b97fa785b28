# SPDX-License-Identifier: GPL-2.0-only
# The base of a patch series. To be sourced.
# shellcheck shell=bash

hooks=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/hooks
# shellcheck source=tests/roots/roots.sh
. "$hooks/../../../tests/roots/roots.sh"

# unpack_base VERSION [PATH]...: the files that a series changes, all of net/netlink,
# and these, from Debian's source into the current folder. Not all of them are in
# every version. To look through all of that source takes long: what was in it is kept.
unpack_base()
{
	local version=$1 source paths kept new absent
	source=$(kernel_source "$version") || return
	paths=$({ cat "$hooks"/*.diff "$hooks"/*/*.diff | sed -n 's,^+++ b/,,p'
		  printf '%s\n' net/netlink "${@:2}"; } | sort -u |
		sed "s,^,linux-source-$version/,")
	kept=$({ stat -c '%n %s %Y' "$source"; echo "$paths"; } | sha256sum | cut -c -16)
	kept=$roots_cache/base-$version-$kept.tar
	if [ ! -e "$kept" ]; then
		new=$(mktemp -d "$kept.XXXXXX")
		# shellcheck disable=SC2086
		absent=$(tar -xf "$source" -C "$new" $paths 2>&1) ||
			! grep -v 'Not found in archive\|previous errors' <<<"$absent" >&2
		tar -cf "$new.tar" -C "$new" "linux-source-$version"
		rm -r "$new"
		mv "$new.tar" "$kept"
	fi
	tar -xf "$kept" --strip-components=1
}
