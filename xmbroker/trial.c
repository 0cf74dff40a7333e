// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies on trial: in force until they are confirmed, or until their time is over and the last
 * confirmed one comes back.  Owns the descriptor of that one.  Must never forget a trial because a
 * server died, nor confirm one because another policy came: only a confirmation ends it well.
 *
 * A policy that is reloaded while another is on trial is on trial too: until the same time, or until
 * its own if it was reloaded with one.  What comes back is always what was confirmed last.  The files
 * of the policy stay as they are: the next reload takes what is in them, and so does the next start
 * if they have been changed since (trial_keep.c).
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/notify.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_internal.h"

static bool is_on_trial(const struct supervisor *s)
{
	return s->trial.previous >= 0;
}

static uint32_t seconds_left(const struct supervisor *s)
{
	int64_t left = s->trial.until - s->loop.now;

	return left <= 1000 ? 1 : (uint32_t)((left + 999) / 1000);
}

static void tell(struct supervisor *s, uint32_t seconds, const char *reason)
{
	struct channel_message message = { .type = CHANNEL_TRIAL, .number = seconds, .fd = -1 };

	snprintf(message.text, sizeof(message.text), "%s", reason);
	children_tell_server(s, &message);
}

/* What is confirmed is on the disk before anybody is told that another policy is in force. */
void trial_ask(struct supervisor *s, uint32_t seconds)
{
	if (trial_is_way_back(s))
		return;
	if (seconds)
		s->trial.asked = seconds;
	if (s->trial.asked || is_on_trial(s))
		trial_keep_write(s, s->image, is_on_trial(s) ? s->trial.previous : s->kept);
}

static void begin(struct supervisor *s, const struct handed *taken)
{
	struct trial *t = &s->trial;
	char reason[160];

	t->until = s->loop.now + (int64_t)taken->asked * 1000;
	snprintf(reason, sizeof(reason),
		 "on trial: generation %u comes back unless this is confirmed within %u s",
		 t->generation, taken->asked);
	log_notice("policy generation %u is %s", taken->generation, reason);
	tell(s, taken->asked, reason);
}

/* It is in force for good, also if one that comes after it is not confirmed. */
static void taken_for_good(struct supervisor *s, const struct handed *taken)
{
	if (s->trial.asked)
		trial_keep_write(s, s->image, taken->image);
	else
		trial_keep_forget(s);
}

void trial_taken(struct supervisor *s, const struct handed *taken)
{
	struct trial *t = &s->trial;

	if (taken->generation == t->rollback) {
		t->rollback = 0;
		log_notice("policy generation %u is rolled back", s->kept_generation);
		return;
	}
	if (trial_is_way_back(s))
		return; /* and what was taken only comes before it */
	if (!taken->asked && !is_on_trial(s)) {
		taken_for_good(s, taken);
		return;
	}
	if (!is_on_trial(s)) {
		t->previous = s->kept;
		t->generation = s->kept_generation;
		s->kept = -1;
	}
	if (taken->asked)
		begin(s, taken);
	else
		log_notice("policy generation %u is unconfirmed, too: %u s left", taken->generation,
			   seconds_left(s));
}

bool trial_is_way_back(const struct supervisor *s)
{
	return s->generation == s->trial.rollback;
}

bool trial_overtaken(struct supervisor *s, uint32_t generation, bool ok)
{
	if (generation != s->trial.rollback || generation == s->generation)
		return false;
	s->trial.rollback = 0;
	if (!ok)
		children_end_server(s);
	return true;
}

bool trial_refused(struct supervisor *s)
{
	bool rollback = trial_is_way_back(s);

	s->trial.asked = 0;
	s->trial.rollback = 0;
	return rollback;
}

bool trial_confirm(struct supervisor *s, uint32_t generation, char *text, size_t size)
{
	struct trial *t = &s->trial;

	if (s->kept >= 0 && (t->asked || is_on_trial(s))) {
		snprintf(text, size, "a policy is just coming into force: confirm it then\n");
		return false;
	}
	if (!is_on_trial(s)) {
		snprintf(text, size, "there is nothing to confirm: generation %u is in force\n",
			 s->generation);
		return false;
	}
	if (generation && generation != s->generation) {
		snprintf(text, size,
			 "generation %u is not in force, but %u: to keep that say `xmbrokerctl "
			 "confirm %u'\n",
			 generation, s->generation, s->generation);
		return false;
	}
	close(t->previous);
	t->previous = -1;
	trial_keep_forget(s);
	snprintf(text, size, "policy generation %u is confirmed\n", s->generation);
	log_notice("policy generation %u is confirmed", s->generation);
	tell(s, 0, "confirmed");
	return true;
}

static void roll_back(struct supervisor *s)
{
	struct trial *t = &s->trial;
	char reason[160];
	int fd = t->previous;

	snprintf(reason, sizeof(reason),
		 "rolled back: generation %u was not confirmed in time, that of generation %u is "
		 "back",
		 s->generation, t->generation);
	log_warning("policy %s; its files are as they were: correct them before the next reload",
		    reason);
	t->previous = -1;
	t->asked = 0;
	t->rollback = s->n_generations + 1;
	handed_over(s, fd, 0, true);
	tell(s, 0, reason);
	notify_send("STATUS=policy generation %u; the one before was not confirmed", s->generation);
}

void trial_tick(struct supervisor *s)
{
	if (is_on_trial(s) && s->phase == PHASE_RUNNING && s->loop.now >= s->trial.until)
		roll_back(s);
}

int64_t trial_next(const struct supervisor *s, int64_t at)
{
	if (!is_on_trial(s) || s->phase != PHASE_RUNNING)
		return at;
	return at < 0 || s->trial.until < at ? s->trial.until : at;
}

void trial_tell_again(struct supervisor *s)
{
	if (is_on_trial(s))
		tell(s, seconds_left(s), "on trial");
}

/* ---- audit log --------------------------------------------------------------------------------------- */

void trial_note(struct supervisor *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(s->note, sizeof(s->note), format, ap);
	va_end(ap);
	trial_tell_note(s);
}

void trial_tell_note(struct supervisor *s)
{
	if (!*s->note || !s->server_ready || s->channel.fd < 0)
		return;
	tell(s, is_on_trial(s) ? seconds_left(s) : 0, s->note);
	s->note[0] = '\0';
}

void trial_stop(const struct supervisor *s)
{
	if (is_on_trial(s))
		log_warning("policy generation %u was never confirmed: the next start takes "
			    "generation %u, unless its files have been changed by then",
			    s->generation, s->trial.generation);
}

void trial_explain(const struct supervisor *s, uint32_t generation, char *text, size_t size)
{
	size_t len = strlen(text);
	const struct trial *t = &s->trial;

	if (!t->asked && !is_on_trial(s))
		return;
	snprintf(text + len, size - len,
		 "unconfirmed: generation %u comes back in %u s unless somebody says `xmbrokerctl "
		 "confirm %u'\n",
		 is_on_trial(s) ? t->generation : generation, t->asked ? t->asked : seconds_left(s),
		 s->generation);
}
