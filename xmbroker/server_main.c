// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmbroker-server: the process that talks to clients.  Started by the supervisor only, with all that
 * it will ever have open.  Owns the order of the start; must never serve anybody before the box is
 * closed around it.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xmbroker/box.h"
#include "xmbroker/log.h"
#include "xmbroker/server.h"
#include "xmbroker/undertaker.h"

#define N_FDS 5

/* A descriptor that the supervisor names. */
enum fd_role { FD_LISTEN, FD_AUDIT, FD_CHANNEL, FD_IMAGE, FD_BACKEND };

struct options {
	int fd[N_FDS]; /* -1: none */
	const char *backend;
	unsigned long generation;
	unsigned long uid, gid;
	bool become;
	struct server_config config;
};

enum option_id {
	OPT_GENERATION = N_FDS,
	OPT_BACKEND,
	OPT_UID,
	OPT_GID,
	OPT_OVERFLOW_UID,
	OPT_OVERFLOW_GID,
	OPT_SESSION_MAX_AGE,
	OPT_MAX_SESSIONS,
	OPT_MAX_SESSIONS_PER_USER,
	OPT_LARGE_MEMORY,
	OPT_LARGE_MEMORY_PER_USER,
	OPT_ON_AUDIT_FAILURE,
};

static const struct option long_options[] = {
	{ "listen-fd", required_argument, NULL, FD_LISTEN },
	{ "audit-fd", required_argument, NULL, FD_AUDIT },
	{ "channel-fd", required_argument, NULL, FD_CHANNEL },
	{ "image-fd", required_argument, NULL, FD_IMAGE },
	{ "backend-fd", required_argument, NULL, FD_BACKEND },
	{ "generation", required_argument, NULL, OPT_GENERATION },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "uid", required_argument, NULL, OPT_UID },
	{ "gid", required_argument, NULL, OPT_GID },
	{ "overflow-uid", required_argument, NULL, OPT_OVERFLOW_UID },
	{ "overflow-gid", required_argument, NULL, OPT_OVERFLOW_GID },
	{ "session-max-age", required_argument, NULL, OPT_SESSION_MAX_AGE },
	{ "max-sessions", required_argument, NULL, OPT_MAX_SESSIONS },
	{ "max-sessions-per-user", required_argument, NULL, OPT_MAX_SESSIONS_PER_USER },
	{ "large-memory", required_argument, NULL, OPT_LARGE_MEMORY },
	{ "large-memory-per-user", required_argument, NULL, OPT_LARGE_MEMORY_PER_USER },
	{ "on-audit-failure", required_argument, NULL, OPT_ON_AUDIT_FAILURE },
	{ NULL, 0, NULL, 0 },
};

/* ---- command line ------------------------------------------------------------------------------------ */

static bool parse_number(const char *s, unsigned long max, unsigned long *valuep)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || value > max)
		return false;
	*valuep = value;
	return true;
}

static bool parse_fd(const char *s, int *fdp)
{
	unsigned long value;

	if (!strcmp(s, "-1")) {
		*fdp = -1;
		return true;
	}
	if (!parse_number(s, 1 << 20, &value) || value <= STDERR_FILENO)
		return false;
	*fdp = (int)value;
	return true;
}

static bool parse_u32(const char *s, uint32_t *valuep)
{
	unsigned long value;

	if (!parse_number(s, UINT32_MAX, &value))
		return false;
	*valuep = (uint32_t)value;
	return true;
}

static bool parse_mib(const char *s, size_t *bytesp)
{
	unsigned long value;

	if (!parse_number(s, 1 << 20, &value))
		return false;
	*bytesp = (size_t)value << 20;
	return true;
}

static bool parse_on_failure(const char *s, bool *allowp)
{
	*allowp = !strcmp(s, "allow");
	return *allowp || !strcmp(s, "deny");
}

static bool parse_option(struct options *o, int id, const char *value)
{
	switch (id) {
	case FD_LISTEN:
	case FD_AUDIT:
	case FD_CHANNEL:
	case FD_IMAGE:
	case FD_BACKEND:
		return parse_fd(value, &o->fd[id]);
	case OPT_GENERATION:
		return parse_number(value, UINT32_MAX, &o->generation);
	case OPT_BACKEND:
		o->backend = value;
		return true;
	case OPT_UID:
		o->become = true;
		return parse_number(value, UINT32_MAX - 1, &o->uid);
	case OPT_GID:
		return parse_number(value, UINT32_MAX - 1, &o->gid);
	case OPT_OVERFLOW_UID:
		return parse_u32(value, &o->config.overflow.uid);
	case OPT_OVERFLOW_GID:
		return parse_u32(value, &o->config.overflow.gid);
	case OPT_SESSION_MAX_AGE:
		return parse_u32(value, &o->config.session_max_age);
	case OPT_MAX_SESSIONS:
		return parse_u32(value, &o->config.max_sessions) && o->config.max_sessions;
	case OPT_MAX_SESSIONS_PER_USER:
		return parse_u32(value, &o->config.max_sessions_per_user) &&
		       o->config.max_sessions_per_user;
	case OPT_LARGE_MEMORY:
		return parse_mib(value, &o->config.large_memory);
	case OPT_LARGE_MEMORY_PER_USER:
		return parse_mib(value, &o->config.large_memory_per_user);
	case OPT_ON_AUDIT_FAILURE:
		return parse_on_failure(value, &o->config.allow_unaudited);
	default:
		return false;
	}
}

