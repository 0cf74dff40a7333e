#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The public headers compile without a warning: each alone, in each profile, in C and C++; and all
# together, in each profile, in every dialect, for 64 and 32 bit and, where clang is, for the other
# processors of PRTOS, which is where the layouts of the structures are asserted.  Headers that choose a profile refuse one that is chosen already.
# Exits 1 if anything is otherwise.
#
# usage: check-headers.sh
#        check-headers.sh --one dialect profile header...	one compilation, for the above
set -u
warnings="-Wall -Wextra -Werror -Wpedantic -Wno-variadic-macros"

# dialect: a standard; one for 32 bit with "-m32" behind it; one for another processor with "@target"
# behind it, which clang compiles.  ISO C++98 has no 64-bit integers.
compile() {
	dialect=$1
	profile=$2
	shift 2
	m32=
	case $dialect in *-m32) m32=-m32; dialect=${dialect%-m32} ;; esac
	case $dialect in
	*@*) how="clang --target=${dialect#*@} -x c -std=${dialect%@*}" ;;
	gnu++98) how="${CXX:-g++} -x c++ -std=$dialect -Wno-long-long" ;;
	*++*) how="${CXX:-g++} -x c++ -std=$dialect" ;;
	*) how="${CC:-gcc} -x c -std=$dialect" ;;
	esac
	define=
	[ "$profile" = default ] || define=-DXM_PROFILE=$profile
	# shellcheck disable=SC2086
	{ printf '#include <%s>\n' "$@"; echo 'int something;'; } |
		$how $m32 $define $warnings -Iinclude -fsyntax-only -
}

if [ "${1-}" = --one ]; then
	shift
	compile "$@" || { echo "fails: $*"; exit 1; }
	exit 0
fi

headers=$(cd include && find . -name '*.h' ! -path './xm/uapi/*' | sed 's,^\./,,' | sort)
of_profile() { # the headers that exist in a profile
	for header in $headers; do
		case $1:$header in
		XM_PROFILE_PRTOS:* | *:xm*) echo "$header" ;;
		esac
	done
}

dialects="gnu99 gnu11 gnu++98 c++11 gnu++17"
if echo 'int x;' | ${CC:-gcc} -m32 -x c -fsyntax-only - 2>/dev/null; then
	dialects="$dialects gnu99-m32 gnu11-m32 gnu++98-m32 c++11-m32"
else
	echo "headers: this compiler has no -m32; layouts of 32 bit are not checked" >&2
fi
if command -v clang >/dev/null; then
	dialects="$dialects gnu11@aarch64-linux-gnu gnu11@riscv64-linux-gnu"
else
	echo "headers: there is no clang; layouts of aarch64 and riscv64 are not checked" >&2
fi

jobs() {
	for profile in XM_PROFILE_2_4 XM_PROFILE_2_6 XM_PROFILE_3_X XM_PROFILE_PRTOS; do
		all=$(of_profile $profile | tr '\n' ' ' | sed 's/ $//') # xargs joins lines that end in a blank
		for dialect in $dialects; do
			echo "$dialect $profile $all"
		done
		for header in $all; do
			echo "gnu11 $profile $header"
			echo "c++11 $profile $header"
		done
	done
	# Without a profile each chooses its own; then the other interface may follow in the same file.
	for header in $headers; do
		echo "gnu11 default $header"
	done
	for dialect in gnu11 c++11; do
		echo "$dialect default prtos.h xm.h"
		echo "$dialect XM_PROFILE_PRTOS xm.h prtos.h"
		echo "$dialect default xm-linux.h xm.h"
	done
}

bad=0
list=$(jobs)
echo "$list" | CC=${CC:-gcc} CXX=${CXX:-g++} xargs -P 2 -L 1 sh "$0" --one || bad=1

for second in xm-linux.h prtos.h; do
	compile gnu11 default xm.h $second 2>/dev/null &&
		{ echo "<$second> accepts the profile that <xm.h> chose"; bad=1; }
done
compile gnu11 XM_PROFILE_2_4 prtos.h 2>/dev/null && { echo "<prtos.h> accepts profile 2.4"; bad=1; }
compile gnu11 99 xm.h 2>/dev/null && { echo "<xm.h> accepts profile 99"; bad=1; }

[ $bad = 0 ] && echo "headers: $(echo "$headers" | wc -l) headers, $(echo "$list" | wc -l) compilations"
exit $bad
