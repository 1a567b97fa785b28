# SPDX-License-Identifier: LGPL-2.1-or-later
# Roots: folders with the files of another Debian, in the cache, shared between runs.
# To be sourced.
# shellcheck shell=bash

roots_here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
roots_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/libmnl-mmap

# the window's rows: name, suite, flavour
window_rows()
{
	grep -v '^#' "$roots_here/window"
}

# root_of SUITE
root_of()
{
	echo "$roots_cache/roots/$1"
}

# root_apt ROOT COMMAND...: apt with lists of this root's
root_apt()
{
	local config=/dev/null
	[ ! -e "$1/.apt/apt.conf" ] || config=$1/.apt/apt.conf
	apt-get -q -c "$config" -o "Dir::Etc::sourcelist=$1/.apt/sources.list" \
		-o Dir::Etc::sourceparts=- -o "Dir::State::lists=$1/.apt/lists" \
		-o "Dir::Cache=$1/.apt/cache" -o "Dir::State::status=$1/.apt/status" \
		-o APT::Sandbox::User=root -o APT::Architecture=amd64 \
		-o APT::Architectures=amd64 "${@:2}"
}

# root_update ROOT SUITE: the lists. Backports have packages of their own, and need
# those of their release.
root_update()
{
	local signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
	local release=${2%-backports}
	# for all rows of a suite at once
	[ -z "$(find "$1/.apt/updated" -mmin -60 2>/dev/null)" ] || return 0
	mkdir -p "$1"/.apt/{lists/partial,cache/archives/partial}
	: >"$1/.apt/status"
	{
		echo "deb $signed http://deb.debian.org/debian $release main"
		echo "deb $signed http://deb.debian.org/debian-security $release-security main"
		[ "$release" = "$2" ] ||
			echo "deb $signed http://deb.debian.org/debian $2 main"
	} >"$1/.apt/sources.list"
	# not preferred by themselves
	[ "$release" = "$2" ] || echo "APT::Default-Release \"$2\";" >"$1/.apt/apt.conf"
	root_apt "$1" update >/dev/null
	touch "$1/.apt/updated"
}

# root_closure ROOT PACKAGE...: these and what they need, as NAME=VERSION
root_closure()
{
	root_apt "$1" --no-install-recommends -s install "${@:2}" |
		sed -nE 's/^Inst ([^ :]*)[^ ]* (\[[^]]*\] )?\(([^ ]*) .*/\1=\3/p'
}

# root_unpack ROOT NAME=VERSION...: those that are not there yet
root_unpack()
{
	local root=$1 package missing=() folder
	shift
	for folder in bin sbin lib lib64; do
		mkdir -p "$root/usr/$folder"
		[ -L "$root/$folder" ] || ln -s "usr/$folder" "$root/$folder"
	done
	touch "$root/.unpacked"
	for package; do
		grep -qxF "$package" "$root/.unpacked" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	mkdir -p "$root/.apt/debs"
	(cd "$root/.apt/debs" && root_apt "$root" download "${missing[@]}" >/dev/null)
	for package in "$root"/.apt/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$package" |
			tar -x --keep-directory-symlink -C "$root"
	done
	rm -r "$root/.apt/debs"
	printf '%s\n' "${missing[@]}" >>"$root/.unpacked"
}

# root_need ROOT PACKAGE...: adds them, and what they need
root_need()
{
	(
		flock 9
		# shellcheck disable=SC2046
		root_unpack "$1" $(root_closure "$@")
	) 9>"$1/.lock"
}

# root_finish ROOT: what the packages' scripts would have done
root_finish()
{
	mkdir -p "$1"/{dev,proc,sys,run,tmp,root,etc}
	ln -sfn dash "$1/usr/bin/sh"
	[ -e "$1/usr/bin/awk" ] || ln -s mawk "$1/usr/bin/awk"
	printf 'root:x:0:0:root:/root:/bin/bash\n' >"$1/etc/passwd"
}

# root_is_fresh ROOT ROW: was it looked at today, for the same packages?
root_is_fresh()
{
	[ -e "$1/.rows/$2" ] && [ -n "$(find "$1/.rows/$2.for" -mtime -1 2>/dev/null)" ] &&
		cmp -s "$1/.rows/$2.for" "$roots_here/fetch-kernels"
}

# kernel_version ROW|VERSION: that of a row, or the same
kernel_version()
{
	cat "$roots_cache"/roots/*/.rows/"$1" 2>/dev/null || echo "$1"
}

# kernel_root VERSION: the root that has this kernel, its headers and its compiler
kernel_root()
{
	local folder=("$roots_cache"/roots/*/usr/lib/modules/"$1")
	[ -d "${folder[0]}" ] || {
		echo "no kernel $1: tests/roots/fetch-kernels gets those of tests/roots/window" >&2
		return 1
	}
	echo "${folder[0]%/usr/lib/modules/*}"
}

# kernel_image VERSION
kernel_image()
{
	local root image
	root=$(kernel_root "$1") || return
	for image in "$root/boot/vmlinuz-$1" "$root/usr/lib/modules/$1/vmlinuz"; do
		[ ! -e "$image" ] || { echo "$image"; return 0; }
	done
	return 1
}

# kernel_modules VERSION
kernel_modules()
{
	local root
	root=$(kernel_root "$1") && echo "$root/usr/lib/modules/$1"
}

# source_version ROW: of the linux-source package that belongs to a kernel, 6.12
source_version()
{
	kernel_version "$1" | grep -oE '^[0-9]+\.[0-9]+'
}

# source_versions: those of the window, the newest first
source_versions()
{
	local row
	while read -r row _; do
		[[ "$row" = *-* ]] || source_version "$row" || :
	done < <(window_rows) | sort -Vr
}

# kernel_source VERSION: Debian's linux-source-VERSION.tar.xz, of the window's suite
kernel_source()
{
	local row suite source
	while read -r row suite _; do
		source=$(root_of "$suite")/usr/src/linux-source-$1.tar.xz
		[ ! -e "$source" ] || { echo "$source"; return; }
	done < <(window_rows)
	echo "no source of $1: tests/roots/fetch-sources gets those of the window" >&2
	return 1
}
