#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The main job, shown: xmbroker on a simulated hypervisor, three users, one policy; what one may do
# that the other may not, why, and the record of it.  Works in a folder of its own and leaves nothing.
#
# As root the users alice, bob and carol exist for this run only, in a private view of /etc/passwd
# (or, where the machine does not let root have one, as bare numbers).  As an ordinary user you play
# the three parts one after the other, with a reload of the policy between.
#
# XM_DEMO_BACKEND: another hypervisor than the simulated one; XM_DEMO_STAGE=real: the users exist.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=${XM_BUILD:-$top/build}

# ---- as root: a private view in which the three users exist -----------------------------------------

if [ "$(id -u)" = 0 ] && [ "${XM_DEMO_STAGE:-}" = "" ]; then
	if unshare --mount true 2>/dev/null; then
		XM_DEMO_STAGE=named exec unshare --mount --propagation private sh "$0" "$@"
	fi
	export XM_DEMO_STAGE=numbers
fi

folder=$(mktemp -d)
chmod 755 "$folder"
broker=
cleanup() {
	trap - EXIT INT TERM
	[ -z "$broker" ] || { kill "$broker" 2>/dev/null; wait "$broker" 2>/dev/null; } || :
	if [ "${XM_DEMO_STAGE:-}" = named ]; then
		umount /etc/passwd 2>/dev/null || :
	fi
	rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if [ "${XM_DEMO_STAGE:-}" = named ]; then
	{
		cat /etc/passwd
		echo 'alice:x:20001:20001:operator:/:/bin/sh'
		echo 'bob:x:20002:20002:observer:/:/bin/sh'
		echo 'carol:x:20003:20003:in no grant:/:/bin/sh'
	} >"$folder/passwd"
	mount --bind "$folder/passwd" /etc/passwd || XM_DEMO_STAGE=numbers
fi

# ---- telling and doing --------------------------------------------------------------------------------

say() {
	printf '\n== %s\n' "$*"
}

# The sample policy, for the users that this run has.
write_policy() {
	sed -e "s/user:alice/user:$1/" -e "s/user:bob/user:$2/" \
		"$top/policy/examples/demo.yaml" >"$folder/policy.yaml"
}

run_as() { # NAME UID COMMAND...
	who=$1 uid=$2
	shift 2
	printf '%s$ %s\n' "$who" "$(basename "$1") $(shift && echo "$*")"
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
	fi
	XM_BROKER_SOCKET=$folder/run/socket "$@" 2>&1 | sed 's/^/    /' || :
}

wait_log() {
	tries=0
	until grep -q "$1" "$folder/log"; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ] || ! kill -0 "$broker" 2>/dev/null; then
			echo "xmbroker did not say \"$1\":" >&2
			cat "$folder/log" >&2
			exit 1
		fi
		sleep 0.05
	done
}

generation=1
become() { # ALICE BOB: as an ordinary user, who plays which part
	[ "$(id -u)" = 0 ] && return
	write_policy "$1" "$2"
	kill -HUP "$broker"
	generation=$((generation + 1))
	wait_log "generation $generation"
}

me=$(id -u)
if [ "$me" = 0 ]; then
	alice=20001 bob=20002 carol=20003 user='--user 20009:20009'
	[ "$XM_DEMO_STAGE" = numbers ] && names="$alice $bob" || names='alice bob'
	[ "$XM_DEMO_STAGE" = real ] && user=
else
	alice=$me bob=$me carol=$me user= names="$me 4294000001"
fi

# ---- the demonstration ----------------------------------------------------------------------------------

say "The policy (policy/examples/demo.yaml)"
# shellcheck disable=SC2086
write_policy $names
cp "$top/policy/examples/demo.xml" "$folder/"
sed 's/^/    /' "$folder/policy.yaml"

backend=${XM_DEMO_BACKEND:-sim:$folder/demo.xml}
if [ -z "${XM_DEMO_BACKEND:-}" ]; then
	say "xmbroker owns the hypervisor: here a simulated one with the partitions linux, payload, camera"
else
	say "xmbroker owns the hypervisor: $backend"
fi
mkdir "$folder/run"
# The verification key leaves the host; the auditor has it.
verification=$("$build/xmaudit" key --new --state "$folder/audit.key" 2>/dev/null)
# shellcheck disable=SC2086
"$build/xmbroker" --policy "$folder/policy.yaml" --socket "$folder/run/socket" \
	--audit "$folder/audit.jsonl" --audit-key "$folder/audit.key" --backend "$backend" $user 2>"$folder/log" \
	>"$folder/console" &
broker=$!
wait_log 'xmbroker: ready'
sed 's/^/    /' "$folder/log"

[ "$me" = 0 ] || echo "    (you are not root: you play alice, bob and carol in turn)"

say "alice operates the payload, and only the payload (1), not the camera (2)"
run_as alice $alice "$build/examples/hello"
run_as alice $alice "$build/examples/gettime"
run_as alice $alice "$build/examples/hcall" 2 1
run_as alice $alice "$build/examples/hcall" 3 1
run_as alice $alice "$build/examples/hcall" 2 2
say "... and why: the same question, asked of the policy"
"$build/xmpolicy" explain --policy "$folder/policy.yaml" --as "user:$alice" \
	'XM_suspend_partition(camera)' | sed 's/^/    /' || :

become 4294000001 "$me"
say "bob may look and nothing else"
run_as bob $bob "$build/examples/gettime"
run_as bob $bob "$build/examples/hello"
run_as bob $bob "$build/examples/hcall" 2 1

become 4294000001 4294000002
say "carol is in no grant: her program starts, and is refused everything"
run_as carol $carol "$build/examples/hello"
run_as carol $carol "$build/examples/hcall" 10 0 0

say "What the auditor sees (xmaudit tail)"
kill "$broker"
wait "$broker"
broker=
"$build/xmaudit" tail -n 40 "$folder/audit.jsonl" | sed 's/^/    /'
say "... and whether it is what the broker wrote (xmaudit verify), before and after one word is changed"
echo "$verification" | "$build/xmaudit" verify --key - "$folder/audit.jsonl" 2>&1 | sed 's/^/    /'
sed 's/"decision":"deny"/"decision":"allow"/' "$folder/audit.jsonl" >"$folder/forged.jsonl"
echo "$verification" | "$build/xmaudit" verify --key - "$folder/forged.jsonl" 2>&1 | sed 's/^/    /' || :

if [ -z "${XM_DEMO_BACKEND:-}" ]; then
	say "What the partition's console shows"
	sed 's/^/    /' "$folder/console"
fi
echo
