#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A kernel that finds mistakes of a module: Debian's linux-source with kasan.config, built into a folder
# and left there until either changes.  Never installed; it boots in QEMU only.
#
#   kasan.sh FOLDER     FOLDER/out: what modules are built against; FOLDER/out/arch/x86/boot/bzImage
#
# JOBS: how many at once (as many as there are processors).
set -eu
here=$(dirname "$0")
mkdir -p "$1"
folder=$(cd "$1" && pwd)
version=$(sh "$here/fetch.sh" linux_version)
# Where apt knows of none, what is there is good.
[ -n "$version" ] || version=$(cat "$folder/source/done")
made_of=$(printf '%s\n' "$version" "$(gcc -dumpfullversion)" && cat "$here/kasan.config")
image=$folder/out/arch/x86/boot/bzImage
if [ -e "$image" ] && [ "$(cat "$folder/made-of" 2>/dev/null)" = "$made_of" ]; then
	exit 0
fi

# The flags of who calls are not the kernel's.
unset MAKEFLAGS MFLAGS CC CFLAGS LDFLAGS
rm -f "$folder/made-of"
[ "$(cat "$folder/source/done" 2>/dev/null)" = "$version" ] || rm -rf "$folder/out"
sh "$here/fetch.sh" linux "$folder/source"
mkdir -p "$folder/out"
kbuild() {
	make -s -C "$folder/source" O="$folder/out" "$@" >"$folder/log" 2>&1 && return
	tail -n 40 "$folder/log" >&2
	exit 1
}
kbuild KCONFIG_ALLCONFIG="$(cd "$here" && pwd)/kasan.config" allnoconfig
# What this version does not have, or has only with something else, is left out without a word.
grep '^CONFIG_' "$here/kasan.config" | grep -vxF -f "$folder/out/.config" && {
	echo 'kasan.sh: this kernel does not take these lines of kasan.config' >&2
	exit 1
}
kbuild -j"${JOBS:-$(nproc)}" bzImage modules
printf '%s\n' "$made_of" >"$folder/made-of"
