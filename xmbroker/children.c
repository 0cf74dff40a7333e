// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Server and hypervisor: starts them, starts them again, connects them, and listens to the server.
 * Owns the channel and the descriptors towards xmsim.  Must never act on a message of the server
 * beyond the few that channel.h names, nor give it a connection that can do more than its policy: a
 * taken-over server may send anything.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/notify.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_box.h"
#include "xmbroker/supervisor_internal.h"

static void close_source(struct supervisor *s, struct loop_source *source)
{
	int fd = source->fd;

	loop_remove(&s->loop, source);
	if (fd >= 0)
		close(fd);
}

static bool is_up(const struct supervisor *s)
{
	return s->phase == PHASE_STARTING || s->phase == PHASE_RUNNING;
}

#define SERVER_END_MS 1000 /* for a server that closed its channel to be gone */
#define NARROW_MS 5000     /* for a server to take a new policy */

static void end_server(const struct supervisor *s)
{
	if (s->server.pid > 0)
		kill(s->server.pid, SIGKILL);
}

void children_end_server(struct supervisor *s)
{
	end_server(s);
}

/* ---- channel ----------------------------------------------------------------------------------------- */

void children_tell_server(struct supervisor *s, const struct channel_message *message)
{
	int r;

	if (s->channel.fd < 0)
		return;
	r = channel_send(s->channel.fd, message);
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return; /* if it is gone, SIGCHLD says so */
	log_error("the server does not take messages (%s): ending it", strerror(-r));
	end_server(s);
}

static void on_ready(struct supervisor *s)
{
	const struct options *opts = s->opts;

	if (s->server_ready)
		return;
	if (supervisor_check_child(s, BOX_SERVER, s->server.pid) < 0) {
		end_server(s);
		supervisor_stop(s, SUPERVISOR_FAILED);
		return;
	}
	s->server_ready = true;
	store_serving(&s->store, s->loop.now);
	handed_done(s, s->server_generation, true);
	trial_tell_note(s);
	if (s->phase != PHASE_STARTING) {
		log_notice("the server serves again");
		return;
	}
	s->phase = PHASE_RUNNING;
	notify_send("READY=1\nSTATUS=policy generation %u", s->generation);
	log_notice("ready: %s, socket %s, policy generation %u", options_backend_text(opts),
		   s->listen.bound ? opts->socket : "of the service manager", s->generation);
	reload_tick(s);
}

static void on_message(struct supervisor *s, const struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_READY:
		on_ready(s);
		break;
	case CHANNEL_RELOAD:
		reload_request(s, message);
		break;
	case CHANNEL_CONFIRM:
		reload_confirm(s, message);
		break;
	case CHANNEL_IMAGE_DONE:
		handed_done(s, message->number, message->ok);
		break;
	case CHANNEL_AUDIT_DONE:
		store_done(&s->store, message, s->loop.now);
		break;
	case CHANNEL_AUDIT_NOTED:
		store_noted(&s->store, message, s->loop.now);
		break;
	case CHANNEL_BACKEND_LOST:
		if (s->opts->backend == OPTIONS_LOOPBACK || s->link.due)
			break;
		log_warning("the server lost its connection to the hypervisor");
		service_failed(&s->link, s->loop.now);
		break;
	default:
		log_error("the server sent a message that is not its to send: ending it");
		end_server(s);
	}
}

static void on_channel(struct loop_source *source, uint32_t events)
{
	struct supervisor *s =
		(struct supervisor *)((char *)source - offsetof(struct supervisor, channel));
	struct channel_message message = { .fd = -1 };
	int r = channel_receive(source->fd, &message);

	(void)events;
	if (r == 1 && message.fd < 0) {
		on_message(s, &message);
		return;
	}
	if (r == -EAGAIN)
		return;
	if (message.fd >= 0)
		close(message.fd);
	if (r != 0) {
		log_error("the server sent nonsense: ending it");
		end_server(s);
	}
	close_source(s, source);
	/* It is ending; if not, it could neither be told to reload nor to stop. */
	s->server_end = s->loop.now + SERVER_END_MS;
}

/* ---- server ------------------------------------------------------------------------------------------ */

/* A connection to the hypervisor, -1 if the backend needs none or has none to give now, or -errno. */
static int connect_backend(struct supervisor *s, const struct xm_mask *mask)
{
	switch (s->opts->backend) {
	case OPTIONS_SIM:
		return s->sim_ready ? launch_attach(s->attach) : -ENOTCONN;
	case OPTIONS_XMSIM:
		return launch_connect(s->opts->backend_path);
	case OPTIONS_DEVICE:
		return supervisor_derive(s, mask);
	default:
		return -1;
	}
}

/*
 * The same as connect_backend(), but of no use for more than the newest policy can have called and what
 * the server has the use of now: it may not have taken that policy yet.  Stays ours.
 */
