// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fakes for the tests of gate and server.  Links in place of policy/.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/broker_fakes.h"
#include "tests/domain.h"

#define FAKE_MAGIC 0x656b6166u

struct fake_policy fake_policy;

/* ---- the loopback system, by hand -------------------------------------------------------------------- */

struct fake_system {
	struct system head;
	struct system_partition partitions[3];
	struct system_port ports[FAKE_PORTS];
	struct system_channel channels[4];
	struct system_plan plans[2];
};

struct policy_image {
	uint32_t magic;
	uint32_t digest;
	struct fake_system sys;
};

#define SECTION(member, n)                                                                         \
	{                                                                                          \
		offsetof(struct fake_system, member), (n)                                          \
	}
#define PARTITION(name, id, first, n)                                                              \
	{                                                                                          \
		name, id, 0, 1, first, n, 0, 0, 0, 0, 0                                            \
	}

static const struct fake_system loopback_system = {
	.head = {
		.magic = SYSTEM_MAGIC,
		.size = sizeof(struct fake_system),
		.profile = XM_PROFILE_ID_3_X,
		.name = "demo",
		.table = {
			[SYSTEM_PARTITIONS] = SECTION(partitions, 3),
			[SYSTEM_PORTS] = SECTION(ports, FAKE_PORTS),
			[SYSTEM_CHANNELS] = SECTION(channels, 4),
			[SYSTEM_PLANS] = SECTION(plans, 2),
			[SYSTEM_SLOTS] = { sizeof(struct fake_system), 0 },
			[SYSTEM_HM] = { sizeof(struct fake_system), 0 },
		},
	},
	.partitions = { PARTITION("linux", 0, 0, 4), PARTITION("payload", 1, 4, 2),
			PARTITION("camera", 2, 6, 2) },
	.ports = {
		{ "attitude", 0, SYSTEM_SAMPLING, SYSTEM_SOURCE, 0 },
		{ "hk-1", 0, SYSTEM_SAMPLING, SYSTEM_DESTINATION, 1 },
		{ "commands", 0, SYSTEM_QUEUING, SYSTEM_SOURCE, 2 },
		{ "telemetry", 0, SYSTEM_QUEUING, SYSTEM_DESTINATION, 3 },
		{ "attitude", 1, SYSTEM_SAMPLING, SYSTEM_DESTINATION, 0 },
		{ "hk-1", 1, SYSTEM_SAMPLING, SYSTEM_SOURCE, 1 },
		{ "commands", 2, SYSTEM_QUEUING, SYSTEM_DESTINATION, 2 },
		{ "telemetry", 2, SYSTEM_QUEUING, SYSTEM_SOURCE, 3 },
	},
	.channels = {
		{ SYSTEM_SAMPLING, 64, 0, 0, 1000000 },
		{ SYSTEM_SAMPLING, 64, 0, 5, 1000000 },
		{ SYSTEM_QUEUING, 128, 8, 2, 0 },
		{ SYSTEM_QUEUING, 128, 8, 7, 0 },
	},
	.plans = { { "nominal", 0, 0, 0, 0, 100000 }, { "safe", 1, 0, 0, 0, 200000 } },
};

/* ---- policy ------------------------------------------------------------------------------------------ */

const struct policy_image *policy_image_verify(const void *block, size_t len)
{
	const struct policy_image *image = block;

	return len == sizeof(*image) && image->magic == FAKE_MAGIC ? image : NULL;
}

void policy_image_about(const struct policy_image *image, struct policy_about *aboutp)
{
	memset(aboutp, 0, sizeof(*aboutp));
	memset(aboutp->digest, (int)image->digest, sizeof(aboutp->digest));
	aboutp->n_rules = 1;
	aboutp->compiled_at = fake_policy.compiled_at;
	if (image->digest < sizeof(fake_policy.n_grants) / sizeof(fake_policy.n_grants[0]))
		aboutp->n_grants = fake_policy.n_grants[image->digest];
}

