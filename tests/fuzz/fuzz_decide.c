// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any subject, request, time and buckets, decided by a good image that has every construct: the same
 * answer again, whatever else was asked in between; the same that the explanation comes to, which looks
 * at constraints and not at sieves; and nothing but the arguments looked at, none of them changed.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/explain.h"
#include "policy/image_layout.h"
#include "policy/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GIDS 8

static const char policy[] =
	"version: 1\n"
	"system: \"loopback:\"\n"
	"roles:\n"
	"  ports:\n"
	"  - allow: \"@ports\"\n"
	"    where: {portName: [attitude, \"hk-*\", {not: commands}]}\n"
	"  - deny: \"@ports\"\n"
	"    where: {portName: [telemetry, \"co*\"]}\n"
	"  partitions:\n"
	"  - allow: XM_reset_partition\n"
	"    where: {partitionId: {not: [self, camera]}, status: [0..15, {mask: 0xF0, is: 0x10}]}\n"
	"  - allow: XM_reset_partition\n"
	"    where: {partitionId: [1, self], resetMode: XM_WARM_RESET, status: {mask: 0xff, is: "
	"7}}\n"
	"    limit: {rate: 6/min, burst: 2}\n"
	"  - allow: \"@partition\"\n"
	"    limit: {rate: 1/h}\n"
	"    audit: always\n"
	"  - deny: \"@partition\"\n"
	"    where: {partitionId: {not: [1, 2]}}\n"
	"  - deny: XM_halt_partition\n"
	"    observe_until: 2100-01-01\n"
	"  - allow: XM_shutdown_partition\n"
	"    observe_until: 2100-01-01\n"
	"  numbers:\n"
	"  - deny: XM_write_console\n"
	"    where: {buffer: {length: 100..}}\n"
	"  - allow: XM_write_console\n"
	"    where: {partitionId: self}\n"
	"  - allow: [XM_hm_seek, XM_trace_seek]\n"
	"    where: {offset: -8..8, whence: [XM_OBJ_SEEK_CUR, XM_OBJ_SEEK_END]}\n"
	"  - allow: XM_memory_copy\n"
	"    where: {dstId: self, dstAddr: 0x4000000.., srcId: 1, srcAddr: 8..0x1ffffffff, size: "
	"..9}\n"
	"  - allow: XM_set_irqmask\n"
	"    where: {hwIrqsMask: {mask: 0xff, is: 0}, extIrqsMask: 0}\n"
	"  - deny: [XM_update_page32, XM_set_irqmask]\n"
	"    where: {resource: {not: [0..0xffff, 0x80000000]}}\n"
	"  status:\n"
	"  - allow: [\"@status\", \"@time\", \"@broker\"]\n"
	"  - allow: \"@status\"\n"
	"    limit: {rate: 1/s, burst: 1000000}\n"
	"grants:\n"
	"- {to: \"user:1\", roles: [partitions, numbers]}\n"
	"- {to: \"group:1\", roles: [ports, status]}\n"
	"- {to: \"group:2\", roles: partitions}\n"
	"- {to: {all: [\"group:1\", \"group:3\", \"user:2\"]}, roles: numbers}\n"
	"- {to: everyone, roles: [status], from: 2027-01-01, hours: \"22:00-06:00\", days: [fri]}\n"
	"- {to: \"group:4\", roles: status, until: 2030-01-01}\n"
	"- {to: everyone, roles: ports}\n";

static const struct policy_image *image;
static size_t image_len;

static void make_image(void)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION };
	void *block = NULL;
	struct diag diag;

	diag_init(&diag);
	if (policy_compile_text("p.yaml", policy, sizeof(policy) - 1, &options, &diag, &block,
				&image_len))
		abort();
	diag_free(&diag);
	image = policy_image_verify(block, image_len);
	if (!image)
		abort();
}

/* ---- what is asked ------------------------------------------------------------------------------- */

struct input {
	const uint8_t *data;
	size_t left;
};

