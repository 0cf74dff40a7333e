// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Large policies for the bench.  Rules come in kinds that are met in practice: ranges, masks, names,
 * buffers, resources, denials, and few with a limit or that only observe.  Owns nothing.  Must write the
 * same policy for the same numbers, on every machine.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/rules.h"

#define PER_ROLE 50
#define PARTITIONS 63 /* that rules are about: 1 to 62.  Nobody resets the last. */
#define CHANNELS 256
#define FILE_RULES 15000
#define TEST_EVERY 100 /* rules */

/* ---- random numbers ------------------------------------------------------------------------------ */

static uint32_t draw(uint64_t *random, uint32_t n)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (uint32_t)((*random >> 33) % n);
}

/* The numbers of rule `rule` do not depend on others. */
static uint64_t seeded(uint64_t n)
{
	uint64_t random = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < 4; i++)
		draw(&random, 2);
	return random;
}

/* ---- rules --------------------------------------------------------------------------------------- */

struct rule_place {
	FILE *out;
	unsigned int role;
	unsigned int nth; /* rule of the role */
	uint64_t random;
};

static void range(struct rule_place *r, uint32_t *lowp, uint32_t *highp)
{
	*lowp = 1 + draw(&r->random, PARTITIONS - 9);
	*highp = *lowp + draw(&r->random, 8);
}

static void reset(struct rule_place *r)
{
	uint32_t low, high, status = 32 * r->nth;

	range(r, &low, &high);
	fprintf(r->out,
		"    - allow: XM_reset_partition\n"
		"      where: {partitionId: %u..%u, resetMode: XM_WARM_RESET, status: %u..%u}\n",
		low, high, status, status + 15 + draw(&r->random, 16));
	if (r->nth % 5 == 0)
		fprintf(r->out, "      limit: {rate: %u/min, burst: 2}\n",
			1 + draw(&r->random, 60));
	if (r->nth % 4 == 0)
		fputs("      audit: always\n", r->out);
}

static void reset_masked(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: XM_reset_partition\n"
		"      where: {partitionId: %u, status: {mask: 0x%x, is: 0x%x}}\n",
		1 + draw(&r->random, PARTITIONS - 1), 0xfff0000u, (r->nth + 1) << 16);
}

static void suspend(struct rule_place *r)
{
	uint32_t a = 1 + draw(&r->random, 20), b = 21 + draw(&r->random, 20);

	fprintf(r->out,
		"    - allow: [XM_suspend_partition, XM_resume_partition]\n"
		"      where: {partitionId: [%u, %u, partition%u]}\n",
		a, b, 41 + draw(&r->random, 20));
}

static void create_port(struct rule_place *r)
{
	unsigned int channel = draw(&r->random, CHANNELS);

	fprintf(r->out,
		"    - allow: XM_create_%s_port\n"
		"      where: {portName: [in%u, out%u], maxMsgSize: %u..%u}\n",
		channel % 3 ? "sampling" : "queuing", channel, channel, 64 * r->nth,
		64 * r->nth + 1 + draw(&r->random, 63));
}

static void use_port(struct rule_place *r)
{
	unsigned int group = 1 + draw(&r->random, 9);

	fprintf(r->out,
		"    - allow: [XM_read_sampling_message, XM_get_sampling_port_status]\n"
		"      where: {portName: \"in%u%u*\"}\n",
		group, r->nth % 10);
}

static void console(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: XM_write_console\n"
		"      where: {buffer: {length: %u..%u}}\n",
		40 * r->nth + 1, 40 * r->nth + 1 + draw(&r->random, 40));
}

static void opmode(struct rule_place *r)
{
	uint32_t low, high;

	range(r, &low, &high);
	fprintf(r->out,
		"    - allow: XM_set_partition_opmode\n"
		"      where: {partitionId: %u..%u, opMode: %s}\n",
		low, high, r->nth % 2 ? "XM_OPMODE_NORMAL" : "XM_OPMODE_IDLE");
}

