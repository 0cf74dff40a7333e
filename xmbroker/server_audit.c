// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The supervisor's messages about the audit log.  Owns the mapping of the ledger, which stays to the end
 * of the process.  Must never leave a key in memory, nor go on without a log where one is kept.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/audit_ledger.h"
#include "xmbroker/audit_state.h"
#include "xmbroker/log.h"
#include "xmbroker/server_audit.h"

static void wipe(struct audit_state *state)
{
	explicit_bzero(state, sizeof(*state));
}

static int wait_for(int channel, struct channel_message *message)
{
	struct pollfd poll_fd = { .fd = channel, .events = POLLIN };
	int r;

	do
		r = poll(&poll_fd, 1, SERVER_AUDIT_WAIT_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	r = channel_receive(channel, message);
	if (r == 1 && message->type == CHANNEL_AUDIT)
		return 0;
	if (r == 1 && message->fd >= 0)
		close(message->fd);
	return r < 0 ? r : -EPROTO;
}

/* All of it or none: a log without a state, or a state without a log, is neither. */
static int read_state(const struct channel_message *message, struct audit_state *state)
{
	int r;

	if (message->fd < 0)
		return message->text[0] ? -EPROTO : 0;
	r = audit_state_get(message->text, state);
	state->file = message->number;
	return r;
}

static int map_ledger(int fd, struct audit_ledger **ledgerp)
{
	int r;

	*ledgerp = NULL;
	if (fd < 0)
		return 0;
	r = audit_ledger_map(fd, ledgerp);
	close(fd); /* the mapping keeps the lock that came with it */
	return r;
}

int server_audit_begin(int channel, int ledger_fd, struct audit **auditp)
{
	static struct channel_message message;
	struct audit_state state = { .previous = "none" };
	struct audit_ledger *ledger;
	int r = map_ledger(ledger_fd, &ledger);

	if (r == 0)
		r = wait_for(channel, &message);
	if (r < 0)
		return r;
	r = read_state(&message, &state);
	if (r == 0)
		r = audit_new(message.fd, message.fd < 0 ? NULL : &state, ledger, auditp);
	explicit_bzero(message.text, sizeof(message.text));
	wipe(&state);
	if (r < 0 && message.fd >= 0)
		close(message.fd);
	return r;
}

bool server_audit_rotate(struct audit *audit, struct channel_message *message)
{
	struct audit_state state = { .previous = "none" };
	int r = message->fd < 0 ? -EPROTO : read_state(message, &state);

	explicit_bzero(message->text, sizeof(message->text));
	if (r == 0)
		r = audit_rotate(audit, message->fd, &state);
	else if (message->fd >= 0)
		close(message->fd);
	wipe(&state);
	if (r < 0)
		log_error("cannot go on in a new file of the audit log: %s", strerror(-r));
	return r == 0;
}

bool server_audit_note(struct audit *audit, struct channel_message *message)
{
	struct audit_note note;
	int r = audit_note_get(message->text, &note);

	if (r == 0)
		r = audit_retention(audit, note.first, note.files, note.reason);
	if (r < 0)
		log_error("cannot record what is deleted of the audit log: %s", strerror(-r));
	return r == 0;
}

void server_audit_space(struct audit *audit, const struct channel_message *message)
{
	audit_failing(audit, message->ok ? 0 : (int)message->number);
	audit_space(audit, message->ok || message->number);
}
