#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Writes kmod/xmctl_table.h to standard output: tablegen.c and rules.c as three programs, and what they say put
# together.  Runs in the project's top folder, on amd64 with the 32-bit halves of compiler and C
# library.
#
#   tablegen.sh FOLDER      where to put what is compiled on the way
set -eu
dir=$1
cc=${CC:-gcc}
# Where the 32-bit compiler does not look unless gcc-multilib is installed.
m32="-m32 -idirafter /usr/include/x86_64-linux-gnu"

program() {
	name=$1
	shift
	objects=
	for profile in 24 26 30 40; do
		$cc -std=gnu11 -D_GNU_SOURCE -Iinclude -I. "$@" -DXM_PROFILE=$profile \
			-c -o "$dir/raw-$name-$profile.o" libxm/raw_table.c
		objects="$objects $dir/raw-$name-$profile.o"
	done
	# shellcheck disable=SC2086
	$cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -I. "$@" -o "$dir/tablegen-$name" \
		kmod/tablegen/tablegen.c kmod/tablegen/rules.c libxm/core/table.c $objects
	"$dir/tablegen-$name" >"$dir/table-$name"
}

mkdir -p "$dir"
program lp64 -m64
# shellcheck disable=SC2086
program i386 $m32
# shellcheck disable=SC2086
# The headers' checks know of no other 32-bit system than ia32.
program ilp32 $m32 -malign-double '-D_Static_assert(c,m)=extern int xm_unchecked'
awk -f kmod/tablegen/tablemerge.awk "$dir/table-lp64" "$dir/table-i386" "$dir/table-ilp32"
