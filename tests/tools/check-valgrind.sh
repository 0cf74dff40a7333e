#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests, and the programs on a policy and a description, under valgrind's memcheck: no error, and
# nothing that is definitely lost.  Server and compiler confine themselves and cannot be run so; what
# they consist of is in the unit tests.
#
#   B=BUILD-FOLDER check-valgrind.sh UNIT-TEST...
set -u
out=$B/valgrind
rm -rf "$out"
mkdir -p "$out"
memcheck() { # NAME COMMAND...
	name=$1
	shift
	valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
		--show-leak-kinds=definite --suppressions=tests/tools/valgrind.supp --child-silent-after-fork=no \
		--log-file="$out/$name.%p" "$@" >"$out/$name.out" 2>&1
	status=$?
	if [ $status != 0 ] || cat "$out/$name".[0-9]* | grep -q .; then
		echo "  $name: exit status $status"
		cat "$out/$name".[0-9]* | head -n 80
		tail -n 20 "$out/$name.out"
		return 1
	fi
	echo "  $name: no errors"
}

failed=0
for test in "$@"; do
	# One at a time: memcheck makes it slow enough for the timeouts as it is.
	memcheck "$(basename "$test")" "$test" --jobs 2 --timeout 600 || failed=1
done
cat >"$out/policy.yaml" <<END
version: 1
system: $(pwd)/policy/examples/demo.xml
roles:
  all:
    - allow: ["@time", "@status"]
      audit: always
grants:
  - {to: "user:4711", roles: [all]}
END
memcheck xmpolicy-check "$B/xmpolicy" check "$out/policy.yaml" || failed=1
memcheck xmpolicy-explain "$B/xmpolicy" explain --policy "$out/policy.yaml" --as user:4711 \
	'XM_get_time(0)' || failed=1
memcheck xmsim-list "$B/xmsim" --config policy/examples/demo.xml --list --json || failed=1
exit $failed
