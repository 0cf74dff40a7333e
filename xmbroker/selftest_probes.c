// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is tried in the boxes.  Owns nothing.  An attempt must do no harm when it is possible after
 * all, and must not need anything that the box takes away before the call that it is about.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <xm/uapi/xmctl.h>

#include "xmbroker/box_tables.h"
#include "xmbroker/selftest.h"

#define SUPER BOX_BIT(BOX_SUPERVISOR)
#define COMP BOX_BIT(BOX_COMPILER)
#define SERVER BOX_BIT(BOX_SERVER)
#define SIM BOX_BIT(BOX_SIM)
#define GRAVE BOX_BIT(BOX_UNDERTAKER)
#define SEALED (SERVER | SIM | GRAVE) /* who opens nothing after its start */
#define FILES (SUPER | COMP)
#define ALL (FILES | SEALED)

/* Not all of them are tried in a sanitized build. */
#define TRY(name, ...)                                                                             \
	__attribute__((unused)) static long try_##name(const struct selftest_box *box)             \
	{                                                                                          \
		(void)box;                                                                         \
		return (long)(__VA_ARGS__);                                                        \
	}
#define MAPPED(...) ((__VA_ARGS__) == MAP_FAILED ? -1 : 0)

/* ---- identity, root, limits -------------------------------------------------------------------------- */

TRY(root, setresuid(0, 0, 0))
TRY(groups, setgroups(0, NULL))
TRY(chroot, chroot("."))
TRY(securebits, prctl(PR_SET_SECUREBITS, 0, 0, 0, 0))
TRY(mount, mount("none", "/", NULL, MS_REMOUNT, NULL))
TRY(hostname, sethostname("", 0))

static long try_own_root(const struct selftest_box *box)
{
	if (geteuid() == 0) { /* the compiler, started by root, stays it, without capabilities */
		errno = SELFTEST_ROOT_MAY;
		return -1;
	}
	return try_root(box);
}

static long try_capability(const struct selftest_box *box)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct all[2] = { { ~0u, ~0u, 0 }, { 0x1ff, 0x1ff, 0 } };

	(void)box;
	return syscall(SYS_capset, &head, all);
}

TRY(list_root, open("/", O_RDONLY | O_DIRECTORY))
TRY(find_etc, access("/etc", F_OK))
TRY(climb, access("../../../../etc", F_OK))
TRY(make_folder, mkdir("/xmbroker-probe", 0700))
TRY(raise_limit, setrlimit(RLIMIT_CORE, &(struct rlimit){ 4096, 4096 }))
TRY(raise_files, setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1 << 20, 1 << 20 }))
TRY(lock_memory, syscall(SYS_mlock, (uintptr_t)box & ~4095ul, 4096))

static long try_child(const struct selftest_box *box)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	(void)box;
	if (pid == 0)
		_exit(0);
	return pid;
}

/* Root's processes are not counted. */
static long try_counted_child(const struct selftest_box *box)
{
	if (geteuid() == 0) {
		errno = SELFTEST_ROOT_MAY;
		return -1;
	}
	return try_child(box);
}

static long try_long_file(const struct selftest_box *box)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	(void)box;
	signal(SIGXFSZ, SIG_IGN);
	if (fd < 0)
		fd = memfd_create("xmbroker-probe", MFD_CLOEXEC);
	return fd < 0 ? -1 : pwrite(fd, "x", 1, 128ll << 20);
}

/* ---- Landlock ---------------------------------------------------------------------------------------- */

TRY(read_file, open("/proc/self/comm", O_RDONLY | O_CLOEXEC))
TRY(write_etc, open("/etc/passwd", O_WRONLY | O_CLOEXEC))
TRY(make_file, mknod("/tmp/.xmbroker-probe", S_IFREG | 0600, 0))
TRY(make_socket, mknod("/tmp/.xmbroker-probe", S_IFSOCK | 0600, 0))
TRY(execute, execve("/bin/true", (char *[]){ NULL }, (char *[]){ NULL }))

