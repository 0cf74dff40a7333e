// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Proofs while a policy is compiled, and what they find as messages at their places: invariants that do
 * not hold are errors, rules that do nothing are warnings.  Must never take "undecided" for "holds".
 */

#include <inttypes.h>
#include <string.h>

#include "policy/model.h"
#include "policy/prove.h"
#include "policy/shell_word.h"

struct reporter {
	struct compilation *c;
	const struct policy_image *image;
};

static const char *place_of(struct compilation *c, const struct node *node)
{
	return arena_printf(&c->arena, "%s:%u:%u", node->source->name, node->line, node->column);
}

static const struct rule *rule_of(const struct compilation *c, uint32_t rule)
{
	return *BUFFER_AT(&c->rules, const struct rule *, rule);
}

static const struct grant *grant_of(const struct reporter *r, uint32_t grant)
{
	const struct image_grant *g = image_table(r->image, IMAGE_GRANTS);

	/* Grants that fell away are not in the image: found by their places. */
	for (size_t i = 0; i < BUFFER_N(&r->c->grants, struct grant *); i++) {
		const struct grant *own = *BUFFER_AT(&r->c->grants, const struct grant *, i);
		const char *file = (const char *)image_table(r->image, IMAGE_TEXT) + g[grant].file;

		if (own->node->line == g[grant].line && own->node->column == g[grant].column &&
		    !strcmp(own->node->source->name, file))
			return own;
	}
	return NULL;
}

static struct prove_options options_of(const struct compilation *c)
{
	return (struct prove_options){ .now = c->now,
				       .self = c->options->partition,
				       .budget = c->options->budget };
}

static unsigned long long budget_of(const struct compilation *c)
{
	return c->options->budget ? c->options->budget : PROVE_BUDGET;
}

/* ---- invariants -------------------------------------------------------------------------------- */

static bool is_drop_in(const char *name)
{
	return strstr(name, "/policy.d/") || !strncmp(name, "policy.d/", 9);
}

static void put_option(struct text *t, const char *option, const char *value)
{
	text_puts(t, option);
	shell_word(t, value);
}

/* A command that shows it; files of policy.d come with the policy beside them. */
static const char *command(struct compilation *c, const struct prove_witness *witness)
{
	char room[8192];
	struct text t = TEXT_INIT(room);

	text_puts(&t, "see: xmpolicy explain");
	for (size_t i = 0; i < BUFFER_N(&c->sources, const struct source *); i++) {
		const char *name = (*BUFFER_AT(&c->sources, const struct source *, i))->name;

		if (!is_drop_in(name))
			put_option(&t, " --policy ", name);
	}
	if (c->options->system && !c->system_node)
		put_option(&t, " --system ", c->options->system);
	text_char(&t, ' ');
	prove_witness_command(&t, witness);
	/* A part of a command line is none. */
	return t.truncated ? "its command line is too long to be shown"
			   : arena_strndup(&c->arena, room, strlen(room));
}

static const char *too_large(struct compilation *c)
{
	return arena_printf(&c->arena,
			    "what all users and groups are granted, operation by operation, is "
			    "more than %" PRIu64 " rules and their regions",
			    PROVE_SIZE);
}

#define TOO_LARGE_HINT "grant roles to few groups instead of to many users"

static const struct node *never_node(const struct compilation *c, uint32_t never)
{
	return (*BUFFER_AT(&c->nevers, const struct invariant *, never))->rule.node;
}

static void broken(void *data, const struct prove_counterexample *example)
{
	struct reporter *r = data;
	struct compilation *c = r->c;
	const struct rule *rule = rule_of(c, example->rule);
	const struct grant *grant = grant_of(r, example->grant);
	char room[1024];
	struct text t = TEXT_INIT(room);

	prove_witness_call(&t, example->witness);
	node_error(c->diag, never_node(c, example->never), command(c, example->witness),
		   "this is allowed to somebody: %s, by the rule of role '%s' at %s, granted at "
		   "%s%s%s",
		   room, rule->role->name->text, place_of(c, rule->node),
		   grant ? place_of(c, grant->node) : "?", *example->words ? "; all of it: " : "",
		   example->words);
}

void policy_prove_nevers(struct compilation *c, const struct policy_image *image)
{
	struct reporter r = { .c = c, .image = image };
	struct prove_options options = options_of(c);
	uint32_t undecided = UINT32_MAX;

	prove_never(image, &options, broken, &r, &undecided);
	if (undecided != UINT32_MAX && prove_is_too_large(image, false))
		node_error(c->diag, never_node(c, undecided), TOO_LARGE_HINT,
			   "whether this holds could not be decided: %s", too_large(c));
	else if (undecided != UINT32_MAX)
		node_error(c->diag, never_node(c, undecided),
			   "make the rules about these operations simpler",
			   "it could not be decided in %llu steps whether this holds",
			   budget_of(c));
}

/* ---- dead rules -------------------------------------------------------------------------------- */

static const char *other_places(struct compilation *c, const struct prove_dead_rule *dead)
{
	const char *text = "";

	for (uint32_t i = 0; i < dead->n_by && i < PROVE_RULES; i++)
		text = arena_printf(&c->arena, "%s%s%s", text, i ? ", " : ": ",
				    place_of(c, rule_of(c, dead->by[i])->node));
	if (dead->n_by > PROVE_RULES)
		text = arena_printf(&c->arena, "%s and %u more", text, dead->n_by - PROVE_RULES);
	return text;
}

static void found_dead(void *data, const struct prove_dead_rule *dead)
{
	struct reporter *r = data;
	const struct rule *rule = rule_of(r->c, dead->rule);

	if (dead->reason == PROVE_DEAD_UNGRANTED)
		node_warning(r->c->diag, rule->role->name, NULL,
			     "the role '%s' is granted to nobody", rule->role->name->text);
	else
		node_warning(r->c->diag, rule->node, NULL, "this rule %s%s",
			     prove_dead_text(dead->reason), other_places(r->c, dead));
}

void policy_find_dead(struct compilation *c, const struct policy_image *image)
{
	struct diag_place nowhere = { .file = NULL };
	struct reporter r = { .c = c, .image = image };
	struct prove_options options = options_of(c);

	if (prove_dead(image, &options, found_dead, &r) != PROVE_UNDECIDED)
		return;
	if (prove_is_too_large(image, true))
		diag_add(c->diag, DIAG_ERROR, nowhere, NULL, 0, TOO_LARGE_HINT,
			 "whether all rules do anything could not be decided: %s", too_large(r.c));
	else
		diag_add(c->diag, DIAG_ERROR, nowhere, NULL, 0,
			 "give it more steps, or make the rules simpler",
			 "it could not be decided in %llu steps of all rules whether they do "
			 "anything",
			 budget_of(c));
}
