// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whether a policy may come into force.  Owns the reason why not.  Must never change anything that is
 * in force: it only looks at both policies.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xmbroker/activation.h"
#include "xmbroker/log.h"
#include "xmbroker/session_internal.h"
#include "xmbroker/system_check.h"

/* ---- guards ------------------------------------------------------------------------------------------ */

static struct policy_time time_for(const struct policy_image *image)
{
	struct policy_about about;
	struct timespec now;

	policy_image_about(image, &about);
	clock_gettime(CLOCK_REALTIME, &now);
	return (struct policy_time){ now.tv_sec, now.tv_sec >= about.compiled_at };
}

/* Whether who waits for this reload could not ask for it again.  Root stands above every policy. */
static bool locks_out(struct session *s, const struct policy_image *image)
{
	struct policy_subject subject = session_caller(s).subject;
	struct policy_decision d;
	uint32_t *gids;

	if (subject.uid == 0)
		return false;
	gids = malloc(identity_memory(&s->id));
	if (!gids)
		return true;
	memcpy(gids, s->id.gids, identity_memory(&s->id));
	subject.gids = gids;
	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, s->id.n_gids);
	d = policy_decide(image, &subject, &s->waiting.req, s->server->gate.hypervisor.partition,
			  time_for(image), NULL);
	free(gids);
	return d.effect != POLICY_ALLOW;
}

static bool locks_out_anybody(struct server *server, const struct policy_image *image)
{
	for (struct session *s = server->first; s; s = s->next) {
		if (s->state != SESSION_WAITING || s->waiting.req.op != XM_OP_BROKER_RELOAD ||
		    !locks_out(s, image))
			continue;
		snprintf(server->why_kept, sizeof(server->why_kept),
			 "the new policy would not let user %u, who asks for it, reload again",
			 (unsigned int)s->id.uid);
		return true;
	}
	return false;
}

static bool shrinks(struct server *server, const struct policy_image *image)
{
	struct policy_about old, new;

	policy_image_about(server->gate.image, &old);
	policy_image_about(image, &new);
	if ((uint64_t) new.n_grants * 2 >= old.n_grants)
		return false;
	snprintf(server->why_kept, sizeof(server->why_kept),
		 "the new policy has %u grants, the one in force has %u: less than half are left",
		 new.n_grants, old.n_grants);
	return true;
}

bool activation_is_safe(struct server *server, const struct policy_image *image)
{
	return !locks_out_anybody(server, image) && !shrinks(server, image);
}

/* ---- system ------------------------------------------------------------------------------------------ */

static void issue(void *data, const struct xm_request *req, struct xm_reply *reply)
{
	gate_issue(data, req, reply);
}

/* That of the image in force was compared when the connection was made; to ask the hypervisor for all
 * of it takes long, and everybody waits. */
static bool was_checked(const struct gate *gate, const struct policy_image *image)
{
	const struct system *old = policy_image_system(gate->image);
	const struct system *new = policy_image_system(image);

	return image != gate->image && new->size == old->size && !memcmp(new, old, new->size);
}

/* To be taken now it would have to be believed, and the next connection would end the server if it is
 * not right. */
static int refuse_unchecked(struct server *server)
{
	snprintf(server->why_kept, sizeof(server->why_kept),
		 "its system description is another than that in force, and the connection to the "
		 "hypervisor that it is to be compared with is lost: reload again when there is "
		 "one");
	log_error("the new policy: %s", server->why_kept);
	return -EINVAL;
}

int activation_check_system(struct server *server, const struct policy_image *image, bool known)
{
	struct gate *gate = &server->gate;
	const struct backend_issuer issuer = { issue, gate };
	uint64_t forwarded = gate->count.forwarded;
	struct system_check check;

	if (!server->config.check_system || was_checked(gate, image))
		return 0;
	if (gate->hypervisor_lost) /* the image in force is compared with the next connection */
		return known || image == gate->image ? 0 : refuse_unchecked(server);
	system_check(policy_image_system(image), &gate->hypervisor, &issuer, &server->reply,
		     &check);
	gate->count.forwarded = forwarded; /* of clients */
	system_check_log(&check);
	if (!check.n_differences)
		return 0;
	snprintf(server->why_kept, sizeof(server->why_kept),
		 "its system description is not that of the running hypervisor: %s%s",
		 check.differences[0], check.n_differences > 1 ? ", ..." : "");
	return -EINVAL;
}

/* ---- trial ------------------------------------------------------------------------------------------- */

void activation_on_trial(struct server *server, const struct channel_message *message)
{
	server->trial_until =
		message->number ? server->loop.now + (int64_t)message->number * 1000 : 0;
	if (*message->text)
		gate_note_audit(&server->gate,
				audit_activation(server->audit, server->gate.image,
						 server->gate.generation, message->text));
}

uint32_t activation_seconds_left(const struct server *server)
{
	int64_t left = server->trial_until - server->loop.now;

	if (!server->trial_until)
		return 0;
	return left <= 1000 ? 1 : (uint32_t)((left + 999) / 1000);
}
