// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmsim: the simulated hypervisor as a program.  Owns options, files and the order in which rights
 * are given up: everything is opened first, then the box closes, then the first client is heard.
 */

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libxm/system/load.h"
#include "xmbroker/box.h"
#include "xmbroker/sim/console.h"
#include "xmbroker/sim/serve.h"

#ifndef XM_VERSION
#define XM_VERSION "unknown"
#endif

#define EXIT_USAGE 2

struct options {
	const char *config, *dir, *console;
	int attach_fd, ready_fd; /* -1: none */
	int64_t partition;       /* -1: not given */
	uid_t uid;
	gid_t gid;
};

struct xmsim {
	struct options options;
	struct system *sys;
	struct sim *sim;
	struct console console;
	struct serve *serve;
	uint32_t n_partitions;
};

static const char usage[] =
	"usage: xmsim --config XM_CF.xml --dir DIR [--console PATH|-] [--uid N --gid N]\n"
	"       xmsim --config XM_CF.xml --attach-fd N --partition P ...\n"
	"\n"
	"Simulates an XtratuM 3.x or PRTOS hypervisor with the system that XM_CF.xml describes.\n"
	"\n"
	"  --config FILE      the system description (xm_cf(5))\n"
	"  --dir DIR          listen on DIR/p0.ctl, DIR/p1.ctl, ...: one socket a partition\n"
	"  --attach-fd N      receive connections of partition P through descriptor N\n"
	"  --partition P      the partition of --attach-fd\n"
	"  --console PATH     append the partitions' console output to PATH; - (default): stdout\n"
	"  --uid N, --gid N   become this user and group before serving\n"
	"  --ready-fd N       write \"ready\" to descriptor N when serving\n"
	"  --help, --version\n";

static int fail(const char *what, int error)
{
	fprintf(stderr, "xmsim: %s: %s\n", what, strerror(-error));
	return error;
}

/* ---- options -------------------------------------------------------------------------------------- */

