// SPDX-License-Identifier: LGPL-2.1-or-later
/* Classification of raw calls: total, unambiguous, and as an independent description says. */

#include <criterion/criterion.h>
#include <stdlib.h>

#include "libxm/raw.h"

#define HV 255U

static uint32_t descriptor(const struct raw_profile *p, uint32_t class, uint32_t partition,
			   uint32_t id)
{
	return class << p->class_shift | partition << 10 | id;
}

/*
 * What a call is, written down once more from the hypervisors' interface and not from the table: the
 * operation, or -1 - reason.
 */
static int expected_object_3x(uint32_t nr, uint32_t class, uint32_t cmd, bool hv)
{
	enum { READ = 11, WRITE, SEEK, CTRL };
	static const int sampling[] = { XM_OP_CREATE_SAMPLING_PORT, XM_OP_GET_SAMPLING_PORT_STATUS,
					XM_OP_GET_SAMPLING_PORT_INFO };
	static const int queuing[] = { XM_OP_CREATE_QUEUING_PORT, XM_OP_GET_QUEUING_PORT_STATUS,
				       XM_OP_GET_QUEUING_PORT_INFO };
	static const int hm[] = { XM_OP_HM_STATUS, XM_OP_HM_LOCK_EVENTS, XM_OP_HM_UNLOCK_EVENTS,
				  XM_OP_HM_RESET_EVENTS };
	static const int status[] = { XM_OP_GET_PARTITION_STATUS, XM_OP_GET_PLAN_STATUS,
				      XM_OP_SET_PARTITION_OPMODE, XM_OP_GET_PHYSPAGE_STATUS,
				      XM_OP_GET_VCPU_STATUS };

	switch (class) {
	case 1:
		return nr == WRITE ? XM_OP_WRITE_CONSOLE : -3;
	case 3:
		if (nr == READ)
			return XM_OP_READ_SAMPLING_MESSAGE;
		if (nr == WRITE)
			return XM_OP_WRITE_SAMPLING_MESSAGE;
		return nr == SEEK ? -3 : cmd < 3 ? sampling[cmd] : -4;
	case 4:
		if (nr == READ)
			return XM_OP_RECEIVE_QUEUING_MESSAGE;
		if (nr == WRITE)
			return XM_OP_SEND_QUEUING_MESSAGE;
		return nr == SEEK ? -3 : cmd < 3 ? queuing[cmd] : -4;
	case 6:
		if (nr == READ)
			return XM_OP_HM_READ;
		if (nr == SEEK)
			return XM_OP_HM_SEEK;
		return nr == WRITE ? -3 : cmd < 4 ? hm[cmd] : -4;
	case 7:
		if (nr != CTRL)
			return -3;
		if (cmd == 0 && hv)
			return XM_OP_GET_SYSTEM_STATUS;
		return cmd < 5 ? status[cmd] : -4;
	default: /* no object, or one that the broker does not know */
		return class < 9 ? -3 : -2;
	}
}

static int expected_object_24(uint32_t nr, uint32_t class, uint32_t cmd, bool hv)
{
	enum { READ = 12, WRITE, SEEK, CTRL };

	switch (class) {
	case 1:
		return nr == READ    ? XM_OP_READ_CONSOLE
		       : nr == WRITE ? XM_OP_WRITE_CONSOLE
		       : nr == SEEK  ? XM_OP_SEEK_CONSOLE
				     : -3;
	case 4:
	case 5:
		if (nr == READ)
			return class == 4 ? XM_OP_READ_SAMPLING_MESSAGE
					  : XM_OP_RECEIVE_QUEUING_MESSAGE;
		if (nr == WRITE)
			return class == 4 ? XM_OP_WRITE_SAMPLING_MESSAGE
					  : XM_OP_SEND_QUEUING_MESSAGE;
		if (nr == SEEK)
			return -3;
		if (cmd == 0)
			return class == 4 ? XM_OP_CREATE_SAMPLING_PORT : XM_OP_CREATE_QUEUING_PORT;
		if (cmd == 1)
			return class == 4 ? XM_OP_GET_SAMPLING_PORT_STATUS
					  : XM_OP_GET_QUEUING_PORT_STATUS;
		return -4;
	case 7:
		if (nr == READ)
			return XM_OP_HM_READ;
		if (nr == SEEK)
			return XM_OP_HM_SEEK;
		return nr == WRITE ? -3 : cmd == 0 ? XM_OP_HM_STATUS : -4;
	case 8:
		if (nr != CTRL)
			return -3;
		if (cmd == 0)
			return hv ? XM_OP_GET_SYSTEM_STATUS : XM_OP_GET_PARTITION_STATUS;
		if (cmd == 1)
			return XM_OP_GET_PLAN_STATUS;
		return cmd == 2 && hv ? XM_OP_SWITCH_SCHED_PLAN : -4;
	default:
		return class < 11 ? -3 : -2;
	}
}

