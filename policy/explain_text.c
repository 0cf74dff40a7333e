// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An explanation as text and as JSON.  Must never print what came from a policy or a request other
 * than through the safe functions of text.h.
 */

#include <string.h>

#include "policy/explain.h"
#include "policy/model.h"

static const char *const audit_names[] = { "never", "denied", "always" };

static void safe(struct text *t, const char *s)
{
	text_safe(t, s, strlen(s));
}

static void print_place(struct text *t, const struct explain_place *at)
{
	safe(t, at->file);
	text_printf(t, ":%u:%u", at->line, at->column);
}

static void put_limit(struct text *t, const struct policy_limit *limit)
{
	const char *unit = limit->period == 1      ? "s"
			   : limit->period == 60   ? "min"
			   : limit->period == 3600 ? "h"
						   : "d";

	text_printf(t, "at most %u/%s with a burst of %u", limit->count, unit, limit->burst);
}

static void print_rule(struct text *t, const struct explain_rule *rule)
{
	char date[WHEN_TEXT];

	print_place(t, &rule->at);
	text_printf(t, ": %s in role '", rule->effect == POLICY_ALLOW ? "allow" : "deny");
	safe(t, rule->role);
	text_puts(t, "'");
	if (rule->limited) {
		text_puts(t, ", ");
		put_limit(t, &rule->limit);
	}
	if (rule->observe_until != INT64_MIN)
		text_printf(t, ", observing until %s", when_text(rule->observe_until, date));
	if (*rule->because) {
		text_puts(t, ", because: ");
		safe(t, rule->because);
	}
	text_puts(t, "\n");
}

static void print_subject(struct text *t, const struct explain_context *ctx)
{
	text_puts(t, "  as ");
	safe(t, ctx->user);
	text_printf(t, " (uid %u", ctx->subject->uid);
	for (uint32_t i = 0; i < ctx->subject->n_gids; i++)
		text_printf(t, "%s %u",
			    i ? "," : "; groups that the policy names:", ctx->subject->gids[i]);
	text_printf(t, "), in partition %u", ctx->self);
	if (ctx->at) {
		text_puts(t, ", at ");
		safe(t, ctx->at);
	}
	text_puts(t, "\n");
}

static void print_failed(struct text *t, const struct explain_failed *failed)
{
	text_puts(t, "    ");
	if (failed->at.file) {
		print_place(t, &failed->at);
		text_puts(t, ": ");
	}
	safe(t, failed->attribute);
	text_puts(t, " must be ");
	safe(t, failed->wanted);
	text_printf(t, ", and it is %s\n", failed->had);
}

/* Behind what a grant is called. */
static void put_when(struct text *t, const struct policy_image *image,
		     const struct explain_grant *grant)
{
	char room[512];
	struct text when = TEXT_INIT(room);

	explain_when(&when, image, grant->grant);
	if (when.len)
		text_printf(t, "%s%s", grant->yours ? ", but not now: " : ", ", room);
}

static void print_grants(struct text *t, const struct explain_context *ctx,
			 const struct explanation *e)
{
	if (!e->n_grants) {
		text_puts(t, "    its role is granted to nobody\n");
		return;
	}
	for (uint32_t i = 0; i < e->n_grants && i < EXPLAIN_GRANTS; i++) {
		text_puts(t, "    ");
		print_place(t, &e->grants[i].at);
		text_puts(t, ": it is granted to ");
		safe(t, e->grants[i].principal);
		put_when(t, ctx->image, &e->grants[i]);
		text_puts(t, "\n");
	}
	if (e->n_grants > EXPLAIN_GRANTS)
		text_printf(t, "    and %u more\n", e->n_grants - EXPLAIN_GRANTS);
}

static void print_nearest(struct text *t, const struct explain_context *ctx,
			  const struct explanation *e)
{
	if (!e->has_nearest) {
		text_puts(t, "  no rule of the policy allows this operation\n");
		return;
	}
	text_puts(t, "  nearest rule: ");
	print_rule(t, &e->nearest);
	for (uint32_t i = 0; i < e->n_failed; i++)
		print_failed(t, &e->failed[i]);
	if (!e->granted)
		print_grants(t, ctx, e);
	if (*e->instead)
		text_printf(t, "  allowed would be: %s\n", e->instead);
}

static void print_reason(struct text *t, const struct explanation *e)
{
	if (!strcmp(e->why, "root"))
		text_puts(t, "  root always may\n");
	else if (!strcmp(e->why, "public"))
		text_puts(t, "  every session is told, whatever the policy says\n");
	else if (!strcmp(e->why, "unclassified"))
		text_puts(t, "  always refused, whatever the policy says\n");
	else if (!strcmp(e->why, "overflow id"))
		text_puts(t, "  the kernel's overflow id matches no rule\n");
	else if (!strcmp(e->why, "no rule"))
		text_puts(t, "  no rule matches\n");
}