static bool to_number(const char *s, int64_t max, int64_t *valuep)
{
	char *end;

	errno = 0;
	*valuep = strtoll(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && *valuep <= max;
}

static int bad_option(const char *what, const char *value)
{
	fprintf(stderr, "xmsim: %s: \"%s\"\n%s", what, value, usage);
	return -EINVAL;
}

static int set_number(struct options *o, int option, const char *value)
{
	int64_t n;

	if (!to_number(value, option == 'u' || option == 'g' ? UINT32_MAX - 1 : INT32_MAX, &n))
		return bad_option("not a number", value);
	switch (option) {
	case 'a':
		o->attach_fd = (int)n;
		break;
	case 'p':
		o->partition = n;
		break;
	case 'r':
		o->ready_fd = (int)n;
		break;
	case 'u':
		o->uid = (uid_t)n;
		break;
	default:
		o->gid = (gid_t)n;
	}
	return 0;
}

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "dir", required_argument, NULL, 'd' },
	{ "console", required_argument, NULL, 'o' },
	{ "attach-fd", required_argument, NULL, 'a' },
	{ "partition", required_argument, NULL, 'p' },
	{ "ready-fd", required_argument, NULL, 'r' },
	{ "uid", required_argument, NULL, 'u' },
	{ "gid", required_argument, NULL, 'g' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* 1: all that was asked for has been printed. */
static int set_option(struct options *o, int option)
{
	switch (option) {
	case 'c':
		o->config = optarg;
		return 0;
	case 'd':
		o->dir = optarg;
		return 0;
	case 'o':
		o->console = optarg;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'V':
		puts("xmsim " XM_VERSION);
		return 1;
	case '?':
		fputs(usage, stderr);
		return -EINVAL;
	default:
		return set_number(o, option, optarg);
	}
}

static int check_options(const struct options *o, const char *extra)
{
	const char *wrong = NULL;

	if (extra)
		return bad_option("unexpected argument", extra);
	if (!o->config)
		wrong = "--config is required";
	else if (!o->dir && o->attach_fd < 0)
		wrong = "one of --dir and --attach-fd is required";
	else if ((o->attach_fd < 0) != (o->partition < 0))
		wrong = "--attach-fd and --partition belong together";
	else if ((o->uid == BOX_STAY) != (o->gid == (gid_t)-1))
		wrong = "--uid and --gid belong together";
	if (!wrong)
		return 0;
	fprintf(stderr, "xmsim: %s\n%s", wrong, usage);
	return -EINVAL;
}

static int parse_options(struct options *o, int argc, char **argv)
{
	int option, r = 0;

	*o = (struct options){ .console = "-",
			       .attach_fd = -1,
			       .ready_fd = -1,
			       .partition = -1,
			       .uid = BOX_STAY,
			       .gid = (gid_t)-1 };
	while (r == 0 && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		r = set_option(o, option);
	return r ? r : check_options(o, argv[optind]);
}

/* ---- sockets -------------------------------------------------------------------------------------- */

static int socket_path(const char *dir, uint32_t partition, struct sockaddr_un *addr)
{
	int n;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/p%u.ctl", dir, partition);
	return n < 0 || (size_t)n >= sizeof(addr->sun_path) ? -ENAMETOOLONG : 0;
}

/* Removes a socket that nobody serves any more; one that is served, or no socket, stays. */
static void remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd;

	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 && errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

/* The caller's umask makes it 0600 from the first moment. */
static int listen_on(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	remove_stale(addr);
	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	if (listen(fd, 64) < 0) {
		r = -errno;
		unlink(addr->sun_path);
		close(fd);
		return r;
	}
	return fd;
}

static void remove_sockets(const char *dir, uint32_t n)
{
	struct sockaddr_un addr;

	for (uint32_t i = 0; i < n; i++)
		if (socket_path(dir, i, &addr) == 0)
			unlink(addr.sun_path);
}

static int open_sockets(struct xmsim *x)
{
	const char *dir = x->options.dir;
	struct sockaddr_un addr;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fail(dir, -errno);
	umask(0177);
	for (uint32_t i = 0; i < x->n_partitions; i++) {
		int r = socket_path(dir, i, &addr);
		int fd = r < 0 ? r : listen_on(&addr);

		r = fd < 0 ? fd : serve_listen(x->serve, fd, i);
		if (r < 0) {
			fprintf(stderr, "xmsim: %s/p%u.ctl: %s\n", dir, i, strerror(-r));
			remove_sockets(dir, i);
			return r;
		}
	}
	return 0;
}

/* ---- serving -------------------------------------------------------------------------------------- */

static int load(struct xmsim *x)
{
	struct diag diag;
	int r;

	diag_init(&diag);
	r = system_load(x->options.config, &diag, &x->sys);
	diag_print(&diag, stderr);
	diag_free(&diag);
	if (r == 0)
		system_partitions(x->sys, &x->n_partitions);
	return r;
}

static int64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int open_all(struct xmsim *x)
{
	const struct options *o = &x->options;
	int r = console_open(&x->console, x->sys, o->console);

	if (r < 0)
		return fail(o->console, r);
	sim_set_console(x->sim, console_write, &x->console);
	if (o->attach_fd >= 0) {
		if (o->partition >= x->n_partitions) {
			fprintf(stderr, "xmsim: there is no partition %lld\n",
				(long long)o->partition);
			return -EINVAL;
		}
		r = serve_attach(x->serve, o->attach_fd, (uint32_t)o->partition);
		if (r < 0)
			return fail("--attach-fd", r);
	}
	return o->dir ? open_sockets(x) : 0;
}

static int close_box(const struct options *o)
{
	int r = box_become(BOX_SIM, o->uid, o->gid);

	if (r < 0)
		return fail("cannot give up rights", r);
	r = box_confine(BOX_SIM);
	return r < 0 ? fail("cannot confine itself", r) : 0;
}

static int serve(struct xmsim *x)
{
	/* Only the process that will read them may ask for signals: a fork would not inherit that. */
	int r = serve_signals(x->serve);

	if (r < 0)
		return fail("signals", r);
	r = close_box(&x->options);
	if (r < 0)
		return r;
	if (x->options.ready_fd >= 0) {
		if (write(x->options.ready_fd, "ready\n", 6) != 6)
			return -EPIPE;
		close(x->options.ready_fd);
	}
	r = serve_run(x->serve);
	console_close(&x->console);
	return r < 0 ? fail("waiting", r) : 0;
}

static int exit_status(int r)
{
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Whoever serves in the box cannot remove names any more, so the process that made them waits. */
static int wait_for(pid_t child)
{
	sigset_t set;
	int sig, status;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		if (waitpid(child, &status, WNOHANG) == child)
			break;
		if (sigwait(&set, &sig) == 0 && sig != SIGCHLD)
			kill(child, SIGTERM);
	}
	if (WIFSIGNALED(status))
		fprintf(stderr, "xmsim: stopped by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int serve_and_clean_up(struct xmsim *x)
{
	pid_t parent = getpid(), child = fork();
	int status;

	if (child < 0) {
		remove_sockets(x->options.dir, x->n_partitions);
		return exit_status(fail("fork", -errno));
	}
	if (child == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
			return EXIT_FAILURE;
		return exit_status(serve(x));
	}
	/* Only the child serves, and only its end of the ready pipe says so. */
	if (x->options.ready_fd >= 0)
		close(x->options.ready_fd);
	status = wait_for(child);
	remove_sockets(x->options.dir, x->n_partitions);
	return status;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int start(struct xmsim *x)
{
	int r = load(x);

	if (r < 0)
		return r;
	r = sim_new(x->sys, boot_time(), &x->sim);
	if (r == 0)
		r = serve_new(x->sim, x->sys, &x->serve);
	if (r < 0)
		return fail(x->options.config, r);
	return open_all(x);
}

int main(int argc, char **argv)
{
	struct xmsim x = { .sys = NULL };
	int r = parse_options(&x.options, argc, argv);
	int status;

	if (r != 0)
		return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	umask(077);
	/* What a long message took goes back to the system when it is over. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	block_signals();
	r = start(&x);
	if (r < 0)
		status = r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	else
		status = x.options.dir ? serve_and_clean_up(&x) : exit_status(serve(&x));
	serve_free(x.serve);
	sim_free(x.sim);
	free(x.sys);
	return status;
}
