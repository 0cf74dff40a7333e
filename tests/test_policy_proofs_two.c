// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Proofs against brute force, see test_policy_proofs.c: how two policies differ, and who can do something.
 */

#include "tests/proof_rig.h"

static struct rig other;
static struct small_world changed;

/* ---- differences ----------------------------------------------------------------------------------------- */

/* Which kinds of change there are, of each operation. */
struct changes {
	bool is[PROVE_CHANGE_RATE + 1][XM_N_OPS];
	bool any_more, any_less;
};

/* What of two decisions alike differs beside; -1: nothing. */
static int lesser_change(const struct naive_answer *old, const struct naive_answer *new)
{
	if (old->audited != new->audited)
		return new->audited ? PROVE_CHANGE_RECORDED : PROVE_CHANGE_UNRECORDED;
	if ((old->charged == NAIVE_NONE) != (new->charged == NAIVE_NONE))
		return new->charged != NAIVE_NONE ? PROVE_CHANGE_LIMITED : PROVE_CHANGE_UNLIMITED;
	return -1;
}

static bool shows(enum prove_change_kind kind, const struct naive_answer *old,
		  const struct naive_answer *new)
{
	switch (kind) {
	case PROVE_CHANGE_ALLOWED:
		return !old->allowed && new->allowed;
	case PROVE_CHANGE_DENIED:
		return old->allowed && !new->allowed;
	case PROVE_CHANGE_RECORDED:
		return old->allowed == new->allowed && !old->audited &&new->audited;
	case PROVE_CHANGE_UNRECORDED:
		return old->allowed == new->allowed && old->audited && !new->audited;
	case PROVE_CHANGE_LIMITED:
		return old->allowed && new->allowed &&
		       old->charged == NAIVE_NONE &&new->charged != NAIVE_NONE;
	case PROVE_CHANGE_UNLIMITED:
		return old->allowed && new->allowed &&
		       old->charged != NAIVE_NONE &&new->charged == NAIVE_NONE;
	case PROVE_CHANGE_RATE:
		return old->allowed && new->allowed &&
		       old->charged != NAIVE_NONE &&new->charged != NAIVE_NONE;
	}
	return false;
}

static void change(void *data, const struct prove_change *found)
{
	struct changes *c = data;
	struct naive_answer old = proof_ask(&rig, found->witness);
	struct naive_answer new = proof_ask(&other, found->witness);

	c->is[found->kind][found->op] = true;
	c->any_more |= found->kind == PROVE_CHANGE_ALLOWED;
	c->any_less |= found->kind == PROVE_CHANGE_DENIED;
	if (shows(found->kind, &old, &new))
		return;
	fprintf(stderr, "%s", other.p.text[0]);
	FAIL(&rig, "the witness does not show that %s %s", xm_ops[found->op].name,
	     prove_change_text(found->kind));
}

/* Other digits, fewer parts, or another order. */
static bool alter(struct rig *r)
{
	struct random_chunk *chunk = &r->p.chunk[dice(r->p.n)], swap;
	unsigned int what = dice(4);
	char *digit;

	if (what == 0 && !chunk->fixed)
		chunk->dead = true;
	digit = strpbrk(chunk->text, "0123456789");
	if (what == 1 && !chunk->fixed && digit)
		*digit = (char)('0' + dice(8));
	if (what == 2 && chunk > r->p.chunk && !chunk->fixed && !chunk[-1].fixed) {
		swap = *chunk;
		*chunk = chunk[-1];
		chunk[-1] = swap;
	}
	return rig_compile(r, NULL);
}

static void compare_all(struct changes *brute)
{
	for (unsigned int r = 0; r < world.n_requests; r++)
		for (unsigned int a = 0; a < world.n_askers; a++)
			for (unsigned int m = 0; m < world.n_moments; m++) {
				bool old = small_allows(&world.request[r],
							&world.place[world.place_of[a][m]]);
				bool new = small_allows(&changed.request[r],
							&changed.place[changed.place_of[a][m]]);

				unsigned int op = world.request[r].req.op;

				brute->is[PROVE_CHANGE_ALLOWED][op] |= new && !old;
				brute->is[PROVE_CHANGE_DENIED][op] |= old && !new;
			}
}

