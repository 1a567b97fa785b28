# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's packages and sources of any suite, for tests that compare with them:
# apt with lists of its own in the current folder. Nothing is installed, and
# the machine's lists and sources stay as they are.
# shellcheck shell=bash

# private_apt_setup deb|deb-src SUITE [OPTION]...
private_apt_setup()
{
	command -v apt-get >/dev/null || {
		echo "${0##*/}: needs apt-get" >&2
		exit 77
	}
	mkdir -p apt/lists/partial apt/cache/archives/partial
	echo "$1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $2 main" >apt/sources.list
	private_apt "${@:3}" update
}

# private_apt COMMAND...
private_apt()
{
	apt-get -q -o "Dir::Etc::sourcelist=$PWD/apt/sources.list" \
		-o Dir::Etc::sourceparts=- -o "Dir::State::lists=$PWD/apt/lists" \
		-o "Dir::Cache=$PWD/apt/cache" -o APT::Sandbox::User=root "$@" >&2
}
