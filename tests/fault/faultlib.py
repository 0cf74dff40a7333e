# SPDX-License-Identifier: LGPL-2.1-or-later
"""The faults: what libfault.so counted, which errors a call can end with, and where a place is."""

import collections
import errno
import functools
import os
import struct
import subprocess

N_SITES, N_OBJECTS, NAME_BYTES, FUNCTION_BYTES, N_FUNCTIONS = 8192, 64, 64, 24, 256
HEAD = struct.Struct("<QII")
FUNCTIONS_AT = HEAD.size
OBJECTS_AT = FUNCTIONS_AT + N_FUNCTIONS * FUNCTION_BYTES
SITES_AT = OBJECTS_AT + N_OBJECTS * NAME_BYTES
FAULT_BYTES = SITES_AT + N_SITES * 16
MAGIC = 0x31746C7561666D78
DAY = 86400

Site = collections.namedtuple("Site", "program function object offset forked")

# What a call can end with, its main error first.  A call that is not named here gets ENOMEM.
_ERRORS = {
    "open open64 openat openat64 __open_2 __openat_2 creat fopen fopen64 fdopen opendir fdopendir "
    "scandir scandir64": "EMFILE ENFILE ENOMEM EACCES ENOSPC EINTR EIO",
    "read __read_chk pread pread64 readv preadv": "EIO EINTR EAGAIN short",
    "write pwrite pwrite64": "ENOSPC EIO EPIPE EINTR EAGAIN short",
    "writev pwritev": "ENOSPC EIO EPIPE EINTR EAGAIN",
    "fwrite fflush fputc putc puts fputs": "ENOSPC EIO",
    "fread fgets __fgets_chk getline getdelim readdir readdir64": "EIO EINTR",
    "send sendto sendmsg sendmmsg": "ENOBUFS EPIPE ECONNRESET EAGAIN ENOMEM EINTR",
    "recv recvfrom recvmsg recvmmsg __recv_chk __recvfrom_chk": "ECONNRESET ENOMEM EINTR EAGAIN",
    "accept accept4": "EMFILE ENFILE ENOMEM ECONNABORTED EINTR EAGAIN",
    "socket socketpair pipe pipe2 memfd_create signalfd timerfd_create epoll_create1 eventfd "
    "inotify_init1 dup dup2 dup3": "EMFILE ENFILE ENOMEM",
    "connect": "ECONNREFUSED EAGAIN ENOENT EINTR EACCES",
    "bind listen": "EADDRINUSE EACCES",
    "shutdown getsockname getpeername": "ENOTCONN",
    "epoll_ctl inotify_add_watch": "ENOMEM ENOSPC",
    "epoll_wait epoll_pwait ppoll poll __poll_chk select": "EINTR ENOMEM",
    "fcntl fcntl64": "EMFILE EINVAL EPERM",
    "fstat stat lstat fstatat fstat64 stat64 lstat64 fstatat64 statx access faccessat readlink "
    "readlinkat lseek lseek64 statfs fstatfs statvfs fstatvfs realpath getcwd": "EIO ENOMEM EACCES",
    "ftruncate ftruncate64 truncate fallocate fallocate64 posix_fallocate": "ENOSPC EIO EINTR",
    "fsync fdatasync syncfs msync": "EIO ENOSPC",
    "rename renameat renameat2 link linkat symlink": "EIO ENOSPC EACCES EROFS",
    "unlink unlinkat rmdir mkdir mkdirat chmod fchmod fchmodat chown fchown fchownat chdir fchdir "
    "chroot pivot_root mount umount2 mkdtemp mknod sethostname": "EIO EACCES EROFS EPERM",
    "flock": "EWOULDBLOCK EINTR ENOLCK",
    "getsockopt setsockopt": "ENOMEM ENOPROTOOPT",
    "mmap mmap64 mremap mlock mlockall mprotect": "ENOMEM EAGAIN",
    "fork": "EAGAIN ENOMEM",
    "execv execve": "ENOENT EACCES ENOMEM E2BIG ETXTBSY",
    "waitpid waitid nanosleep": "EINTR",
    "kill": "ESRCH EPERM",
    "sigaction sigprocmask signal": "EINVAL",
    "prctl setresuid setresgid setgroups setuid setgid capset capget unshare setns setpriority "
    "seccomp_rule_add_array seccomp_attr_set seccomp_export_bpf capng_apply capng_get_caps_process "
    "capng_update": "EPERM EINVAL ENOMEM",
    "getrlimit setrlimit getrlimit64 setrlimit64 prlimit prlimit64": "EPERM",
    "syscall close_range": "EPERM ENOMEM ENOSYS",
    "ioctl": "EINTR EIO ENODEV",
    "getrandom getentropy": "EINTR",  # other errors are of kernels without it
    "close": "EIO EINTR",
    "clock_gettime gettimeofday time": "+86400 -86400 -1",
    "getpwnam getpwuid getgrnam getgrgid getgrouplist initgroups getgroups": "EIO ENFILE",
}
ERRORS = {name: text.split() for names, text in _ERRORS.items() for name in names.split()}


def errors_of(site):
    return ERRORS.get(site.function, ["ENOMEM"])


def how_text(how):
    """As libfault takes it."""
    return str(getattr(errno, how)) if how.startswith("E") else how


def site_text(site):
    return "%s@%s+%x%s" % (site.function, site.object, site.offset, "*" if site.forked else "")


def new_book(path):
    with open(path, "wb") as f:
        f.truncate(FAULT_BYTES)
    os.chmod(path, 0o666)


def read_book(path, program):
    """({site: calls}, how often the fault struck)."""
    with open(path, "rb") as f:
        data = f.read()
    magic, fired, full = HEAD.unpack_from(data)
    if not magic:
        return {}, 0  # the program was never started
    assert magic == MAGIC and not full, (magic, full)

    def name(at, size, i):
        return data[at + i * size:at + (i + 1) * size].split(b"\0")[0].decode()

    sites = {}
    for i in range(N_SITES):
        key, calls = struct.unpack_from("<QQ", data, SITES_AT + i * 16)
        if key:
            site = Site(program, name(FUNCTIONS_AT, FUNCTION_BYTES, (key >> 56) - 1),
                        name(OBJECTS_AT, NAME_BYTES, key >> 48 & 63), key & (1 << 47) - 1,
                        bool(key >> 47 & 1))
            sites[site] = calls
    return sites, fired


@functools.lru_cache(None)
def place(path, offset):
    """file:line of the call that returns to this offset, as far as it can be told."""
    done = subprocess.run(["addr2line", "-i", "-e", path, hex(offset - 1)], capture_output=True,
                          text=True)
    lines = [line.split(" ")[0] for line in done.stdout.split("\n") if not line.startswith("/usr/")]
    return os.path.basename(lines[0]) if lines[0] and not lines[0].startswith("?") else None


@functools.lru_cache(None)
def name_of_function(site, folder):
    """The functions that the place is in, inlined ones first."""
    path = os.path.join(folder, site.object)
    if not os.path.exists(path):
        return ""
    return subprocess.run(["addr2line", "-i", "-f", "-s", "-e", path, hex(site.offset - 1)],
                          capture_output=True, text=True).stdout


def place_of(site, folder):
    """Where a site is, for people: the objects of ours lie in `folder`."""
    path = os.path.join(folder, site.object)
    found = place(path, site.offset) if os.path.exists(path) else None
    return "%s at %s%s" % (site.function, found or "%s+0x%x" % (site.object, site.offset),
                           " in a child" if site.forked else "")