static void expect_relation(enum prove_relation relation, const struct changes *c)
{
	enum prove_relation expected = c->any_more
					       ? (c->any_less ? PROVE_INCOMPARABLE : PROVE_WIDER)
				       : c->any_less ? PROVE_NARROWER
						     : PROVE_EQUAL;

	seen.undecided += relation == PROVE_UNKNOWN;
	if (relation != PROVE_UNKNOWN && relation != expected)
		FAIL(&rig, "the relation is %d, and should be %d", relation, expected);
}

static struct naive_answer conclude(struct rig *r, const struct small_world *w,
				    unsigned int request, unsigned int asker, unsigned int moment)
{
	uint64_t set = w->request[request].matches & w->place[w->place_of[asker][moment]].has;
	bool rules[SMALL_RULES];

	for (unsigned int i = 0; i < SMALL_RULES; i++)
		rules[i] = set >> i & 1;
	return naive_conclude(r->naive, rules, world.moment[moment], NULL);
}

static void missed(unsigned int request, unsigned int asker, unsigned int moment, int kind)
{
	struct rig_case c = world.asker[asker];

	c.req = world.request[request].req;
	c.self = world.request[request].self;
	c.moment = world.moment[moment];
	rig_print_case(&c);
	fprintf(stderr, "%s", other.p.text[0]);
	FAIL(&rig, "it is not found that this %s", prove_change_text((enum prove_change_kind)kind));
}

/* What is not about being allowed: many questions, since all would take too long. */
static void compare_some(const struct changes *proved)
{
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int r = dice(world.n_requests), a = dice(world.n_askers);
		unsigned int m = dice(world.n_moments);
		struct naive_answer old = conclude(&rig, &world, r, a, m);
		struct naive_answer new = conclude(&other, &changed, r, a, m);
		int kind = lesser_change(&old, &new);

		if (old.allowed != new.allowed || old.observed != NAIVE_NONE ||
		    new.observed != NAIVE_NONE || kind < 0)
			continue;
		if (!proved->is[kind][world.request[r].req.op])
			missed(r, a, m, kind);
	}
}

/* The conclusions are those of the interpreter proper. */
static void check_other(void)
{
	for (unsigned int i = 0; i < 20; i++)
		if (!small_world_check(&changed, dice(world.n_requests), dice(world.n_askers),
				       dice(world.n_moments)))
			FAIL(&other, "the brute force is wrong");
}

static void check_diff(uint32_t self)
{
	const struct prove_options options = { .now = RANDOM_NOW, .self = self };
	static struct changes brute, proved;
	uint64_t again = proof_seed * UINT64_C(0x2545f4914f6cdd1d), after = random_seed;
	enum prove_relation relation;

	memset(&brute, 0, sizeof(brute));
	memset(&proved, 0, sizeof(proved));
	/* The same policy again, and then altered. */
	random_seed = again;
	other = rig;
	memset(&rig, 0, sizeof(rig));
	if (!proof_policy(false))
		abort();
	random_seed = after;
	if (!alter(&other) || (dice(2) && !alter(&rig))) {
		rig_free(&other);
		rig_compile(&rig, NULL);
		return;
	}
	small_world_make(&world, &rig, self);
	small_world_copy(&changed, &other, &world);
	check_other();
	relation = prove_diff(rig.image, other.image, &options, change, &proved);
	compare_all(&brute);
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if ((brute.is[PROVE_CHANGE_ALLOWED][op] && !proved.is[PROVE_CHANGE_ALLOWED][op]) ||
		    (brute.is[PROVE_CHANGE_DENIED][op] && !proved.is[PROVE_CHANGE_DENIED][op])) {
			fprintf(stderr, "%s", other.p.text[0]);
			FAIL(&rig, "%s differs, and that is not found (self %d)", xm_ops[op].name,
			     (int)self);
		}
	expect_relation(relation, &proved);
	compare_some(&proved);
	seen.answers++;
	rig_free(&other);
}

