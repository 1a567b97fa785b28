# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernels that the module is built for and tested with: those of the window
# (tests/roots/window) that were fetched (tests/roots/fetch-kernels). To be sourced,
# in the top folder of the project.
#   BUILD	the build folder (default: build)
# shellcheck shell=bash
# shellcheck source=tests/roots/roots.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../../roots/roots.sh"

# The versions of the kernels that are here, the oldest first.
kernels()
{
	local row suite
	while read -r row suite _; do
		cat "$(root_of "$suite")/.rows/$row" 2>/dev/null || :
	done < <(window_rows) | sort -V
}

# build_module VERSION [MAKE-ARGUMENT]...: to BUILD/kernel-VERSION/netlink_mmap.ko, in
# the root of that kernel, by the compiler that Debian built the kernel with. Checks
# that run beside each other want the same ones.
build_module()
{
	local build
	build=$(realpath -m "${BUILD:-build}")
	mkdir -p "$build/kernel-$1"
	flock "$build/kernel-$1" tests/roots/in-root --bind "$build" "$(kernel_root "$1")" make -C kernel \
		KERNELRELEASE="$1" BUILDDIR="$build/kernel-$1" "${@:2}"
}

# The test programs for another machine, in the build folder of the portability
# tests: build_programs i686|aarch64
build_programs()
{
	local folder
	folder=$(realpath -m "${BUILD:-build}")/portability/$1
	command -v "$1-linux-gnu-gcc" >/dev/null || {
		echo "skipped: no compiler (Debian: gcc-$1-linux-gnu)"
		exit 77
	}
	[ -e "$folder/config.status" ] || tests/portability/run "$1"
	make -C "$folder/tests/vm" LDFLAGS=-static compat-programs
}
