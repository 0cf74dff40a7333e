// SPDX-License-Identifier: LGPL-2.1-or-later
/* Classification of raw calls: total, unambiguous, and as an independent description says. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

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
enum { READ, WRITE, SEEK, CTRL };

static int expected_port_3(int call, bool sampling, uint32_t cmd)
{
	static const int of_sampling[] = { XM_OP_CREATE_SAMPLING_PORT,
					   XM_OP_GET_SAMPLING_PORT_STATUS,
					   XM_OP_GET_SAMPLING_PORT_INFO };
	static const int of_queuing[] = { XM_OP_CREATE_QUEUING_PORT, XM_OP_GET_QUEUING_PORT_STATUS,
					  XM_OP_GET_QUEUING_PORT_INFO };

	if (call == READ)
		return sampling ? XM_OP_READ_SAMPLING_MESSAGE : XM_OP_RECEIVE_QUEUING_MESSAGE;
	if (call == WRITE)
		return sampling ? XM_OP_WRITE_SAMPLING_MESSAGE : XM_OP_SEND_QUEUING_MESSAGE;
	if (call == SEEK)
		return -3;
	return cmd >= 3 ? -4 : sampling ? of_sampling[cmd] : of_queuing[cmd];
}

static int expected_object_3(bool prtos, int call, uint32_t class, uint32_t cmd, bool hv)
{
	static const int trace[] = { XM_OP_TRACE_STATUS, XM_OP_TRACE_LOCK, XM_OP_TRACE_UNLOCK,
				     XM_OP_TRACE_RESET };
	static const int hm[] = { XM_OP_HM_STATUS, XM_OP_HM_LOCK_EVENTS, XM_OP_HM_UNLOCK_EVENTS,
				  XM_OP_HM_RESET_EVENTS };
	static const int status[] = { XM_OP_GET_PARTITION_STATUS, XM_OP_GET_PLAN_STATUS,
				      XM_OP_SET_PARTITION_OPMODE, XM_OP_GET_PHYSPAGE_STATUS,
				      XM_OP_GET_VCPU_STATUS };

	switch (class) {
	case 1:
		return call == WRITE ? XM_OP_WRITE_CONSOLE : -3;
	case 2:
		if (call != CTRL)
			return call == READ    ? XM_OP_TRACE_READ
			       : call == WRITE ? XM_OP_TRACE_EVENT
					       : XM_OP_TRACE_SEEK;
		return cmd < 4 ? trace[cmd] : -4;
	case 3:
	case 4:
		return expected_port_3(call, class == 3, cmd);
	case 5:
		return call != CTRL ? -3 : cmd == 1 ? XM_OP_MEMORY_COPY : -4;
	case 6:
		if (call != CTRL)
			return call == READ ? XM_OP_HM_READ : call == SEEK ? XM_OP_HM_SEEK : -3;
		return cmd < 4 ? hm[cmd] : -4;
	case 7:
		if (call != CTRL)
			return -3;
		if (cmd == 0 && hv)
			return XM_OP_GET_SYSTEM_STATUS;
		return cmd < 5 ? status[cmd] : -4;
	default: /* no object, or one that the broker does not know */
		return class < (prtos ? 8 : 9) ? -3 : -2;
	}
}

static int expected_port_2(int call, bool sampling, uint32_t cmd)
{
	if (call == CTRL && cmd > 1)
		return -4;
	return expected_port_3(call, sampling, cmd);
}

static int expected_status_2(bool is_26, uint32_t cmd, bool hv)
{
	switch (cmd) {
	case 0:
		return hv ? XM_OP_GET_SYSTEM_STATUS : XM_OP_GET_PARTITION_STATUS;
	case 1:
		return XM_OP_GET_PLAN_STATUS;
	case 2:
		if (is_26)
			return XM_OP_SET_PARTITION_OPMODE;
		return hv ? XM_OP_SWITCH_SCHED_PLAN : -4;
	default:
		return is_26 && cmd == 3 && hv ? XM_OP_SWITCH_SCHED_PLAN : -4;
	}
}

