#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# All of the module for the architectures that it has a conduit for, without a warning.  arm64 and 32-bit
# x86: with the headers that Debian has for them, unpacked.  riscv64: this Debian has no kernel for it, so
# that headers are made from linux-source; what the kernel exports is not known then, and not looked at.
#
#   kmod-cross.sh FOLDER     where to, in which linux-source is; no blank in its path
set -eu
: "${MAKE:=make}"
to=$1

tell() {
	printf '  %-10s %s\n' "$1" "$2"
}

build() { # ARCH NAME HEADERS PREFIX
	tell "$1" "$(basename "$3")"
	$MAKE --no-print-directory KMOD="$to/kmod-$2" KERNEL="$3" \
		KMOD_ARGS="ARCH=$1 CROSS_COMPILE=$4 W=1 KCFLAGS=-Werror ${5:-}" kmod >"$to/kmod-$2.log" 2>&1 || {
		tail -n 30 "$to/kmod-$2.log"
		exit 1
	}
}

# The instruction, from the object that has just been built: compiled is not yet right.
shows() {
	"$1"objdump -d "$2" >"$to/conduit.dis"
	grep -qE "[[:space:]]$3" "$to/conduit.dis" || {
		echo "$2 has no $3" >&2
		exit 1
	}
}

# What modules are built against, of as little as the module wants.
prepare() { # ARCH PREFIX
	out=$to/linux-$1
	rm -rf "$out"
	mkdir -p "$out"
	for option in 64BIT MMU SMP MODULES PRINTK; do echo "CONFIG_$option=y"; done >"$out/wanted"
	{
		$MAKE -s -C "$to/linux-source" O="$out" ARCH="$1" CROSS_COMPILE="$2" \
			KCONFIG_ALLCONFIG="$out/wanted" allnoconfig &&
			$MAKE -s -C "$to/linux-source" O="$out" ARCH="$1" CROSS_COMPILE="$2" modules_prepare
	} >"$to/linux-$1.log" 2>&1 || {
		tail -n 30 "$to/linux-$1.log"
		exit 1
	}
}

mkdir -p "$to"
# The same as those of the guest.
build arm64 arm64 "$(sh tests/vm/fetch.sh headers "$to/aarch64-linux-gnu/headers-cloud-arm64" arm64 cloud-arm64)" aarch64-linux-gnu-
shows aarch64-linux-gnu- "$to/kmod-arm64/kmod/conduit_arm64_hvc.o" 'hvc[[:space:]]+#0x0'
build i386 i386 "$(sh tests/vm/fetch.sh headers "$to/headers-686" i386 686)" ''
shows '' "$to/kmod-i386/kmod/conduit_x86_farcall.o" 'lcall'
prepare riscv riscv64-linux-gnu-
build riscv riscv64 "$to/linux-riscv" riscv64-linux-gnu- KBUILD_MODPOST_WARN=1
shows riscv64-linux-gnu- "$to/kmod-riscv64/kmod/conduit_riscv_ecall.o" 'ecall'