static uint64_t take(struct input *in, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes-- && in->left) {
		value = value << 8 | *in->data++;
		in->left--;
	}
	return value;
}

/* Memory of just this size, so that a byte more is found out. */
static uint8_t *take_bytes(struct input *in, uint32_t n)
{
	uint8_t *bytes = malloc(n ? n : 1);

	if (!bytes)
		abort();
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)take(in, 1);
	return bytes;
}

struct question {
	struct policy_subject subject;
	uint32_t *gids;
	struct xm_request req;
	uint32_t self;
	struct policy_time time;
	struct policy_buckets buckets;
	uint32_t *empty;
};

static void take_subject(struct input *in, struct question *q)
{
	uint32_t n = (uint32_t)take(in, 1) % (GIDS + 1);

	q->subject.uid = (uint32_t)take(in, 1) % 4;
	q->subject.overflow = take(in, 1) == 0xff;
	q->gids = calloc(n + 1, sizeof(*q->gids));
	if (!q->gids)
		abort();
	for (uint32_t i = 0; i < n; i++)
		q->gids[i] = (uint32_t)take(in, 1) % 6;
	q->subject.n_gids = (uint32_t)policy_image_filter_groups(image, q->gids, n);
	q->subject.gids = q->gids;
}

static void take_value(struct input *in, struct xm_value *v)
{
	static const char *const names[] = { "attitude",  "hk-1", "hk-", "commands",
					     "telemetry", "co",   "com" };
	uint32_t how = (uint32_t)take(in, 1), n;

	v->state = how & 0x40 ? (uint8_t)(how % XM_N_STATES) : XM_ST_OK;
	v->num = how & 0x80 ? take(in, 8) : take(in, 1);
	if (how & 0x20)
		v->num = -v->num;
	if (how & 0x10) {
		n = (uint32_t)take(in, 1) % (XM_NAME_MAX + 4);
		v->data = take_bytes(in, n);
		v->len = n;
	} else if (how & 0x08) {
		const char *name = names[how % 7];

		v->len = (uint32_t)strlen(name);
		v->data = memcpy(malloc(v->len), name, v->len);
	}
}

static void take_limits(struct input *in, struct question *q)
{
	uint64_t bits = take(in, 1);

	q->empty = calloc(policy_image_n_limits(image) + 1, sizeof(*q->empty));
	if (!q->empty)
		abort();
	for (uint32_t i = 0; i < policy_image_n_limits(image) && i < 8; i++)
		if (bits >> i & 1)
			q->empty[q->buckets.n_empty++] = i;
	q->buckets.empty = q->empty;
}

static void take_question(struct input *in, struct question *q)
{
	memset(q, 0, sizeof(*q));
	q->req.op = (unsigned int)(take(in, 1) % (XM_N_OPS + 1));
	take_subject(in, q);
	q->self = (uint32_t)take(in, 1) % 4;
	q->time.determined = take(in, 1) % 4 != 0;
	q->time.now = (int64_t)(take(in, 1) % 2 ? take(in, 8) : take(in, 4) + 1700000000);
	take_limits(in, q);
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		take_value(in, &q->req.arg[i]);
}

static void free_question(struct question *q)
{
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		free((void *)(uintptr_t)q->req.arg[i].data);
	free(q->gids);
	free(q->empty);
}

/* ---- what is answered ---------------------------------------------------------------------------- */

static struct policy_decision decide(const struct question *q, const struct policy_buckets *buckets)
{
	return policy_decide(image, &q->subject, &q->req, q->self, q->time, buckets);
}

static bool is_same(struct policy_decision a, struct policy_decision b)
{
	return a.effect == b.effect && a.rule == b.rule && a.audited == b.audited &&
	       a.limited == b.limited && a.limit == b.limit && a.observed == b.observed;
}