const struct system *policy_image_system(const struct policy_image *image)
{
	return &image->sys.head;
}

bool policy_image_source(const struct policy_image *image, uint32_t rule,
			 struct policy_source *sourcep)
{
	(void)image;
	*sourcep = (struct policy_source){ "policy.yaml", 12, 7, "operator", "" };
	return rule == 0;
}

size_t policy_image_filter_groups(const struct policy_image *image, uint32_t *gids, size_t n)
{
	size_t kept = 0;

	(void)image;
	fake_policy.n_filtered++;
	for (size_t i = 0; i < n; i++)
		if (!fake_policy.keep_gid || gids[i] == fake_policy.keep_gid)
			gids[kept++] = gids[i];
	return kept;
}

uint32_t policy_image_n_limits(const struct policy_image *image)
{
	(void)image;
	return fake_policy.n_limits;
}

bool policy_image_limit(const struct policy_image *image, uint32_t n, struct policy_limit *limitp)
{
	(void)image;
	if (n >= fake_policy.n_limits)
		return false;
	*limitp = fake_policy.limit[n];
	return true;
}

bool policy_image_find_limit(const struct policy_image *image, uint64_t key, uint32_t *np)
{
	(void)image;
	for (uint32_t i = 0; i < fake_policy.n_limits; i++)
		if (fake_policy.limit[i].key == key) {
			*np = i;
			return true;
		}
	return false;
}

static struct policy_decision decide_limited(const struct policy_buckets *buckets)
{
	struct policy_decision d = FAKE_DECISION(POLICY_DENY, 0, true);

	for (uint32_t i = 0; i < fake_policy.n_limits; i++) {
		bool empty = false;

		for (uint32_t j = 0; buckets && j < buckets->n_empty; j++)
			empty |= buckets->empty[j] == i;
		if (empty)
			continue;
		d = FAKE_ALLOW;
		d.limit = i;
		return d;
	}
	d.limited = true;
	return d;
}

struct policy_decision policy_decide(const struct policy_image *image,
				     const struct policy_subject *subject,
				     const struct xm_request *req, uint32_t self,
				     struct policy_time time, const struct policy_buckets *buckets)
{
	(void)self;
	fake_policy.n_decided++;
	fake_policy.time = time;
	fake_policy.last = *subject;
	if (fake_policy.limited)
		return decide_limited(buckets);
	return fake_policy.decide ? fake_policy.decide(image, subject, req) : fake_policy.answer;
}

uint8_t fake_image_digest(const struct policy_image *image)
{
	return (uint8_t)image->digest;
}