Test(policy_proofs_two, differences)
{
	proof_each(false, check_diff);
}

/* ---- who can ----------------------------------------------------------------------------------------- */

struct holders {
	const struct prove_pattern *pattern;
	bool can[SMALL_ASKERS];
	unsigned int n;
};

static bool same_value(const struct xm_arg *arg, const struct xm_value *a, const struct xm_value *b)
{
	if (a->state != b->state || a->state != XM_ST_OK)
		return a->state == b->state;
	if (arg->type == XM_T_NAME)
		return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
	return !xm_type_is_scalar(arg->type) || a->num == b->num;
}

static bool fits(const struct prove_pattern *pattern, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	if (req->op != pattern->op)
		return false;
	for (unsigned int i = 0; i < op->n_args; i++)
		if (pattern->fixed[i] && !same_value(&op->args[i], &pattern->arg[i], &req->arg[i]))
			return false;
	return true;
}

static bool is_holder(const struct prove_holder *holder, const struct rig_case *asker)
{
	if (holder->uid != UINT32_MAX && holder->uid != asker->uid)
		return false;
	for (uint32_t i = 0; i < holder->n_gids; i++) {
		bool has = false;

		for (unsigned int g = 0; g < asker->n_gids; g++)
			has |= asker->gids[g] == holder->gids[i];
		if (!has)
			return false;
	}
	return true;
}

static void cannot(unsigned int asker, unsigned int request, unsigned int moment, const char *who)
{
	struct rig_case c = world.asker[asker];

	c.req = world.request[request].req;
	c.self = world.request[request].self;
	c.moment = world.moment[moment];
	rig_print_case(&c);
	FAIL(&rig, "%s cannot do this (proof for partition %d)", who, (int)proof_self);
}

static void expect_always(const struct prove_holder *holder, const struct prove_pattern *pattern,
			  unsigned int asker)
{
	for (unsigned int r = 0; r < world.n_requests; r++)
		for (unsigned int m = 0; m < world.n_moments; m++)
			/* Holders are told for each partition that the broker may run in. */
			if (world.request[r].self == holder->witness->self &&
			    fits(pattern, &world.request[r].req) &&
			    !small_allows(&world.request[r],
					  &world.place[world.place_of[asker][m]]))
				cannot(asker, r, m, holder->principal);
}

static void holder(void *data, const struct prove_holder *found)
{
	struct holders *h = data;

	h->n++;
	proof_expect(&rig, found->witness, true);
	if (!found->limited && proof_ask(&rig, found->witness).charged != NAIVE_NONE)
		FAIL(&rig, "%s can only at a limited rate", found->principal);
	if (!fits(h->pattern, &found->witness->req)) {
		struct rig_case c = proof_case(&rig, found->witness);

		rig_print_case(&c);
		for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
			if (h->pattern->fixed[i])
				fprintf(stderr,
					"argument %u: state %u, number %" PRIu64 ", '%.*s'\n", i,
					h->pattern->arg[i].state, h->pattern->arg[i].num,
					(int)h->pattern->arg[i].len,
					(const char *)h->pattern->arg[i].data);
		FAIL(&rig, "the witness is another request");
	}
	for (unsigned int a = 0; a < world.n_askers; a++) {
		if (!is_holder(found, &world.asker[a]))
			continue;
		h->can[a] = true;
		if (found->always)
			expect_always(found, h->pattern, a);
	}
}

static void ask_who(uint32_t self, const struct prove_pattern *pattern)
{
	const struct prove_options options = { .now = RANDOM_NOW, .self = self };
	struct holders h = { .pattern = pattern };
	enum prove_result result = prove_who(rig.image, pattern, &options, holder, &h);

	seen.answers++;
	seen.undecided += result == PROVE_UNDECIDED;
	if (result != (h.n ? PROVE_BROKEN : PROVE_HOLDS))
		FAIL(&rig, "the result does not fit");
	for (unsigned int r = 0; r < world.n_requests; r++) {
		if (!fits(pattern, &world.request[r].req))
			continue;
		for (unsigned int a = 0; a < world.n_askers; a++)
			for (unsigned int m = 0; m < world.n_moments; m++)
				if (!h.can[a] && small_allows(&world.request[r],
							      &world.place[world.place_of[a][m]]))
					FAIL(&rig,
					     "uid %u, asker %u, can %s and is not named (self %d)",
					     world.asker[a].uid, a, xm_ops[pattern->op].name,
					     (int)self);
	}
}