static void seek(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: [XM_hm_seek, XM_trace_seek]\n"
		"      where: {offset: -%u..%u, whence: XM_OBJ_SEEK_CUR}\n",
		4 * r->nth + draw(&r->random, 4), 4 * r->nth + draw(&r->random, 4));
}

static void trace(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: XM_trace_event\n"
		"      where: {criticality: XM_TRACE_NOTIFY, code: {mask: 0xff, is: 0x%x}, "
		"bitmask: %u}\n",
		r->nth, 1 + draw(&r->random, 255));
}

static void copy(struct rule_place *r)
{
	uint32_t from = 0x4000000 + 0x10000 * r->nth, to = 0x8000000 + 0x10000 * r->nth;

	fprintf(r->out,
		"    - allow: XM_memory_copy\n"
		"      where: {dstId: self, dstAddr: 0x%x..0x%x, srcId: %u, srcAddr: 0x%x..0x%x, "
		"size: ..0x%x}\n",
		to, to + 0xffff, 1 + draw(&r->random, PARTITIONS - 1), from, from + 0xffff,
		0x100 << draw(&r->random, 8));
}

static void ipvi(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: XM_raise_partition_ipvi\n"
		"      where: {partitionId: {not: [self, %u, %u]}, noIpvi: %u}\n",
		1 + draw(&r->random, 30), 31 + draw(&r->random, 30), 24 + r->nth % 8);
}

static void status(struct rule_place *r)
{
	uint32_t low, high;

	range(r, &low, &high);
	fprintf(r->out,
		"    - allow: [XM_get_partition_status, XM_get_plan_status, XM_trace_status]\n"
		"      where: {partitionId: %u..%u}\n",
		low, high);
}

static void irqs(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: [XM_set_irqmask, XM_clear_irqmask]\n"
		"      where: {hwIrqsMask: {mask: 0x%x, is: 0}, extIrqsMask: %u}\n",
		(uint32_t) ~(1u << r->nth % 32), r->nth);
}

static void observe(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: XM_switch_sched_plan\n"
		"      where: {newPlan: plan%u}\n"
		"      observe_until: 2199-01-%02u\n",
		draw(&r->random, 3), 1 + r->nth % 28);
}

/* Roles that grants of a limited time give have no denials. */
static bool may_deny(unsigned int role)
{
	return role % 4 != 0;
}

static void deny(struct rule_place *r)
{
	uint32_t low, high;

	if (!may_deny(r->role)) {
		opmode(r);
		return;
	}
	range(r, &low, &high);
	fprintf(r->out,
		"    - deny: [XM_suspend_partition, XM_shutdown_partition]\n"
		"      where: {partitionId: %u}\n"
		"      because: integrator %u has not signed for it\n",
		low, r->role);
}

static void shutdown(struct rule_place *r)
{
	fprintf(r->out,
		"    - allow: XM_shutdown_partition\n"
		"      where: {partitionId: [%u, %u]}\n",
		1 + draw(&r->random, 30), 31 + draw(&r->random, 30));
}

static void one_rule(struct rule_place *r)
{
	static void (*const kinds[])(struct rule_place * r) = {
		reset,   status,   suspend, create_port, reset_masked, deny,    opmode,
		console, use_port, reset,   trace,       seek,         copy,    shutdown,
		ipvi,    status,   irqs,    create_port, observe,      suspend,
	};

	kinds[r->nth % (sizeof(kinds) / sizeof(kinds[0]))](r);
}

/* ---- the policy ---------------------------------------------------------------------------------- */

struct rules rules_of(unsigned int n)
{
	/* One rule is everybody's: to read the clock. */
	struct rules rules = { .rules = n - 1, .random = seeded(n) };

	rules.roles = n / PER_ROLE ? n / PER_ROLE : 1;
	rules.grants = n / 5 < 20 ? 20 : n / 5;
	return rules;
}

static unsigned int first_of(const struct rules *rules, unsigned int role)
{
	return (unsigned int)((uint64_t)rules->rules * role / rules->roles);
}

