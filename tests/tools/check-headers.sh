#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each public header compiles alone, in C and C++, for each profile and, where the compiler can, for
# 32 bit.  Exits 1 if one does not.
set -u
bad=0
count=0
warnings="-Wall -Wextra -Werror -Wpedantic -Wno-variadic-macros"
m32=
echo 'int x;' | ${CC:-gcc} -m32 -x c -fsyntax-only - 2>/dev/null && m32=-m32

for header in $(cd include && find . -name '*.h' ! -path './xm/uapi/*' | sed 's,^\./,,' | sort); do
	for profile in XM_PROFILE_2_4 XM_PROFILE_3_X default; do
		define=-DXM_PROFILE=$profile
		[ $profile = default ] && define=
		for how in "${CC:-gcc} -std=gnu11 -x c" "${CC:-gcc} -std=gnu99 -x c" \
			"${CXX:-g++} -std=c++11 -x c++" ${m32:+"${CC:-gcc} -m32 -std=gnu11 -x c"}; do
			count=$((count + 1))
			# shellcheck disable=SC2086
			printf '#include <%s>\nint something;\n' "$header" | $how -fsyntax-only $warnings $define -Iinclude - ||
				{ echo "fails: $how $define <$header>"; bad=1; }
		done
	done
done
[ $bad = 0 ] && echo "headers: $count compilations, each alone"
exit $bad