/* What worked is cleared away; the supervisor's key folder may be /tmp's. */
static long try_new_file(const struct selftest_box *box)
{
	long r = try_make_file(box);

	if (r == 0)
		unlink("/tmp/.xmbroker-probe");
	return r;
}

static long try_new_socket(const struct selftest_box *box)
{
	long r = try_make_socket(box);

	if (r == 0)
		unlink("/tmp/.xmbroker-probe");
	return r;
}

static long try_tcp(const struct selftest_box *box)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)box;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static long try_tcp_bind(const struct selftest_box *box)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)box;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
}

/* The listener has an abstract name of the kernel's choice, and its process is outside the box. */
static long try_abstract(const struct selftest_box *box)
{
	struct sockaddr_un address;
	socklen_t len = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)box;
	if (fd < 0 || getsockname(BOX_LISTENER, (struct sockaddr *)&address, &len) < 0)
		return -1;
	return connect(fd, (struct sockaddr *)&address, len);
}

TRY(signal, kill(box->parent, 0))

/* ---- seccomp ----------------------------------------------------------------------------------------- */

TRY(open, syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY, 0))
TRY(openat2, syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0))
TRY(stat, syscall(SYS_statx, AT_FDCWD, "/", 0, 0, NULL))
TRY(access, syscall(SYS_faccessat, AT_FDCWD, "/", 0))
#ifdef SYS_newfstatat
TRY(newfstatat, syscall(SYS_newfstatat, AT_FDCWD, "/", NULL, 0))
TRY(fstatat_empty, syscall(SYS_newfstatat, 0, "", NULL, AT_EMPTY_PATH))
#endif
TRY(readlink, syscall(SYS_readlinkat, AT_FDCWD, "/", NULL, 0))
TRY(unlink, syscall(SYS_unlinkat, AT_FDCWD, "/xmbroker-probe", 0))
TRY(by_handle, syscall(SYS_open_by_handle_at, -1, NULL, 0))
TRY(execve, syscall(SYS_execve, "/bin/true", NULL, NULL))
TRY(execveat, syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))
#ifdef SYS_fork
TRY(fork, syscall(SYS_fork))
#endif
TRY(clone3, syscall(SYS_clone3, NULL, 0))
TRY(new_namespace, syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0, 0))
TRY(unshare, syscall(SYS_unshare, CLONE_NEWUSER))
TRY(setns, syscall(SYS_setns, -1, 0))
TRY(unix_socket, syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0))
TRY(inet_socket, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0))
TRY(netlink_socket, syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0))
TRY(connect, syscall(SYS_connect, box->pair[0], NULL, 0))
TRY(bind, syscall(SYS_bind, box->pair[0], NULL, 0))
TRY(listen, syscall(SYS_listen, BOX_LISTENER, 1))
TRY(send_address, syscall(SYS_sendto, box->pair[0], "x", 1, MSG_DONTWAIT, "\1", 2))
TRY(sendmmsg, syscall(SYS_sendmmsg, box->pair[0], NULL, 0, 0))
TRY(shutdown_listener, syscall(SYS_shutdown, BOX_LISTENER, SHUT_RDWR))
TRY(shutdown_alias, syscall(SYS_shutdown, BOX_LISTENER | 1ull << 32, SHUT_RDWR))
TRY(ptrace, syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL))
TRY(process_read, syscall(SYS_process_vm_readv, box->parent, NULL, 0, NULL, 0, 0))
TRY(process_write, syscall(SYS_process_vm_writev, box->parent, NULL, 0, NULL, 0, 0))
TRY(pidfd, syscall(SYS_pidfd_open, box->parent, 0))
TRY(kill, syscall(SYS_kill, box->parent, 0))
TRY(tgkill, syscall(SYS_tgkill, box->parent, box->parent, 0))
TRY(sigqueue, syscall(SYS_rt_sigqueueinfo, box->parent, 0, NULL))
TRY(pwrite, syscall(SYS_pwrite64, box->log, "x", 1, 0))
TRY(pwritev, syscall(SYS_pwritev2, box->log, NULL, 0, 0, 0, 0))
TRY(truncate, syscall(SYS_ftruncate, box->log, 0))
TRY(fallocate, syscall(SYS_fallocate, box->log, 0, 0, 1))
TRY(append_off, syscall(SYS_fcntl, box->log, F_SETFL, 0))
TRY(dup, syscall(SYS_fcntl, box->log, F_DUPFD, 100))
TRY(splice, syscall(SYS_splice, box->pair[0], NULL, box->log, NULL, 0, 0))
TRY(sendfile, syscall(SYS_sendfile, box->log, box->log, NULL, 0))
TRY(map_log, MAPPED(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, box->log, 0)))
TRY(memfd, syscall(SYS_memfd_create, "xmbroker-probe", 0))
TRY(map_executable,
    MAPPED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
TRY(map_both, MAPPED(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
TRY(make_executable,
    syscall(SYS_mprotect, (uintptr_t)&try_map_both & ~4095ul, 4096, PROT_READ | PROT_EXEC))
TRY(ioctl, syscall(SYS_ioctl, box->pair[0], 0x5800, NULL)) /* _IO('X', 0): the device's */
/* Only the supervisor may: XMCTL_DERIVE and XMCTL_NARROW. */
TRY(ioctl_derive, syscall(SYS_ioctl, box->pair[0], XMCTL_DERIVE, NULL))
TRY(ioctl_narrow, syscall(SYS_ioctl, box->pair[0], XMCTL_NARROW, NULL))
TRY(dumpable, syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0))
TRY(seccomp, syscall(SYS_seccomp, 0, 0, NULL))
TRY(setuid, syscall(SYS_setuid, 0))
TRY(setresuid, syscall(SYS_setresuid, 0, 0, 0))
TRY(chroot_call, syscall(SYS_chroot, "."))
TRY(io_uring, syscall(SYS_io_uring_setup, 0, NULL))
TRY(bpf, syscall(SYS_bpf, -1, NULL, 0))
TRY(perf, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
TRY(userfaultfd, syscall(SYS_userfaultfd, -1))
TRY(keyctl, syscall(SYS_keyctl, -1, 0, 0, 0, 0))
TRY(add_key, syscall(SYS_add_key, NULL, NULL, NULL, 0, 0))
TRY(mount_call, syscall(SYS_mount, NULL, NULL, NULL, 0, NULL))
TRY(pivot_root, syscall(SYS_pivot_root, NULL, NULL))
TRY(module, syscall(SYS_init_module, NULL, 0, NULL))
TRY(file_module, syscall(SYS_finit_module, -1, NULL, 0))
TRY(kexec, syscall(SYS_kexec_load, 0, 0, NULL, ~0ul))
TRY(reboot, syscall(SYS_reboot, 0, 0, 0, NULL))
TRY(set_clock, syscall(SYS_clock_settime, -1, NULL))
TRY(prlimit, syscall(SYS_prlimit64, 0, RLIMIT_CORE, &(struct rlimit){ 0, 0 }, NULL))

/* The log, for an accomplice who may truncate it. */
static long try_pass(const struct selftest_box *box)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)),
				 .cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS } };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.align), &box->log, sizeof(int));
	return sendmsg(box->pair[0], &msg, MSG_DONTWAIT);
}