static void put_role(FILE *out, const struct rules *rules, unsigned int role)
{
	struct rule_place r = { .out = out, .role = role };
	unsigned int n = first_of(rules, role + 1) - first_of(rules, role);

	fprintf(out, "  role-%u:\n", role);
	if (role % 10 == 9)
		fprintf(out, "    - include: role-%u\n", role - 1);
	for (r.nth = 0; r.nth < n; r.nth++) {
		r.random = seeded(first_of(rules, role) + r.nth);
		one_rule(&r);
	}
}

/* Users, groups, and now and then who is in two groups, or only by day. */
static void put_grant(FILE *out, const struct rules *rules, unsigned int n)
{
	unsigned int role = n % rules->roles, id = RULES_FIRST_ID + n, other;
	uint64_t random = seeded(n);

	if (n % 10 == 3 && n > 10)
		fprintf(out, "  - {to: {all: [\"group:%u\", \"group:%u\"]}, ", id, id - 10);
	else
		fprintf(out, "  - {to: \"%s:%u\", ", n % 10 == 3 || n % 4 == 1 ? "group" : "user",
			id);
	other = draw(&random, rules->roles);
	if (n % 10 == 7 && other != role)
		fprintf(out, "roles: [role-%u, role-%u]", role, other);
	else
		fprintf(out, "roles: role-%u", role);
	if (n % 20 == 8 && !may_deny(role) && role % 10 != 9)
		fprintf(out, ", until: 2150-01-31, days: [mon-fri], hours: \"08:00-%02u:00\"",
			12 + role % 12);
	fputs("}\n", out);
}

static void put_nevers(FILE *out)
{
	fputs("never:\n"
	      "  - calls: [XM_halt_system, XM_reset_system]\n"
	      "    because: nobody but root's own tools stops the machine\n"
	      "  - calls: XM_reset_partition\n"
	      "    where: {partitionId: partition63}\n"
	      "  - calls: XM_reset_partition\n"
	      "    where: {resetMode: XM_COLD_RESET, status: 0..1}\n"
	      "  - calls: XM_memory_copy\n"
	      "    where: {size: 0x10000..}\n"
	      "  - calls: XM_write_console\n"
	      "    where: {buffer: {length: 1000000..}}\n"
	      "  - calls: [XM_idle_self, XM_switch_sched_plan]\n"
	      "  - calls: \"@partition\"\n"
	      "    where: {partitionId: partition63}\n",
	      out);
}

static void put_tests(FILE *out, const struct rules *rules)
{
	fputs("tests:\n", out);
	for (unsigned int i = 0; i < rules->rules; i += TEST_EVERY)
		fprintf(out,
			"  - {as: {user: %u, groups: [%u]}, call: "
			"\"XM_reset_partition(partition63, XM_COLD_RESET, %u)\", expect: deny}\n",
			RULES_FIRST_ID + i % rules->grants, RULES_FIRST_ID + 1, i);
}

static void put_last(FILE *out, const struct rules *rules)
{
	fputs("grants:\n  - {to: everyone, roles: clock}\n", out);
	for (unsigned int i = 0; i < rules->grants; i++)
		put_grant(out, rules, i);
	put_nevers(out);
	put_tests(out, rules);
}

static FILE *open_file(const char *folder, const char *name, unsigned int n)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s-%u.yaml", folder, name, n);
	out = fopen(path, "we");
	if (!out)
		bench_die("cannot write %s: %s", path, strerror(errno));
	fputs("version: 1\n", out);
	return out;
}

static void close_file(FILE *out)
{
	if (fclose(out) == EOF)
		bench_die("cannot write a policy: %s", strerror(errno));
}

