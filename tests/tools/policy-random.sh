#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Random policies, others at each run, by the compiled evaluator, the naive interpreter and the proofs;
# at the end what was compared.  XM_SEED says where to begin.
#
# usage: policy-random.sh LOG POLICIES TEST...
set -u
log=$1
export XM_POLICIES="$2"
shift 2

all=$log.all
: >"$all"
for test; do
	XM_SEED=${XM_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	export XM_SEED
	echo "  XM_SEED=$XM_SEED XM_POLICIES=$XM_POLICIES $test"
	"$test" >"$log" 2>&1 || {
		cat "$log"
		exit 1
	}
	grep '^count: ' "$log" | tee -a "$all" | sed 's/^count: /    /'
done
awk '{
	for (i = 2; i <= NF; i++) {
		if ($i == "questions") questions += $(i - 1)
		if ($i ~ /^decisions/) decisions += $(i - 1)
	}
}
END {
	printf "  %.0f (policy, request) pairs by the naive interpreter, %.0f decisions against proofs: ",
		questions, decisions
	print "0 differences"
	exit !(questions && decisions)
}' "$all"