static int image_fd(uint8_t digest, uint32_t n_partitions, int seals)
{
	struct policy_image image = { FAKE_MAGIC, digest, loopback_system };
	int fd = memfd_create("image", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	image.sys.head.table[SYSTEM_PARTITIONS].count = n_partitions;
	for (unsigned int i = 0; fake_policy.max_message && i < 4; i++)
		image.sys.channels[i].max_message_length = fake_policy.max_message;
	if (fd < 0 || write(fd, &image, sizeof(image)) != sizeof(image) ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0)
		abort();
	return fd;
}

int fake_image_fd(uint8_t digest, uint32_t n_partitions)
{
	return image_fd(digest, n_partitions,
			F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

int fake_image_fd_unsealed(uint8_t digest)
{
	return image_fd(digest, 3, F_SEAL_SHRINK | F_SEAL_GROW);
}

struct sealed fake_sealed(uint8_t digest)
{
	struct sealed sealed;
	int fd = fake_image_fd(digest, 3);

	if (sealed_map(fd, &sealed) < 0)
		abort();
	close(fd);
	return sealed;
}

/* ---- hypervisor -------------------------------------------------------------------------------------- */

uint8_t fake_byte(size_t at)
{
	return (uint8_t)(at * 2654435761u >> 13);
}

/* Into the space that was lent, as the hypervisor writes. */
static void read_message(const struct fake_backend *fake, unsigned int arg, struct xm_reply *reply)
{
	if (!fake->message_len)
		return;
	if (fake->message_len > reply->space_len)
		abort();
	for (size_t i = 0; i < fake->message_len; i++)
		reply->space[i] = fake_byte(i);
	reply->out[arg] = (struct xm_value){ .state = XM_ST_OK,
					     .len = fake->message_len,
					     .data = reply->space };
}

static void fake_call(struct backend *backend, const struct xm_request *req, struct xm_reply *reply)
{
	struct fake_backend *fake = (struct fake_backend *)backend;

	fake->n_calls++;
	fake->last = *req;
	if (fake->on_call)
		fake->on_call(fake, req);
	reply->code = fake->code;
	reply->value = fake->code == XM_C_OK ? fake->value : 0;
	if (req->op == XM_OP_GET_TIME && fake->code == XM_C_OK)
		xm_reply_put_num(reply, XM_A_GET_TIME_time, 4711);
	if (req->op == XM_OP_READ_SAMPLING_MESSAGE && fake->code == XM_C_OK)
		read_message(fake, XM_A_READ_SAMPLING_MESSAGE_buffer, reply);
}

static void fake_info(const struct backend *backend, struct backend_info *infop)
{
	*infop = ((const struct fake_backend *)backend)->hv;
}

static void fake_free(struct backend *backend)
{
	free(backend);
}

static const struct backend_ops fake_ops = {
	.name = "fake",
	.call = fake_call,
	.info = fake_info,
	.free = fake_free,
};

struct fake_backend *fake_backend_new(void)
{
	struct fake_backend *fake = calloc(1, sizeof(*fake));

	if (!fake)
		abort();
	fake->backend.ops = &fake_ops;
	fake->hv = (struct backend_info){ XM_PROFILE_ID_3_X, 0, 3 };
	return fake;
}

/* ---- requests ---------------------------------------------------------------------------------------- */

static uint64_t good_choice(unsigned int op, unsigned int id)
{
	if (op == XM_OP_CREATE_SAMPLING_PORT || op == XM_OP_CREATE_QUEUING_PORT)
		return 2;
	return id == XM_E_UNRECOVERABLE ? 3 : 1;
}

static uint64_t good_number(unsigned int op, const struct xm_arg *arg)
{
	switch (arg->domain) {
	case XM_D_HYPERVISOR:
		return FAKE_HV;
	case XM_D_ENUM:
		return good_choice(op, arg->ref);
	case XM_D_QUEUING_PORT:
		return 2;
	case XM_D_MESSAGE_SIZE:
	case XM_D_CONSOLE_SIZE:
	case XM_D_SIZE:
	case XM_D_COUNT:
		return 3;
	case XM_D_IPVI:
		return 24;
	default:
		return 0;
	}
}

void fake_request(unsigned int op, struct xm_request *req)
{
	static const uint8_t words[XM_MAX_FIELDS * XM_WORD_BYTES];

	memset(req, 0, sizeof(*req));
	req->op = op;
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++) {
		const struct xm_arg *arg = &xm_ops[op].args[i];
		struct xm_value *v = &req->arg[i];

		if (arg->type == XM_T_NAME) {
			v->data = (const uint8_t *)(arg->domain == XM_D_QUEUING_NAME ? "commands"
										     : "attitude");
			v->len = 8;
		} else if (arg->type == XM_T_DATA_IN) {
			v->data = (const uint8_t *)"abc";
			v->len = 3;
		} else if (arg->type == XM_T_STRUCT_IN) {
			v->data = words;
			v->len = xm_structs[arg->ref].n_fields;
		} else if (arg->type == XM_T_RECORDS_IN) {
			v->data = words; /* none of them */
		} else if (xm_type_is_scalar(arg->type)) {
			v->num = good_number(op, arg);
		}
	}
}

/* The system of these fakes has no memory that could be copied. */
bool fake_in_domain(const struct xm_request *req)
{
	return domain_contains(req) && req->op != XM_OP_MEMORY_COPY;
}
