// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes what the module has to know of each hypercall (kmod/xmctl_table.h), from the table of the
 * whole project.  Runs where the project is built, once as a 64-bit program and twice as a 32-bit
 * one, for the structures of each; "@n" is a number that may differ between them, and tablemerge.awk
 * puts the three together.  Must never say of a call that the device may make it on a guess.
 */

#include <stdio.h>

#include "tablegen.h"

/* ---- what the device does with it ------------------------------------------------------------ */

/* What the driver of libxm-linux passed on. */
static bool is_original(const struct raw_row *row)
{
	if (row->class != RAW_PLAIN)
		return true;
	switch (row->op) {
	case XM_OP_GET_TIME:
	case XM_OP_SET_TIMER:
	case XM_OP_HALT_PARTITION:
	case XM_OP_SUSPEND_PARTITION:
	case XM_OP_RESUME_PARTITION:
	case XM_OP_RESET_PARTITION:
	case XM_OP_SHUTDOWN_PARTITION:
	case XM_OP_IDLE_SELF:
	case XM_OP_HALT_SYSTEM:
	case XM_OP_RESET_SYSTEM:
		return true;
	default:
		return false;
	}
}

static bool takes_address(const struct raw_row *row)
{
	for (unsigned int i = 0; i < op_of(row)->n_args; i++)
		if (op_of(row)->args[i].domain == XM_D_CLIENT_ADDRESS)
			return true;
	return false;
}

static const char *leave(const struct raw_row *row)
{
	if (takes_address(row))
		return "NEVER";
	if (is_original(row))
		return "ORIGINAL";
	return op_of(row)->class == XM_CLASS_MACHINE ? "MACHINE" : "VERSIONED";
}

/* ---- printing -------------------------------------------------------------------------------- */

static void print_flag(const char *name, bool value)
{
	if (value)
		printf("\t\t.%s = true,\n", name);
}

static void print_part(const char *id, const struct part *part, unsigned int i)
{
	printf("\t{\n");
	printf("\t\t.parent = %d,\n\t\t.word = %u,\n\t\t.depth = %u,\n", part->parent, part->word,
	       part->depth);
	printf("\t\t.kind = XMCTL_%s,\n", part->kind);
	print_flag("in", part->in);
	print_flag("out", part->out);
	print_flag("optional", part->optional);
	print_flag("by_result", part->by_result);
	printf("\t\t.length_word = %d,\n\t\t.count_in = %d,\n", part->length_word, part->count_in);
	if (part->count_in >= 0)
		printf("\t\t.count_size = %u,\n\t\t.count_at = @%u,\n", part->count_size,
		       part->count_at);
	if (part->parent >= 0)
		printf("\t\t.at = @%u,\n", part->at);
	if (part->size)
		printf("\t\t.size = @%u,\n", part->size);
	if (part->n_places)
		printf("\t\t.n_places = %u,\n\t\t.places = places_%s_%u,\n", part->n_places, id, i);
	printf("\t},\n");
}

static void print_parts(const char *id, const struct rule *rule)
{
	for (unsigned int i = 0; i < rule->n_parts; i++) {
		const struct part *part = &rule->parts[i];

		if (!part->n_places)
			continue;
		printf("static const struct xmctl_place places_%s_%u[] = {\n", id, i);
		for (unsigned int p = 0; p < part->n_places; p++)
			printf("\t{ .offset = @%u, .size = @%u },\n", part->places[p].offset,
			       part->places[p].size);
		printf("};\n\n");
	}
	if (!rule->n_parts)
		return;
	printf("static const struct xmctl_part parts_%s[] = {\n", id);
	for (unsigned int i = 0; i < rule->n_parts; i++)
		print_part(id, &rule->parts[i], i);
	printf("};\n\n");
}

static void print_select(const struct raw_row *row)
{
	const struct raw_source *source = &row->source[row->select];

	if (!row->select)
		return;
	printf("\t\t.select_bits = %u,\n\t\t.select_shift = %u,\n\t\t.select_at = @%u,\n",
	       source->bits, source->shift, source->offset);
	printf("\t\t.selected = %u,\n", row->selected);
}

