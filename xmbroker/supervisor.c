// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The supervisor's life: what it opens, its loop, its signals, its end.  Owns the clients' socket, the
 * audit log's descriptor and all children.  Must never read a byte from a client, and never leave a
 * child, a socket or a lock behind when it ends.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/box.h"
#include "xmbroker/log.h"
#include "xmbroker/notify.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_internal.h"

#define START_MS 30000     /* until the server must be ready for the first time */
#define STOP_ASKED_MS 2000 /* for the server to finish what is in flight */
#define STOP_TERM_MS 500
#define OTHER_FDS 64 /* descriptors of the server that are no sessions */

/* ---- opening ----------------------------------------------------------------------------------------- */

/* Room for all sessions; inherited by the server. */
static void raise_file_limit(const struct options *opts)
{
	rlim_t wanted = opts->max_sessions + OTHER_FDS;
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	raised.rlim_cur = wanted;
	raised.rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
		return;
	raised.rlim_cur = raised.rlim_max = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
		raised.rlim_cur = limit.rlim_cur;
	log_warning("only %llu descriptors are permitted: fewer than --max-sessions %u will fit",
		    (unsigned long long)raised.rlim_cur, opts->max_sessions);
}

static int open_audit(const char *path, int *fdp)
{
	struct stat st;
	int fd, r = 0;

	if (!path) {
		log_warning("there is no audit log (--audit none)");
		return 0;
	}
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);
	if (fd < 0) {
		r = -errno;
		log_error("cannot open the audit log %s: %s", path,
			  r == -ELOOP ? "it is a symbolic link" : strerror(-r));
		return r;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		log_error("the audit log %s is not a regular file", path);
		close(fd);
		return -EINVAL;
	}
	*fdp = fd;
	return 0;
}

/* All that needs more than the few capabilities which stay. */
static int open_all(struct supervisor *s)
{
	int r = open_audit(s->opts->audit, &s->audit);

	if (r == 0)
		r = listen_open(&s->listen, s->opts->socket);
	if (r < 0)
		return r;
	raise_file_limit(s->opts);
	r = box_become(BOX_SUPERVISOR, BOX_STAY, BOX_STAY);
	if (r < 0)
		log_error("cannot give up privileges: %s", strerror(-r));
	return r;
}

/* ---- signals ----------------------------------------------------------------------------------------- */

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->job.pid)
			reload_finish(s, status);
		else if (pid == s->server.pid)
			children_server_died(s, status);
		else if (pid == s->sim.pid)
			children_sim_died(s, status);
	}
}

