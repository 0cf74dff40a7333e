/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_MODEL_H
#define XM_POLICY_MODEL_H

/*
 * A policy while it is compiled: what parse.c found in the files, completed by resolve.c (names,
 * includes, principals) and check.c (operations and constraints), and turned into an image by emit.c.
 * All of it lives in the arena of the compilation.
 */

#include "policy/compile.h"
#include "policy/image_layout.h"
#include "policy/yaml.h"

struct define {
	const struct node *name;
	const struct node *value;
	bool busy; /* being expanded: meeting it again is a cycle */
};

/* What a constraint may be, on one kind of argument: compiled once, shared by operations. */
struct condition {
	struct condition *next;
	const struct node *attribute; /* the key in `where` */
	enum image_attribute kind;
	enum image_width width;
	enum xm_domain domain;
	unsigned int ref;
	bool shared; /* by operations of several domains: what one of them cannot have is no error */
	bool good;
	uint32_t first_term; /* in the image */
	uint32_t n_terms;
	uint32_t wanted; /* text in the image */
};

struct clause {
	struct clause *next;
	const struct node *named; /* where the rule names it, or its class */
	unsigned int op;
	uint8_t covers;
	bool by_name;   /* by the operation's own name */
	bool self_stop; /* "@self-stop" was named too */
	uint32_t first_constraint;
	uint32_t n_constraints;
};

/* How often: N tokens in so many seconds. */
struct limit {
	uint32_t count;
	uint32_t period;
	uint32_t burst;
	uint32_t number; /* in the image */
};

struct rule {
	struct rule *next;
	const struct role *role; /* NULL: of an invariant */
	const struct node *node;
	const struct node *ops;
	const struct node *where; /* NULL: none */
	const char *because;
	enum policy_effect effect;
	enum policy_audit audit;
	struct limit *limit;        /* NULL: none */
	const struct node *observe; /* the value of observe_until; NULL: it is no shadow */
	int64_t observe_until;      /* else IMAGE_NO_TIME */
	struct clause *clauses;     /* in order of operations */
	struct condition *conditions;
	uint32_t number;
	uint32_t first_clause;
	uint32_t n_clauses;
};

struct include {
	struct include *next;
	const struct node *name;
	struct role *role;
};

struct role {
	const struct node *name;
	struct rule *rules;
	struct rule *last_rule;
	struct include *includes;
	struct include *last_include;
	enum { ROLE_NEW, ROLE_OPEN, ROLE_DONE } visit;
	unsigned int height;     /* includes in the longest chain from here */
	const struct rule *deny; /* a rule that denies, own or included; NULL: there is none */
	uint32_t mark;           /* the last grant that collected it */
	bool emitted;            /* and what emit_index() made of it */
	uint32_t first_run;
	uint32_t n_runs;
};

struct member {
	struct member *next;
	uint32_t kind;
	uint32_t id;
};

struct granted {
	struct granted *next;
	struct role *role;
};

/* When a grant holds. */
struct when {
	int64_t from;
	int64_t until;
	const struct node *from_node, *until_node; /* values; NULL: not given */
	const struct node *limited;                /* the first key that limits it */
	const struct image_window *windows;
	uint32_t n_windows;
	uint32_t number; /* in the image */
};

/* A grant; and whom an invariant excepts, which is no more than `to`. */
struct grant {
	const struct node *node;
	const struct node *to;
	const struct node *roles;
	struct when *when;            /* NULL: at all times */
	const struct node *if_exists; /* its key; NULL: false, or not given */
	bool dropped;                 /* a name of it does not exist */
	uint32_t kind;
	uint32_t id;
	struct member *members;
	struct granted *granted;
};

struct except {
	struct except *next;
	struct grant grant;
};

struct invariant {
	struct rule rule; /* what its calls are: a deny that belongs to no role */
	struct except *excepts, *last_except;
};

struct policy_test;

/* The sections of the image under construction. */
struct emitter {
	struct buffer table[IMAGE_N_TABLES];
	struct buffer texts; /* struct text_slot: strings that are already there */
	size_t n_texts;
};

struct compilation {
	struct arena arena;
	struct diag *diag;
	const struct policy_options *options;
	struct buffer sources; /* const struct source * */
	struct buffer defines; /* struct define *, sorted by name after parsing */
	struct buffer roles;   /* struct role *, likewise */
	struct buffer rules;   /* struct rule *, in file order */
	struct buffer grants;  /* struct grant *, in file order */
	struct buffer nevers;  /* struct invariant *, likewise */
	struct buffer tests;   /* struct policy_test *, likewise */
	int64_t now;           /* when it is compiled */
	const struct node *system_node;
	struct system *sys;
	int unreadable;  /* -errno of something that could not be read */
	bool incomplete; /* of a file nothing is known: what is missing may be there */
	struct emitter out;
};

/* parse.c: adds what one file says. */
void policy_parse(struct compilation *c, const struct source *source);
/* For each kind of map: a key that is none of these is an error. */
void policy_check_keys(struct compilation *c, const struct node *map, const char *const *keys,
		       size_t n, const char *what);
