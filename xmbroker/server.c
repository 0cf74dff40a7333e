// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Wiring of the serving process: listener, supervisor's channel, hypervisor, policy in force.  Owns
 * struct server.  Must never open anything: all it works with was handed to it, or comes over the
 * channel.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmbroker/activation.h"
#include "xmbroker/control.h"
#include "xmbroker/log.h"
#include "xmbroker/server.h"
#include "xmbroker/server_audit.h"
#include "xmbroker/session_internal.h"

#define CONTAINER(type, member, ptr) ((type *)((char *)(ptr)-offsetof(type, member)))

/* ---- connections ------------------------------------------------------------------------------------ */

/* Out of descriptors or memory, most probably: to try again at once would only spin. */
static void pause_accept(struct server *server, int error)
{
	log_client("cannot accept connections: %s; pausing", strerror(error));
	loop_watch(&server->loop, &server->listener, 0);
	loop_timer_arm(&server->loop, &server->pause, &server->accept_pause);
}

void server_resume_accept(struct server *server)
{
	if (!server->accept_pause.queue)
		return;
	loop_timer_disarm(&server->accept_pause);
	loop_watch(&server->loop, &server->listener, EPOLLIN);
}

static void accept_pause_over(struct loop_timer *timer)
{
	struct server *server = CONTAINER(struct server, accept_pause, timer);

	loop_watch(&server->loop, &server->listener, EPOLLIN);
}

static void on_connection(struct loop_source *source, uint32_t events)
{
	struct server *server = CONTAINER(struct server, listener, source);

	(void)events;
	for (unsigned int i = 0; i < SERVER_ACCEPT_BATCH; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			session_open(server, fd);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		if (!session_make_room(server)) {
			pause_accept(server, errno);
			return;
		}
	}
}

/* ---- policy ----------------------------------------------------------------------------------------- */

static void use_image(struct server *server, struct sealed *policy, uint32_t generation)
{
	struct sealed old = server->policy;
	struct session *next;

	session_finish_batch(server);
	server->policy = *policy;
	server->gate.image = policy->image;
	server->gate.generation = generation;
	users_use_policy(&server->users, policy->image, generation);
	/* The old groups were filtered for the old policy: who cannot be filtered anew is let go. */
	for (struct session *s = server->first; s; s = next) {
		next = s->next;
		if (session_refilter(s) < 0)
			session_refuse(s, EAGAIN, "no memory");
	}
	session_next_batch(server);
	sealed_unmap(&old);
}

static bool may_use(struct server *server, const struct policy_image *image,
		    enum server_force force)
{
	if (!gate_image_fits(image, &server->gate.hypervisor) ||
	    activation_check_system(server, image, force == SERVER_WAY_BACK) < 0)
		return false;
	if (force != SERVER_UNFORCED || activation_is_safe(server, image))
		return true;
	server->could_force = true;
	log_error("%s; if that is meant: xmbrokerctl reload --force", server->why_kept);
	return false;
}

int server_set_image(struct server *server, int fd, uint32_t generation, enum server_force force)
{
	struct sealed policy;
	int r = sealed_map(fd, &policy);

	server->why_kept[0] = '\0';
	server->could_force = false;

	server->image_kept = true;
	server->n_policies_refused++; /* until it is in force */
	if (r < 0) {
		log_error("policy image %u refused (%s); the old policy stays in force", generation,
			  r == -EPERM    ? "not sealed"
			  : r == -EINVAL ? "damaged"
					 : strerror(-r));
		return r;
	}
	if (!may_use(server, policy.image, force)) {
		log_error("policy image %u refused; the old policy stays in force", generation);
		sealed_unmap(&policy);
		return -EINVAL;
	}
	use_image(server, &policy, generation);
	server->image_kept = false;
	server->n_policies_refused--;
	server->n_policies++;
	gate_note_audit(&server->gate, audit_policy(server->audit, server->gate.image, generation));
	return 0;
}