static int expected(const struct raw_profile *p, uint32_t nr, uint32_t desc, uint32_t cmd)
{
	static const int first[] = { -1,
				     XM_OP_HALT_PARTITION,
				     XM_OP_SUSPEND_PARTITION,
				     XM_OP_RESUME_PARTITION,
				     XM_OP_RESET_PARTITION,
				     XM_OP_SHUTDOWN_PARTITION,
				     XM_OP_HALT_SYSTEM,
				     XM_OP_RESET_SYSTEM,
				     XM_OP_IDLE_SELF };
	bool old = p == &raw_profile_2_4;
	uint32_t class = desc >> (old ? 20 : 24) & (old ? 0x7ff : 0x7f);
	uint32_t get_time = old ? 10 : 9;
	bool hv = (desc >> 10 & 0x3ff) == HV;

	if (nr <= 8)
		return first[nr];
	if (nr == get_time)
		return XM_OP_GET_TIME;
	if (nr == get_time + 1)
		return XM_OP_SET_TIMER;
	if (nr == (old ? 25 : 44))
		return XM_OP_PARTITION_SELF;
	if (!old && nr == 26)
		return XM_OP_SWITCH_SCHED_PLAN;
	if (!old && nr == 27)
		return XM_OP_GET_GID_BY_NAME;
	if (nr < get_time + 2 || nr > get_time + 5)
		return -1;
	if (desc >> 31)
		return -2;
	return old ? expected_object_24(nr, class, cmd, hv)
		   : expected_object_3x(nr, class, cmd, hv);
}

static int classified(const struct raw_profile *p, uint32_t nr, uint32_t desc, uint32_t cmd)
{
	uint64_t words[RAW_WORDS] = { desc, cmd, 0, 0, 0 };
	enum raw_reason reason = RAW_UNKNOWN_NUMBER;
	const struct raw_row *row = raw_classify(p, nr, words, &reason);

	return row ? row->op : -1 - (int)reason;
}

static void check(const struct raw_profile *p, uint32_t nr, uint32_t desc, uint32_t cmd)
{
	int is = classified(p, nr, desc, cmd), should = expected(p, nr, desc, cmd);

	if (is != should) /* an assertion each is too slow */
		cr_assert(false, "%u %#x %u: %d, not %d", nr, desc, cmd, is, should);
}

static void check_space(const struct raw_profile *p)
{
	static const uint32_t partitions[] = { 0, 1, 254, HV, 256, 1023 };
	uint32_t n_classes = 1U << p->class_bits;

	for (uint32_t nr = 0; nr <= 300; nr++) {
		bool object = nr >= 11 && nr <= 15;
		uint32_t n_cmds = object ? 300 : 2;

		for (uint32_t class = 0; class < n_classes; class += object || class < 16 ? 1 : 97)
			for (unsigned int i = 0; i < 6; i++)
				for (uint32_t cmd = 0; cmd <= n_cmds; cmd += class < 16 ? 1 : 37)
					check(p, nr,
					      descriptor(p, class, partitions[i], cmd & 1023), cmd);
	}
}

Test(raw_classify, whole_space_3x)
{
	check_space(&raw_profile_3_x);
}

Test(raw_classify, whole_space_24)
{
	check_space(&raw_profile_2_4);
}

Test(raw_classify, random_calls)
{
	unsigned int seed = 1;

	for (int i = 0; i < 300000; i++) {
		uint32_t r[3];

		for (int j = 0; j < 3; j++)
			r[j] = (uint32_t)rand_r(&seed) << 16 ^ (uint32_t)rand_r(&seed);
		check(&raw_profile_3_x, r[0], r[1], r[2]);
		check(&raw_profile_2_4, r[0], r[1], r[2]);
		check(&raw_profile_3_x, 11 + r[0] % 4, r[1], r[2] % 8);
		check(&raw_profile_2_4, 12 + r[0] % 4, r[1], r[2] % 8);
	}
}

/* The upper half of a 64-bit word is no part of a 32-bit descriptor or command. */
Test(raw_classify, upper_halves_do_not_count)
{
	uint64_t words[RAW_WORDS] = { 0xdeadbeef00000000ULL | 7U << 24 | HV << 10,
				      0xffffffff00000000ULL, 0, 0, 0 };
	enum raw_reason reason;

	cr_assert_eq(raw_classify(&raw_profile_3_x, 14, words, &reason)->op,
		     XM_OP_GET_SYSTEM_STATUS);
}

static bool reachable(const struct raw_profile *p, unsigned int op)
{
	for (size_t i = 0; i < p->n_rows; i++)
		if (p->rows[i].op == op)
			return true;
	return false;
}

