// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The supervisor's life: what it opens, its loop, its signals, its end.  Owns the clients' socket, the
 * audit log's files and all children.  Must never read a byte from a client, and never leave a
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

#include "xmbroker/device.h"
#include "xmbroker/log.h"
#include "xmbroker/notify.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_box.h"
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

/* All that needs more than the few capabilities which stay. */
static int open_all(struct supervisor *s)
{
	int r = listen_open(&s->listen, s->opts->socket);

	if (r == 0)
		r = supervisor_open_audit(s);
	if (r == 0)
		r = trial_keep_start(s);
	if (r < 0)
		return r;
	raise_file_limit(s->opts);
	return supervisor_confine(s);
}

/* ---- signals ----------------------------------------------------------------------------------------- */

/* The next child that ended, or 0.  Nothing would say again that there is one. */
static pid_t next_dead(int *statusp)
{
	pid_t pid;

	do
		pid = waitpid(-1, statusp, WNOHANG);
	while (pid < 0 && errno == EINTR);
	return pid > 0 ? pid : 0;
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = next_dead(&status))) {
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
		else if (info.ssi_signo == SIGUSR1)
			store_request(&s->store);
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
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
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
	trial_stop(s);
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
	int64_t at = store_next(&s->store, children_next(s, -1));

	at = trial_next(s, reload_next(s, at));
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
	reload_tick(s);
	trial_tick(s);
	store_tick(&s->store, s->loop.now);
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
	if (r < 0)
		log_error("cannot wait: %s", strerror(-r));
	return r;
}

static void deinit(struct supervisor *s)
{
	children_close(s);
	listen_close(&s->listen);
	store_close(&s->store);
	handed_close(s);
	if (s->trial.previous >= 0)
		close(s->trial.previous);
	if (s->signals.fd >= 0)
		close(s->signals.fd);
	if (s->launch->root >= 0)
		close(s->launch->root);
	if (s->launch->device >= 0)
		close(s->launch->device);
	loop_deinit(&s->loop);
}

static int init(struct supervisor *s, const struct launch *launch)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->launch = launch;
	s->opts = launch->opts;
	s->links.device = launch->opts->backend == OPTIONS_DEVICE;
	s->signals.fd = s->channel.fd = s->ready.fd = -1;
	s->image = s->kept = s->attach = s->trial.previous = -1;
	s->server_end = s->narrow_at = -1;
	s->listen = (struct listen)LISTEN_INIT;
	store_init(&s->store);
	service_init(&s->server, "server");
	service_init(&s->sim, "xmsim");
	service_init(&s->link, "link");
	compile_init(&s->job, &s->loop);
	r = loop_init(&s->loop);
	if (r == 0)
		r = watch_signals(s);
	if (r < 0) {
		log_error("cannot wait for anything: %s", strerror(-r));
		return r;
	}
	return reload_start(s);
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
	if (r < 0)
		log_error("cannot wait for the compiler: %s", strerror(-r));
	return r;
}

/* A bad policy starts nothing, unless it is one that nobody confirmed: then trial_keep_start() takes the one
 * before it. */
static bool may_start(struct supervisor *s)
{
	if (s->phase != PHASE_COMPILING)
		return false;
	if (s->image >= 0 || trial_keep_is_there(s->opts->audit))
		return true;
	supervisor_stop(s, SUPERVISOR_BAD_POLICY);
	return false;
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
	else if (s->phase == PHASE_COMPILING && s->image < 0)
		s->exit_code = SUPERVISOR_BAD_POLICY;
	deinit(s);
	if (s->exit_code == 0)
		puts("xmbroker: policy and settings are good");
	return s->exit_code;
}

int supervisor_run(struct launch *launch)
{
	struct supervisor *s = &supervisor;
	int r;

	/* While signals still end us: it may take its time. */
	if (launch->opts->backend == OPTIONS_DEVICE) {
		launch->device = device_open(launch->opts->backend_path, true);
		if (launch->device < 0)
			return SUPERVISOR_FAILED;
	}
	r = init(s, launch);
	if (r == 0)
		r = compile_first(s);
	if (r == 0 && may_start(s)) {
		s->phase = PHASE_STARTING;
		s->start_deadline = s->loop.now + START_MS;
		r = supervisor_self_test(launch);
		if (r == 0)
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
