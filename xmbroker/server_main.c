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
#include <unistd.h>

#include "xmbroker/box.h"
#include "xmbroker/log.h"
#include "xmbroker/selftest.h"
#include "xmbroker/server.h"
#include "xmbroker/server_audit.h"
#include "xmbroker/undertaker.h"

#define N_FDS 5

/* A descriptor that the supervisor names. */
enum fd_role { FD_LISTEN, FD_LEDGER, FD_CHANNEL, FD_IMAGE, FD_BACKEND };

/* The settings as they come. */
struct numbers {
#define NUMBER(field, ...) uint32_t field;
#include "xmbroker/settings.def"
#undef NUMBER
};

static const struct numbers defaults = {
#define NUMBER(field, option, min, max, init, ...) .field = (init),
#include "xmbroker/settings.def"
#undef NUMBER
};

struct options {
	int fd[N_FDS]; /* -1: none */
	const char *backend;
	unsigned long generation;
	unsigned long uid, gid;
	bool become;
	int root; /* the empty folder to be the root; -1: none */
	struct numbers number;
	struct server_config config;
};

enum option_id {
	OPT_GENERATION = 0x100, /* getopt_long() itself says ?, which is a number */
	OPT_BACKEND,
	OPT_UID,
	OPT_GID,
	OPT_ROOT,
	OPT_OVERFLOW_UID,
	OPT_OVERFLOW_GID,
	OPT_ON_AUDIT_FAILURE,
	OPT_NUMBERS, /* the settings that the supervisor knows, in their order */
#define NUMBER(field, ...) OPT_##field,
#include "xmbroker/settings.def"
#undef NUMBER
};

static const struct option long_options[] = {
	{ "listen-fd", required_argument, NULL, FD_LISTEN },
	{ "ledger-fd", required_argument, NULL, FD_LEDGER },
	{ "channel-fd", required_argument, NULL, FD_CHANNEL },
	{ "image-fd", required_argument, NULL, FD_IMAGE },
	{ "backend-fd", required_argument, NULL, FD_BACKEND },
	{ "generation", required_argument, NULL, OPT_GENERATION },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "uid", required_argument, NULL, OPT_UID },
	{ "gid", required_argument, NULL, OPT_GID },
	{ "root-fd", required_argument, NULL, OPT_ROOT },
	{ "overflow-uid", required_argument, NULL, OPT_OVERFLOW_UID },
	{ "overflow-gid", required_argument, NULL, OPT_OVERFLOW_GID },
	{ "on-audit-failure", required_argument, NULL, OPT_ON_AUDIT_FAILURE },
#define NUMBER(field, option, ...) { option, required_argument, NULL, OPT_##field },
#include "xmbroker/settings.def"
#undef NUMBER
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

static bool parse_on_failure(const char *s, bool *allowp)
{
	*allowp = !strcmp(s, "allow");
	return *allowp || !strcmp(s, "deny");
}

static bool is_between(int64_t number, int64_t min, int64_t max)
{
	return number >= min && number <= max;
}

static bool parse_setting(struct options *o, int id, const char *value)
{
	uint32_t number;

	if (!parse_u32(value, &number))
		return false;
	switch (id) {
#define NUMBER(field, option, min, max, init, server, ...)                                         \
	case OPT_##field:                                                                          \
		o->number.field = number;                                                          \
		return (server) && is_between(number, min, max);
#include "xmbroker/settings.def"
#undef NUMBER
	default:
		return false;
	}
}

static bool parse_option(struct options *o, int id, const char *value)
{
	switch (id) {
	case FD_LISTEN:
	case FD_LEDGER:
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
	case OPT_ROOT:
		return parse_fd(value, &o->root);
	case OPT_OVERFLOW_UID:
		return parse_u32(value, &o->config.overflow.uid);
	case OPT_OVERFLOW_GID:
		return parse_u32(value, &o->config.overflow.gid);
	case OPT_ON_AUDIT_FAILURE:
		return parse_on_failure(value, &o->config.allow_unaudited);
	default:
		return id > OPT_NUMBERS && parse_setting(o, id, value);
	}
}

static void set_limits(struct server_config *config, const struct numbers *n)
{
	config->session_max_age = n->session_max_age;
	config->max_sessions = n->max_sessions;
	config->max_sessions_per_user = n->max_sessions_per_user;
	config->max_setup = n->max_setup;
	config->max_setup_per_user = n->max_setup_per_user;
	config->setup_time = n->setup_time;
	config->connections_per_user = n->connections_per_user;
	config->calls_per_user = n->calls_per_user;
	config->waiting_per_user = n->waiting_per_user;
	config->memory_per_user = (size_t)n->memory_per_user << 10;
	config->large_memory = (size_t)n->large_memory << 20;
	config->large_memory_per_user = (size_t)n->large_memory_per_user << 20;
	config->denials_per_user = n->denials_per_user;
	config->audit_per_user = n->audit_per_user;
}