unsigned int rules_write(const struct rules *rules, const char *folder, const char *name,
			 const char *system)
{
	unsigned int n_files = 0, in_file = 0;
	FILE *out = open_file(folder, name, n_files);

	fprintf(out, "system: %s\nroles:\n  clock: [{allow: \"@time\"}]\n", system);
	for (unsigned int role = 0; role < rules->roles; role++) {
		if (in_file >= FILE_RULES) {
			close_file(out);
			out = open_file(folder, name, ++n_files);
			fputs("roles:\n", out);
			in_file = 0;
		}
		put_role(out, rules, role);
		in_file += first_of(rules, role + 1) - first_of(rules, role);
	}
	put_last(out, rules);
	close_file(out);
	return n_files + 1;
}

/* ---- calls --------------------------------------------------------------------------------------- */

static struct xm_value number(uint64_t num)
{
	return (struct xm_value){ .num = num };
}

static void draw_names(struct rules *rules, struct xm_request *req)
{
	static char names[2][CHANNELS][8];
	unsigned int channel = draw(&rules->random, CHANNELS), out = draw(&rules->random, 2);
	char *name = names[out][channel];

	snprintf(name, sizeof(names[0][0]), "%s%u", out ? "out" : "in", channel);
	req->arg[0] = number(0);
	req->arg[1] =
		(struct xm_value){ .len = (uint32_t)strlen(name), .data = (const uint8_t *)name };
	req->arg[2] = number(draw(&rules->random, 64 * PER_ROLE));
}

static void draw_request(struct rules *rules, struct xm_request *req)
{
	/* Those of the first rules of a role come first. */
	static const unsigned int ops[] = {
		XM_OP_GET_TIME,
		XM_OP_RESET_PARTITION,
		XM_OP_SUSPEND_PARTITION,
		XM_OP_RESUME_PARTITION,
		XM_OP_SHUTDOWN_PARTITION,
		XM_OP_GET_PARTITION_STATUS,
		XM_OP_WRITE_CONSOLE,
		XM_OP_SET_PARTITION_OPMODE,
		XM_OP_CREATE_QUEUING_PORT,
		XM_OP_CREATE_SAMPLING_PORT,
		XM_OP_TRACE_EVENT,
		XM_OP_RAISE_PARTITION_IPVI,
		XM_OP_SWITCH_SCHED_PLAN,
		XM_OP_READ_SAMPLING_MESSAGE,
		XM_OP_SET_IRQMASK,
		XM_OP_HM_SEEK,
	};
	const unsigned int n_ops = sizeof(ops) / sizeof(ops[0]);

	memset(req, 0, sizeof(*req));
	req->op = ops[draw(&rules->random, rules->rules < 20 ? n_ops / 2 : n_ops)];
	if (req->op == XM_OP_CREATE_SAMPLING_PORT || req->op == XM_OP_CREATE_QUEUING_PORT) {
		draw_names(rules, req);
		return;
	}
	req->arg[0] = number(draw(&rules->random, PARTITIONS));
	req->arg[1] = number(req->op == XM_OP_RAISE_PARTITION_IPVI ? 24 + draw(&rules->random, 8)
								   : draw(&rules->random, 4));
	req->arg[2] = number(draw(&rules->random, 32 * PER_ROLE));
	req->arg[3] = number(draw(&rules->random, PER_ROLE));
}

static void add_gid(struct rules_asker *asker, uint32_t gid)
{
	uint32_t at = asker->n_gids;

	while (at && asker->gids[at - 1] > gid)
		at--;
	if (at && asker->gids[at - 1] == gid)
		return;
	memmove(&asker->gids[at + 1], &asker->gids[at], (asker->n_gids - at) * sizeof(gid));
	asker->gids[at] = gid;
	asker->n_gids++;
}

void rules_draw(struct rules *rules, struct rules_asker *asker)
{
	uint32_t grant = draw(&rules->random, rules->grants), n = draw(&rules->random, RULES_GIDS);

	*asker = (struct rules_asker){ .uid = RULES_FIRST_ID + grant };
	for (uint32_t i = 0; i < n; i++) {
		grant = draw(&rules->random, rules->grants) / 4 * 4 + 1;
		if (grant < rules->grants)
			add_gid(asker, RULES_FIRST_ID + grant);
	}
	draw_request(rules, &asker->req);
}
