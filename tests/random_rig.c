// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compiling random policies, asking the compiled evaluator and the naive interpreter, and making what they
 * differ about small.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxm/system/load.h"
#include "policy/compile.h"
#include "tests/random_rig.h"

#define MAX_SYSTEMS 32
#define MAX_ROUNDS 8

static char folder[64];
static struct {
	char path[96];
	struct system *sys;
} systems[MAX_SYSTEMS];
static unsigned int n_systems;

uint64_t rig_number(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- system descriptions ------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

static void load(const char *path, const char *text)
{
	struct diag diag;

	diag_init(&diag);
	if (system_load_text(path, text, strlen(text), &diag, &systems[n_systems].sys)) {
		diag_print(&diag, stderr);
		abort();
	}
	diag_free(&diag);
	snprintf(systems[n_systems++].path, sizeof(systems[0].path), "%s", path);
}

void rig_systems_make(unsigned int n)
{
	char path[96];

	strcpy(folder, "/tmp/random-policy-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/policy.d", folder);
	if (mkdir(path, 0700))
		abort();
	load("loopback:", system_loopback_xml);
	while (n_systems < n) {
		char *text = random_system();

		snprintf(path, sizeof(path), "%s/s%u.xml", folder, n_systems);
		write_file(path, text);
		load(path, text);
		free(text);
	}
}

void rig_systems_free(void)
{
	char path[96];

	for (unsigned int i = 0; i < n_systems; i++) {
		unlink(systems[i].path);
		free(systems[i].sys);
	}
	n_systems = 0;
	snprintf(path, sizeof(path), "%s/policy.d/more.yaml", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/policy.yaml", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/policy.d", folder);
	rmdir(path);
	rmdir(folder);
}

void rig_pick_system(struct random_shape *shape)
{
	unsigned int i = dice(n_systems);

	shape->system = systems[i].path;
	shape->sys = systems[i].sys;
}

/* ---- compiling -------------------------------------------------------------------------------------- */

static int compile(struct rig *rig, struct diag *diag)
{
	static const struct policy_options options = {
		.partition = POLICY_NO_PARTITION,
		.now = RANDOM_NOW,
		.skip_never = true,
	};
	char main_path[96], more_path[128];
	const char *const paths[] = { main_path };

	if (!rig->p.shape.two_files)
		return policy_compile_text("policy.yaml", rig->p.text[0], strlen(rig->p.text[0]),
					   &options, diag, &rig->block, &rig->len);
	snprintf(main_path, sizeof(main_path), "%s/policy.yaml", folder);
	snprintf(more_path, sizeof(more_path), "%s/policy.d/more.yaml", folder);
	write_file(main_path, rig->p.text[0]);
	write_file(more_path, rig->p.text[1]);
	return policy_compile(paths, 1, &options, diag, &rig->block, &rig->len);
}

bool rig_is_refused(const struct rig *rig)
{
	static const struct policy_options options = {
		.partition = POLICY_NO_PARTITION,
		.now = RANDOM_NOW,
	};
	struct diag diag;
	void *block = NULL;
	size_t len;
	int ret;

	diag_init(&diag);
	ret = policy_compile_text("policy.yaml", rig->p.text[0], strlen(rig->p.text[0]), &options,
				  &diag, &block, &len);
	diag_free(&diag);
	free(block);
	return ret;
}

static void find_limits(struct rig *rig)
{
	struct policy_limit limit;

	for (uint32_t r = 0; r < RIG_RULES; r++)
		rig->limit[r] = POLICY_NO_LIMIT;
	for (uint32_t n = 0; policy_image_limit(rig->image, n, &limit); n++)
		rig->limit[limit.rule] = n;
	rig->shared = false;
	for (uint32_t r = 0; r < naive_n_rules(rig->naive); r++)
		rig->shared |=
			naive_says(rig->naive, r, "limit") && rig->limit[r] == POLICY_NO_LIMIT;
}

static void forget(struct rig *rig)
{
	naive_free(rig->naive);
	free(rig->block);
	rig->naive = NULL;
	rig->block = NULL;
}

/* Kills what the messages are about; false: there is nothing that could be. */
static bool kill_bad(struct rig *rig, const struct diag *diag)
{
	bool any = false;

	for (size_t i = diag->n; i-- > 0;) {
		const struct diag_message *m = &diag->messages[i];

		if (m->level == DIAG_ERROR && m->line)
			any |= random_kill(&rig->p, m->file && strstr(m->file, "more.yaml"),
					   m->line);
	}
	return any;
}

static int try_compile(struct rig *rig, struct diag *diag)
{
	struct naive_file files[RANDOM_FILES];
	int ret;

	forget(rig);
	random_render(&rig->p);
	ret = compile(rig, diag);
	if (ret)
		return ret;
	for (unsigned int f = 0; f < RANDOM_FILES; f++)
		files[f] = (struct naive_file){ rig->p.text[f], strlen(rig->p.text[f]) };
	rig->image = policy_image_verify(rig->block, rig->len);
	if (!rig->image)
		abort();
	rig->naive = naive_new(files, rig->p.shape.two_files ? 2 : 1, rig->p.shape.sys);
	find_limits(rig);
	return 0;
}

bool rig_compile(struct rig *rig, char **messagesp)
{
	struct diag diag;
	size_t len;
	FILE *f;
	int ret;

	diag_init(&diag);
	ret = try_compile(rig, &diag);
	if (messagesp) {
		f = open_memstream(messagesp, &len);
		diag_print(&diag, f);
		fclose(f);
	}
	diag_free(&diag);
	return !ret;
}

bool rig_make(struct rig *rig, const struct random_shape *shape)
{
	memset(rig, 0, sizeof(*rig));
	random_policy_make(&rig->p, shape);
	for (unsigned int round = 0; round < MAX_ROUNDS; round++) {
		struct diag diag;
		bool good, again;

		diag_init(&diag);
		good = !try_compile(rig, &diag);
		again = !good && kill_bad(rig, &diag);
		if (rig_number("XM_SHOW", 0) && !good)
			diag_print(&diag, stderr);
		diag_free(&diag);
		if (good)
			return true;
		if (!again)
			break;
	}
	rig_free(rig);
	return false;
}

void rig_free(struct rig *rig)
{
	forget(rig);
	random_policy_free(&rig->p);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

void rig_random_case(const struct rig *rig, struct rig_case *c)
{
	uint32_t n;

	memset(c, 0, sizeof(*c));
	system_partitions(rig->p.shape.sys, &n);
	c->self = dice(n);
	c->uid = dice(RANDOM_IDS + 1);
	c->overflow = !dice(100);
	for (uint32_t id = 0; id < RANDOM_IDS; id++)
		if (dice(3))
			c->gids[c->n_gids++] = id;
	c->moment.now = random_now(&rig->p);
	c->moment.determined = dice(10);
	c->empty = dice(3) && !rig->shared ? random_bits() | 1 : 0;
	random_request(&rig->p, c->self, &c->req);
}

/* The buckets are empty or not by their keys, whatever the numbers of their rules. */
static uint32_t empty_buckets(const struct rig *rig, const struct rig_case *c,
			      uint32_t list[RIG_RULES], bool by_rule[RIG_RULES])
{
	struct policy_limit limit;
	uint32_t n_empty = 0;

	memset(by_rule, 0, RIG_RULES * sizeof(*by_rule));
	for (uint32_t n = 0; c->empty && policy_image_limit(rig->image, n, &limit); n++) {
		if ((limit.key * c->empty >> 40) % 3 == 0)
			continue;
		list[n_empty++] = n;
		by_rule[limit.rule] = true;
	}
	return n_empty;
}

static const char *difference(const struct rig *rig, const struct naive_answer *a,
			      const struct policy_decision *b)
{
	struct policy_limit limit;

	if (a->allowed != (b->effect == POLICY_ALLOW))
		return "the decision";
	if (a->rule != b->rule)
		return "the rule";
	if (a->audited != b->audited)
		return "whether it is audited";
	if (a->limited != b->limited)
		return "whether it is for want of tokens";
	if (a->observed != b->observed)
		return "what is observed";
	if ((a->charged == NAIVE_NONE) != (b->limit == POLICY_NO_LIMIT))
		return "whether a limit is charged";
	if (a->charged == NAIVE_NONE || rig->shared)
		return NULL;
	if (!policy_image_limit(rig->image, b->limit, &limit) || limit.rule != a->charged)
		return "the limit";
	return NULL;
}

void rig_ask(struct rig *rig, const struct rig_case *c, struct rig_answers *answers)
{
	const struct naive_asker asker = { c->uid, c->overflow, c->gids, c->n_gids };
	uint32_t gids[RANDOM_IDS], list[RIG_RULES];
	bool by_rule[RIG_RULES];
	struct policy_buckets buckets = { list, empty_buckets(rig, c, list, by_rule) };
	struct policy_subject subject = { c->uid, c->overflow, gids, 0 };
	struct policy_time time = { c->moment.now, c->moment.determined };

	memcpy(gids, c->gids, sizeof(gids));
	subject.n_gids = (uint32_t)policy_image_filter_groups(rig->image, gids, c->n_gids);
	answers->naive = naive_decide(rig->naive, &asker, &c->req, c->self, c->moment, by_rule);
	answers->compiled = policy_decide(rig->image, &subject, &c->req, c->self, time,
					  c->empty ? &buckets : NULL);
	answers->differ = difference(rig, &answers->naive, &answers->compiled);
}

/* ---- reporting ------------------------------------------------------------------------------------------ */

void rig_print_case(const struct rig_case *c)
{
	const struct xm_op *op = &xm_ops[c->req.op];

	fprintf(stderr, "%s(", op->name);
	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_value *v = &c->req.arg[i];

		fprintf(stderr, "%s%s ", i ? ", " : "", op->args[i].name);
		if (v->state)
			fprintf(stderr, "state %u", v->state);
		else if (op->args[i].type == XM_T_NAME)
			fprintf(stderr, "\"%.*s\"", (int)v->len, (const char *)v->data);
		else if (xm_type_is_scalar(op->args[i].type))
			fprintf(stderr, "%" PRIu64, v->num);
		else
			fprintf(stderr, "usable");
	}
	fprintf(stderr, "), self %u, uid %u%s, groups", c->self, c->uid,
		c->overflow ? " overflow" : "");
	for (unsigned int i = 0; i < c->n_gids; i++)
		fprintf(stderr, " %u", c->gids[i]);
	fprintf(stderr, ", time %" PRId64 "%s\n", c->moment.now,
		c->moment.determined ? "" : " (not known)");
}

static bool differs(struct rig *rig, const struct rig_case *c, struct rig_answers *answers)
{
	if (!rig_compile(rig, NULL))
		return false;
	rig_ask(rig, c, answers);
	return answers->differ;
}

static void shrink(struct rig *rig, const struct rig_case *c)
{
	struct rig_answers answers;

	for (unsigned int i = rig->p.n; i-- > 0;) {
		struct random_chunk *chunk = &rig->p.chunk[i];

		if (chunk->fixed || chunk->dead)
			continue;
		chunk->dead = true;
		if (!differs(rig, c, &answers))
			chunk->dead = false;
	}
}

void rig_report(struct rig *rig, const struct rig_case *c)
{
	struct rig_answers a;

	shrink(rig, c);
	if (!differs(rig, c, &a))
		abort();
	fprintf(stderr, "%s%s\n", rig->p.text[0], rig->p.text[1]);
	rig_print_case(c);
	fprintf(stderr,
		"they differ in %s:\n"
		"naive     %s rule %d audited %d limited %d observed %d charged rule %d\n"
		"compiled  %s rule %d audited %d limited %d observed %d limit %d\n",
		a.differ, a.naive.allowed ? "allow" : "deny", (int)a.naive.rule, a.naive.audited,
		a.naive.limited, (int)a.naive.observed, (int)a.naive.charged,
		a.compiled.effect == POLICY_ALLOW ? "allow" : "deny", (int)a.compiled.rule,
		a.compiled.audited, a.compiled.limited, (int)a.compiled.observed,
		(int)a.compiled.limit);
}
