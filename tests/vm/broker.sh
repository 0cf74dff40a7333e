# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xmbroker on the device, in the guest: part of tests/vm/init, whose functions it uses.  Real users ask
# it; they cannot have the device itself, nor can anybody beside it, nor its server more of it than the
# policy allows.

# shellcheck shell=sh disable=SC2154
S=/run/xmbroker/socket
demo_xml=/usr/share/xmbroker/policy/demo.xml
broker=

as() {
	user=$1
	shift
	XM_BROKER_SOCKET=$S /usr/bin/setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	end=$(($(date +%s) + $1 * patience))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le $end ] || return 1
		sleep 0.05
	done
}
says() { # TEXT: the broker, since it was started
	grep -qF -e "$1" /tmp/broker.log
}
starts() { # FOLDER OF XMBROKER
	: >/tmp/broker.log
	mkdir -p /run/xmbroker
	"$1/xmbroker" --policy /tmp/policy.yaml --socket $S --audit /tmp/audit.jsonl --audit-key none \
		--backend device >/tmp/broker.log 2>&1 &
	broker=$!
}
is_ready() {
	within 90 says 'xmbroker: ready' && return
	cat /tmp/broker.log
	return 1
}
stops() {
	kill "$broker"
	wait "$broker"
}
rights() { # LINES: what alice may
	cat >/tmp/policy.new <<-END
		version: 1
		system: $demo_xml
		roles:
		  all:
		$1
		grants:
		  - {to: "user:alice", roles: [all]}
	END
	mv /tmp/policy.new /tmp/policy.yaml
}
few='    - {allow: ["@time", "@status"], audit: denied}'
halting='    - {allow: ["@time", "@status", XM_halt_system], audit: denied}'
any='0..18446744073709551615'
everything="    - {allow: ['@time', '@status', '@console', '@ports', '@hm', '@trace', '@plan', '@partition', '@system', '@ipvi', '@self-stop'], audit: denied}
    - {allow: '@machine', where: {resource: $any}, audit: denied}
    - {allow: XM_memory_copy, where: {dstAddr: $any, srcAddr: $any}, audit: denied}
    - {allow: [XM_set_irqmask, XM_clear_irqmask], where: {hwIrqsMask: 0..0xffffffff, extIrqsMask: 0..0xffffffff}, audit: denied}
    - {allow: [XM_set_irqpend, XM_clear_irqpend], where: {hwIrqsPend: 0..0xffffffff, extIrqsPend: 0..0xffffffff}, audit: denied}
    - {allow: XM_reset_vcpu, where: {vcpuId: 0..15, ptdL1: $any, entry: $any}, audit: denied}"
reloads() { # LINES: the policy in force from now on
	rights "$1"
	n=$(grep -c 'generation' /tmp/broker.log)
	kill -HUP "$broker"
	within 20 more_lines generation "$n"
}
more_lines() {
	[ "$(grep -c "$1" /tmp/broker.log)" -gt "$2" ]
}

# ---- tests -------------------------------------------------------------------------------------------

cannot_open() { # USER
	fails as "$1" sh -c 'exec 3<>/dev/xmctl' 2>/tmp/refusal && grep -q 'Permission denied' /tmp/refusal
}
is_busy() {
	fails sh -c 'exec 3<>/dev/xmctl' 2>/tmp/refusal && grep -q 'busy' /tmp/refusal
}
# A user like any other: none of what root has is left.
is_ordinary() { # USER
	as "$1" grep -q '^CapEff:	0000000000000000$' /proc/self/status &&
		[ "$(as "$1" id -un)" = "$1" ] && [ "$(as "$1" id -G)" = "$(id -g "$1")" ]
}
# The broker's child: the undertaker and its workers are the server's.
server() {
	read -r children <"/proc/$broker/task/$broker/children"
	for pid in $children; do
		! grep -qx xmbroker-server "/proc/$pid/comm" || echo "$pid"
	done
}
# Its root has no device, and what it has been given is no way back to the node.
server_has_derived() {
	# shellcheck disable=SC2012
	ls -l "/proc/$(server)/fd" >/tmp/fds
	grep -q 'anon_inode:.*xmctl' /tmp/fds && ! grep -q '/dev/xmctl' /tmp/fds
}
# Of its own user, and of nobody else's.
server_is_nobody() {
	grep -q '^Uid:	990	990	990	990$' "/proc/$(server)/status"
}
self_test() {
	/usr/sbin/xmbroker --self-test >/tmp/self-test 2>&1 && return
	grep -v 'in force' /tmp/self-test
	return 1
}
no_hypercall_from_user_mode() {
	grep -q '^machine .*hypercall from user mode.*in force .*trapped: SIG' /tmp/self-test &&
		! grep -q 'ANY PROCESS' /tmp/self-test
}
conforms() { # PROFILE [CLAIMS]: the rows of the suite count as tests
	as alice /xm/conformance"$1" --json --system /xm/system-loopback.txt --brokered --claims "${2:-/xm/loopback.claims}" \
		>/tmp/rows 2>/tmp/err
	result=$?
	grep '"claimed":true' /tmp/rows | grep -v '"failed":0,"lacks":""' | head -n 20
	cat /tmp/err
	sed -n 's/.*"rows":\([0-9]*\),"passed":\([0-9]*\),"failed":\([0-9]*\).*/\2/p' /tmp/rows >/tmp/passed
	n=$(cat /tmp/passed)
	echo "conformance$1: $(tail -n 1 /tmp/rows)"
	tests=$((tests + ${n:-0}))
	[ $result = 0 ] && [ "${n:-0}" -gt 50 ]
}
prints() { # TEXT COMMAND...
	text=$1
	shift
	"$@" >/tmp/printed 2>&1
	grep -qF -e "$text" /tmp/printed && return
	cat /tmp/printed
	return 1
}
attempt() { # NAME: of one that the hook of tests knows
	/takeover $S "$1"
}
serves() {
	prints 'XM_write_console: 14' as alice /xm/build/examples/hello
}
serves_again() {
	within 30 says 'the server serves again' && serves
}

