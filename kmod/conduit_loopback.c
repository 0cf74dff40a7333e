// SPDX-License-Identifier: GPL-2.0-only
/*
 * No hypervisor at all: the fixed one of three partitions that the broker has built in, compiled
 * from the same source (xmbroker/sim/loopback*.c), behind the same numbers and structures that a
 * real one would see.  Owns its state, which lasts until the module is unloaded.  Its only virtual
 * interrupts are those that the partition makes pending for itself.  Must never look at memory that
 * is not the module's own.
 */

#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <errno.h> /* the shim */

#include "libxm/memory.h"
#include "libxm/params.h"
#include "libxm/raw.h"
#include "xmbroker/sim/loopback.h"

#include "xmctl.h"

struct hypervisor {
	const struct raw_profile *profile;
	struct loopback loopback;
	struct raw_call call;
	struct xm_reply reply;
	bool lost;
	char opened[LOOPBACK_PORTS][XM_NAME_MAX + 1]; /* names of the ports, by number */
	u8 scratch[XMCTL_DATA_MAX + 1024];
	u8 space[XMCTL_DATA_MAX];
};

static struct hypervisor *hypervisor;

/* ---- what the library's half of the path wants ---------------------------------------------- */

int xmctl_sim_errno;

int memory_read(void *dst, uintptr_t src, size_t len)
{
	memcpy(dst, (const void *)src, len);
	return 0;
}

int memory_read_string(char *dst, size_t cap, uintptr_t src)
{
	size_t len = strnlen((const char *)src, cap);

	memcpy(dst, (const void *)src, min(len + 1, cap));
	return (int)len;
}

int memory_probe_write(uintptr_t addr, size_t len)
{
	return 0;
}

void params_port_created(enum params_class class, uint32_t port)
{
}

/* ---- the conduit ---------------------------------------------------------------------------- */

static const struct raw_profile *raw_of(const struct xmctl_profile *profile)
{
	switch (profile->profile) {
	case XMCTL_PROFILE_2_4:
		return &raw_profile_2_4;
	case XMCTL_PROFILE_2_6:
		return &raw_profile_2_6;
	case XMCTL_PROFILE_3_X:
		return &raw_profile_3_x;
	default:
		return &raw_profile_prtos;
	}
}

static s64 now_us(void)
{
	return ktime_to_us(ktime_get());
}

static int loopback_open(const struct xmctl_profile *profile, bool named)
{
	hypervisor = kvzalloc(sizeof(*hypervisor), GFP_KERNEL);
	if (!hypervisor)
		return -ENOMEM;
	hypervisor->profile = raw_of(profile);
	loopback_init(&hypervisor->loopback, now_us());
	return 0;
}

static void loopback_close(void)
{
	kvfree(hypervisor);
	hypervisor = NULL;
}

/* The extended interrupts in the low half, those of the hardware in the high one. */
static u64 interrupts_of(const struct xm_request *req)
{
	return (u32)req->arg[1].num | req->arg[0].num << 32;
}

static void deliver(const struct xm_request *req)
{
	if (req->op == XM_OP_SET_IRQPEND)
		xmctl_events_deliver(interrupts_of(req));
	else if (req->op == XM_OP_CLEAR_IRQPEND)
		xmctl_events_cancel(interrupts_of(req));
}

/* It has the rules of 3.x, whose answer to what is done already those of 2.x do not have. */
static bool has_its_rules(void)
{
	return raw_same_family(hypervisor->profile, XM_PROFILE_ID_3_X);
}

/* In 2.x whoever opens a port again gets it again. */
static void open_again(const char *name, struct xm_reply *reply)
{
	u32 port;

	for (port = 0; port < LOOPBACK_PORTS; port++)
		if (!strcmp(hypervisor->opened[port], name)) {
			reply->code = XM_C_OK;
			reply->value = port;
			return;
		}
}

static void opened(const struct raw_call *call, struct xm_reply *reply)
{
	u8 op = call->request.op;

	if (op != XM_OP_CREATE_SAMPLING_PORT && op != XM_OP_CREATE_QUEUING_PORT)
		return;
	if (reply->code == XM_C_OK && reply->value < LOOPBACK_PORTS)
		strscpy(hypervisor->opened[reply->value], call->name, sizeof(call->name));
	else if (reply->code == XM_C_NO_ACTION && !has_its_rules())
		open_again(call->name, reply);
}

static s32 loopback_hypercall(u32 number, const unsigned long words[XMCTL_WORDS])
{
	struct raw_call *call = &hypervisor->call;
	struct xm_reply *reply = &hypervisor->reply;
	u64 wide[XMCTL_WORDS];
	unsigned int i;

	for (i = 0; i < XMCTL_WORDS; i++)
		wide[i] = words[i];
	*call = (struct raw_call){
		.profile = hypervisor->profile,
		.words = wide,
		.family = has_its_rules(),
		.scratch = hypervisor->scratch,
		.scratch_len = sizeof(hypervisor->scratch),
	};
	hypervisor->lost = false;
	if (raw_gather(call, number))
		return raw_code(call->profile, XM_C_INVALID_PARAM);
	xm_reply_init(reply, hypervisor->space, sizeof(hypervisor->space));
	loopback_call(&hypervisor->loopback, &call->request, reply, now_us());
	opened(call, reply);
	if (reply->code == XM_C_OK)
		deliver(&call->request);
	hypervisor->lost = reply->code == XM_C_UNKNOWN_OUTCOME;
	return raw_scatter(call, reply);
}

static int loopback_partition(void)
{
	return 0;
}

/* A real one would not have come back. */
static bool loopback_lost(void)
{
	return hypervisor->lost;
}

const struct xmctl_conduit xmctl_conduit_loopback = {
	.name = "loopback",
	.profile = XMCTL_PROFILE_3_X,
	.events = true,
	.open = loopback_open,
	.close = loopback_close,
	.call = loopback_hypercall,
	.partition = loopback_partition,
	.lost = loopback_lost,
};
