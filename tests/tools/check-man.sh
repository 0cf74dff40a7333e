#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Manual pages are clean for mandoc, and for groff, which man(1) of Debian shows them with: no warning
# and no line that is too long where a terminal has 80 columns, of which man(1) takes 78.  Prints what
# is not; exits 1 if anything.
#
# usage: check-man.sh PAGE...
set -u
width=78
bad=0
mandoc -Tlint -W warning "$@" || bad=1
for page; do
	# Bytes that continue a character of UTF-8 are no column.
	said=$({ groff -mandoc -Tutf8 -P-cbou -rLL=${width}n "$page" |
		LC_ALL=C sed 's/[\x80-\xbf]//g' |
		LC_ALL=C awk -v n=$width 'length($0) > n { print "line beyond column " n ": " $0 }'
	} 2>&1)
	[ -z "$said" ] || { printf '%s\n%s\n' "groff: $page:" "$said"; bad=1; }
done
[ $bad = 0 ] && echo 'man: clean'
exit $bad
