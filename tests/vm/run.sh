#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Boots Debian's cloud kernel in QEMU (no KVM) with a root file system of what is tested and tests/vm/init,
# and demands its last line.  The module is never loaded into the machine that this runs on.
#
#   run.sh BUILD MODULE [VERSION]     the build folder, the module to be tested, the kernel's version
#
# SMP: how many processors (2).  VM_APPEND: more for the kernel's command line.  VM_SECONDS: how long it may
# take (900).  VM_KERNEL: the image of another kernel, which looks after its memory itself.  VM_MEMORY: of the
# guest (512 MiB).  CROSS_COMPILE, SYSROOT: for another architecture.  Prints the guest's output; exit status 0
# if all tests passed.
set -eu
build=$1
module=$2
version=${3:-$(modinfo -F vermagic "$module" | cut -d ' ' -f 1)}
smp=${SMP:-2}
here=$(dirname "$0")

kernel=${VM_KERNEL:-}
debug=
if [ -z "$kernel" ]; then
	sh "$here/fetch.sh" image "$build/vm/kernel" "$version"
	kernel=$build/vm/kernel/boot/vmlinuz-$version
	debug=slub_debug=FZPU
fi
work=$(mktemp -d "$build/vm/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
case ${VM_APPEND:-} in
*xm.groups=broker*) ;;
*xm.groups=*) export VM_SMALL=1 ;;
esac
sh "$here/root.sh" "$build" "$root" "$module" "${SYSROOT:-}"
# Twice what is in it, since logs come to it.
truncate -s 0 "$work/root.ext4"
mke2fs -q -F -t ext4 -O ^has_journal -d "$root" "$work/root.ext4" "$(($(du -sk "$root" | cut -f 1) * 2 + 16384))k"

case $version in
*-arm64) set -- qemu-system-aarch64 -M virt -cpu cortex-a57 && console=ttyAMA0 ;;
# A busy machine lets the timer's interrupts come so late that Linux takes the board for a broken one.
*) set -- qemu-system-x86_64 -M q35 -cpu max && console="ttyS0 no_timer_check" ;;
esac
accel=tcg,thread=single
[ "$smp" = 1 ] || accel=tcg,thread=multi
timeout "${VM_SECONDS:-900}" "$@" -accel $accel -smp "$smp" -m "${VM_MEMORY:-512}" -nodefaults -no-user-config -display none \
	-serial stdio -no-reboot -kernel "$kernel" \
	-drive "file=$work/root.ext4,if=none,id=d0,format=raw" -device nvme,drive=d0,serial=xm \
	-append "console=$console panic=-1 oops=panic $debug quiet root=/dev/nvme0n1 rw init=/init ${VM_APPEND:-}" \
	</dev/null | sed -u 's,\r,,g' | tee "$work/log"
sed -n "s/^vmtest: .*/&, Linux $version/p" "$work/log" >"$build/vm/tests"
grep -q '^XM-EXIT rc=0$' "$work/log" || {
	echo 'vmtest: the guest did not come to a good end' >&2
	exit 1
}