/* A new operation without a row fails here. */
Test(raw_rows, every_operation_has_a_row)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		bool only_24 = op == XM_OP_READ_CONSOLE || op == XM_OP_SEEK_CONSOLE;

		if (xm_ops[op].flags & (XM_OPF_UNCLASSIFIED | XM_OPF_BROKER)) {
			cr_expect(!reachable(&raw_profile_3_x, op), "%s", xm_ops[op].name);
			cr_expect(!reachable(&raw_profile_2_4, op), "%s", xm_ops[op].name);
			continue;
		}
		cr_expect(reachable(&raw_profile_3_x, op) == !only_24, "%s", xm_ops[op].name);
		if (only_24)
			cr_expect(reachable(&raw_profile_2_4, op), "%s", xm_ops[op].name);
	}
}

/* Which sources can give an argument of a type. */
static bool kind_fits(enum raw_kind kind, const struct xm_arg *arg)
{
	switch (arg->type) {
	case XM_T_NAME:
		return kind == RAW_NAME || kind == RAW_NAME_FIELD;
	case XM_T_DATA_IN:
	case XM_T_DATA_OUT:
		return kind == RAW_DATA;
	case XM_T_U32_OUT:
	case XM_T_S64_OUT:
		return kind == RAW_OUT || kind == RAW_OUT_FIELD;
	case XM_T_STRUCT_OUT:
		return kind == RAW_STRUCT;
	case XM_T_RECORDS_OUT:
		return kind == RAW_RECORDS;
	default:
		if (kind == RAW_ABSENT)
			return arg->domain == XM_D_OPTIONAL;
		return (kind >= RAW_WORD && kind <= RAW_FIELD) || kind == RAW_COUNT;
	}
}

static void check_sources(const struct raw_profile *p)
{
	for (size_t i = 0; i < p->n_rows; i++) {
		const struct raw_row *row = &p->rows[i];
		const struct xm_op *op = &xm_ops[row->op];

		for (unsigned int a = 0; a < XM_MAX_ARGS; a++) {
			const struct raw_source *s = &row->source[a];

			if (a >= op->n_args) {
				cr_expect(s->kind == RAW_MISSING, "%s: too many", op->name);
				continue;
			}
			cr_expect(kind_fits(s->kind, &op->args[a]), "%s.%s", op->name,
				  op->args[a].name);
			cr_expect(s->word < RAW_WORDS);
			if (s->kind == RAW_FIELD || s->kind == RAW_NAME_FIELD)
				cr_expect(s->offset + s->size <= 64 &&
					  (s->size == 4 || s->size == 8));
			if (s->kind == RAW_RECORDS)
				cr_expect(row->source[a + 1].kind == RAW_COUNT);
		}
	}
}

Test(raw_rows, every_argument_has_a_source)
{
	check_sources(&raw_profile_3_x);
	check_sources(&raw_profile_2_4);
}

static void check_layout(const struct raw_layout *l, const char *name)
{
	uint8_t used[128] = { 0 };

	for (unsigned int i = 0; i < l->n_members; i++) {
		const struct raw_member *m = &l->members[i];

		cr_expect(m->offset + m->size <= l->size, "%s", name);
		cr_expect(m->shift + m->bits <= 8 * m->size, "%s", name);
		cr_expect(m->bits == 8 * m->size || m->size == 4, "%s", name);
		if (m->bits < 8 * m->size)
			continue;
		for (unsigned int b = 0; b < m->size; b++)
			cr_expect(!used[m->offset + b]++, "%s: members overlap", name);
	}
}

Test(raw_rows, layouts_lie_within_their_structures)
{
	const struct raw_profile *const profiles[] = { &raw_profile_2_4, &raw_profile_3_x };

	for (unsigned int p = 0; p < 2; p++)
		for (size_t i = 0; i < profiles[p]->n_rows; i++)
			for (unsigned int a = 0; a < XM_MAX_ARGS; a++)
				if (profiles[p]->rows[i].source[a].layout)
					check_layout(profiles[p]->rows[i].source[a].layout,
						     xm_ops[profiles[p]->rows[i].op].name);
}

/* No call fits two rows: classification does not depend on their order. */
Test(raw_rows, rows_are_disjoint)
{
	const struct raw_profile *const profiles[] = { &raw_profile_2_4, &raw_profile_3_x };

	for (unsigned int p = 0; p < 2; p++) {
		const struct raw_row *r = profiles[p]->rows;

		for (size_t i = 0; i < profiles[p]->n_rows; i++)
			for (size_t j = 0; j < i; j++)
				cr_expect(!(r[i].number == r[j].number &&
					    r[i].class == r[j].class &&
					    (r[i].command == r[j].command ||
					     r[i].command == RAW_ANY || r[j].command == RAW_ANY) &&
					    (r[i].hypervisor == r[j].hypervisor ||
					     r[i].hypervisor == RAW_ANY ||
					     r[j].hypervisor == RAW_ANY)),
					  "%s and %s", xm_ops[r[i].op].name, xm_ops[r[j].op].name);
	}
}