static void on_signal(struct loop_source *source, uint32_t events)
{
	struct supervisor *s =
		(struct supervisor *)((char *)source - offsetof(struct supervisor, signals));
	struct signalfd_siginfo info;

	(void)events;
	while (read(source->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(s);
		else if (info.ssi_signo == SIGHUP)
			reload_request(s, NULL);
		else
			supervisor_stop(s, SUPERVISOR_STOPPED);
	}
}

static int watch_signals(struct supervisor *s)
{
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = loop_add(&s->loop, &s->signals, fd, EPOLLIN, on_signal);
	if (r < 0)
		close(fd);
	return r;
}

/* ---- stopping ---------------------------------------------------------------------------------------- */

static void stop_step(struct supervisor *s, enum stop_step step, int64_t delay)
{
	s->stop_step = step;
	s->stop_deadline = s->loop.now + delay;
}

void supervisor_stop(struct supervisor *s, int exit_code)
{
	struct channel_message message = { .type = CHANNEL_STOP, .fd = -1 };

	if (s->phase == PHASE_STOPPING)
		return;
	s->phase = PHASE_STOPPING;
	s->exit_code = exit_code;
	notify_send("STOPPING=1");
	listen_remove(&s->listen);
	if (s->job.pid > 0)
		kill(s->job.pid, SIGKILL);
	children_tell_server(s, &message);
	stop_step(s, STOP_ASKED, STOP_ASKED_MS);
}

static void press_server(struct supervisor *s)
{
	if (s->stop_step == STOP_ASKED) {
		log_warning("the server does not stop: ending it");
		kill(s->server.pid, SIGTERM);
		stop_step(s, STOP_TERM, STOP_TERM_MS);
	} else {
		kill(s->server.pid, SIGKILL);
		stop_step(s, STOP_KILL, STOP_TERM_MS);
	}
}

/* The server goes first, so that no call is cut off by its hypervisor's end. */
static void stop_next(struct supervisor *s)
{
	bool late = s->loop.now >= s->stop_deadline;

	if (s->server.pid > 0) {
		if (late)
			press_server(s);
	} else if (s->sim.pid > 0 && s->stop_step < STOP_SIM_TERM) {
		kill(s->sim.pid, SIGTERM);
		stop_step(s, STOP_SIM_TERM, STOP_TERM_MS);
	} else if (s->sim.pid > 0 && late) {
		kill(s->sim.pid, SIGKILL);
		stop_step(s, STOP_SIM_KILL, STOP_TERM_MS);
	}
}

static bool is_stopped(const struct supervisor *s)
{
	return s->phase == PHASE_STOPPING && s->job.pid < 0 && s->server.pid < 0 && s->sim.pid < 0;
}

/* ---- loop -------------------------------------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

/* ms until something is due; -1: nothing is. */
static int next_timeout(const struct supervisor *s)
{
	int64_t at = children_next(s, -1);

	if (s->job.pid > 0 && !s->job.late)
		at = sooner(at, s->job.deadline);
	if (s->phase == PHASE_STARTING)
		at = sooner(at, s->start_deadline);
	if (s->phase == PHASE_STOPPING)
		at = sooner(at, s->stop_deadline);
	if (at < 0)
		return -1;
	at -= s->loop.now;
	return at < 0 ? 0 : at > 60000 ? 60000 : (int)at;
}

static void tick(struct supervisor *s)
{
	compile_check_time(&s->job);
	children_tick(s);
	if (s->phase == PHASE_STARTING && s->loop.now >= s->start_deadline) {
		log_error("the server was not ready in %d seconds", START_MS / 1000);
		supervisor_stop(s, SUPERVISOR_FAILED);
	}
	if (s->phase == PHASE_STOPPING)
		stop_next(s);
}

static int run(struct supervisor *s)
{
	int r = 0;

	while (r >= 0 && !is_stopped(s)) {
		r = loop_round(&s->loop, next_timeout(s));
		tick(s);
	}
	return r;
}

static void deinit(struct supervisor *s)
{
	children_close(s);
	listen_close(&s->listen);
	if (s->audit >= 0)
		close(s->audit);
	if (s->image >= 0)
		close(s->image);
	if (s->kept >= 0)
		close(s->kept);
	if (s->signals.fd >= 0)
		close(s->signals.fd);
	loop_deinit(&s->loop);
}

static int init(struct supervisor *s, const struct launch *launch)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->launch = launch;
	s->opts = launch->opts;
	s->signals.fd = s->channel.fd = s->ready.fd = -1;
	s->audit = s->image = s->kept = s->attach = -1;
	s->server_end = -1;
	s->listen = (struct listen)LISTEN_INIT;
	service_init(&s->server, "server");
	service_init(&s->sim, "xmsim");
	service_init(&s->link, "link");
	r = loop_init(&s->loop);
	if (r < 0)
		return r;
	compile_init(&s->job, &s->loop);
	r = watch_signals(s);
	if (r == 0)
		r = reload_start(s);
	return r;
}

/* Runs the first compilation; nothing else exists meanwhile. */
static int compile_first(struct supervisor *s)
{
	int r = 0;

	s->phase = PHASE_COMPILING;
	while (r >= 0 && s->job.pid > 0) {
		r = loop_round(&s->loop, next_timeout(s));
		compile_check_time(&s->job);
	}
	return r;
}

static struct supervisor supervisor;

int supervisor_check(const struct launch *launch)
{
	struct supervisor *s = &supervisor;
	int r = init(s, launch);

	if (r == 0)
		r = compile_first(s);
	if (r < 0)
		s->exit_code = SUPERVISOR_FAILED;
	deinit(s);
	if (s->exit_code == 0)
		puts("xmbroker: policy and settings are good");
	return s->exit_code;
}

int supervisor_run(const struct launch *launch)
{
	struct supervisor *s = &supervisor;
	int r = init(s, launch);

	if (r == 0)
		r = compile_first(s);
	if (r == 0 && s->phase == PHASE_COMPILING) {
		s->phase = PHASE_STARTING;
		s->start_deadline = s->loop.now + START_MS;
		r = open_all(s);
		if (r == 0)
			children_start(s);
	}
	if (r == 0)
		r = run(s);
	if (r < 0 && s->exit_code == 0)
		s->exit_code = SUPERVISOR_FAILED;
	deinit(s);
	return s->exit_code;
}
