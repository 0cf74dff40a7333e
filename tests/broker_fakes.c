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
		name, id, 0, 1, first, n, 0, 0, 0                                                  \
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

struct policy_decision policy_decide(const struct policy_image *image,
				     const struct policy_subject *subject,
				     const struct xm_request *req, uint32_t self,
				     struct policy_time time, struct policy_buckets *buckets)
{
	(void)self;
	(void)time;
	(void)buckets;
	fake_policy.n_decided++;
	fake_policy.last = *subject;
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

/* From here on: the manual of the interface (3.x) on the loopback system, in words of its own. */

static bool usable(const struct xm_value *v)
{
	return v->state == XM_ST_OK;
}

static bool usable_or_null(const struct xm_value *v)
{
	return v->state == XM_ST_OK || v->state == XM_ST_NULL || v->state == XM_ST_ABSENT;
}

static bool named(const struct xm_value *v, const char *a, const char *b)
{
	return usable(v) && ((v->len == strlen(a) && !memcmp(v->data, a, v->len)) ||
			     (v->len == strlen(b) && !memcmp(v->data, b, v->len)));
}

static bool is_0_or_1(const struct xm_value *v)
{
	return v->num == 0 || v->num == 1;
}

static bool message(const struct xm_request *r, bool queuing)
{
	uint64_t port = r->arg[1].num, size = r->arg[3].num;

	if (r->arg[0].num != 0 || !usable(&r->arg[2]) || size == 0)
		return false;
	return queuing ? (port == 2 || port == 3) && size <= 128
		       : (port == 0 || port == 1) && size <= 64;
}

static bool partition_or_hypervisor(const struct xm_value *v)
{
	return v->num < 3 || v->num == 255;
}

static bool some_records(const struct xm_value *records, const struct xm_value *count)
{
	return usable(records) && count->num >= 1 && count->num <= 64;
}

static bool structure(const struct xm_value *v, uint32_t fields)
{
	return usable(v) && v->len == fields;
}

static bool trace_event(const struct xm_value *a, uint64_t least, uint64_t most)
{
	return a[0].num == 0 && usable_or_null(&a[1]) && a[2].num >= least && a[2].num <= most &&
	       structure(&a[4], 5) && some_records(&a[5], &a[6]);
}

static bool machine_in_domain(const struct xm_request *r)
{
	const struct xm_value *a = r->arg;

	switch (r->op) {
	case XM_OP_SET_IRQMASK:
	case XM_OP_CLEAR_IRQMASK:
	case XM_OP_SET_IRQPEND:
	case XM_OP_CLEAR_IRQPEND:
	case XM_OP_UPDATE_PAGE32:
	case XM_OP_SET_PAGE_TYPE:
	case XM_OP_INVLD_TLB:
	case XM_OP_GET_VCPUID:
	case XM_OP_X86_LOAD_CR0:
	case XM_OP_X86_LOAD_CR3:
	case XM_OP_X86_LOAD_CR4:
	case XM_OP_X86_UPDATE_SS_SP:
	case XM_OP_X86_SET_IF:
	case XM_OP_X86_CLEAR_IF:
		return true;
	case XM_OP_ROUTE_IRQ:
		return a[0].num <= 2 && a[1].num <= 31;
	case XM_OP_OVERRIDE_TRAP_HNDL:
	case XM_OP_X86_UPDATE_GDT:
	case XM_OP_X86_UPDATE_IDT:
		return structure(&a[1], 2);
	case XM_OP_RESET_VCPU:
	case XM_OP_HALT_VCPU:
	case XM_OP_SUSPEND_VCPU:
	case XM_OP_RESUME_VCPU:
		return a[0].num == 0;
	default: /* this system has no memory to copy; addresses of the client; not of 3.x */
		return false;
	}
}

bool fake_in_domain(const struct xm_request *r)
{
	const struct xm_value *a = r->arg;

	switch (r->op) {
	case XM_OP_GET_TIME:
		return is_0_or_1(&a[0]) && usable(&a[1]);
	case XM_OP_SET_TIMER:
		return a[0].num <= 2 && !(a[1].num >> 63) && !(a[2].num >> 63);
	case XM_OP_HALT_PARTITION:
	case XM_OP_SUSPEND_PARTITION:
	case XM_OP_RESUME_PARTITION:
	case XM_OP_SHUTDOWN_PARTITION:
		return a[0].num < 3;
	case XM_OP_RESET_PARTITION:
		return a[0].num < 3 && is_0_or_1(&a[1]);
	case XM_OP_IDLE_SELF:
	case XM_OP_HALT_SYSTEM:
		return true;
	case XM_OP_RESET_SYSTEM:
		return is_0_or_1(&a[0]);
	case XM_OP_WRITE_CONSOLE:
		return a[0].num == 0 && usable(&a[1]) && a[2].num <= 128;
	case XM_OP_CREATE_SAMPLING_PORT:
		return a[0].num == 0 && named(&a[1], "attitude", "hk-1") &&
		       (a[3].num == 1 || a[3].num == 2);
	case XM_OP_CREATE_QUEUING_PORT:
		return a[0].num == 0 && named(&a[1], "commands", "telemetry") &&
		       (a[4].num == 1 || a[4].num == 2);
	case XM_OP_READ_SAMPLING_MESSAGE:
		return message(r, false) && usable_or_null(&a[4]);
	case XM_OP_WRITE_SAMPLING_MESSAGE:
		return message(r, false);
	case XM_OP_SEND_QUEUING_MESSAGE:
		return message(r, true);
	case XM_OP_RECEIVE_QUEUING_MESSAGE:
		return message(r, true) && usable_or_null(&a[4]);
	case XM_OP_GET_SAMPLING_PORT_STATUS:
		return a[0].num == 0 && a[1].num <= 1 && usable(&a[2]);
	case XM_OP_GET_QUEUING_PORT_STATUS:
		return a[0].num == 0 && (a[1].num == 2 || a[1].num == 3) && usable(&a[2]);
	case XM_OP_GET_SAMPLING_PORT_INFO:
		return a[0].num == 0 && named(&a[1], "attitude", "hk-1") && usable(&a[2]);
	case XM_OP_GET_QUEUING_PORT_INFO:
		return a[0].num == 0 && named(&a[1], "commands", "telemetry") && usable(&a[2]);
	case XM_OP_HM_READ:
		return a[0].num == 255 && some_records(&a[1], &a[2]);
	case XM_OP_HM_SEEK:
		return a[0].num == 255 && a[2].num <= 2;
	case XM_OP_HM_STATUS:
		return a[0].num == 255 && usable(&a[1]);
	case XM_OP_HM_LOCK_EVENTS:
	case XM_OP_HM_UNLOCK_EVENTS:
	case XM_OP_HM_RESET_EVENTS:
		return a[0].num == 255;
	case XM_OP_GET_SYSTEM_STATUS:
		return usable(&a[0]);
	case XM_OP_GET_PARTITION_STATUS:
		return a[0].num < 3 && usable(&a[1]);
	case XM_OP_GET_PLAN_STATUS:
		return (a[0].num < 3 || a[0].num == 255) && usable(&a[1]);
	case XM_OP_SET_PARTITION_OPMODE:
		return a[0].num < 3 && a[1].num <= 3;
	case XM_OP_GET_VCPU_STATUS:
		return a[0].num < 3 && a[1].num == 0 && usable(&a[2]);
	case XM_OP_GET_PHYSPAGE_STATUS:
		return a[0].num < 3 && usable(&a[2]);
	case XM_OP_SWITCH_SCHED_PLAN:
		return a[0].num < 2 && usable(&a[1]);
	case XM_OP_GET_GID_BY_NAME:
		return usable(&a[0]) && a[1].num <= 1;
	case XM_OP_TRACE_EVENT:
		return trace_event(a, 0, 2);
	case XM_OP_TRACE_UNRECOVERABLE:
		return trace_event(a, 3, 3);
	case XM_OP_TRACE_READ:
		return partition_or_hypervisor(&a[0]) && some_records(&a[1], &a[2]);
	case XM_OP_TRACE_SEEK:
		return partition_or_hypervisor(&a[0]) && a[2].num <= 2;
	case XM_OP_TRACE_STATUS:
		return partition_or_hypervisor(&a[0]) && usable(&a[1]);
	case XM_OP_TRACE_LOCK:
	case XM_OP_TRACE_UNLOCK:
	case XM_OP_TRACE_RESET:
		return partition_or_hypervisor(&a[0]);
	case XM_OP_RAISE_IPVI:
		return a[0].num >= 24 && a[0].num <= 31;
	case XM_OP_RAISE_PARTITION_IPVI:
		return a[0].num < 3 && a[1].num >= 24 && a[1].num <= 31;
	case XM_OP_GET_PARTITION_TABLE:
		return a[0].num == 0 && usable(&a[1]);
	case XM_OP_GET_PARTITION_MMAP:
		return a[0].num == 0 && some_records(&a[2], &a[3]);
	default: /* or unclassified, public, the broker's own, of 2.x: never forwarded */
		return machine_in_domain(r);
	}
}