static int connect_narrow(struct supervisor *s)
{
	struct xm_mask mask;
	int fd, r;

	links_mask_of(s->image, &mask);
	links_unite(&s->links, &mask);
	fd = connect_backend(s, &mask);
	if (fd < 0)
		return fd;
	r = links_add(&s->links, fd, &mask);
	return r < 0 ? r : fd;
}

static int run_server(struct supervisor *s, int backend)
{
	struct launch_server with = {
		.listen = s->listen.fd,
		.image = s->image,
		.backend = backend,
		.generation = s->generation,
	};
	struct channel_message log;
	int channel, r;
	pid_t pid;

	r = store_hand_over(&s->store, &log);
	if (r < 0)
		return r;
	with.ledger = s->store.ledger;
	r = launch_server(s->launch, &with, &channel, &pid);
	if (r < 0) {
		log_error("cannot start %s: %s", s->launch->server, strerror(-r));
		return r;
	}
	s->server_generation = s->generation;
	service_started(&s->server, pid, s->loop.now);
	r = loop_add(&s->loop, &s->channel, channel, EPOLLIN, on_channel);
	if (r < 0) {
		close(channel);
		end_server(s);
	}
	children_tell_server(s, &log);
	explicit_bzero(log.text, sizeof(log.text));
	trial_tell_again(s);
	return 0;
}

/* What cannot be started at first ends the broker; later it is tried again. */
static void server_failed(struct supervisor *s)
{
	if (s->phase == PHASE_STARTING) {
		service_ended(&s->server);
		supervisor_stop(s, SUPERVISOR_FAILED);
		return;
	}
	service_failed(&s->server, s->loop.now);
	log_warning("starting the server again in %lld ms",
		    (long long)(s->server.at - s->loop.now));
}

static void start_server(struct supervisor *s)
{
	int backend;

	links_cut_all(&s->links);
	backend = connect_narrow(s);
	if (backend < 0 &&
	    (s->opts->backend == OPTIONS_XMSIM || s->opts->backend == OPTIONS_DEVICE)) {
		log_error("cannot connect to the hypervisor at %s: %s", s->opts->backend_path,
			  strerror(-backend));
		server_failed(s);
		return;
	}
	s->link.due = false;
	if (run_server(s, backend < 0 ? -1 : backend) < 0)
		server_failed(s);
}

void children_server_died(struct supervisor *s, int status)
{
	char text[192];

	close_source(s, &s->channel);
	links_cut_all(&s->links);
	s->links.uncut = false; /* nobody has them any more */
	handed_server_died(s, status);
	s->server_ready = false;
	store_server_died(&s->store);
	s->server_end = -1;
	s->link.due = false;
	s->current.n = s->next.n = 0;
	if (s->phase == PHASE_STOPPING) {
		service_ended(&s->server);
		store_finish(&s->store);
		return;
	}
	log_error("the server %s", service_status_text(status, text, sizeof(text)));
	server_failed(s);
}

/* ---- xmsim ------------------------------------------------------------------------------------------- */

static void on_sim_ready(struct loop_source *source, uint32_t events)
{
	struct supervisor *s =
		(struct supervisor *)((char *)source - offsetof(struct supervisor, ready));
	char byte;
	ssize_t n = read(source->fd, &byte, 1);

	(void)events;
	if (n < 0 && errno == EINTR)
		return;
	close_source(s, source);
	if (n <= 0)
		return; /* it ended: SIGCHLD says how */
	if (supervisor_check_child(s, BOX_SIM, s->sim.pid) < 0) {
		supervisor_stop(s, SUPERVISOR_FAILED);
		return;
	}
	s->sim_ready = true;
	s->link.at = s->loop.now; /* if it is due at all, then now */
	if (s->server.pid < 0 && !s->server.due && is_up(s))
		start_server(s);
}

static void sim_failed(struct supervisor *s)
{
	if (s->phase == PHASE_STARTING) {
		service_ended(&s->sim);
		supervisor_stop(s, SUPERVISOR_FAILED);
		return;
	}
	service_failed(&s->sim, s->loop.now);
	log_warning("starting xmsim again in %lld ms", (long long)(s->sim.at - s->loop.now));
}

static void start_sim(struct supervisor *s)
{
	int ready, r;
	pid_t pid;

	r = launch_sim(s->launch, &s->attach, &ready, &pid);
	if (r < 0) {
		log_error("cannot start %s: %s", s->launch->sim, strerror(-r));
		sim_failed(s);
		return;
	}
	service_started(&s->sim, pid, s->loop.now);
	r = loop_add(&s->loop, &s->ready, ready, EPOLLIN, on_sim_ready);
	if (r < 0) {
		close(ready);
		kill(pid, SIGKILL);
	}
}

