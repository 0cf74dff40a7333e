#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The binary interface of libxm.so.0 against its descriptions in libxm/abi/: symbols, the types of
# their parameters, and the layout of those.  Programs that were linked against an earlier build must
# find what they knew; what is new has to be written down, so that it cannot be lost either.
#
#   check-abi.sh            compares; exits 1 if anything differs
#   check-abi.sh --write    writes the descriptions anew
#
# B is the build folder.  The libraries must have been built with -g.  Each profile has a description
# of its own: profiles have types of the same name, which abidiff takes for one another.
set -u
build=${B:-build}
folder=libxm/abi
profiles='xm24 xm26 xm3x xmpr'
bad=0
only=$(mktemp) || exit 1
trap 'rm -f "$only"' EXIT

# Tells abidw and abidiff to look at one profile.
select_profile() { # PROFILE
	others=$(echo "$profiles" | tr ' ' '\n' | grep -vx "$1" | paste -sd '|')
	printf '[suppress_%s]\nsymbol_name_regexp = ^('"$others"')_\ndrop = yes\n' function variable >"$only"
}

# No path, line or number that another machine or build would change.  The comment cannot stand
# first: abidiff knows the file by its first line.
write() { # LIBRARY FILE
	mkdir -p "$folder"
	abidw --no-show-locs --no-comp-dir-path --no-corpus-path --type-id-style hash \
		--exported-interfaces-only --drop-undefined-syms --suppr "$only" "$1" >"$2.new" &&
		sed -i '1a <!-- SPDX-License-Identifier: LGPL-2.1-or-later; written by make abi-baseline -->' \
			"$2.new" && mv "$2.new" "$2" && echo "wrote $2" && return
	rm -f "$2.new"
	return 1
}

compare() { # LIBRARY FILE
	[ -e "$2" ] || { echo "$2 is missing: make abi-baseline"; return 1; }
	report=$(abidiff --no-show-locs --exported-interfaces-only --suppr "$only" "$2" "$1" 2>&1) && return
	printf '%s differs from %s:\n%s\n' "$1" "$2" "$report"
	return 1
}

library() { # ACTION LIBRARY ARCHITECTURE
	if ! readelf -S "$2" | grep -q '\.debug_info'; then
		echo "$2 has no debugging information: build it with -g"
		bad=1
		return
	fi
	for profile in $profiles; do
		select_profile "$profile"
		"$1" "$2" "$folder/$profile-$3.abi" || bad=1
	done
}

action=compare
[ "${1:-}" = --write ] && action=write
case $(readelf -h "$build/libxm.so.0" 2>/dev/null | sed -n 's/^ *Machine: *//p') in
*X86-64*)
	library $action "$build/libxm.so.0" x86_64
	library $action "$build/m32/libxm.so.0" i386
	;;
'')
	echo "$build/libxm.so.0 is not there"
	bad=1
	;;
*)
	echo 'ABI: there is no description for this architecture; not compared'
	exit 0
	;;
esac
if [ $action = compare ] && [ $bad = 0 ]; then
	echo "ABI: libxm.so.0 is what $folder says"
elif [ $action = compare ]; then
	echo "Programs that were built before may break.  If it is meant (something new): make abi-baseline"
fi
exit $bad
