#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a kernel developer would have the module checked by: the compiler's further warnings (W=1) and
# sparse, for this architecture and the others that can be had; checkpatch --strict; coccinelle's
# standard checks.  Any finding is an error.
#
#   kmod-lint.sh STAGE KERNEL SCRIPTS     the folder that the module is built in, that of the kernel's
#                                         headers, and that of linux-source's scripts/
set -eu
stage=$1
kernel=$2
scripts=$3
status=0

say() {
	printf '  %-10s %s\n' "$1" "$2"
}

# Output of a check that should have none.
finding() {
	if [ -s "$1" ]; then
		cat "$1"
		status=1
	fi
}

# The jobs of the make that calls this are not this one's, which would say so.
unset MAKEFLAGS MFLAGS
log=$stage/lint.log
say W=1,C=2 "$kernel"
if ! make -C "$kernel" M="$stage" W=1 C=2 CF='-Wsparse-error' KCFLAGS=-Werror modules >"$log.all" 2>&1; then
	tail -n 40 "$log.all"
	status=1
fi
grep -E 'warning|error' "$log.all" >"$log" || true
finding "$log"

say checkpatch kmod/
perl "$scripts/checkpatch.pl" --no-tree --strict --terse --show-types --quiet \
	-f kmod/*.[ch] kmod/shim/*.h kmod/shim/sys/*.h kmod/Kbuild include/xm/uapi/xmctl.h >"$log.all" || true
grep -v '^total: 0 errors, 0 warnings, 0 checks,' "$log.all" >"$log" || true
finding "$log"

# Two of them are in a language of their own, whose compiler is not worth the room.
checks=$(find "$scripts/coccinelle" -name '*.cocci' -exec grep -l 'virtual report' {} + |
	xargs grep -L 'script:ocaml' | sort)
say coccinelle "kmod/, $(echo "$checks" | wc -l) checks"
: >"$log"
for check in $checks; do
	spatch --very-quiet --no-show-diff -D report --cocci-file "$check" -I include \
		kmod/[a-z]*.c >>"$log" 2>"$log.cocci" || {
		echo "$check:" >>"$log"
		cat "$log.cocci" >>"$log"
	}
done
finding "$log"
exit $status