static void print_rule(const char *id, const struct rule *rule)
{
	static const char *const results[] = { "VALUE", "VALUE", "BYTES", "BYTES" };
	const struct raw_row *row = rule->row;

	printf("\t{ /* %s */\n\t\t.number = %u,\n\t\t.class = %d,\n", op_of(row)->name, row->number,
	       row->class);
	printf("\t\t.command = %lld,\n\t\t.hypervisor = %d,\n", (long long)row->command,
	       row->hypervisor);
	printf("\t\t.operation = %u,\n\t\t.leave = XMCTL_LEAVE_%s,\n", op_of(row)->wire,
	       leave(row));
	print_flag("times", row->op == XM_OP_SET_TIMER);
	printf("\t\t.result = XMCTL_RESULT_%s,\n", results[row->result]);
	printf("\t\t.words = {");
	for (unsigned int w = 0; w < RAW_WORDS; w++)
		printf(" W_%s%s", rule->words[w], w + 1 < RAW_WORDS ? "," : " },\n");
	printf("\t\t.sized = %d,\n", rule->sized);
	print_select(row);
	if (rule->n_parts)
		printf("\t\t.n_parts = %u,\n\t\t.parts = parts_%s,\n", rule->n_parts, id);
	printf("\t},\n");
}

/* What stands for a call in the library alone, or is answered without the hypervisor. */
static bool is_hypercall(const struct raw_row *row)
{
	return row->number < RAW_PARTITION_TABLE && row->op != XM_OP_PARTITION_SELF;
}

static void print_profile(const struct raw_profile *p, const char *name)
{
	struct rule rule;
	char id[32];

	for (size_t i = 0; i < p->n_rows; i++) {
		if (!is_hypercall(&p->rows[i]))
			continue;
		snprintf(id, sizeof(id), "%s_%zu", name, i);
		describe(&rule, &p->rows[i]);
		print_parts(id, &rule);
	}
	printf("static const struct xmctl_rule rules_%s[] = {\n", name);
	for (size_t i = 0; i < p->n_rows; i++) {
		if (!is_hypercall(&p->rows[i]))
			continue;
		snprintf(id, sizeof(id), "%s_%zu", name, i);
		describe(&rule, &p->rows[i]);
		print_rule(id, &rule);
	}
	printf("};\n\n");
}

static void print_head(const struct raw_profile *p, const char *name, const char *text)
{
	printf("\t{\n\t\t.name = \"%s\",\n\t\t.profile = %u,\n\t\t.n_hypercalls = %u,\n", text,
	       (unsigned int)p->id, p->n_hypercalls);
	printf("\t\t.n_classes = %u,\n\t\t.class_shift = %u,\n\t\t.class_bits = %u,\n",
	       p->n_classes, p->class_shift, p->class_bits);
	printf("\t\t.rules = rules_%s,\n\t\t.n_rules = ARRAY_SIZE(rules_%s),\n\t},\n", name, name);
}

int main(void)
{
	static const struct {
		const struct raw_profile *profile;
		const char *name;
	} profiles[] = {
		{ &raw_profile_2_4, "24" },
		{ &raw_profile_2_6, "26" },
		{ &raw_profile_3_x, "3x" },
		{ &raw_profile_prtos, "prtos" },
	};
	const size_t n = sizeof(profiles) / sizeof(profiles[0]);

	printf("/* SPDX-License-Identifier: GPL-2.0-only */\n");
	printf("/*\n * Written by tablegen.c; not to be edited.  An array of three is of "
	       "XMCTL_LAYOUT_LP64,\n * XMCTL_LAYOUT_I386, XMCTL_LAYOUT_ILP32.  Included by table.c "
	       "alone.\n */\n\n/* clang-format off */\n\n");
	for (size_t i = 0; i < n; i++)
		print_profile(profiles[i].profile, profiles[i].name);
	printf("static const struct xmctl_profile profiles[] = {\n");
	for (size_t i = 0; i < n; i++)
		print_head(profiles[i].profile, profiles[i].name,
			   xm_profile_name(profiles[i].profile->id));
	printf("};\n");
	return 0;
}