/* What must be true of any answer. */
static bool is_sound(struct policy_decision d, const struct question *q)
{
	bool allowed = d.effect == POLICY_ALLOW;

	for (uint32_t i = 0; i < q->buckets.n_empty; i++)
		if (q->buckets.empty[i] == d.limit)
			return false;
	return (!allowed || d.rule != POLICY_NO_RULE) && (!allowed || !d.limited) &&
	       (allowed || d.limit == POLICY_NO_LIMIT) &&
	       (d.observed == POLICY_NO_RULE || d.audited) && (!allowed || !q->subject.overflow);
}

/* The deciding rule is among those that the explanation finds by the constraints. */
static void explain(const struct question *q)
{
	struct policy_decision d = decide(q, NULL);
	static struct explanation e;
	bool found = false;

	policy_explain_decision(image, &q->subject, &q->req, q->self, q->time, &e);
	if (strcmp(e.why, "rule"))
		return;
	for (uint32_t i = 0; i < e.n_rules && i < EXPLAIN_RULES; i++)
		found |= e.rules[i].rule == d.rule;
	if (!found || e.decision.effect != d.effect)
		abort();
}

/* Every entry says by its sieves what its constraints say. */
static bool matches(const struct question *q, const struct image_slot *slot, uint32_t entry,
		    bool deny)
{
	struct match_request m = { .image = image, .req = &q->req, .self = q->self };
	const struct image_entry *e = image_table(image, IMAGE_ENTRIES);

	e += entry;
	return match_slot_holds(image, slot, &q->subject, q->time) &&
	       match_rule(&m, deny ? POLICY_DENY : POLICY_ALLOW, e->covers, e->first_constraint,
			  e->n_constraints) &&
	       !e->shadow;
}

/* Decided the slow way, by all that is said about the operation. */
static void decide_slowly(const struct question *q, bool *deniedp, bool *allowedp)
{
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);

	for (uint32_t i = 0; i < image->table[IMAGE_INDEX].count; i++, slot++) {
		uint32_t kind = (uint32_t)(slot->key >> 32) & 3, id = (uint32_t)slot->key;
		bool mine = kind == IMAGE_EVERYONE || (kind == IMAGE_USER && id == q->subject.uid);

		for (uint32_t j = 0; j < q->subject.n_gids; j++)
			mine |= kind == IMAGE_GROUP && q->subject.gids[j] == id;
		if (!slot->key || !mine || image_key_op(slot->key) != q->req.op)
			continue;
		for (uint32_t j = 0; j < slot->n_deny; j++)
			*deniedp |= matches(q, slot, slot->first + j, true);
		for (uint32_t j = 0; j < slot->n_allow; j++)
			*allowedp |= matches(q, slot, slot->first + slot->n_deny + j, false);
	}
}

static void check_slowly(const struct question *q)
{
	struct policy_decision d = decide(q, NULL);
	const struct image_rule *rules = image_table(image, IMAGE_RULES);
	bool denied = false, allowed = false;

	if (q->subject.overflow || xm_ops[q->req.op].class == XM_CLASS_NONE)
		return;
	decide_slowly(q, &denied, &allowed);
	/* A shadow rule whose time has come denies, too. */
	if (d.effect == POLICY_DENY && d.rule != POLICY_NO_RULE &&
	    rules[d.rule].observe_until != IMAGE_NO_TIME)
		return;
	if ((d.effect == POLICY_ALLOW) != (allowed && !denied))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct policy_decision first;
	struct question a, b;
	uint64_t sum;

	if (!image)
		make_image();
	sum = image_checksum(image, image_len);
	take_question(&in, &a);
	take_question(&in, &b);
	first = decide(&a, &a.buckets);
	if (!is_sound(first, &a))
		abort();
	decide(&b, &b.buckets);
	if (!is_same(first, decide(&a, &a.buckets)) || image_checksum(image, image_len) != sum)
		abort();
	if (a.req.op < XM_N_OPS) {
		explain(&a);
		check_slowly(&a);
	}
	free_question(&a);
	free_question(&b);
	return 0;
}