/* ---- hypervisor ------------------------------------------------------------------------------------- */

/* What it is not told it would wait for, or never do: without it there is no serving on. */
static void tell(struct server *server, uint8_t type, uint32_t number, bool ok)
{
	int r;

	if (server->channel.fd < 0)
		return;
	server->message =
		(struct channel_message){ .type = type, .number = number, .ok = ok, .fd = -1 };
	r = channel_send(server->channel.fd, &server->message);
	if (r == 0)
		return;
	log_error("cannot tell the supervisor: %s", strerror(-r));
	server->loop.stop = true;
}

static void tell_supervisor(struct server *server, uint8_t type)
{
	tell(server, type, 0, false);
}

static void on_hypervisor(struct loop_source *source, uint32_t events)
{
	struct server *server = CONTAINER(struct server, hypervisor, source);

	(void)events;
	/* It only speaks when it is asked: whatever comes now, it is no longer to be relied on. */
	log_error("the connection to the hypervisor is lost");
	server->gate.hypervisor_lost = true;
	loop_remove(&server->loop, source);
	tell_supervisor(server, CHANNEL_BACKEND_LOST);
}

static int watch_hypervisor(struct server *server)
{
	int fd = server->backend->ops->fd ? server->backend->ops->fd(server->backend) : -1;

	if (fd < 0)
		return 0;
	return loop_add(&server->loop, &server->hypervisor, fd, EPOLLIN | EPOLLRDHUP,
			on_hypervisor);
}

/* That the system or our partition is halted is said once: it may stay so for long. */
static void cannot_attach(struct server *server, int error)
{
	bool halted = error == -ESHUTDOWN;

	if (!halted)
		log_error("cannot use the new connection to the hypervisor: %s", strerror(-error));
	else if (!server->gate.hypervisor_halted)
		log_warning("the hypervisor is halted, or our partition is: calls get "
			    "XM_INVALID_MODE until it runs again");
	server->gate.hypervisor_halted = halted;
	tell_supervisor(server, CHANNEL_BACKEND_LOST);
}

static void attach_hypervisor(struct server *server, int fd)
{
	bool again = server->gate.hypervisor_lost;
	struct backend_info info;
	int r = -EOPNOTSUPP;

	loop_remove(&server->loop, &server->hypervisor);
	server->gate.hypervisor_lost = true;
	if (server->backend->ops->attach)
		r = server->backend->ops->attach(server->backend, fd);
	else
		close(fd);
	if (r < 0) {
		cannot_attach(server, r);
		return;
	}
	server->gate.hypervisor_halted = false;
	server->backend->ops->info(server->backend, &info);
	if (memcmp(&info, &server->gate.hypervisor, sizeof(info))) {
		/* Sessions were told who they are, and the policy was checked, for another one. */
		log_error("another hypervisor than before: stopping");
		server->loop.stop = true;
		return;
	}
	r = watch_hypervisor(server);
	server->gate.hypervisor_lost = r < 0;
	/* A wider connection beside one that is good leads to where that one leads. */
	if (again && activation_check_system(server, server->gate.image, true) < 0) {
		log_error("another hypervisor than before: stopping");
		server->gate.hypervisor_lost = true;
		server->loop.stop = true;
		return;
	}
	if (again)
		log_notice("connected to the hypervisor again");
}

/* ---- supervisor ------------------------------------------------------------------------------------- */

static void take_image(struct server *server, struct channel_message *message)
{
	enum server_force force = *message->text ? SERVER_WAY_BACK
				  : message->ok  ? SERVER_FORCED
						 : SERVER_UNFORCED;
	uint32_t generation = message->number;
	int fd = message->fd;
	int r = server_set_image(server, fd, generation, force);

	close(fd);
	tell(server, CHANNEL_IMAGE_DONE, generation, r == 0);
}

static void take_log(struct server *server, struct channel_message *message)
{
	uint32_t number = message->number;

	tell(server, CHANNEL_AUDIT_DONE, number, server_audit_rotate(server->audit, message));
}

