#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two commands at once, for a machine on which one of them waits more than it works.  What the first one
# says is seen at once, what the second one says when both have ended.  Exit status 0 if both have it.
#
#   beside.sh LOG FIRST SECOND     commands of the shell; LOG: a file for what SECOND says, for which SIGINT
#                                  is ignored, as always in the background of a script
set -u
log=$1
first=$2
second=$3
mkdir -p "$(dirname "$log")"
sh -c "$second" >"$log" 2>&1 </dev/null &
beside=$!
# Who ends this ends both.
trap 'kill $beside 2>/dev/null; exit 130' INT TERM
sh -c "$first"
status=$?
wait $beside
other=$?
cat "$log"
[ $status = 0 ] || echo "ended with $status: $first"
[ $other = 0 ] || echo "ended with $other: $second"
[ $status = 0 ] && [ $other = 0 ]