TRY(write_log, write(box->log, "x", 1))
TRY(receive, syscall(SYS_accept4, BOX_LISTENER, NULL, NULL, 0))
TRY(close, syscall(SYS_close, box->log))

#define DIES(roles, attempt, name)                                                                 \
	{                                                                                          \
		roles, SELFTEST_CALLS, attempt, try_##name, SELFTEST_DIES, 0                       \
	}
#define FAILS(roles, layer, attempt, name, error, other)                                           \
	{                                                                                          \
		roles, SELFTEST_##layer, attempt, try_##name, error, other                         \
	}

const struct selftest_probe selftest_probes[] = {
	FAILS(COMP | SEALED, IDENTITY, "become root", own_root, EPERM, 0),
	FAILS(COMP | SEALED, IDENTITY, "change the groups", groups, EPERM, 0),
	FAILS(COMP | SEALED, IDENTITY, "unlock the securebits", securebits, EPERM, 0),
	FAILS(COMP | SEALED, IDENTITY, "change the root", chroot, EPERM, 0),
	FAILS(ALL, IDENTITY, "take all capabilities", capability, EPERM, 0),
	FAILS(ALL, IDENTITY, "mount", mount, EPERM, 0),
	FAILS(ALL, IDENTITY, "set the host name", hostname, EPERM, 0),

	FAILS(SEALED, ROOT, "find /etc", find_etc, ENOENT, EACCES),
	FAILS(SEALED, ROOT, "climb out of the root", climb, ENOENT, EACCES),
	FAILS(SEALED, ROOT, "make a folder in it", make_folder, ENOENT, EACCES),

	FAILS(ALL, LIMITS, "allow core files", raise_limit, EPERM, 0),
	FAILS(COMP | SEALED, LIMITS, "raise the number of descriptors", raise_files, EPERM, 0),
	FAILS(ALL & ~SUPER, LIMITS, "lock memory", lock_memory, EPERM, ENOMEM),
	FAILS(COMP | SERVER | SIM, LIMITS, "start a process", counted_child, EAGAIN, 0),
	FAILS(COMP | GRAVE, LIMITS, "write a long file", long_file, EFBIG, 0),

	FAILS(SEALED, FILES, "read a file", read_file, EACCES, 0),
	FAILS(ALL, FILES, "list the root folder", list_root, EACCES, 0),
	FAILS(ALL, FILES, "open a file of /etc for writing", write_etc, EACCES, EROFS),
	FAILS(COMP | SEALED, FILES, "make a file", new_file, EACCES, EROFS),
	FAILS(ALL, FILES, "make a socket", new_socket, EACCES, EROFS),
	FAILS(ALL, FILES, "execute a program", execute, EACCES, ENOENT),
	FAILS(ALL, NETWORK, "connect by TCP", tcp, EACCES, EAFNOSUPPORT),
	FAILS(ALL, NETWORK, "listen on TCP", tcp_bind, EACCES, EAFNOSUPPORT),
	FAILS(ALL, SCOPE, "signal another process", signal, EPERM, 0),
	FAILS(COMP | SEALED, SCOPE, "connect to an abstract socket", abstract, EPERM, 0),

	DIES(SEALED, "open", open),
	DIES(ALL, "openat2", openat2),
	DIES(SEALED, "statx: probe a path", stat),
	DIES(SEALED, "faccessat: probe a path", access),
#ifdef SYS_newfstatat
	DIES(SEALED, "newfstatat: probe a path", newfstatat),
	DIES(SEALED, "newfstatat without a path", fstatat_empty),
#endif
	DIES(SEALED, "readlinkat: probe a path", readlink),
	DIES(COMP | SEALED, "unlinkat", unlink),
	FAILS(COMP, CALLS, "open for writing", write_etc, EACCES, 0),
	DIES(ALL, "open_by_handle_at", by_handle),
	DIES(COMP | SEALED, "execve", execve),
#if !BOX_SANITIZED
	DIES(ALL, "execveat", execveat),
	DIES(ALL, "ptrace", ptrace),
#else
	DIES(SEALED, "execveat", execveat),
	DIES(SEALED, "ptrace", ptrace),
#endif
#ifdef SYS_fork
	DIES(ALL, "fork", fork),
#endif
	DIES(COMP | SEALED, "clone", child),
	DIES(SEALED, "clone3", clone3),
	FAILS(FILES, CALLS, "clone3", clone3, ENOSYS, 0),
	DIES(ALL, "clone into a new namespace", new_namespace),
	DIES(ALL, "unshare", unshare),
	DIES(ALL, "setns", setns),
	DIES(SEALED, "socket", unix_socket),
	FAILS(FILES, CALLS, "socket of IPv4", inet_socket, EAFNOSUPPORT, 0),
	FAILS(FILES, CALLS, "socket of netlink", netlink_socket, EAFNOSUPPORT, 0),
	DIES(SEALED, "connect", connect),
	DIES(ALL, "bind", bind),
	DIES(ALL, "listen", listen),
	DIES(SEALED, "sendmsg with the log", pass),
	DIES(ALL, "sendmmsg", sendmmsg),
	DIES(SERVER | SIM, "sendto with an address", send_address),
	DIES(SEALED, "shutdown of the listener", shutdown_listener),
	DIES(SERVER, "shutdown of the listener, disguised", shutdown_alias),
	DIES(ALL, "process_vm_readv", process_read),
	DIES(ALL, "process_vm_writev", process_write),
	DIES(ALL, "pidfd_open", pidfd),
	DIES(COMP | SEALED, "kill", kill),
	DIES(COMP | SEALED, "tgkill of another", tgkill),
	DIES(ALL, "rt_sigqueueinfo", sigqueue),
	DIES(COMP | SEALED, "pwrite into the log", pwrite),
	DIES(ALL, "pwritev2", pwritev),
	DIES(SEALED, "ftruncate of the log", truncate),
	DIES(COMP | SEALED, "fallocate in the log", fallocate),
	DIES(SEALED, "fcntl: take O_APPEND off the log", append_off),
	DIES(SEALED, "fcntl: duplicate the log", dup),
	DIES(ALL, "splice into the log", splice),
	DIES(ALL, "sendfile into the log", sendfile),
#if !BOX_SANITIZED
	DIES(SEALED, "mmap of the log, shared", map_log),
#endif
	DIES(COMP | SEALED, "memfd_create", memfd),
	DIES(SEALED, "mmap, executable", map_executable),
	DIES(ALL, "mmap, writable and executable", map_both),
	DIES(ALL, "mprotect, executable", make_executable),
	DIES(SEALED | COMP, "ioctl", ioctl),
	DIES(SEALED | COMP, "ioctl: derive from the device", ioctl_derive),
	DIES(SEALED | COMP, "ioctl: narrow the device", ioctl_narrow),
	DIES(SEALED, "prctl: become dumpable", dumpable),
	FAILS(COMP, CALLS, "prctl: become dumpable", dumpable, EINVAL, 0),
	DIES(COMP | SEALED, "seccomp", seccomp),
	DIES(ALL, "setuid", setuid),
	DIES(COMP | SEALED, "setresuid", setresuid),
	DIES(COMP | SEALED, "chroot", chroot_call),
#if !BOX_SANITIZED
	DIES(COMP | SEALED, "prlimit64", prlimit),
#endif
	DIES(ALL, "io_uring_setup", io_uring),
	DIES(ALL, "bpf", bpf),
	DIES(ALL, "perf_event_open", perf),
	DIES(ALL, "userfaultfd", userfaultfd),
	DIES(ALL, "keyctl", keyctl),
	DIES(ALL, "add_key", add_key),
	DIES(ALL, "mount", mount_call),
	DIES(ALL, "pivot_root", pivot_root),
	DIES(ALL, "init_module", module),
	DIES(ALL, "finit_module", file_module),
	DIES(ALL, "kexec_load", kexec),
	DIES(ALL, "reboot", reboot),
	DIES(ALL, "clock_settime", set_clock),
	DIES(GRAVE, "write", write_log),
	DIES(GRAVE, "accept", receive),
	DIES(GRAVE, "close", close),
	/* One only: the kernel logs it. */
	{ SERVER, SELFTEST_KILL, "io_uring_setup, with a handler", try_io_uring, SELFTEST_DIES, 0 },
};
const size_t selftest_n_probes = sizeof(selftest_probes) / sizeof(selftest_probes[0]);
