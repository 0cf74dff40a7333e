#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The package for DKMS is complete: what "make install-dkms" installs is built as DKMS would, from nothing
# but itself; and the parameters of the module are those of its manual page.
#
#   kmod-dkms.sh FOLDER KERNEL     where to install (no blank in its path), and the kernel's headers
set -eu
: "${MAKE:=make}"
root=$1
kernel_source_dir=$2

rm -rf "$root"
$MAKE --no-print-directory DESTDIR="$root" PREFIX=/usr install-dkms >/dev/null
package=("$root"/usr/src/xmctl-*)
# Which has commands with these two in them.
dkms_tree=$root/var/lib/dkms
export kernel_source_dir
# shellcheck disable=SC1091
. "${package[0]}/dkms.conf"
build=$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION/build
[ "${package[0]}" = "$root/usr/src/$PACKAGE_NAME-$PACKAGE_VERSION" ]
mkdir -p "$(dirname "$build")"
mv "${package[0]}" "$build"
(cd "$build" && unset MAKEFLAGS MFLAGS && eval "${MAKE[0]}") >"$root/log" 2>&1 || {
	tail -n 30 "$root/log"
	exit 1
}
# shellcheck disable=SC2154
module=$build/${BUILT_MODULE_NAME[0]}.ko

modinfo -F parm "$module" | cut -d : -f 1 | sort >"$root/has"
sed -n 's/^\.It Cm \([a-z]*\)=.*/\1/p' man/xmctl.4 | sort >"$root/says"
diff "$root/has" "$root/says"
for file in usr/lib/udev/rules.d/70-xmctl.rules usr/share/xmbroker/xmctl.conf usr/include/xm/uapi/xmctl.h \
	usr/share/man/man4/xmctl.4; do
	[ -s "$root/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done
echo "dkms: $PACKAGE_NAME $PACKAGE_VERSION is built from its own package, $(wc -l <"$root/has") parameters"
