// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A server that has been taken over, for tests: "XM-TAKEOVER " and the name of an attempt, which is one
 * of the self-test's attempts at system calls, or one of those below at the hypervisor.  Owns nothing.
 * Must never be in a program that is installed.
 */

#ifndef XM_TAKEOVER
#error "only for test builds"
#endif

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/table.h"
#include "libxm/core/wire.h"
#include "xmbroker/audit_internal.h"
#include "xmbroker/box_tables.h"
#include "xmbroker/selftest.h"
#include "xmbroker/session_internal.h"
#include "xmbroker/takeover.h"

#define WORD "XM-TAKEOVER "
#define ANSWER_MS 2000

static pid_t parent;

/* In the box nobody may ask for it. */
__attribute__((constructor)) static void note_parent(void)
{
	parent = getppid();
}

static void answer(struct session *s, const char *text)
{
	if (send(s->source.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* the test sees that there is none */
}

/* ---- the hypervisor, past the gate ------------------------------------------------------------------- */

static void call(struct session *s, unsigned int op, char *text, size_t cap)
{
	struct xm_request req = { .op = op };
	struct xm_reply reply = { 0 };
	struct backend *backend = s->server->backend;

	backend->ops->call(backend, &req, &reply);
	snprintf(text, cap, "code %u value %lld", (unsigned int)reply.code, (long long)reply.value);
}

static void call_forbidden(struct session *s, char *text, size_t cap)
{
	call(s, XM_OP_HALT_SYSTEM, text, cap);
}

/* Asks for every operation there is, then calls. */
static void widen(struct session *s, char *text, size_t cap)
{
	struct backend *backend = s->server->backend;
	int fd = backend->ops->fd(backend), len;
	struct xm_mask all = { 0 };
	uint8_t msg[256];

	for (unsigned int op = 0; op < XM_N_OPS; op++)
		xm_mask_add(&all, op);
	len = xm_wire_put_restrict(msg, sizeof(msg), &all);
	if (len < 0 || send(fd, msg, (size_t)len, MSG_NOSIGNAL) != len)
		snprintf(text, cap, "not sent");
	else
		call(s, XM_OP_HALT_SYSTEM, text, cap);
}

/* Two calls at once, of which one is forbidden. */
static void batch(struct session *s, char *text, size_t cap)
{
	struct xm_request reqs[2] = { { .op = XM_OP_HALT_SYSTEM }, { .op = XM_OP_HALT_SYSTEM } };
	struct backend *backend = s->server->backend;
	struct xm_wire_batch_result result;
	int fd = backend->ops->fd(backend), len;
	struct pollfd room = { .fd = fd, .events = POLLIN };
	uint8_t msg[4096];
	ssize_t n;

	len = xm_wire_put_batch(msg, sizeof(msg), 1u << 30, reqs, 2);
	if (len < 0 || send(fd, msg, (size_t)len, MSG_NOSIGNAL) != len ||
	    poll(&room, 1, ANSWER_MS) <= 0) {
		snprintf(text, cap, "no answer");
		return;
	}
	n = recv(fd, msg, sizeof(msg), 0);
	if (n <= 0 || xm_wire_get_batch_result(msg, (size_t)n, 2, &result) < 0)
		snprintf(text, cap, "the connection is gone");
	else if (result.ran)
		snprintf(text, cap, "it ran");
	else
		snprintf(text, cap, "code %u", result.codes[0]);
}

static const struct {
	const char *name;
	void (*act)(struct session *s, char *text, size_t cap);
} at_hypervisor[] = {
	{ "call", call_forbidden },
	{ "widen", widen },
	{ "batch", batch },
};

/* ---- system calls ------------------------------------------------------------------------------------ */

static const struct selftest_probe *find(const char *name)
{
	for (size_t i = 0; i < selftest_n_probes; i++)
		if ((selftest_probes[i].roles & BOX_BIT(BOX_SERVER)) &&
		    selftest_probes[i].layer == SELFTEST_CALLS &&
		    !strcmp(selftest_probes[i].attempt, name))
			return &selftest_probes[i];
	return NULL;
}

static void act(struct session *s, const char *name, char *text, size_t cap)
{
	const struct selftest_probe *probe = find(name);
	struct selftest_box box = {
		.role = BOX_SERVER,
		.parent = parent,
		.log = s->server->audit->fd,
		.pair = { s->source.fd, s->source.fd },
	};
	long result;

	for (size_t i = 0; i < sizeof(at_hypervisor) / sizeof(at_hypervisor[0]); i++) {
		if (strcmp(name, at_hypervisor[i].name) != 0)
			continue;
		at_hypervisor[i].act(s, text, cap);
		return;
	}
	if (!probe) {
		snprintf(text, cap, "no such attempt");
		return;
	}
	errno = 0;
	result = probe->try(&box);
	if (result < 0)
		snprintf(text, cap, "errno %d", errno);
	else
		snprintf(text, cap, "it is possible");
}

bool takeover_packet(struct session *s, const uint8_t *packet, size_t len)
{
	char name[SELFTEST_TEXT] = "", text[128] = "";
	size_t head = strlen(WORD);

	if (len < head || memcmp(packet, WORD, head) != 0 || len - head >= sizeof(name))
		return false;
	memcpy(name, packet + head, len - head);
	act(s, name, text, sizeof(text));
	answer(s, text);
	return true;
}
