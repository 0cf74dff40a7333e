// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Putting helpers together.  Owns what it makes until it has handed all of it over.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xmbroker/launch.h"
#include "xmbroker/log.h"
#include "xmbroker/spawn.h"

#define ARGS_MAX 96
#define NUMBERS_MAX 1024

/* A command line under construction; numbers live in `space`. */
struct args {
	const char *argv[ARGS_MAX + 1];
	size_t n;
	char space[NUMBERS_MAX];
	size_t used;
	struct spawn spawn;
};

static void add(struct args *args, const char *arg)
{
	if (args->n < ARGS_MAX)
		args->argv[args->n++] = arg;
}

static void add_number(struct args *args, const char *option, int64_t number)
{
	char *text = args->space + args->used;
	size_t left = sizeof(args->space) - args->used;
	int n = snprintf(text, left, "%" PRId64, number);

	if ((size_t)n >= left)
		abort(); /* more options than this file adds */
	args->used += (size_t)n + 1;
	add(args, option);
	add(args, text);
}

/* Names a descriptor by the number that it will have in the child. */
static void add_fd(struct args *args, const char *option, int fd)
{
	if (fd < 0) {
		add_number(args, option, -1);
		return;
	}
	add_number(args, option, SPAWN_FIRST_FD + (int)args->spawn.n_fds);
	args->spawn.fds[args->spawn.n_fds++] = fd;
}

static void add_user(struct args *args, const struct launch *launch)
{
	if (launch->user.uid == (uid_t)-1)
		return;
	add_number(args, "--uid", launch->user.uid);
	add_number(args, "--gid", launch->user.gid);
}

static void add_root(struct args *args, const struct launch *launch)
{
	if (launch->root >= 0)
		add_fd(args, "--root-fd", launch->root);
}

static int run(struct args *args, const char *path, enum box_role role, pid_t *pidp)
{
	args->spawn.path = path;
	args->spawn.argv = args->argv;
	/* The simulated console may come out where ours does; the server has nothing to say there. */
	args->spawn.out = role == BOX_SIM ? STDOUT_FILENO : -1;
	args->spawn.err = -1;
	args->spawn.role = role;
	return spawn_run(&args->spawn, pidp);
}

/* The settings that the server goes by. */
static void add_limits(struct args *args, const struct options *opts)
{
#define NUMBER(field, option, min, max, init, server, ...)                                         \
	if (server)                                                                                \
		add_number(args, "--" option, opts->field);
#include "xmbroker/settings.def"
#undef NUMBER
}

/* ---- server ------------------------------------------------------------------------------------------ */

/* What the server calls it. */
static const char *backend_name(const struct options *opts)
{
	switch (opts->backend) {
	case OPTIONS_LOOPBACK:
		return "loopback";
	case OPTIONS_DEVICE:
		return "device";
	default:
		return "sim";
	}
}

int launch_server(const struct launch *launch, const struct launch_server *with, int *channelp,
		  pid_t *pidp)
{
	const struct options *opts = launch->opts;
	struct args args = { .n = 0 };
	int channel[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channel) < 0)
		return -errno;
	add(&args, "xmbroker-server");
	add_fd(&args, "--listen-fd", with->listen);
	add_fd(&args, "--ledger-fd", with->ledger);
	add_fd(&args, "--channel-fd", channel[1]);
	add_fd(&args, "--image-fd", with->image);
	add_number(&args, "--generation", with->generation);
	add(&args, "--backend");
	add(&args, backend_name(opts));
	if (opts->backend != OPTIONS_LOOPBACK)
		add_fd(&args, "--backend-fd", with->backend);
	add_user(&args, launch);
	add_root(&args, launch);
	add_number(&args, "--overflow-uid", launch->overflow_uid);
	add_number(&args, "--overflow-gid", launch->overflow_gid);
	add_limits(&args, opts);
	add(&args, "--on-audit-failure");
	add(&args, opts->allow_on_audit_failure ? "allow" : "deny");
	r = run(&args, launch->server, BOX_SERVER, pidp);
	close(channel[1]);
	if (r < 0)
		close(channel[0]);
	else
		*channelp = channel[0];
	return r;
}