static void check_who(uint32_t self)
{
	for (unsigned int i = 0; i < 12; i++) {
		const struct xm_request *req = &world.request[dice(world.n_requests)].req;
		struct prove_pattern pattern = {
			.op = dice(2) ? req->op : random_small_ops[dice(RANDOM_SMALL_OPS)]
		};

		for (unsigned int arg = 0; arg < xm_ops[req->op].n_args; arg++)
			if (pattern.op == req->op && dice(2)) {
				pattern.fixed[arg] = true;
				pattern.arg[arg] = req->arg[arg];
			}
		ask_who(self, &pattern);
	}
}

Test(policy_proofs_two, who_can)
{
	proof_each(false, check_who);
}

/* ---- the nearest miss ------------------------------------------------------------------------------- */

static void near(void *data, const struct prove_nearest *nearest)
{
	const unsigned int *opp = data;

	if (nearest->witness->req.op != *opp)
		FAIL(&rig, "the nearest is another operation");
	proof_expect(&rig, nearest->witness, true);
}

static bool is_member(const struct rig_case *who, uint32_t gid)
{
	for (unsigned int i = 0; i < who->n_gids; i++)
		if (who->gids[i] == gid)
			return true;
	return false;
}

static bool is_all_of(const struct rig_case *who, const struct rig_case *asker)
{
	for (unsigned int i = 0; i < asker->n_gids; i++)
		if (!is_member(who, asker->gids[i]))
			return false;
	return who->uid == asker->uid;
}

static bool ever_allowed(unsigned int op, uint32_t self, unsigned int asker)
{
	for (unsigned int r = 0; r < world.n_requests; r++)
		for (unsigned int m = 0; m < world.n_moments; m++)
			if (world.request[r].req.op == op && world.request[r].self == self &&
			    small_allows(&world.request[r], &world.place[world.place_of[asker][m]]))
				return true;
	return false;
}

/* Whether anything of the operation is ever allowed to him, in these groups or also in others. */
static bool could_be_allowed(unsigned int op, uint32_t self, const struct rig_case *asker)
{
	for (unsigned int a = 0; a < world.n_askers; a++)
		if (is_all_of(&world.asker[a], asker) && ever_allowed(op, self, a))
			return true;
	return false;
}

static void ask_nearest(void)
{
	const struct small_request *r = &world.request[dice(world.n_requests)];
	unsigned int asker = dice(world.n_askers);
	struct rig_case c = world.asker[asker];
	struct naive_moment moment = world.moment[dice(world.n_moments)];
	const struct prove_options options = { .now = RANDOM_NOW, .self = r->self };
	struct policy_subject subject = { .uid = c.uid, .gids = c.gids };
	struct policy_time time = { moment.now, moment.determined };
	unsigned int op = r->req.op;
	enum prove_result result;
	struct rig_answers answers;

	c.req = r->req;
	c.self = r->self;
	c.moment = moment;
	rig_ask(&rig, &c, &answers);
	if (answers.naive.allowed)
		return;
	subject.n_gids = (uint32_t)policy_image_filter_groups(rig.image, c.gids, c.n_gids);
	result = prove_nearest(rig.image, &subject, &r->req, time, &options, near, &op);
	seen.answers++;
	seen.undecided += result == PROVE_UNDECIDED;
	if (result != PROVE_HOLDS || !could_be_allowed(op, r->self, &c))
		return;
	rig_print_case(&c);
	FAIL(&rig, "%s can be allowed to this user", xm_ops[op].name);
}

static void check_nearest(uint32_t self)
{
	(void)self;
	for (unsigned int i = 0; i < 20; i++)
		ask_nearest();
}

Test(policy_proofs_two, nearest)
{
	proof_each(false, check_nearest);
}