static void handle_message(struct server *server, struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_AUDIT:
		take_log(server, message);
		return;
	case CHANNEL_AUDIT_NOTE:
		tell(server, CHANNEL_AUDIT_NOTED, 0, server_audit_note(server->audit, message));
		return;
	case CHANNEL_AUDIT_SPACE:
		server_audit_space(server->audit, message);
		return;
	case CHANNEL_IMAGE:
		take_image(server, message);
		return;
	case CHANNEL_TRIAL:
		activation_on_trial(server, message);
		return;
	case CHANNEL_BACKEND:
		attach_hypervisor(server, message->fd);
		return;
	case CHANNEL_RELOADED:
		control_reloaded(server, message);
		return;
	case CHANNEL_STOP:
		server->loop.stop = true;
		return;
	default:
		log_warning("unexpected message %u from the supervisor", message->type);
		if (message->fd >= 0)
			close(message->fd);
	}
}

static void on_channel(struct loop_source *source, uint32_t events)
{
	struct server *server = CONTAINER(struct server, channel, source);
	int r = channel_receive(source->fd, &server->message);

	(void)events;
	if (r == 1) {
		handle_message(server, &server->message);
	} else if (r == -EPROTO) {
		log_error("malformed message from the supervisor");
	} else if (r != -EAGAIN) {
		log_notice("the supervisor is gone");
		loop_remove(&server->loop, source);
		server->loop.stop = true;
	}
}

/* ---- beginning and end ------------------------------------------------------------------------------ */

/* Every session needs a descriptor: promise no more than there are. */
static void fit_to_descriptors(struct server_config *config)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)config->max_sessions + SERVER_ROOT_RESERVE + SERVER_OTHER_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
		return;
	config->max_sessions =
		limit.rlim_cur > SERVER_ROOT_RESERVE + SERVER_OTHER_FDS
			? (uint32_t)limit.rlim_cur - SERVER_ROOT_RESERVE - SERVER_OTHER_FDS
			: 1;
	log_warning("the limit of open files allows only %u sessions", config->max_sessions);
}

/* Denials that were counted are on record soon after. */
static void fold_over(struct loop_timer *timer)
{
	struct server *server = CONTAINER(struct server, fold_timer, timer);

	gate_note_audit(&server->gate, audit_flush_folds(server->audit));
	loop_timer_arm(&server->loop, &server->fold, timer);
}

static void init_queues(struct server *server)
{
	struct loop *loop = &server->loop;

	uint32_t setup_time = server->config.setup_time;

	loop_queue_add(loop, &server->setup, setup_time ? setup_time * 1000ll : SERVER_SETUP_MS,
		       session_setup_over);
	loop_queue_add(loop, &server->unsent, SERVER_UNSENT_MS, session_unsent_over);
	loop_queue_add(loop, &server->age, (int64_t)server->config.session_max_age * 1000,
		       session_age_over);
	loop_queue_add(loop, &server->fold, AUDIT_FOLD_MS / 2, fold_over);
	loop_timer_arm(loop, &server->fold, &server->fold_timer);
	loop_queue_add(loop, &server->pause, SERVER_ACCEPT_PAUSE_MS, accept_pause_over);
	loop_queue_add(loop, &server->held, TURNS_HELD_MS, turns_held_over);
	server->started = loop->now;
}

static void init_users(struct server *server)
{
	const struct server_config *config = &server->config;
	const uint32_t rates[N_USERS_RATES] = {
		[USERS_CONNECTIONS] = config->connections_per_user,
		[USERS_CALLS] = config->calls_per_user,
		[USERS_AUDIT] = config->audit_per_user,
		[USERS_DENIALS] = config->denials_per_user,
	};
	static const uint32_t seconds[N_USERS_RATES] = {
		[USERS_CONNECTIONS] = SERVER_CONNECTIONS_BURST,
		[USERS_CALLS] = 1,
		[USERS_AUDIT] = SERVER_RECORDS_BURST,
		[USERS_DENIALS] = SERVER_RECORDS_BURST,
	};

	users_init(&server->users, &server->loop.now);
	for (unsigned int i = 0; i < N_USERS_RATES; i++)
		server->users.limit[i] = (struct bucket_limit){ rates[i], rates[i] * seconds[i] };
}

