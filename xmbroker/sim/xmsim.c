// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmsim: the simulated hypervisor as a program.  Owns options, files and the order in which rights
 * are given up: everything is opened first, then the box closes, then the first client is heard.
 */

#include <errno.h>
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
#include <unistd.h>

#include "libxm/system/load.h"
#include "xmbroker/box.h"
#include "xmbroker/selftest.h"
#include "xmbroker/sim/behaviour.h"
#include "xmbroker/sim/console.h"
#include "xmbroker/sim/control_send.h"
#include "xmbroker/sim/faults.h"
#include "xmbroker/sim/list.h"
#include "xmbroker/sim/record.h"
#include "xmbroker/sim/replay.h"
#include "xmbroker/sim/serve.h"
#include "xmbroker/sim/xmsim_options.h"

#define EXIT_USAGE 2

struct xmsim {
	struct xmsim_options options;
	struct engine engine;
	struct system *sys;
	struct sim *sim;
	struct console console;
	struct serve *serve;
	uint32_t n_partitions;
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "xmsim: %s: %s\n", what, strerror(-error));
	return error;
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

static void remove_all(const struct xmsim *x)
{
	struct sockaddr_un addr;

	remove_sockets(x->options.dir, x->n_partitions);
	if (control_path(x->options.dir, &addr) == 0)
		unlink(addr.sun_path);
}

static int open_control(struct xmsim *x)
{
	struct sockaddr_un addr;
	int r = control_path(x->options.dir, &addr);
	int fd = r < 0 ? r : listen_on(&addr);

	r = fd < 0 ? fd : serve_control(x->serve, fd);
	if (r == 0)
		return 0;
	fprintf(stderr, "xmsim: %s/control: %s\n", x->options.dir, strerror(-r));
	if (fd >= 0)
		unlink(addr.sun_path);
	remove_sockets(x->options.dir, x->n_partitions);
	return r;
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
	return open_control(x);
}

/* ---- serving -------------------------------------------------------------------------------------- */

static int load(struct xmsim *x)
{
	const struct system_options options = { .profile = x->options.profile,
						.notes = x->options.verbose };
	struct diag diag;
	int r;

	diag_init(&diag);
	r = system_load_as(x->options.config, &options, &diag, &x->sys);
	diag_print(&diag, stderr);
	diag_free(&diag);
	if (r == 0)
		system_partitions(x->sys, &x->n_partitions);
	return r;
}

/* The files of --behaviour and --faults. */
static int load_scenario(struct xmsim *x)
{
	const struct xmsim_options *o = &x->options;
	struct engine *e = &x->engine;
	struct diag diag;
	int r = 0;

	diag_init(&diag);
	if (o->behaviour)
		r = behaviour_load(o->behaviour, x->sys, e->profile, &diag, &e->behaviour);
	if (o->faults && r != -ENOMEM) {
		int q = faults_load(o->faults, x->sys, e->profile, &diag, &e->faults);

		r = r < 0 ? r : q;
	}
	diag_print(&diag, stderr);
	diag_free(&diag);
	return r;
}

static int open_all(struct xmsim *x)
{
	const struct xmsim_options *o = &x->options;
	int r = console_open(&x->console, x->sys, o->console);

	if (r < 0)
		return fail(o->console, r);
	sim_set_console(x->sim, console_write, &x->console);
	if (o->record) {
		const struct sim_options booted = { .profile = x->engine.profile,
						    .quirks = o->quirks };

		r = record_open(o->record, x->sys, &booted, &x->engine.record);
		if (r < 0)
			return fail(o->record, r);
	}
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

static int close_box(const struct xmsim_options *o)
{
	int r = box_root_enter(o->root_fd);

	if (r < 0)
		return fail("cannot enter its empty root", r);
	r = box_become(BOX_SIM, o->uid, o->gid);
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
	if (r < 0)
		return fail("waiting", r);
	r = record_close(x->engine.record);
	x->engine.record = NULL;
	return r;
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
		remove_all(x);
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
	if (x->options.root_fd >= 0)
		close(x->options.root_fd);
	status = wait_for(child);
	remove_all(x);
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

/* The simulator, booted. */
static int boot(struct xmsim *x)
{
	const struct xmsim_options *o = &x->options;
	const struct sim_options options = { .quirks = o->quirks };
	int64_t now = engine_boot_time(o->is_virtual);
	int r = sim_new(x->sys, &options, now, &x->sim);

	if (r < 0)
		return fail(o->config, r);
	engine_init(&x->engine, x->sim, x->sys, &options, o->is_virtual, now);
	return 0;
}

static int start(struct xmsim *x)
{
	int r = boot(x);

	if (r == 0)
		r = load_scenario(x);
	if (r < 0)
		return r;
	r = serve_new(&x->engine, &x->serve);
	return r < 0 ? fail(x->options.config, r) : open_all(x);
}

/* Nothing is left of what whoever started us had open and did not name. */
static int keep_named(struct xmsim_options *o)
{
	int fds[] = { o->attach_fd, o->ready_fd, o->root_fd };
	int r = box_keep_only(fds, sizeof(fds) / sizeof(fds[0]));

	if (r < 0)
		return fail("--attach-fd, --ready-fd, --root-fd", r);
	/* Without CAP_SYS_CHROOT it keeps the root that there is, of which Landlock leaves nothing. */
	if (o->root_fd < 0 && box_root_make(&o->root_fd) < 0)
		o->root_fd = -1;
	return 0;
}

static int run(struct xmsim *x)
{
	int r = keep_named(&x->options);

	if (r == 0)
		r = start(x);

	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	return x->options.dir ? serve_and_clean_up(x) : exit_status(serve(x));
}

static int list(const struct xmsim *x)
{
	return exit_status(list_print(x->sys, x->options.json, stdout));
}

static int send_control(const struct xmsim_options *o)
{
	int r = control_send(o->control, o->words);

	if (r < 0)
		fail(o->control, r);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What was asked for, of a system. */
static int do_with_system(struct xmsim *x)
{
	int r = load(x);

	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	switch (x->options.mode) {
	case XMSIM_LIST:
		return list(x);
	case XMSIM_REPLAY:
		return (int)replay_file(x->options.replay, x->sys);
	default:
		return run(x);
	}
}

static int self_test(int argc, char **argv)
{
	static const enum box_role role = BOX_SIM;

	return selftest_main(argc, argv, &role, 1);
}

int main(int argc, char **argv)
{
	struct xmsim x = { .sys = NULL };
	int status, r;

	if (argc > 1 && !strcmp(argv[1], "--self-test"))
		return self_test(argc, argv);
	r = xmsim_options_parse(&x.options, argc, argv);
	if (r != 0)
		return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	if (x.options.mode == XMSIM_CONTROL)
		return send_control(&x.options);
	umask(077);
	/* What a long message took goes back to the system when it is over. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	block_signals();
	status = do_with_system(&x);
	serve_free(x.serve);
	record_close(x.engine.record);
	behaviour_free(x.engine.behaviour);
	faults_free(x.engine.faults);
	sim_free(x.sim);
	free(x.sys);
	return status;
}
