/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BROKER_FAKES_H
#define TESTS_BROKER_FAKES_H

/*
 * What surrounds gate and server in their tests: a policy that says what it is told, a hypervisor
 * that records what reached it, and the loopback system, written down here once more by hand and not
 * taken from the code under test.
 */

#include "policy/eval.h"
#include "xmbroker/backend.h"
#include "xmbroker/sealed.h"

#define FAKE_PORTS 8
#define FAKE_HV 0xff
#define FAKE_LIMITS 8

/* ---- policy: policy_*() are defined in broker_fakes.c ------------------------------------------------ */

struct fake_policy {
	struct policy_decision answer; /* to every question, unless decide is set */
	struct policy_decision (*decide)(const struct policy_image *image,
					 const struct policy_subject *subject,
					 const struct xm_request *req);
	unsigned int n_decided;
	struct policy_subject last; /* who asked last */
	struct policy_time time;    /* and when */
	int64_t compiled_at;        /* of every image */
	/* Its limits, by key.  With some, `limited` rules allow, one for each, in their order: by the first
	 * that has a token. */
	struct policy_limit limit[FAKE_LIMITS];
	uint32_t n_limits;
	bool limited;
	unsigned int n_filtered;
	uint32_t n_grants[8]; /* of the images with these digests */
	uint32_t keep_gid;    /* the group that the filter keeps; 0: all */
	uint32_t
		max_message; /* of every channel of images that are made from now on; 0: as it is */
};

extern struct fake_policy fake_policy;

#define FAKE_DECISION(effect, rule, audited)                                                       \
	((struct policy_decision){ effect, rule, audited, false, POLICY_NO_LIMIT, POLICY_NO_RULE })
#define FAKE_DENY FAKE_DECISION(POLICY_DENY, POLICY_NO_RULE, true)
#define FAKE_ALLOW FAKE_DECISION(POLICY_ALLOW, 0, false)
#define FAKE_ALLOW_AUDITED FAKE_DECISION(POLICY_ALLOW, 0, true)

/* A sealed memfd with an image for a system of so many partitions; `digest` fills its digest. */
int fake_image_fd(uint8_t digest, uint32_t n_partitions);
/* The same without seals. */
int fake_image_fd_unsealed(uint8_t digest);
/* Mapped. */
struct sealed fake_sealed(uint8_t digest);
/* Which image this is. */
uint8_t fake_image_digest(const struct policy_image *image);

/* ---- hypervisor -------------------------------------------------------------------------------------- */

struct fake_backend {
	struct backend backend;
	struct backend_info hv;
	unsigned int n_calls;
	struct xm_request last;
	unsigned int code; /* of its answers */
	uint32_t value;
	uint32_t message_len; /* bytes that reading a message gives: those of fake_byte() */
	void (*on_call)(struct fake_backend *fake, const struct xm_request *req);
	void *data;
};

struct fake_backend *fake_backend_new(void);
/* What stands in a message at this place. */
uint8_t fake_byte(size_t at);

/* ---- requests ---------------------------------------------------------------------------------------- */

/* A request of this operation whose arguments are all in the domain of the loopback system. */
void fake_request(unsigned int op, struct xm_request *req);
/* Whether a request is in the documented domain; written from the manual, not from the table. */
bool fake_in_domain(const struct xm_request *req);

#endif