bool policy_is_kind(struct compilation *c, const struct node *node, enum node_kind kind,
		    const char *what);
/* `because` of a rule or an invariant. */
const char *policy_because(struct compilation *c, const struct node *map);
/* `where` likewise; NULL: none, or no good one. */
const struct node *policy_where(struct compilation *c, const struct node *map);
/* Calls `each` for the items of a list, or for a single value. */
void policy_each(struct compilation *c, const struct node *node, void *to,
		 void (*each)(struct compilation *c, void *to, const struct node *item));

/* when.c */
#define WHEN_TEXT 48
/* NULL, or why `text` is no time. */
const char *when_time(const char *text, int64_t *secondsp);
/* "2027-01-31T08:00:00Z". */
const char *when_text(int64_t seconds, char text[WHEN_TEXT]);
/* A time in a policy; false after an error. */
bool policy_time(struct compilation *c, const struct node *node, const char *what,
		 int64_t *secondsp);
void policy_parse_when(struct compilation *c, struct grant *grant);
void when_emit(struct compilation *c, struct when *when);

/* limit.c */
void policy_parse_limit(struct compilation *c, struct rule *rule);
void policy_parse_observe(struct compilation *c, struct rule *rule);
/* The limits of all rules, whose clauses are known. */
void limit_emit(struct compilation *c);

/* invariant.c */
void policy_parse_nevers(struct compilation *c, const struct node *root);
void policy_check_nevers(struct compilation *c);
void never_emit(struct compilation *c);

/* prove_report.c: what proofs about the finished image find, as messages. */
void policy_prove_nevers(struct compilation *c, const struct policy_image *image);
void policy_find_dead(struct compilation *c, const struct policy_image *image);

/* cases.c */
void policy_parse_tests(struct compilation *c, const struct node *root);
void policy_resolve_tests(struct compilation *c);
void policy_run_tests(struct compilation *c, const struct policy_image *image);

/* resolve.c: names to what they stand for. */
void policy_resolve(struct compilation *c);
/* The define of this name, or NULL. */
struct define *policy_define(const struct compilation *c, const char *name);
/* What a node stands for: itself, or the value that its name is defined as in the end; NULL after an
 * error. */
const struct node *policy_follow(struct compilation *c, const struct node *node);

/* An error at a name that stands in its own definition. */
void policy_defined_by_itself(struct compilation *c, const struct node *node);

/* principal.c */
void policy_resolve_principals(struct compilation *c);
/* Whom one grant, or one exception of an invariant, is about; grant->kind 0 after an error. */
void policy_resolve_principal(struct compilation *c, struct grant *grant);
/* A user or group by name or number, without "user:" or "group:"; false after an error. */
bool policy_resolve_id(struct compilation *c, const struct node *node, bool group, uint32_t *idp);
/* The kernel's overflow user (or group) id. */
uint32_t policy_overflow_id(bool group);

/* check.c: rules to clauses, with their constraints. */
void policy_check(struct compilation *c);
/* The clauses of one rule. */
void policy_check_rule(struct compilation *c, struct rule *rule);

/* constraint.c: those of the clauses of one rule, which has them already, into the image. */
void policy_constrain(struct compilation *c, struct rule *rule);

/* condition.c: `value` of condition->attribute into terms of the image; false after an error. */
bool policy_condition(struct compilation *c, struct condition *condition, const struct node *value);

/* wanted.c: a constraint as a person would write it, cut if it is long. */
const char *policy_wanted(struct compilation *c, const struct node *node);

/* number.c */
/* A number as the policy writes it; false if `text` is none.  *negativep: it has a minus sign. */
bool policy_number(const char *text, uint64_t *magnitudep, bool *negativep);

/* What the first resource of any operation of class @machine may be called in `where`. */
#define VOCABULARY_RESOURCE "resource"

/* vocabulary.c: hints for words that are not known.  NULL: nothing is near. */
const char *vocabulary_hint(struct arena *arena, const char *word, const char *const *words,
			    size_t n);
const char *vocabulary_op_hint(struct arena *arena, const char *word);
const char *vocabulary_attribute_hint(struct arena *arena, const struct xm_op *op,
				      const char *word);
/* What an argument may be called by a name that is near the word. */
const char *vocabulary_nearest_value(const struct system *sys, const struct xm_arg *arg,
				     const char *word);
/* An attribute of an operation: kind and, for arguments, position; false if it has none such. */
bool vocabulary_attribute(const struct xm_op *op, const char *word, enum image_attribute *kindp,
			  unsigned int *argp);

/* emit.c */
uint32_t emit_text(struct compilation *c, const char *text);
/* The record of whom a grant is to; its members and groups are in the image then. */
struct image_grant emit_principal(struct compilation *c, const struct grant *grant);
struct image_clause emit_clause(const struct clause *clause, uint32_t rule);
/* emit_index.c: entries and index, when rules and grants are there. */
void emit_index(struct compilation *c);
/* The finished image, or NULL after an error. */
void *policy_emit(struct compilation *c, size_t *lenp);

#endif