static int expected_object_2(bool is_26, int call, uint32_t class, uint32_t cmd, bool hv)
{
	static const int console[] = { XM_OP_READ_CONSOLE, XM_OP_WRITE_CONSOLE, XM_OP_SEEK_CONSOLE,
				       -3 };
	static const int trace[] = { XM_OP_TRACE_READ, XM_OP_TRACE_EVENT, XM_OP_TRACE_SEEK,
				     XM_OP_TRACE_STATUS };
	static const int mem[] = { XM_OP_MEMORY_COPY, XM_OP_MEMORY_COPY, -3,
				   XM_OP_GET_PARTITION_MMAP };
	static const int hm[] = { XM_OP_HM_READ, -3, XM_OP_HM_SEEK, XM_OP_HM_STATUS };
	static const int spare[] = { XM_OP_GATHER_SPARE_DATA, XM_OP_SET_SPARE_PLAN,
				     XM_OP_GET_SPARE_PLAN };

	switch (class) {
	case 1:
		return console[call];
	case 2:
		return call == CTRL && cmd ? -4 : trace[call];
	case 4:
	case 5:
		return expected_port_2(call, class == 4, cmd);
	case 6:
		return call == CTRL && cmd != 1 ? -4 : mem[call];
	case 7:
		return call == CTRL && cmd ? -4 : hm[call];
	case 8:
		return call == CTRL ? expected_status_2(is_26, cmd, hv) : -3;
	case 10:
		if (is_26)
			return -2;
		return call != CTRL ? -3 : cmd < 3 ? spare[cmd] : -4;
	default:
		return class < (is_26 ? 10 : 11) ? -3 : -2;
	}
}

#define OBJECT (-100) /* ..., by call */

/* By number: how many arguments in a batch, on 64 bit, and what it is. */
static const struct {
	int argc;
	int op;
} numbers_2[] = {
	{ -1, -1 },
	{ 1, XM_OP_HALT_PARTITION },
	{ 1, XM_OP_SUSPEND_PARTITION },
	{ 1, XM_OP_RESUME_PARTITION },
	{ 3, XM_OP_RESET_PARTITION },
	{ 1, XM_OP_SHUTDOWN_PARTITION },
	{ 0, XM_OP_HALT_SYSTEM },
	{ 1, XM_OP_RESET_SYSTEM },
	{ 0, XM_OP_IDLE_SELF },
	{ 2, XM_OP_WRITE_REGISTER32 },
	{ 2, XM_OP_GET_TIME },
	{ 3, XM_OP_SET_TIMER },
	{ 4, OBJECT + READ },
	{ 4, OBJECT + WRITE },
	{ 3, OBJECT + SEEK },
	{ 3, OBJECT + CTRL },
	{ 1, XM_OP_MASK_HWIRQ },
	{ 1, XM_OP_UNMASK_HWIRQ },
	{ 2, XM_OP_UPDATE_PAGE32 },
	{ 2, XM_OP_SET_PAGE_TYPE },
	{ 4, XM_OP_WRITE_REGISTER64 },
	{ 2, XM_OP_OVERRIDE_TRAP_HNDL },
	{ 2, XM_OP_RAISE_PARTITION_IPVI },
	{ 3, XM_OP_IA32_UPDATE_SYS_STRUCT },
	{ 2, XM_OP_IA32_SET_IDT_DESC },
	{ 3, XM_OP_SET_SPARE_GUEST }, /* 2.6 */
}, numbers_3[] = {
	{ -1, -1 },
	{ 1, XM_OP_HALT_PARTITION },
	{ 1, XM_OP_SUSPEND_PARTITION },
	{ 1, XM_OP_RESUME_PARTITION },
	{ 3, XM_OP_RESET_PARTITION },
	{ 1, XM_OP_SHUTDOWN_PARTITION },
	{ 0, XM_OP_HALT_SYSTEM },
	{ 1, XM_OP_RESET_SYSTEM },
	{ 0, XM_OP_IDLE_SELF },
	{ 2, XM_OP_GET_TIME },
	{ 3, XM_OP_SET_TIMER },
	{ 4, OBJECT + READ },
	{ 4, OBJECT + WRITE },
	{ 3, OBJECT + SEEK },
	{ 3, OBJECT + CTRL },
	{ 2, XM_OP_CLEAR_IRQMASK },
	{ 2, XM_OP_SET_IRQMASK },
	{ 2, XM_OP_SET_IRQPEND },
	{ 2, XM_OP_CLEAR_IRQPEND },
	{ 3, XM_OP_ROUTE_IRQ },
	{ 2, XM_OP_UPDATE_PAGE32 },
	{ 2, XM_OP_SET_PAGE_TYPE },
	{ 1, XM_OP_INVLD_TLB },
	{ 1, XM_OP_RAISE_IPVI },
	{ 2, XM_OP_RAISE_PARTITION_IPVI },
	{ 2, XM_OP_OVERRIDE_TRAP_HNDL },
	{ 2, XM_OP_SWITCH_SCHED_PLAN },
	{ 2, XM_OP_GET_GID_BY_NAME },
	{ 4, XM_OP_RESET_VCPU },
	{ 1, XM_OP_HALT_VCPU },
	{ 1, XM_OP_SUSPEND_VCPU },
	{ 1, XM_OP_RESUME_VCPU },
	{ 0, XM_OP_GET_VCPUID },
	{ 1, XM_OP_X86_LOAD_CR0 },
	{ 1, XM_OP_X86_LOAD_CR3 },
	{ 1, XM_OP_X86_LOAD_CR4 },
	{ 1, XM_OP_X86_LOAD_TSS },
	{ 1, XM_OP_X86_LOAD_GDT },
	{ 1, XM_OP_X86_LOAD_IDTR },
	{ 3, XM_OP_X86_UPDATE_SS_SP },
	{ 2, XM_OP_X86_UPDATE_GDT },
	{ 2, XM_OP_X86_UPDATE_IDT },
	{ 0, XM_OP_X86_SET_IF },
	{ 0, XM_OP_X86_CLEAR_IF },
};

