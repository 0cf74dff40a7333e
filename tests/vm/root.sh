#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Puts the guest's root file system together: busybox, the tests of the module, and, if the project has
# been installed into BUILD/vm/installed, all of it, with the libraries it needs, and users.
#
#   root.sh BUILD ROOT MODULE [SYSROOT]     SYSROOT: where another architecture's Debian is unpacked
#
# CROSS_COMPILE: the prefix of strip and readelf.  VM_SMALL: without the project.
set -eu
build=$1
root=$2
module=$3
sysroot=${4:-}
here=$(dirname "$0")
top=$here/../..
cross=${CROSS_COMPILE:-}

mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/run" "$root/etc" "$root/root"
# The links of a system whose /bin is /usr/bin lead out of an unpacked one.
find_program() {
	for path in "$sysroot/bin/$1" "$sysroot/usr/bin/$1"; do
		if [ -x "$path" ]; then
			echo "$path"
			return
		fi
	done
	echo "root.sh: no $1" >&2
	return 1
}
cp "$(find_program busybox)" "$root/bin/busybox"
install -m 755 "$here/init" "$root/init"
for program in xmctl_test xmctl_test32 original_24 original_24_32 takeover; do
	[ ! -e "$build/vm/$program" ] || cp "$build/vm/$program" "$root/"
done
"${cross}strip" --strip-debug -o "$root/xmctl.ko" "$module"
# The broker's own user, and those of the demonstration.
cat >"$root/etc/passwd" <<'END'
root:x:0:0::/root:/bin/sh
xmbroker:x:990:990:Hypercall broker:/:/bin/false
alice:x:20001:20001:operator:/:/bin/sh
bob:x:20002:20002:observer:/:/bin/sh
carol:x:20003:20003:in no grant:/:/bin/sh
END
sed 's/^\([^:]*\):x:\([0-9]*\):.*/\1:x:\2:/' "$root/etc/passwd" >"$root/etc/group"

# ---- the project -------------------------------------------------------------------------------------

installed=$build/vm/installed
[ "${VM_SMALL:-}" = "" ] && [ -d "$installed" ] || exit 0

mkdir -p "$root/usr/share" "$root/xm/build/examples" "$root/xm/takeover" "$root/xm/tests" "$root/xm/policy"
for folder in bin sbin libexec; do cp -R "$installed/usr/$folder" "$root/usr/"; done
cp -R "$installed/usr/share/xmbroker" "$root/usr/share/"
ln -s ../../usr/share/xmbroker/policy "$root/xm/policy/examples"
install -m 755 "$here/broker.sh" "$root/xm/broker.sh"
install -m 755 "$top/tests/demo.sh" "$root/xm/tests/demo.sh"
for program in xmbroker xmpolicy xmaudit; do
	folder=/usr/bin
	[ -e "$root$folder/$program" ] || folder=/usr/sbin
	ln -s "$folder/$program" "$root/xm/build/$program"
done
for program in hello gettime part_manager hcall; do
	cp "$build/examples/$program" "$root/xm/build/examples/"
done
for profile in 24 26 3x pr; do cp "$build/tests/conformance$profile" "$root/xm/"; done
cp "$top/tests/conformance/loopback.claims" "$top/tests/conformance/system-loopback.txt" "$root/xm/"
# A broker whose server does what it is asked to.
cp "$build/xmbroker" "$build/xmbroker-compiler" "$build/takeover/xmbroker-server" "$root/xm/takeover/"
# The shell of busybox takes its own for both.
for program in setpriv dash; do cp "$(find_program $program)" "$root/usr/bin/$program"; done

# ---- what it needs -----------------------------------------------------------------------------------

programs() {
	find "$root/usr/bin" "$root/usr/sbin" "$root/usr/libexec" "$root/xm" -type f
}
strip_all() {
	programs | while read -r file; do
		"${cross}strip" "$file" 2>/dev/null || : # a script
	done
}
needed() {
	"${cross}readelf" -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}
# What loads a program is in its name, the rest where the loader looks.
loader() {
	"${cross}readelf" -l "$1" 2>/dev/null | sed -n 's/.*program interpreter: \(.*\)\]/\1/p'
}
triplet=$("${cross}gcc" -dumpmachine)
find_library() {
	for folder in "$sysroot/lib/$triplet" "$sysroot/usr/lib/$triplet"; do
		if [ -e "$folder/$1" ]; then
			echo "$folder/$1"
			return
		fi
	done
	echo "root.sh: no $1" >&2
	return 1
}
add_libraries() {
	for name in $(needed "$1"); do
		[ ! -e "$root/lib/$name" ] || continue
		library=$(find_library "$name")
		cp -L "$library" "$root/lib/$name"
		add_libraries "$library"
	done
}
strip_all
mkdir -p "$root/lib"
programs | while read -r file; do
	add_libraries "$file"
	interpreter=$(loader "$file")
	[ -z "$interpreter" ] || [ -e "$root$interpreter" ] || {
		mkdir -p "$root$(dirname "$interpreter")"
		cp -L "$(find_library "$(basename "$interpreter")")" "$root$interpreter"
	}
done