/* ---- xmsim ------------------------------------------------------------------------------------------- */

int launch_sim(const struct launch *launch, int *attachp, int *readyp, pid_t *pidp)
{
	const struct options *opts = launch->opts;
	struct args args = { .n = 0 };
	int attach[2], ready[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, attach) < 0)
		return -errno;
	if (pipe2(ready, O_CLOEXEC) < 0) {
		r = -errno;
		goto out_attach;
	}
	add(&args, "xmsim");
	add(&args, "--config");
	add(&args, opts->backend_path);
	add_fd(&args, "--attach-fd", attach[1]);
	add_number(&args, "--partition", opts->partition);
	if (opts->console) {
		add(&args, "--console");
		add(&args, opts->console);
	}
	add_user(&args, launch);
	add_root(&args, launch);
	add_fd(&args, "--ready-fd", ready[1]);
	r = run(&args, launch->sim, BOX_SIM, pidp);
	close(ready[1]);
	if (r < 0) {
		close(ready[0]);
		goto out_attach;
	}
	close(attach[1]);
	*attachp = attach[0];
	*readyp = ready[0];
	return 0;
out_attach:
	close(attach[0]);
	close(attach[1]);
	return r;
}

static int send_descriptor(int channel, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 'c';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(channel, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int launch_attach(int attach)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	r = send_descriptor(attach, pair[1]);
	close(pair[1]);
	if (r == 0)
		return pair[0];
	close(pair[0]);
	return r;
}

int launch_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (r == 0 && fcntl(fd, F_SETFL, 0) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* ---- what it needs ----------------------------------------------------------------------------------- */

/* The id that stands for those that have none here; no rule may ever match it. */
static uint32_t overflow_id(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned long id;

	if (fd < 0)
		return 65534;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	id = strtoul(text, NULL, 10);
	return id ? (uint32_t)id : 65534;
}

/* xmsim opens it, when it starts: what can be said without that. */
static int check_console(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	struct stat st;
	int r = 0;

	if (!strcmp(path, "-"))
		r = 0;
	else if (!folder || stat(folder, &st) < 0)
		r = -errno;
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		r = -EISDIR;
	if (r < 0)
		log_error("console: cannot write to %s: %s", path, strerror(-r));
	free(folder);
	return r;
}

int launch_init(struct launch *launch, const struct options *opts)
{
	const struct {
		const char *name;
		char *path;
	} helpers[] = {
		{ "xmbroker-server", launch->server },
		{ "xmsim", launch->sim },
	};

	launch->opts = opts;
	launch->root = launch->device = -1;
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		if (!strcmp(helpers[i].name, "xmsim") && opts->backend != OPTIONS_SIM &&
		    !opts->self_test)
			continue;
		if (spawn_find(helpers[i].name, helpers[i].path) < 0) {
			log_error("%s is neither beside xmbroker nor in ../libexec/xmbroker",
				  helpers[i].name);
			return -ENOENT;
		}
	}
	if (opts->backend == OPTIONS_SIM && access(opts->backend_path, R_OK) < 0) {
		log_error("cannot read the system description %s: %m", opts->backend_path);
		return -ENOENT;
	}
	if (opts->console && check_console(opts->console) < 0)
		return -ENOENT;
	launch->overflow_uid = overflow_id("/proc/sys/kernel/overflowuid");
	launch->overflow_gid = overflow_id("/proc/sys/kernel/overflowgid");
	return options_resolve_user(opts, &launch->user);
}

const char *launch_system(const struct launch *launch)
{
	switch (launch->opts->backend) {
	case OPTIONS_LOOPBACK:
		return "loopback:";
	case OPTIONS_SIM:
		return launch->opts->backend_path;
	default:
		return NULL;
	}
}
