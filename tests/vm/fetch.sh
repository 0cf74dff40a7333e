#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What Debian has that is needed and must not be installed: unpacked into a folder, once.
#
#   fetch.sh image DIR VERSION        DIR/boot/vmlinuz-VERSION, the kernel of the cloud flavour
#   fetch.sh sysroot DIR ARCH         DIR/usr, DIR/lib: the libraries of another architecture that the
#                                     project is built with, and what a small system needs
#   fetch.sh scripts DIR              DIR/scripts of linux-source-6.1: checkpatch, coccinelle; and what
#                                     a module for riscv64 is built with
#   fetch.sh linux DIR                DIR: all of linux-source-6.1, in the version that apt has now
#   fetch.sh linux_version            which one that is; nothing if apt does not know
#   fetch.sh headers DIR ARCH NAME    DIR/usr/src/linux-headers-... of another architecture; NAME is
#                                     cloud-arm64 or 686.  Prints the folder
set -eu

apt_native="-o APT::Sandbox::User=root -o Acquire::Retries=3 -qq"

download() {
	to=$1
	shift
	mkdir -p "$to"
	# Lists that are not there, or too old to be true, are fetched.
	# shellcheck disable=SC2086
	(
		cd "$to"
		apt-get $apt_native download "$@" >/dev/null 2>&1 || {
			apt-get $apt_native update
			apt-get $apt_native download "$@" >/dev/null
		}
	)
}

# Another architecture has lists of its own, so that this system's are left alone.
lists=
foreign() { # ARCH
	echo "-o APT::Architecture=$1 -o APT::Architectures=$1 -o Dir::State::lists=$lists \
		-o Dir::State::status=/dev/null -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
}

# options_for ARCH: how apt is called for it, with fresh lists; nothing for this system's.
options_for() {
	options=
	[ "$1" != "$(dpkg --print-architecture)" ] || return 0
	lists=$(mktemp -d)
	trap 'rm -rf "$lists"' EXIT
	mkdir "$lists/partial"
	options=$(foreign "$1")
	# shellcheck disable=SC2086
	apt-get $apt_native $options update >/dev/null 2>&1 || true
}

# unpack DIR ARCH PACKAGE...
unpack() {
	dir=$1
	options_for "$2"
	shift 2
	# shellcheck disable=SC2086
	download "$dir/deb" $options "$@"
	for deb in "$dir"/deb/*.deb; do dpkg -x "$deb" "$dir"; done
	rm -rf "$dir/deb"
}

image() {
	dir=$1
	version=$2
	[ -e "$dir/boot/vmlinuz-$version" ] && return
	rm -rf "$dir"
	unpack "$dir" "${version##*-}" "linux-image-$version"
	rm -rf "${dir:?}/lib"
}

sysroot() {
	dir=$1
	[ -e "$dir/done" ] && return
	rm -rf "$dir"
	unpack "$dir" "$2" libc6 libgcc-s1 libseccomp2 libseccomp-dev libcap-ng0 libcap-ng-dev libyaml-0-2 \
		libyaml-dev libexpat1 libexpat1-dev libsodium23 libsodium-dev libjansson4 libjansson-dev \
		busybox-static dash util-linux
	# Links to what is installed lead out of here.
	find "$dir" -type l -lname '/*' | while read -r link; do
		ln -sfnr "$dir$(readlink "$link")" "$link"
	done
	touch "$dir/done"
}

# linux_source DIR PATTERN...: what is there in linux-source-6.1
linux_source() {
	into=$1
	shift
	rm -rf "$into"
	download "$into/deb" linux-source-6.1
	dpkg-deb --fsys-tarfile "$into"/deb/*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
		tar -xJ -C "$into" --strip-components=1 --wildcards "$@"
	rm -rf "$into/deb"
}
scripts() {
	top=linux-source-6.1
	[ -e "$1/done" ] || linux_source "$1" "$top/Makefile" "$top/Kbuild" "$top/scripts" "$top/include" \
		"$top/arch/riscv" "$top/tools/include" "$top/tools/arch/riscv" "$top/lib/vdso" \
		"$top/kernel/bounds.c" "$top/kernel/time/timeconst.bc" "$top/arch/x86/entry/syscalls" \
		"$top/*Kconfig*"
	touch "$1/done"
}
linux_version() {
	apt-cache show --no-all-versions linux-source-6.1 2>/dev/null | sed -n 's/^Version: //p'
}
linux() {
	dir=$1
	version=$(linux_version)
	[ "$(cat "$dir/done" 2>/dev/null)" != "$version" ] || return 0
	linux_source "$dir" linux-source-6.1
	echo "$version" >"$dir/done"
}

# The newest version that all of it is there for: mirrors of several suites are not always in step.
headers() {
	dir=$1
	arch=$2
	name=$3
	if [ ! -e "$dir/done" ]; then
		rm -rf "$dir"
		mkdir -p "$dir/deb" "$dir/usr/lib"
		options_for "$arch"
		# shellcheck disable=SC2086
		version=$(apt-cache $options search --names-only "^linux-headers-6\.[0-9.]*-[0-9]*-$name\$" |
			sed "s/^linux-headers-\([^ ]*\)-$name .*/\1/" | sort -V | tail -n 1)
		# shellcheck disable=SC2086
		(cd "$dir/deb" && apt-get $apt_native $options download "linux-headers-$version-$name" \
			"linux-headers-$version-common" >/dev/null)
		for deb in "$dir"/deb/*.deb; do dpkg -x "$deb" "$dir"; done
		ln -s /usr/lib/linux-kbuild-6.1 "$dir/usr/lib/linux-kbuild-6.1"
		full=$(cd "$dir/usr/src" && pwd)
		echo "include $full/linux-headers-$version-common/Makefile" \
			>"$dir/usr/src/linux-headers-$version-$name/Makefile"
		rm -rf "$dir/deb"
		echo "linux-headers-$version-$name" >"$dir/done"
	fi
	echo "$dir/usr/src/$(cat "$dir/done")"
}

"$@"