static bool after_events(struct loop *loop)
{
	return turns_run(CONTAINER(struct server, loop, loop));
}

static int listen_on(struct server *server, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int r;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	/* Inherited by every connection, so that no message comes without credentials. */
	r = identity_want_credentials(fd);
	if (r < 0)
		return r;
	return loop_add(&server->loop, &server->listener, fd, EPOLLIN, on_connection);
}

static int init(struct server *server, const struct server_fds *fds)
{
	int r = loop_init(&server->loop);

	if (r < 0)
		return r;
	init_users(server);
	init_queues(server);
	server->loop.after = after_events;
	r = listen_on(server, fds->listen);
	if (r == 0 && fds->channel >= 0)
		r = loop_add(&server->loop, &server->channel, fds->channel, EPOLLIN, on_channel);
	return r < 0 ? r : watch_hypervisor(server);
}

static void discard(const struct server_fds *fds, struct sealed *policy, struct backend *backend,
		    struct audit *audit)
{
	close(fds->listen);
	if (fds->channel >= 0)
		close(fds->channel);
	sealed_unmap(policy);
	backend->ops->free(backend);
	audit_free(audit);
}

int server_new(const struct server_config *config, const struct server_fds *fds,
	       struct sealed *policy, uint32_t generation, struct backend *backend,
	       struct audit *audit, struct server **serverp)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		discard(fds, policy, backend, audit);
		return -ENOMEM;
	}
	server->config = *config;
	fit_to_descriptors(&server->config);
	server->fds = *fds;
	server->listener.fd = server->channel.fd = server->hypervisor.fd = -1;
	server->loop.epoll = -1;
	server->policy = *policy;
	*policy = (struct sealed){ 0 };
	server->backend = backend;
	server->audit = audit;
	server->gate = (struct gate){
		.image = server->policy.image,
		.generation = generation,
		.backend = backend,
		.audit = audit,
		.allow_unaudited = config->allow_unaudited,
		.broker = control_call,
		.broker_data = server,
		.room = session_room,
		.batch = &server->batch,
		.slices = true,
	};
	backend->ops->info(backend, &server->gate.hypervisor);
	r = -ENOEXEC;
	if (gate_image_fits(server->gate.image, &server->gate.hypervisor) &&
	    activation_check_system(server, server->gate.image, false) == 0)
		r = init(server, fds);
	if (r < 0) {
		server_free(server);
		return r;
	}
	*serverp = server;
	return 0;
}

static void end_sessions(struct server *server)
{
	server->stopping = true;
	while (server->first)
		session_refuse(server->first, ESHUTDOWN, "the broker stops");
}

void server_free(struct server *server)
{
	if (!server)
		return;
	end_sessions(server);
	users_deinit(&server->users);
	close(server->fds.listen);
	if (server->fds.channel >= 0)
		close(server->fds.channel);
	if (server->loop.epoll >= 0)
		loop_deinit(&server->loop);
	sealed_unmap(&server->policy);
	server->backend->ops->free(server->backend);
	audit_free(server->audit);
	free(server);
}

int server_run(struct server *server)
{
	int r = audit_start(server->audit, server->backend->ops->name,
			    server->gate.hypervisor.partition, server->gate.image,
			    server->gate.generation);

	gate_note_audit(&server->gate, r);
	tell_supervisor(server, CHANNEL_READY);
	r = loop_run(&server->loop);
	end_sessions(server);
	gate_note_audit(&server->gate,
			audit_stop(server->audit, r < 0 ? strerror(-r) : "told to stop"));
	return r;
}
