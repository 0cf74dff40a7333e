/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NAIVE_H
#define TESTS_NAIVE_H

/*
 * A second opinion about policies: an interpreter of xmbroker.policy(5) that walks over the YAML text at
 * every question.  It shares with the broker the table of operations and the system description, and no
 * line of policy/.  It supposes that the text has no errors; what it cannot read ends the test.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"

#define NAIVE_NONE UINT32_MAX

struct naive;

struct naive_file {
	const char *text;
	size_t len;
};

struct naive_asker {
	uint32_t uid;
	bool overflow; /* an id of it is the kernel's overflow id */
	const uint32_t *gids;
	size_t n;
};

struct naive_moment {
	int64_t now;
	bool determined;
};

struct naive_answer {
	bool allowed;
	uint32_t rule; /* the deciding one, in the order of the files; or NAIVE_NONE */
	bool audited;
	bool limited;     /* denied for want of tokens */
	uint32_t charged; /* the rule whose bucket pays, or NAIVE_NONE */
	uint32_t observed;
};

/* Both borrow their arguments. */
struct naive *naive_new(const struct naive_file *files, size_t n, const struct system *sys);
void naive_free(struct naive *naive);

/* `empty[rule]`: the asker has no token for the rule; NULL: all buckets are full. */
struct naive_answer naive_decide(struct naive *naive, const struct naive_asker *asker,
				 const struct xm_request *req, uint32_t self,
				 struct naive_moment moment, const bool *empty);

uint32_t naive_n_rules(const struct naive *naive);
/* Whether the rule has this key. */
bool naive_says(const struct naive *naive, uint32_t rule, const char *key);

/* The same in steps, for who asks about very many requests.  Arrays are by rule. */
void naive_matching(struct naive *naive, const struct xm_request *req, uint32_t self,
		    bool *matches);
/* The rules that the asker has at this time. */
void naive_having(struct naive *naive, const struct naive_asker *asker, struct naive_moment moment,
		  bool *has);
/* From the rules that the asker has and that match. */
struct naive_answer naive_conclude(const struct naive *naive, const bool *rules,
				   struct naive_moment moment, const bool *empty);

uint32_t naive_n_nevers(const struct naive *naive);
/* Whether invariant `never` is about the request; and whether it is not about the asker. */
bool naive_never_covers(struct naive *naive, uint32_t never, const struct xm_request *req,
			uint32_t self);
bool naive_never_excepts(struct naive *naive, uint32_t never, const struct naive_asker *asker);

/* ---- between its files ---------------------------------------------------------------------------- */

enum tree_kind { TREE_TEXT, TREE_LIST, TREE_MAP };

struct tree {
	enum tree_kind kind;
	bool quoted;
	bool looked_up;
	int64_t found; /* what looking up its text gave, once that has been done */
	char *text;
	size_t n; /* of a map: keys and values */
	struct tree **item;
	unsigned int line;
};

/* naive_yaml.c */
struct tree *tree_read(const char *text, size_t len);
void tree_free(struct tree *node);
struct tree *tree_get(const struct tree *map, const char *key);
bool tree_is(const struct tree *node, const char *text);

/* A request and what it is judged by. */
struct naive_case {
	struct naive *naive;
	const struct system *sys;
	const struct xm_request *req;
	const struct xm_op *op;
	uint32_t self;
};

/* OPEN: it depends on what the request does not determine. */
enum truth { NO, YES, OPEN };

/* What a defined name stands for, or NULL.  naive.c */
struct tree *naive_defined(const struct naive *naive, const struct tree *node);
/* Whether the constraint of this attribute holds.  naive_value.c */
enum truth naive_constraint(const struct naive_case *c, const char *attribute,
			    const struct tree *constraint);
/* naive_time.c */
int64_t naive_date(const char *text);
bool naive_in_time(const struct tree *grant, struct naive_moment moment);
_Noreturn void naive_stuck(const struct tree *node, const char *why);

#endif
