#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may include whom.  Prints each line that breaks a layer; exits 1 if there is one.
#
#   include <- libxm/core <- libxm/system <- policy <- xmbroker
#   include <- libxm/core <- libxm (client)
#   libxm/raw.h, the table of what each hypervisor's calls look like <- the device backend
#   include/xm/uapi and a header that is written from the table <- kmod
#   one file of policy/ sees libyaml, one of libxm/system/ the XML parser
#   what differs between profiles is seen by the client library alone, in files compiled for each
set -u
bad=0

# layer FOLDER-PATTERN FILES... : only includes whose path matches the pattern are allowed
layer() {
	pattern=$1
	shift
	[ $# -gt 0 ] || return
	out=$(grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" |
		grep -vE "\"($pattern)" || true)
	[ -z "$out" ] && return
	printf 'breaks its layer (may include %s):\n%s\n' "$pattern" "$out"
	bad=1
}

files() {
	git ls-files --cached --others --exclude-standard -- "$@" | grep -E '\.[ch]$'
}

one_file() { # HEADER FOLDER
	found=$(files '*.c' '*.h' | xargs grep -lE "#[[:space:]]*include[[:space:]]*<$1>" || true)
	[ "$(printf '%s\n' "$found" | grep -c "^$2/")" = 1 ] &&
		[ "$(printf '%s\n' "$found" | grep -vc '^tests/')" = 1 ] && return
	printf '<%s> must be seen by exactly one file of %s/, is by:\n%s\n' "$1" "$2" "$found"
	bad=1
}

# shellcheck disable=SC2046
{
	layer 'libxm/core/' $(files libxm/core)
	layer 'libxm/core/|libxm/system/' $(files libxm/system)
	# The interpreter that policies are compared with shares nothing with those who decide.
	layer 'libxm/core/|libxm/system/|tests/naive' $(files tests | grep '/naive')
	layer 'libxm/core/|libxm/system/|policy/' $(files policy)
	layer 'libxm/core/|libxm/system/|policy/|xmbroker/' \
		$(files xmbroker | grep -v '^xmbroker/device_call\.h$')
	layer 'libxm/core/|libxm/raw\.h' xmbroker/device_call.h
	# The loopback hypervisor is the broker's, and writing the header is no part of the module.
	layer '(xmctl|xmctl_table)\.h"' \
		$(files kmod | grep -vE '^kmod/(shim/|conduit_loopback|loopback_|tablegen)')
	layer 'libxm/core/|libxm/[a-z0-9_]+\.(h|def)"|[a-z0-9_]+\.(h|def)"' $(files 'libxm/*.c' 'libxm/*.h' |
		grep -E '^libxm/[^/]*$')
	layer 'xm/|xm_inc/|prtos/|(xm|prtos)[-a-z]*\.h' $(files include)
}
one_file yaml.h policy
one_file expat.h libxm/system

# shellcheck disable=SC2046
seen=$(grep -nHE '#[[:space:]]*include[[:space:]]*<(xm|prtos)[^>]*\.h>' \
	$(files libxm/core libxm/system policy xmbroker) | grep -v '<xm/uapi/' || true)
if [ -n "$seen" ]; then
	printf 'depends on a profile, but is compiled once:\n%s\n' "$seen"
	bad=1
fi
for file in $(files 'libxm/*.c' | grep -E '^libxm/[^/]*$' |
	xargs grep -lE '#[[:space:]]*include[[:space:]]*(<(xm|prtos)[^>]*\.h>|"libxm/call.h")'); do
	object=${B:-build}/obj/${file%.c}.o
	if [ -e "$object" ] && ! [ "$file" -nt "$object" ]; then
		echo "$file depends on a profile, but is compiled once"
		bad=1
	fi
done

# What no process that talks to clients may hold.
for program in "${B:-build}/xmbroker-server" "${B:-build}/xmbroker" "${B:-build}/libxm.so"; do
	[ -e "$program" ] || continue
	if readelf -d "$program" | grep -E 'NEEDED.*(libyaml|libexpat|libjansson)'; then
		echo "$program links a parser"
		bad=1
	fi
done
# The evaluator calls nothing.
if [ -e "${B:-build}/obj/policy/eval.o" ] && [ -z "${SANITIZE:-}" ]; then
	undefined=$(nm -u "${B:-build}/obj/policy/eval.o" | grep -v '__stack_chk_fail' || true)
	if [ -n "$undefined" ]; then
		printf 'policy/eval.o is not freestanding:\n%s\n' "$undefined"
		bad=1
	fi
fi
[ $bad = 0 ] && echo "layers: as they should be"
exit $bad