void children_sim_died(struct supervisor *s, int status)
{
	char text[192];

	close_source(s, &s->ready);
	if (s->attach >= 0)
		close(s->attach);
	s->attach = -1;
	s->sim_ready = false;
	if (s->phase == PHASE_STOPPING) {
		service_ended(&s->sim);
		return;
	}
	if (s->phase == PHASE_RUNNING && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		log_warning("the simulated system was halted: calls get XM_INVALID_MODE until "
			    "xmbroker is started again");
		s->sim_halted = true;
		service_ended(&s->sim);
		return;
	}
	log_error("xmsim %s", service_status_text(status, text, sizeof(text)));
	sim_failed(s);
}

/* ---- both -------------------------------------------------------------------------------------------- */

void children_start(struct supervisor *s)
{
	supervisor_tell_lacking(s);
	if (s->opts->backend == OPTIONS_SIM)
		start_sim(s);
	else
		start_server(s);
}

static int hand_over_link(struct supervisor *s)
{
	struct channel_message message = { .type = CHANNEL_BACKEND };

	message.fd = connect_narrow(s);
	if (message.fd < 0)
		return message.fd;
	children_tell_server(s, &message);
	return 0;
}

/* A running server gets a new connection for the one that it lost. */
static void renew_link(struct supervisor *s)
{
	if (hand_over_link(s) < 0) {
		service_failed(&s->link, s->loop.now);
		return;
	}
	links_cut_old(&s->links);
	s->link.due = false;
	s->link.pid = 1; /* alive since `started`, as far as the back-off is concerned */
	s->link.started = s->loop.now;
	log_notice("the server has a new connection to the hypervisor");
}

/* A wider connection comes before the image, so that no call is refused that its policy allows. */
static void widen_link(struct supervisor *s)
{
	struct xm_mask mask;

	if (s->opts->backend == OPTIONS_LOOPBACK || s->channel.fd < 0)
		return;
	s->narrow_at = s->loop.now + NARROW_MS;
	links_mask_of(s->image, &mask);
	if (s->link.due || s->sim_halted || links_cover(&s->links, &mask))
		return;
	if (hand_over_link(s) < 0)
		service_failed(&s->link, s->loop.now);
}

void children_widen_link(struct supervisor *s)
{
	supervisor_tell_lacking(s);
	widen_link(s);
}

void children_narrow_link(struct supervisor *s)
{
	struct xm_mask mask;

	if (!s->links.n)
		return;
	links_mask_of(s->image, &mask);
	links_cut_old(&s->links);
	links_narrow(&s->links, &mask);
	/* Where a policy was refused so late that the connection had become too narrow for the old one. */
	widen_link(s);
	s->narrow_at = -1;
}

/* A server that is in a long call takes the new policy later, and one that was taken over perhaps
 * never. */
static void narrow_in_time(struct supervisor *s)
{
	struct xm_mask mask;

	s->narrow_at = -1;
	links_mask_of(s->image, &mask);
	links_narrow(&s->links, &mask);
}

static bool is_due(const struct supervisor *s, const struct service *service)
{
	return service->due && s->loop.now >= service->at;
}

/* Whether the server may be started: it begins by greeting the hypervisor. */
static bool can_serve(const struct supervisor *s)
{
	return s->opts->backend != OPTIONS_SIM || s->sim_ready;
}

void children_tick(struct supervisor *s)
{
	if (s->links.uncut) {
		s->links.uncut = false;
		end_server(s);
	}
	if (!is_up(s))
		return;
	if (s->server_end >= 0 && s->loop.now >= s->server_end) {
		s->server_end = -1;
		end_server(s);
	}
	if (s->narrow_at >= 0 && s->loop.now >= s->narrow_at)
		narrow_in_time(s);
	if (is_due(s, &s->sim)) {
		s->sim.due = false;
		start_sim(s);
	}
	if (is_due(s, &s->server) && can_serve(s)) {
		s->server.due = false;
		start_server(s);
	}
	if (is_due(s, &s->link) && s->server.pid > 0 && !s->sim_halted)
		renew_link(s);
}

static int64_t sooner(int64_t a, const struct service *service)
{
	return service->due && (a < 0 || service->at < a) ? service->at : a;
}

int64_t children_next(const struct supervisor *s, int64_t at)
{
	if (!is_up(s))
		return at;
	if (s->server_end >= 0 && (at < 0 || s->server_end < at))
		at = s->server_end;
	if (s->narrow_at >= 0 && (at < 0 || s->narrow_at < at))
		at = s->narrow_at;
	at = sooner(at, &s->sim);
	if (can_serve(s))
		at = sooner(at, &s->server);
	if (!s->sim_halted)
		at = sooner(at, &s->link);
	return at;
}

void children_close(struct supervisor *s)
{
	close_source(s, &s->channel);
	close_source(s, &s->ready);
	links_cut_all(&s->links);
	if (s->attach >= 0)
		close(s->attach);
	s->attach = -1;
}