void explain_print(struct text *t, const struct explain_context *ctx, const struct explanation *e)
{
	text_puts(t, e->decision.effect == POLICY_ALLOW ? "allowed: " : "denied: ");
	text_call(t, ctx->req);
	text_puts(t, "\n");
	print_subject(t, ctx);
	print_reason(t, e);
	for (uint32_t i = 0; i < e->n_rules && i < EXPLAIN_RULES; i++) {
		text_puts(t, i ? "  also by: " : "  decided by: ");
		print_rule(t, &e->rules[i]);
	}
	if (e->n_rules > EXPLAIN_RULES)
		text_printf(t, "  and by %u more\n", e->n_rules - EXPLAIN_RULES);
	if (!strcmp(e->why, "no rule"))
		print_nearest(t, ctx, e);
	if (e->is_observed) {
		text_printf(t, "  would be %s, but for observe_until, by: ",
			    e->observed.effect == POLICY_ALLOW ? "allowed" : "denied");
		print_rule(t, &e->observed);
	}
	text_printf(t, "  audit: %s\n", e->decision.audited ? "recorded" : "not recorded");
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json(struct text *t, const char *s)
{
	text_json(t, s, strlen(s));
}

static void json_key(struct text *t, const char *key)
{
	text_printf(t, ",\"%s\":", key);
}

static void json_place(struct text *t, const struct explain_place *at)
{
	if (!at->file) {
		text_puts(t, "null");
		return;
	}
	text_puts(t, "{\"file\":");
	json(t, at->file);
	text_printf(t, ",\"line\":%u,\"column\":%u}", at->line, at->column);
}

static void json_rule(struct text *t, const struct explain_rule *rule)
{
	char date[WHEN_TEXT];

	text_puts(t, "{\"at\":");
	json_place(t, &rule->at);
	text_printf(t, ",\"effect\":\"%s\"", rule->effect == POLICY_ALLOW ? "allow" : "deny");
	json_key(t, "role");
	json(t, rule->role);
	json_key(t, "because");
	if (*rule->because)
		json(t, rule->because);
	else
		text_puts(t, "null");
	text_printf(t, ",\"audit\":\"%s\"", audit_names[rule->audit]);
	if (rule->limited)
		text_printf(t, ",\"limit\":{\"count\":%u,\"seconds\":%u,\"burst\":%u}",
			    rule->limit.count, rule->limit.period, rule->limit.burst);
	if (rule->observe_until != INT64_MIN)
		text_printf(t, ",\"observe_until\":\"%s\"", when_text(rule->observe_until, date));
	text_puts(t, "}");
}

static void json_failed(struct text *t, const struct explain_failed *failed)
{
	text_puts(t, "{\"attribute\":");
	json(t, failed->attribute);
	json_key(t, "wanted");
	json(t, failed->wanted);
	json_key(t, "had");
	json(t, failed->had);
	json_key(t, "at");
	json_place(t, &failed->at);
	text_puts(t, "}");
}

static void json_when(struct text *t, const struct policy_image *image,
		      const struct explain_grant *grant)
{
	char room[512];
	struct text when = TEXT_INIT(room);

	explain_when(&when, image, grant->grant);
	if (!when.len)
		return;
	json_key(t, "when");
	json(t, room);
}

static void json_nearest(struct text *t, const struct explain_context *ctx,
			 const struct explanation *e)
{
	text_puts(t, "{\"rule\":");
	json_rule(t, &e->nearest);
	text_puts(t, ",\"failed\":[");
	for (uint32_t i = 0; i < e->n_failed; i++) {
		text_puts(t, i ? "," : "");
		json_failed(t, &e->failed[i]);
	}
	text_printf(t, "],\"granted\":%s,\"grants\":[", e->granted ? "true" : "false");
	for (uint32_t i = 0; i < e->n_grants && i < EXPLAIN_GRANTS; i++) {
		text_puts(t, i ? ",{\"to\":" : "{\"to\":");
		json(t, e->grants[i].principal);
		json_key(t, "at");
		json_place(t, &e->grants[i].at);
		json_when(t, ctx->image, &e->grants[i]);
		text_puts(t, "}");
	}
	text_puts(t, "],\"instead\":");
	if (*e->instead)
		json(t, e->instead);
	else
		text_puts(t, "null");
	text_puts(t, "}");
}

static void json_request(struct text *t, const struct explain_context *ctx)
{
	json_key(t, "op");
	json(t, xm_ops[ctx->req->op].name);
	json_key(t, "args");
	text_args_json(t, ctx->req);
	json_key(t, "user");
	json(t, ctx->user);
	text_printf(t, ",\"uid\":%u,\"groups\":[", ctx->subject->uid);
	for (uint32_t i = 0; i < ctx->subject->n_gids; i++)
		text_printf(t, "%s%u", i ? "," : "", ctx->subject->gids[i]);
	text_printf(t, "],\"partition\":%u", ctx->self);
	if (ctx->at) {
		json_key(t, "at");
		json(t, ctx->at);
	}
}

void explain_json(struct text *t, const struct explain_context *ctx, const struct explanation *e)
{
	text_printf(t, "{\"decision\":\"%s\",\"why\":\"%s\",\"audited\":%s",
		    e->decision.effect == POLICY_ALLOW ? "allow" : "deny", e->why,
		    e->decision.audited ? "true" : "false");
	json_request(t, ctx);
	text_puts(t, ",\"rules\":[");
	for (uint32_t i = 0; i < e->n_rules && i < EXPLAIN_RULES; i++) {
		text_puts(t, i ? "," : "");
		json_rule(t, &e->rules[i]);
	}
	text_puts(t, "]");
	if (e->is_observed) {
		json_key(t, "observed");
		json_rule(t, &e->observed);
		text_printf(t, ",\"would\":\"%s\"",
			    e->observed.effect == POLICY_ALLOW ? "allow" : "deny");
	}
	json_key(t, "nearest");
	if (e->has_nearest)
		json_nearest(t, ctx, e);
	else
		text_puts(t, "null");
	text_puts(t, "}");
}
