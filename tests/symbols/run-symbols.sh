#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A program that references every public name links and runs: in each profile, as C and as C++,
# shared and static, with the 64-bit library and, if there is one, the 32-bit one; and libxm-linux.a
# has profile 2.4.  And the libraries export nothing else: each of their symbols is declared by a
# header.  CC, CXX and CFLAGS (for a library built with sanitizers) are honoured.  Leaves nothing
# behind.
#
# usage: run-symbols.sh build-folder [build-folder-of-32-bit]
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 2
include=$(cd "$here/../../include" && pwd) || exit 2
[ $# -ge 1 ] || { echo "usage: run-symbols.sh build-folder [build-folder-of-32-bit]" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

CC=${CC:-gcc}
CXX=${CXX:-g++}
CFLAGS=${CFLAGS-}
warnings="-Wall -Wextra -Werror -Wpedantic -Wno-variadic-macros"
profiles="24 26 30 40"
bad=0
ran=0
fail() { echo "symbols: $*"; bad=1; }

# run title program...: it must find every name
run() {
	title=$1
	shift
	ran=$((ran + 1))
	said=$("$@" 2>&1) || { fail "$title: $said"; return; }
}

# one build-folder flag profile language: compiled once, linked and run shared and static
one() {
	folder=$1 flag=$2 profile=$3 language=$4
	what="profile $profile, $language${flag:+, $flag}"
	compiler="$CC -x c -std=gnu11"
	linker=$CC
	[ "$language" = C ] || { compiler="$CXX -x c++ -std=gnu++11"; linker=$CXX; }
	# shellcheck disable=SC2086
	python3 "$here/make-symbols.py" "$include" "$profile" $compiler $flag >"$work/names.c" &&
		$compiler $flag $CFLAGS $warnings "-DXM_PROFILE=$profile" "-I$include" -fPIE \
			-c -o "$work/names.o" "$work/names.c" || { fail "$what: does not compile"; return; }

	# shellcheck disable=SC2086
	if $linker $flag $CFLAGS -pie -o "$work/shared" "$work/names.o" "-L$folder" -l:libxm.so.0 -lpthread; then
		run "$what, shared" env "LD_LIBRARY_PATH=$folder" "$work/shared"
	else
		fail "$what: does not link with libxm.so"
	fi
	for archive in libxm.a libxm-linux.a; do
		[ $archive = libxm.a ] || [ "$profile" = 24 ] || continue
		# shellcheck disable=SC2086
		if $linker $flag $CFLAGS -pie -o "$work/static" "$work/names.o" "$folder/$archive" -lpthread; then
			run "$what, $archive" "$work/static"
		else
			fail "$what: does not link with $archive"
		fi
	done
}

# exported file nm-option...: what a library defines and no header declares
exported() {
	file=$1
	shift
	nm "$@" --defined-only "$file" >"$work/nm" || { fail "$file: nm fails"; return; }
	# "address type name@@version"; a version of its own is absolute; sanitizers add names for data.
	awk 'NF == 3 && $2 != "A" && $3 !~ /^__odr_asan\./ { sub(/@.*/, "", $3); print $3 }' "$work/nm" | sort -u >"$work/has"
	[ -s "$work/has" ] || fail "$file exports nothing"
	comm -23 "$work/has" "$work/declared" >"$work/extra"
	[ ! -s "$work/extra" ] ||
		fail "$file exports what no header declares: $(tr '\n' ' ' <"$work/extra")"
}

# all build-folder flag
all() {
	folder=$(cd "$1" && pwd) || { fail "no folder $1"; return; }
	# shellcheck disable=SC2086
	for profile in $profiles; do
		python3 "$here/make-symbols.py" --list "$include" "$profile" $CC -x c -std=gnu11 $2
	done | sort -u >"$work/declared"
	for profile in $profiles; do
		for language in C C++; do
			one "$folder" "$2" "$profile" "$language"
		done
	done
	exported "$folder/libxm.so.0" -D
	exported "$folder/libxm.a" -g
	exported "$folder/libxm-linux.a" -g
}

all "$1" ""
[ $# -lt 2 ] || all "$2" -m32
[ $bad = 0 ] && echo "symbols: $(wc -l <"$work/declared") symbols of 4 profiles, $ran programs"
exit $bad
