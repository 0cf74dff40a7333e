// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate that the tests of it talk to.  Owns it, its log and its hypervisor, for one test; and
 * takes fdatasync() from the C library.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/gate_rig.h"

/* In place of the C library's: counts, and can fail from some call on. */
unsigned int n_syncs, sync_fails_at;

int fdatasync(int fd)
{
	(void)fd;
	if (++n_syncs != sync_fails_at)
		return 0;
	errno = EIO;
	return -1;
}

struct sealed policy;
struct fake_backend *hypervisor;
struct gate gate;
struct gate_caller caller = {
	.subject = { .uid = 1000 },
	.who = { .uid = 1000,
		 .gid = 1000,
		 .pid = 42,
		 .comm = "test",
		 .cgroup = "",
		 .profile = "3.x" },
};
struct gate_call call;
struct xm_reply reply;
uint8_t space[XM_WIRE_PLAIN];
static int log_fd;
unsigned int n_broker;

static int broker(void *data, void *session, const struct gate_call *c, struct xm_reply *r)
{
	(void)data;
	(void)session;
	(void)c;
	r->value = 5;
	n_broker++;
	return 0;
}

void use_audit(int fd)
{
	audit_free(gate.audit);
	cr_assert_eq(audit_new(fd, NULL, NULL, &gate.audit), 0);
}

void gate_setup(void)
{
	policy = fake_sealed(1);
	hypervisor = fake_backend_new();
	log_fd = memfd_create("log", 0);
	gate = (struct gate){
		.image = policy.image,
		.backend = &hypervisor->backend,
		.hypervisor = hypervisor->hv,
		.broker = broker,
	};
	use_audit(dup(log_fd));
	fake_policy.answer = FAKE_DENY;
}

void gate_teardown(void)
{
	audit_free(gate.audit);
	free(hypervisor);
	close(log_fd);
	sealed_unmap(&policy);
}

int ask(void)
{
	xm_reply_init(&reply, space, sizeof(space));
	return gate_request(&gate, &caller, &call, &reply);
}

unsigned int ask_op(unsigned int op)
{
	fake_request(op, &call.req);
	cr_assert_eq(ask(), 0);
	return reply.code;
}

const char *log_text(void)
{
	static char text[65536];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

bool logged(const char *s)
{
	return strstr(log_text(), s);
}

void sync_came_first(struct fake_backend *fake, const struct xm_request *req)
{
	(void)req;
	*(unsigned int *)fake->data = n_syncs;
}