static bool is_complete(const struct options *o)
{
	bool loopback = o->backend && !strcmp(o->backend, "loopback");
	bool sim = o->backend && !strcmp(o->backend, "sim");

	return o->fd[FD_LISTEN] >= 0 && o->fd[FD_CHANNEL] >= 0 && o->fd[FD_IMAGE] >= 0 &&
	       (loopback || (sim && o->fd[FD_BACKEND] >= 0)) &&
	       (!o->become || o->gid != UINT32_MAX);
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	int id;

	*o = (struct options){
		.fd = { -1, -1, -1, -1, -1 },
		.gid = UINT32_MAX,
		.config = {
			.overflow = { 65534, 65534 },
			.session_max_age = 3600,
			.max_sessions = 4096,
			.max_sessions_per_user = 256,
			.large_memory = (size_t)SERVER_LARGE_MIB << 20,
			.large_memory_per_user = (size_t)SERVER_LARGE_PER_USER_MIB << 20,
		},
	};
	while ((id = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		if (!parse_option(o, id, optarg)) {
			log_error("xmbroker-server: bad option %s", argv[optind - 1]);
			return false;
		}
	}
	if (optind == argc && is_complete(o))
		return true;
	log_error("xmbroker-server is started by xmbroker(8); it is not a command");
	return false;
}

/* ---- descriptors ------------------------------------------------------------------------------------- */

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_between(int first, int last)
{
	if (first > last)
		return 0;
	return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

/* Keeps what was named and the standard descriptors; closes every other. */
static int adopt_descriptors(const struct options *o)
{
	int fds[N_FDS];
	int from = STDERR_FILENO + 1;

	memcpy(fds, o->fd, sizeof(fds));
	qsort(fds, N_FDS, sizeof(fds[0]), compare_fds);
	for (int i = 0; i < N_FDS; i++) {
		int r;

		if (fds[i] < 0)
			continue;
		if (fds[i] < from) /* named twice */
			return -EINVAL;
		r = close_between(from, fds[i] - 1);
		if (r < 0)
			return r;
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
		from = fds[i] + 1;
	}
	return close_between(from, INT32_MAX);
}

/* ---- start ------------------------------------------------------------------------------------------- */

/* What a long message took goes back to the system when it is over: left to itself the C library would
 * keep as much as the largest one, for ever. */
static void keep_small(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

/* The supervisor says when to stop; a signal to the whole group or service must not come first. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

static int fail(const char *what, int r)
{
	log_error("%s: %s", what, strerror(-r));
	return r;
}

static int open_backend(const struct options *o, struct backend **backendp)
{
	if (!strcmp(o->backend, "loopback"))
		return backend_loopback_new(backendp);
	return backend_sim_new(o->fd[FD_BACKEND], backendp);
}

static int map_image(const struct options *o, struct sealed *policyp)
{
	int r = sealed_map(o->fd[FD_IMAGE], policyp);

	close(o->fd[FD_IMAGE]);
	return r;
}

static int make_server(const struct options *o, struct server **serverp)
{
	struct server_fds fds = { o->fd[FD_LISTEN], o->fd[FD_CHANNEL] };
	struct sealed policy = { 0 };
	struct backend *backend;
	struct audit *audit;
	int r = map_image(o, &policy);

	if (r < 0)
		return fail(r == -EPERM ? "policy image is not sealed" : "policy image", r);
	r = open_backend(o, &backend);
	if (r < 0)
		return fail("connection to the hypervisor", r);
	r = audit_new(o->fd[FD_AUDIT], &audit);
	if (r < 0)
		return fail("audit", r);
	r = server_new(&o->config, &fds, &policy, (uint32_t)o->generation, backend, audit, serverp);
	return r < 0 ? fail("start", r) : 0;
}

static int give_up_privileges(const struct options *o)
{
	int r = box_become(BOX_SERVER, o->become ? (uid_t)o->uid : BOX_STAY, (gid_t)o->gid);

	return r < 0 ? fail("giving up privileges", r) : 0;
}

/* Descriptors get the lowest number that is free.  The undertaker's channel takes the highest that
 * there will be, and the limit is lowered to that: nobody else can ever have it. */
static int reserve_number(const struct server_config *config)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)config->max_sessions + SERVER_ROOT_RESERVE + SERVER_OTHER_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur > needed)
		limit.rlim_cur = needed;
	limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	return (int)limit.rlim_cur - 1;
}

static int start_undertaker(struct options *o)
{
	struct undertaker undertaker;
	int r;

	if (!undertaker_is_needed(o->fd[FD_LISTEN]))
		return 0;
	r = reserve_number(&o->config);
	if (r >= 0)
		r = undertaker_start(r, &undertaker);
	if (r < 0)
		return fail("starting the undertaker", r);
	o->config.bury = true;
	o->config.undertaker = undertaker.channel;
	return 0;
}

static int restrict_calls(const struct server_config *config)
{
	int r = box_confine_with(BOX_SERVER, config->bury ? config->undertaker : -1);

	return r < 0 ? fail("restricting system calls", r) : 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct server *server;
	int r;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("xmbroker-server " XM_VERSION);
		return 0;
	}
	log_init();
	if (!parse_options(argc, argv, &options))
		return 2;
	r = adopt_descriptors(&options);
	if (r < 0) {
		fail("descriptors", r);
		return 2;
	}
	ignore_signals();
	keep_small();
	/* Nothing that others wrote is looked at before the privileges are gone. */
	if (give_up_privileges(&options) < 0 || start_undertaker(&options) < 0 ||
	    make_server(&options, &server) < 0 || restrict_calls(&options.config) < 0)
		return 1;
	r = server_run(server);
	if (r < 0)
		fail("waiting", r);
	server_free(server);
	return r < 0 ? 1 : 0;
}