static const struct raw_profile *const profiles[] = { &raw_profile_2_4, &raw_profile_2_6,
						      &raw_profile_3_x, &raw_profile_prtos };
#define N_PROFILES 4

static bool is_family_2(const struct raw_profile *p)
{
	return p->id == XM_PROFILE_ID_2_4 || p->id == XM_PROFILE_ID_2_6;
}

static uint32_t n_numbers(const struct raw_profile *p)
{
	return p->id == XM_PROFILE_ID_2_4 ? 25 : p->id == XM_PROFILE_ID_2_6 ? 26 : 44;
}

static int expected(const struct raw_profile *p, uint32_t nr, uint32_t desc, uint32_t cmd)
{
	bool old = is_family_2(p);
	uint32_t class = desc >> (old ? 20 : 24) & (old ? 0x7ff : 0x7f);
	bool hv = (desc >> 10 & 0x3ff) == HV;
	int op;

	if (nr == n_numbers(p))
		return XM_OP_PARTITION_SELF;
	if (nr == 45 && p->id == XM_PROFILE_ID_PRTOS)
		return XM_OP_RAISE_PARTITION_TRAP;
	if (nr > n_numbers(p))
		return -1;
	op = old ? numbers_2[nr].op : numbers_3[nr].op;
	if (op >= -1)
		return op;
	if (desc >> 31)
		return -2;
	return old ? expected_object_2(p->id == XM_PROFILE_ID_2_6, op - OBJECT, class, cmd, hv)
		   : expected_object_3(p->id == XM_PROFILE_ID_PRTOS, op - OBJECT, class, cmd, hv);
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

Test(raw_classify, whole_space_24)
{
	check_space(&raw_profile_2_4);
}

Test(raw_classify, whole_space_26)
{
	check_space(&raw_profile_2_6);
}

Test(raw_classify, whole_space_3x)
{
	check_space(&raw_profile_3_x);
}

Test(raw_classify, whole_space_prtos)
{
	check_space(&raw_profile_prtos);
}

Test(raw_classify, numbers_of_the_profiles)
{
	for (unsigned int i = 0; i < N_PROFILES; i++) {
		cr_assert_eq(profiles[i]->n_hypercalls, n_numbers(profiles[i]));
		for (uint32_t nr = 1; nr < profiles[i]->n_hypercalls; nr++) {
			size_t r = 0;

			while (r < profiles[i]->n_rows && profiles[i]->rows[r].number != nr)
				r++;
			cr_expect_lt(r, profiles[i]->n_rows, "profile %u: %u has no row", i, nr);
		}
	}
}

/* A multicall is no entry of one, nor is what is no hypercall of the table. */
Test(raw_classify, arguments_in_a_batch)
{
	for (unsigned int i = 0; i < N_PROFILES; i++) {
		const struct raw_profile *p = profiles[i];
		bool old = is_family_2(p);

		for (uint32_t nr = 0; nr < 300; nr++)
			for (int argc = 0; argc < 8; argc++) {
				bool is =
					nr < n_numbers(p) &&
					(argc == (old ? numbers_2[nr].argc : numbers_3[nr].argc) ||
					 (old && nr == 6 && argc == 1));

				cr_expect_eq(raw_argc(p, nr, (unsigned int)argc), is,
					     "profile %u: %u with %d", i, nr, argc);
			}
		cr_expect(!raw_argc(p, RAW_PARTITION_TABLE, 0));
		cr_expect(!raw_argc(p, UINT32_MAX, 0));
	}
}

/* What the library alone may ask for has numbers that no program's call gets through with. */
Test(raw_classify, internal_numbers)
{
	uint64_t words[RAW_WORDS] = { 0 };

	for (unsigned int i = 0; i < N_PROFILES; i++) {
		struct raw_call call = { .profile = profiles[i], .words = words };

		for (uint32_t nr = RAW_PARTITION_TABLE; nr <= RAW_CLEAR_IF; nr++) {
			cr_assert_gt(nr, profiles[i]->last_number);
			cr_assert_eq(raw_gather(&call, nr), 0);
			cr_expect_eq(call.request.op, XM_OP_UNCLASSIFIED);
			cr_expect_eq(call.request.arg[XM_A_UNCLASSIFIED_nr].num, nr);
			raw_release(&call);
		}
	}
}

Test(raw_classify, random_calls)
{
	unsigned int seed = 1;

	for (int i = 0; i < 200000; i++) {
		uint32_t r[3];

		for (int j = 0; j < 3; j++)
			r[j] = (uint32_t)rand_r(&seed) << 16 ^ (uint32_t)rand_r(&seed);
		for (unsigned int p = 0; p < N_PROFILES; p++) {
			check(profiles[p], r[0], r[1], r[2]);
			check(profiles[p], 11 + r[0] % 5, r[1], r[2] % 8);
		}
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

static bool reachable(const struct raw_profile *p, unsigned int op, bool internal)
{
	for (size_t i = 0; i < p->n_rows; i++)
		if (p->rows[i].op == op && (p->rows[i].number > p->last_number) == internal)
			return true;
	return false;
}

/* What has no number, or none in 2.x. */
static bool is_internal(const struct raw_profile *p, unsigned int op)
{
	switch (op) {
	case XM_OP_GET_PARTITION_TABLE:
	case XM_OP_GET_PARTITION_MMAP:
		return true;
	case XM_OP_SET_IRQMASK:
	case XM_OP_CLEAR_IRQMASK:
	case XM_OP_X86_SET_IF:
	case XM_OP_X86_CLEAR_IF:
		return is_family_2(p);
	default:
		return false;
	}
}

/* A new operation without rows, or with one too many, fails here. */
Test(raw_rows, every_operation_has_a_row_where_it_exists)
{
	for (unsigned int i = 0; i < N_PROFILES; i++)
		for (unsigned int op = 0; op < XM_N_OPS; op++) {
			const struct raw_profile *p = profiles[i];
			bool should = xm_ops[op].profiles & XM_IN(p->id);

			if (xm_ops[op].flags & (XM_OPF_UNCLASSIFIED | XM_OPF_BROKER))
				should = false;
			cr_expect_eq(reachable(p, op, true), is_internal(p, op), "%s in %u",
				     xm_ops[op].name, i);
			if (op == XM_OP_GET_PARTITION_TABLE)
				should = false;
			if (op == XM_OP_GET_PARTITION_MMAP)
				should = is_family_2(p);
			cr_expect_eq(reachable(p, op, false), should, "%s in %u", xm_ops[op].name,
				     i);
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
		return kind == RAW_RECORDS || kind == RAW_RECORDS_FIELD;
	case XM_T_STRUCT_IN:
		return kind == RAW_STRUCT_IN;
	case XM_T_RECORDS_IN:
		return kind == RAW_RECORDS_IN;
	default:
		if (kind == RAW_ABSENT)
			return arg->domain == XM_D_OPTIONAL;
		if (kind == RAW_POINTED || xm_arg_is_pointed(arg))
			return kind == RAW_POINTED && xm_arg_is_pointed(arg);
		return (kind >= RAW_WORD && kind <= RAW_FIELD) || kind >= RAW_COUNT;
	}
}

/* The structure that a row reads must fit where it is read into. */
static void check_source(const struct raw_row *row, unsigned int a)
{
	const struct raw_source *s = &row->source[a];
	const char *name = xm_ops[row->op].name;
	bool in_structure = s->kind == RAW_FIELD || s->kind == RAW_NAME_FIELD ||
			    s->kind == RAW_RECORDS_FIELD || s->kind == RAW_RECORDS_IN ||
			    s->kind == RAW_COUNT_FIELD || s->kind == RAW_COUNT_INOUT;

	cr_expect_lt(s->word, RAW_WORDS, "%s", name);
	cr_expect_lt(row->word, RAW_WORDS, "%s", name);
	if (in_structure)
		cr_expect(s->offset + s->size <= 64 && (s->size == 4 || s->size == 8), "%s", name);
	if (s->kind == RAW_STRUCT_IN || s->kind == RAW_RECORDS_IN)
		cr_expect_leq(s->layout->size, 64, "%s", name);
	if (s->kind == RAW_RECORDS)
		cr_expect_eq(row->source[a + 1].kind, RAW_COUNT, "%s", name);
	if (s->kind == RAW_RECORDS_FIELD)
		cr_expect(row->source[a + 1].kind == RAW_COUNT_FIELD ||
				  row->source[a + 1].kind == RAW_COUNT_INOUT,
			  "%s", name);
	if (s->kind == RAW_COUNT)
		cr_expect(s->layout && s->value >= 1 && s->value <= XM_MAX_RECORDS, "%s", name);
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
			check_source(row, a);
		}
	}
}

Test(raw_rows, every_argument_has_a_source)
{
	for (unsigned int i = 0; i < N_PROFILES; i++)
		check_sources(profiles[i]);
}

static void check_layout(const struct raw_layout *l, const char *name)
{
	uint8_t used[128] = { 0 };

	for (unsigned int i = 0; i < l->n_members && l->members; i++)
		cr_expect_lt(l->members[i].field, XM_MAX_FIELDS, "%s", name);
	for (unsigned int i = 0; i < l->n_members && l->members; i++) {
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
	for (unsigned int p = 0; p < N_PROFILES; p++)
		for (size_t i = 0; i < profiles[p]->n_rows; i++)
			for (unsigned int a = 0; a < XM_MAX_ARGS; a++)
				if (profiles[p]->rows[i].source[a].layout)
					check_layout(profiles[p]->rows[i].source[a].layout,
						     xm_ops[profiles[p]->rows[i].op].name);
}

/* No call fits two rows: but for one that selects the next, classification does not depend on order. */
Test(raw_rows, rows_are_disjoint)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		const struct raw_row *r = profiles[p]->rows;

		for (size_t i = 0; i < profiles[p]->n_rows; i++)
			for (size_t j = 0; j < i; j++)
				cr_expect(!(!(r[j].select && i == j + 1) &&
					    r[i].number == r[j].number &&
					    r[i].class == r[j].class &&
					    (r[i].command == r[j].command ||
					     r[i].command == RAW_ANY || r[j].command == RAW_ANY) &&
					    (r[i].hypervisor == r[j].hypervisor ||
					     r[i].hypervisor == RAW_ANY ||
					     r[j].hypervisor == RAW_ANY)),
					  "%s and %s", xm_ops[r[i].op].name, xm_ops[r[j].op].name);
	}
}

/* A row that selects the next is read like it, for the structure was read before. */
Test(raw_rows, selected_rows_read_alike)
{
	for (unsigned int p = 0; p < N_PROFILES; p++) {
		const struct raw_row *r = profiles[p]->rows;
		unsigned int n = 0;

		for (size_t i = 0; i + 1 < profiles[p]->n_rows; i++) {
			if (!r[i].select)
				continue;
			n++;
			cr_expect_eq(r[i].op, XM_OP_TRACE_EVENT);
			cr_expect_eq(r[i].selected, 3);
			cr_expect_eq(r[i + 1].op, XM_OP_TRACE_UNRECOVERABLE);
			cr_expect_eq(r[i].number, r[i + 1].number);
			cr_expect_eq(r[i].class, r[i + 1].class);
			cr_expect_eq(r[i].word, r[i + 1].word);
			cr_expect(!memcmp(r[i].source, r[i + 1].source, sizeof(r[i].source)));
		}
		cr_expect_eq(n, 1);
	}
}