static bool is_complete(const struct options *o)
{
	bool loopback = o->backend && !strcmp(o->backend, "loopback");
	bool sim = o->backend && (!strcmp(o->backend, "sim") || !strcmp(o->backend, "device"));

	return o->fd[FD_LISTEN] == BOX_LISTENER && o->fd[FD_CHANNEL] >= 0 && o->fd[FD_IMAGE] >= 0 &&
	       (loopback || (sim && o->fd[FD_BACKEND] >= 0)) &&
	       (!o->become || o->gid != UINT32_MAX);
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	int id;

	*o = (struct options){
		.fd = { -1, -1, -1, -1, -1 },
		.gid = UINT32_MAX,
		.root = -1,
		.number = defaults,
		.config = { .overflow = { 65534, 65534 }, .check_system = true },
	};
	while ((id = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		if (!parse_option(o, id, optarg)) {
			log_error("xmbroker-server: bad option %s", argv[optind - 1]);
			return false;
		}
	}
	set_limits(&o->config, &o->number);
	if (optind == argc && is_complete(o))
		return true;
	log_error("xmbroker-server is started by xmbroker(8); it is not a command");
	return false;
}

/* ---- descriptors ------------------------------------------------------------------------------------- */

/* Keeps what was named and the standard descriptors; closes every other. */
static int adopt_descriptors(const struct options *o)
{
	int fds[N_FDS + 1];

	memcpy(fds, o->fd, sizeof(o->fd));
	fds[N_FDS] = o->root;
	return box_keep_only(fds, N_FDS + 1);
}

/* ---- start ------------------------------------------------------------------------------------------- */

/* What a long message took goes back to the system when it is over: left to itself the C library would
 * keep as much as the largest one, for ever. */
static void keep_small(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

/* The supervisor says when to stop; a signal to the whole group or service must not come first.
 * A log that may not grow any more is an error of write(), not an end. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGXFSZ };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

static int fail(const char *what, int r)
{
	log_error("%s: %s", what, strerror(-r));
	return r;
}

static int open_backend(const struct options *o, const struct policy_image *image,
			struct backend **backendp)
{
	uint32_t n;

	if (!strcmp(o->backend, "loopback"))
		return backend_loopback_new(backendp);
	if (!strcmp(o->backend, "device")) {
		system_partitions(policy_image_system(image), &n);
		return backend_device_new(o->fd[FD_BACKEND], n, backendp);
	}
	return backend_sim_new(o->fd[FD_BACKEND], backendp);
}

static int map_image(const struct options *o, struct sealed *policyp)
{
	int r = sealed_map(o->fd[FD_IMAGE], policyp);

	close(o->fd[FD_IMAGE]);
	return r;
}

/* -ENOEXEC: the policy cannot be used. */
static int make_server(const struct options *o, struct server **serverp)
{
	struct server_fds fds = { o->fd[FD_LISTEN], o->fd[FD_CHANNEL] };
	struct sealed policy = { 0 };
	struct backend *backend;
	struct audit *audit;
	int r = map_image(o, &policy);

	if (r < 0) {
		fail(r == -EPERM ? "policy image is not sealed" : "policy image", r);
		return r == -EPERM || r == -EINVAL ? -ENOEXEC : r;
	}
	r = open_backend(o, policy.image, &backend);
	if (r < 0)
		return fail("connection to the hypervisor", r);
	r = server_audit_begin(o->fd[FD_CHANNEL], o->fd[FD_LEDGER], &audit);
	if (r < 0)
		return fail("audit", r);
	r = server_new(&o->config, &fds, &policy, (uint32_t)o->generation, backend, audit, serverp);
	if (r == -ENOEXEC)
		log_error("start: the policy is not for this hypervisor");
	else if (r < 0)
		fail("start", r);
	return r;
}

static int give_up_privileges(const struct options *o)
{
	int r = box_root_enter(o->root);

	if (r < 0)
		return fail("entering the empty root", r);
	r = box_become(BOX_SERVER, o->become ? (uid_t)o->uid : BOX_STAY, (gid_t)o->gid);
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

/* What the settings allow all clients together, were each of another user. */
static struct box_room room_of(const struct server_config *config)
{
	uint64_t sessions = (uint64_t)config->max_sessions + SERVER_ROOT_RESERVE;
	uint64_t user = config->memory_per_user ? config->memory_per_user : SERVER_USER_MEMORY;

	return (struct box_room){ .memory = 2 * config->large_memory + sessions * user,
				  .files = sessions + SERVER_OTHER_FDS };
}

static int close_box(const struct server_config *config)
{
	const struct box_room room = room_of(config);
	int r = box_confine_with(BOX_SERVER, config->bury ? config->undertaker : -1, &room);

	return r < 0 ? fail("closing the box", r) : 0;
}

static int self_test(int argc, char **argv)
{
	static const enum box_role roles[] = { BOX_SERVER, BOX_UNDERTAKER };

	return selftest_main(argc, argv, roles, sizeof(roles) / sizeof(roles[0]));
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
	if (argc > 1 && !strcmp(argv[1], "--self-test"))
		return self_test(argc, argv);
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
	if (give_up_privileges(&options) < 0 || start_undertaker(&options) < 0)
		return 1;
	r = make_server(&options, &server);
	if (r < 0)
		return r == -ENOEXEC ? CHANNEL_EXIT_REFUSED : 1;
	if (close_box(&options.config) < 0)
		return 1;
	r = server_run(server);
	if (r < 0)
		fail("waiting", r);
	server_free(server);
	return r < 0 ? 1 : 0;
}
