// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies on their way to the server: which one is in force, and which ones it was given and has not
 * answered yet.  Owns their descriptors.  Must never take one for the one in force that no server has
 * taken, nor forget one that a server may have taken.
 *
 * s->image is the newest, and the next server is started with it.  Until a server has taken it, s->kept is
 * the last that one took, and s->older are those between the two, which came before the server had
 * answered: answers come in the order of the policies.
 */

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/channel.h"
#include "xmbroker/log.h"
#include "xmbroker/notify.h"
#include "xmbroker/supervisor_internal.h"

/* Whether the policy that was handed over last may still be refused. */
static bool is_pending(const struct supervisor *s)
{
	return s->kept >= 0 && !trial_is_way_back(s);
}

static void forget_older(struct supervisor *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(s->older[i].image);
	s->n_older -= n;
	memmove(s->older, s->older + n, s->n_older * sizeof(s->older[0]));
}

void handed_close(struct supervisor *s)
{
	forget_older(s, s->n_older);
	if (s->image >= 0)
		close(s->image);
	if (s->kept >= 0)
		close(s->kept);
	s->image = s->kept = -1;
}

uint32_t handed_in_force(const struct supervisor *s)
{
	return is_pending(s) ? s->kept_generation : s->generation;
}

static struct handed newest(const struct supervisor *s)
{
	return (struct handed){ s->image, s->generation, s->trial.asked };
}

static void make_older(struct supervisor *s)
{
	if (s->n_older == HANDED_MAX)
		forget_older(s, 1);
	s->older[s->n_older++] = newest(s);
}

/* The way back counts as taken: a server that does not take it is ended. */
static void make_kept(struct supervisor *s)
{
	forget_older(s, s->n_older);
	if (s->kept >= 0)
		close(s->kept);
	s->kept = s->image;
	s->kept_generation = s->generation;
	s->kept_is_old = false;
}

void handed_over(struct supervisor *s, int fd, uint32_t confirm, bool forced)
{
	struct channel_message message = { .type = CHANNEL_IMAGE, .ok = forced, .fd = fd };

	if (is_pending(s))
		make_older(s);
	else
		make_kept(s);
	s->image = fd;
	s->generation = message.number = ++s->n_generations;
	if (trial_is_way_back(s))
		strcpy(message.text, "way back");
	trial_ask(s, confirm);
	children_widen_link(s);
	/* Also one that is still starting: it was given the image before this one. */
	children_tell_server(s, &message);
}

/* ---- answers ----------------------------------------------------------------------------------------- */

static void say_taken(uint32_t generation)
{
	log_notice("policy reloaded: generation %u is in force", generation);
}

/* s->kept is what stays. */
static void say_refused(struct supervisor *s, uint32_t generation)
{
	log_error("the server refused the new policy: generation %u stays in force",
		  s->kept_generation);
	notify_send("STATUS=policy generation %u; the last reload failed", s->kept_generation);
	trial_note(s, "generation %u was refused: generation %u stays in force", generation,
		   s->kept_generation);
}

static void older_taken(struct supervisor *s, size_t i)
{
	struct handed taken;

	forget_older(s, i);
	taken = s->older[0];
	say_taken(taken.generation);
	trial_taken(s, &taken);
	if (s->kept >= 0)
		close(s->kept);
	s->kept = taken.image;
	s->kept_generation = taken.generation;
	s->kept_is_old = false;
	s->n_older--;
	memmove(s->older, s->older + 1, s->n_older * sizeof(s->older[0]));
}

static void older_done(struct supervisor *s, uint32_t generation, bool ok)
{
	size_t i = 0;

	while (i < s->n_older && s->older[i].generation != generation)
		i++;
	if (i < s->n_older && ok) {
		older_taken(s, i);
	} else if (i < s->n_older) {
		say_refused(s, generation);
		forget_older(s, i + 1);
	} else if (ok && s->kept >= 0 && generation > s->kept_generation) {
		s->kept_is_old = true;
	}
}

static void newest_taken(struct supervisor *s)
{
	const struct handed taken = newest(s);

	say_taken(taken.generation);
	s->trial.asked = 0;
	trial_taken(s, &taken);
	if (s->kept >= 0)
		close(s->kept);
	s->kept = -1;
	s->kept_is_old = false;
	children_narrow_link(s);
}

/* What a server took last is in force. */
static void fall_back(struct supervisor *s)
{
	close(s->image);
	s->image = s->kept;
	s->generation = s->kept_generation;
	s->kept = -1;
	s->trial.asked = 0;
}

/* It comes with the next server. */
static void way_back_refused(struct supervisor *s)
{
	log_error("the server refused the way back to a confirmed policy: starting it again with "
		  "that");
	close(s->kept);
	s->kept = -1;
	children_end_server(s);
}

static void newest_refused(struct supervisor *s)
{
	say_refused(s, s->generation);
	fall_back(s);
	children_narrow_link(s);
	if (!s->kept_is_old)
		return;
	log_error("the server has a policy in force that is not kept any more, since too many came "
		  "at once: starting it again with generation %u",
		  s->generation);
	s->kept_is_old = false;
	children_end_server(s);
}

/* What the compiler found good may still not fit the hypervisor that the server is connected to. */
void handed_done(struct supervisor *s, uint32_t generation, bool ok)
{
	if (trial_overtaken(s, generation, ok))
		return;
	if (generation != s->generation) {
		older_done(s, generation, ok);
		return;
	}
	if (s->kept < 0)
		return;
	forget_older(s, s->n_older);
	if (ok)
		newest_taken(s);
	else if (trial_refused(s))
		way_back_refused(s);
	else
		newest_refused(s);
}

/* ---- a server that ended ----------------------------------------------------------------------------- */

/* Whether a server that was started with the newest policy ended because of that: it said so, or it
 * crashed.  One that found no hypervisor, or was killed, says nothing about the policy. */
static bool is_refusal(const struct supervisor *s, int status)
{
	if (s->server_generation != s->generation)
		return false;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM;
	return WEXITSTATUS(status) == CHANNEL_EXIT_REFUSED;
}

void handed_server_died(struct supervisor *s, int status)
{
	uint32_t generation = s->generation;

	forget_older(s, s->n_older); /* the next one is given the newest only */
	s->kept_is_old = false;
	if (!is_pending(s))
		return;
	if (s->server_ready) {
		log_error("the server ended before it took policy generation %u: generation %u "
			  "stays in force; reload again",
			  generation, s->kept_generation);
		trial_note(s, "generation %u was not taken: generation %u stays in force",
			   generation, s->kept_generation);
	} else if (is_refusal(s, status)) {
		say_refused(s, generation);
	} else {
		return;
	}
	fall_back(s);
}
