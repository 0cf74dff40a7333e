#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs test programs, some at a time (JOBS, 2 unless set), and counts.  Unit tests are Criterion
# programs; *.py print TAP themselves.
#
#   tests/run.sh RESULTS-FOLDER PROGRAM...
#
# The closing line says how many tests ran.  "not run" are tests that need what this user or machine
# does not have: they are never counted as passed.
set -u

count() { # PATTERN FILE
	grep -ciE "$1" "$2" 2>/dev/null || :
}

# The allocator of gcc 12's address sanitizer does not survive a fork() of a process with threads if
# another thread is just using it, and Criterion's tests are such forks: sometimes one never begins.
# Such a program is run again; one that hangs by itself hangs again.
unit() { # PROGRAM TAP LOG
	tries=1 seconds=300
	[ -n "${XM_SANITIZED:-}" ] && tries=3 seconds=150
	while :; do
		# shellcheck disable=SC2016
		timeout -k 10 $seconds sh -c 'echo $$ >"$0"; exec "$@"' "$3.pid" \
			"$1" --tap="$2" --jobs 2 >"$3" 2>&1
		status=$?
		tries=$((tries - 1))
		[ $status = 124 ] && [ $tries -gt 0 ] || return
		echo "  $(basename "$1") hangs: once more"
		rm -f "/tmp/criterion_$(cat "$3.pid").sock"
		: >"$2"
	done
}

one() { # RESULTS PROGRAM
	name=$(basename "$2")
	tap=$1/$name.tap
	log=$1/$name.log
	: >"$tap"
	case $2 in
	*.py) PYTHONDONTWRITEBYTECODE=1 timeout -k 10 1000 python3 "$2" >"$tap" 2>"$log"; status=$? ;;
	*) unit "$2" "$tap" "$log" ;;
	esac
	skipped=$(count '^ok.*# *skip' "$tap")
	passed=$(($(count '^ok' "$tap") - skipped))
	failed=$(count '^not ok' "$tap")
	# A program that ends badly, or says nothing, has failed even if no test of it says so.
	if [ "$failed" = 0 ]; then
		[ "$status" = 0 ] && [ $((passed + skipped)) -gt 0 ] || failed=1
	fi
	# A test is over for Criterion before the sanitizer looks for what was not freed.
	failed=$((failed + $(count '^==.*ERROR: LeakSanitizer' "$log")))
	echo "$passed $failed $skipped" >"$1/$name.count"
	printf '  %-28s %4d passed %3d failed %3d not run\n' "$name" "$passed" "$failed" "$skipped"
	# What a test counted is worth seeing also when nothing failed.
	grep -hE '^count: ' "$log" "$tap" | sed 's/^count: /      /'
	sed -n 's/^# summary: /      /p' "$tap"
	grep -iE '^ok.*# *skip' "$tap" | sed 's/^ok [0-9]* *-* */      not run: /'
	[ "$failed" = 0 ] && return
	grep -A 30 '^not ok' "$tap" | head -n 150
	echo "---- $log (exit status $status)"
	tail -n 40 "$log"
}

if [ "$1" = --one ]; then
	one "$2" "$3"
	exit 0
fi

results=$1
shift
rm -rf "$results"
mkdir -p "$results"
printf '%s\0' "$@" | xargs -0 -P "${JOBS:-2}" -I{} sh "$0" --one "$results" {}
cat "$results"/*.count | awk -v programs=$# '
	{ passed += $1; failed += $2; skipped += $3 }
	END {
		if (NR != programs) { failed += programs - NR }
		printf "%d passed, %d failed", passed, failed
		if (skipped) printf ", %d skipped", skipped
		print ""
		exit failed > 0 || passed == 0
	}'