# What comes before the broker: nobody is served, and told so as they always were.
tells_of_no_device() {
	fails as alice /xm/build/examples/hello >/tmp/printed 2>&1 &&
		grep -q 'open /dev/xmctl: No such file or directory' /tmp/printed
}
ends_while_it_waits() {
	kill "$broker"
	wait "$broker" 2>/dev/null
	[ $? = 143 ] && [ ! -e $S ]
}
# Without machine=1 the policy wants more than there is.
late() {
	section "a device that comes late"
	rights "$everything"
	starts /usr/sbin
	check 'without a module: what is missing is said, and what to do' within 20 says 'load the module (modprobe xmctl)'
	check 'waits for the device' within 20 says 'waiting for /dev/xmctl'
	check 'alice is told that there is no device' tells_of_no_device
	check 'ends when it is told to while it waits' ends_while_it_waits
	starts /usr/sbin
	within 20 says 'waiting for /dev/xmctl'
	load conduit=loopback
	check 'is ready when the module has been loaded' is_ready
	check 'alice is served' serves
}
lacking() {
	section "a device that offers less than the policy wants"
	check 'says that not all can be made' says 'cannot be made through the device'
	check 'and what to do' says 'only if xmctl is loaded with machine=1, see xmctl(4): XM_'
	check 'and what never is' says 'because an address goes with them: XM_x86_load_'
	n=$(grep -c 'cannot be made through' /tmp/broker.log)
	check 'a policy that wants less' reloads "$few"
	check 'of that nothing is lacking' [ "$(grep -c 'cannot be made through' /tmp/broker.log)" = "$n" ]
	stops
	rmmod xmctl && load conduit=loopback machine=1
}
# By an old tool of root's.
in_use() {
	section "a device that is in use"
	sleep 600 <>/dev/xmctl &
	old_tool=$!
	within 5 is_busy
	rights "$everything"
	starts /usr/sbin
	check 'it is said how to find out by whom' within 20 says 'fuser -v /dev/xmctl'
	check 'waits for the device' within 20 says 'waiting for /dev/xmctl'
	check 'alice is told that there is no device' tells_of_no_device
	kill $old_tool
	wait $old_tool
	check 'is ready when it is free' is_ready
	check 'nothing is lacking that a parameter would bring' fails says 'only if xmctl is loaded with machine=1'
}

asking() {
	section "xmbroker"
	check 'xmbroker --self-test' self_test
	check 'no hypercall from user mode gets through' no_hypercall_from_user_mode
	for user in alice bob carol xmbroker; do check "$user cannot open the device" cannot_open $user; done
	for user in alice bob carol; do check "$user is an ordinary user" is_ordinary $user; done
	check 'nor can root beside the broker' is_busy
	check 'the server is a user of its own' server_is_nobody
	check 'the server has a derived descriptor and not the node' server_has_derived
	check 'the module does not unload' fails rmmod xmctl 2>/dev/null
	check 'a program of 2.4, as alice' serves
	check 'bob, who has no grant' prints 'Operation not permitted' as bob /xm/build/examples/hello
}

ending() {
	section "ends"
	kill -9 "$(server)"
	check 'the server was killed, and alice is served again' serves_again
	kill -9 "$broker"
	wait "$broker" 2>/dev/null
	starts /usr/sbin
	check 'the supervisor was killed, and the next one is ready' is_ready
	check 'alice is served' serves
}

