#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Source is formatted as .clang-format says, every file of source names its licence, and lines of
# scripts stay readable.  Prints what does not; exits 1 if anything.
set -u
bad=0
sources=$(git ls-files | grep -E '\.[ch]$')
for file in $sources; do
	[ -e "$file" ] || continue
	clang-format --style=file "$file" | cmp -s - "$file" || { echo "not formatted: $file"; bad=1; }
done
for file in $(git ls-files |
	grep -E '\.([ch]|def|py|sh|map|mk|[1-9]|in|yaml)$|/Makefile$|^Makefile$|^\.ci/run$' |
	grep -vE '^tests/(policy|system|fuzz/seeds)/|^tests/.*/(bad|good|golden)/'); do
	[ -e "$file" ] || continue
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier:' || { echo "no SPDX line: $file"; bad=1; }
done
[ $bad = 0 ] && echo "format: as it should be"
exit $bad
