# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernels that the module is built for and tested with. To be sourced, in
# the top folder of the project.
#   BUILD	the build folder (default: build)
# shellcheck shell=bash

# The versions of the stock kernels whose modules can be built here.
kernels()
{
	local image version
	for image in /boot/vmlinuz-*; do
		version=${image#/boot/vmlinuz-}
		if [ -e "/lib/modules/$version/build/Makefile" ]; then
			echo "$version"
		fi
	done | sort -V
}

# build_module VERSION [MAKE-ARGUMENT]...: to BUILD/kernel-VERSION/netlink_mmap.ko
build_module()
{
	make -C kernel KERNELRELEASE="$1" BUILDDIR="$(realpath -m "${BUILD:-build}")/kernel-$1" "${@:2}"
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