conforming() {
	section "conformance"
	check 'conformance, 3.x, as alice' conforms 3x
	check 'that the hypervisor began anew was found out' says 'the connection to the hypervisor is lost'
	check 'another descriptor was derived' says 'the server has a new connection to the hypervisor'
	check 'the description was compared again' says 'connected to the hypervisor again'
	stops
	check 'root can open the device when the broker has ended' sh -c 'exec 3<>/dev/xmctl'

	rmmod xmctl && load conduit=loopback machine=1 profile=prtos
	starts /usr/sbin
	check 'ready on a hypervisor with the numbers of PRTOS' is_ready
	# It has the rules of 3.x all the same.
	grep -v 'plans / switch: back to the first' /xm/loopback.claims >/tmp/claims
	check 'conformance, PRTOS, as alice' conforms pr /tmp/claims
	stops

	# 2.x was never a hypervisor of arm64.
	[ "$(uname -m)" = x86_64 ] || return 0
	# The same rows fail on xmbroker's own loopback: console, traces, plans and states of 3.x.
	grep -v -e 'write: more than the limit' -e 'traces / event: bad arguments' -e 'suspend, in every state' \
		-e 'switch: back to the first' -e 'system / cold reset' /xm/loopback.claims >/tmp/claims
	for numbers in 2.4 2.6; do
		rmmod xmctl && load conduit=loopback machine=1 profile=$numbers
		starts /usr/sbin
		check "ready on a hypervisor with the numbers of $numbers" is_ready
		check "conformance, $numbers, as alice" conforms "${numbers%.*}${numbers#*.}" /tmp/claims
		stops
	done
}

# The last row halts the system.
fresh() {
	rmmod xmctl && load conduit=loopback machine=1
}

# What the server can do, whatever becomes of it.
taken() {
	section "a server that has been taken over"
	rights "$few"
	starts /xm/takeover
	check 'ready' is_ready
	check 'it cannot do what the policy does not allow' prints 'code 4 ' attempt call
	check 'a policy that allows it' reloads "$halting"
	check 'now it can' prints 'code 10 ' attempt call # what became of it nobody can say
	check 'a policy that does not' reloads "$few"
	check 'it cannot any more' within 10 prints 'code 4 ' attempt call # in between it has lost the hypervisor
	check 'other commands to the device are its end' prints ended attempt ioctl
	check 'it is started again' within 30 says 'the server serves again'
	stops
}

# Another name of a partition; at the start as when it is loaded later.
describing() {
	section "the description of another system"
	fresh # a server that was taken over has halted it
	sed 's/name="camera"/name="kamera"/' $demo_xml >/tmp/other.xml
	rights "$few"
	sed -i 's|system: .*|system: /tmp/other.xml|' /tmp/policy.yaml
	starts /usr/sbin
	check 'is found out' within 120 says 'is not that of the running hypervisor: 1 difference'
	check 'what differs is said' says 'the hypervisor has no partition "kamera"'
	wait "$broker"
	check 'xmbroker has ended with status 1' [ $? = 1 ]
	check 'nobody was served' fails says 'xmbroker: ready'
	rights "$few"
	starts /usr/sbin
	check 'that of this one is good' is_ready
	sed -i 's|system: .*|system: /tmp/other.xml|' /tmp/policy.yaml
	kill -HUP "$broker"
	check 'another one at a reload is found out' within 120 says 'the hypervisor has no partition "kamera"'
	check 'the policy in force stays' within 60 says 'the server refused the new policy: generation 1 stays in force'
	check 'alice is served' prints 'XM_get_time' as alice /xm/build/examples/gettime
	stops
}

# LINE..., in this order.
demonstrated() {
	from=1
	for line in "$@"; do
		n=$(tail -n +$from /tmp/demo | grep -nF -e "$line" | head -n 1 | cut -d : -f 1)
		if [ -z "$n" ]; then
			cat /tmp/demo
			echo "demo: no $line"
			return 1
		fi
		from=$((from + n))
	done
}
demonstrating() {
	section "the demonstration, with real users"
	fresh
	XM_DEMO_STAGE=real XM_DEMO_BACKEND=device XM_BUILD=/xm/build dash /xm/tests/demo.sh >/tmp/demo 2>&1 ||
		failed 'demo.sh'
	check 'alice operates the payload' demonstrated 'conduit loopback' 'alice operates' 'XM_write_console: 14' \
		'XM_get_time: ' ' 0 = XM_hcall(0x2, 0x1' ' 0 = XM_hcall(0x3, 0x1' '-3 = XM_hcall(0x2, 0x2'
	check 'bob may look' demonstrated 'bob may look' 'XM_get_time: ' 'Operation not permitted' \
		'-3 = XM_hcall(0x2, 0x1'
	check 'carol may nothing' demonstrated 'carol is in no grant' 'Operation not permitted' '-3 = XM_hcall(0xa'
	check 'the auditor sees it' demonstrated 'backend=device' 'allow alice(20001)' 'DENY  alice(20001)' \
		'DENY  bob(20002)' 'DENY  carol(20003)' 'records are good' 'EDITED'
}

broker() {
	mkdir -p /run/xmbroker
	late
	lacking
	in_use
	asking
	ending
	conforming
	demonstrating
	taken
	describing
	check 'slabs' slabs_are_good
	check 'no leak' no_leak
	check 'unloads' rmmod xmctl
	check 'device and module are gone' gone
}
