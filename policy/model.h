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

struct rule {
	struct rule *next;
	const struct role *role;
	const struct node *node;
	const struct node *ops;
	const struct node *where; /* NULL: none */
	const char *because;
	enum policy_effect effect;
	enum policy_audit audit;
	struct clause *clauses; /* in order of operations */
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
	unsigned int height; /* includes in the longest chain from here */
	uint32_t mark;       /* the last grant that collected it */
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

struct grant {
	const struct node *node;
	const struct node *to;
	const struct node *roles;
	uint32_t kind;
	uint32_t id;
	struct member *members;
	struct granted *granted;
};

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
	const struct node *system_node;
	struct system *sys;
	int unreadable; /* -errno of something that could not be read */
	struct emitter out;
};

/* parse.c: adds what one file says. */
void policy_parse(struct compilation *c, const struct source *source);

/* resolve.c: names to what they stand for. */
void policy_resolve(struct compilation *c);
/* The define of this name, or NULL. */
struct define *policy_define(const struct compilation *c, const char *name);
/* What a node stands for: itself, or the value that its name is defined as in the end; NULL after an
 * error. */
const struct node *policy_follow(struct compilation *c, const struct node *node);

/* principal.c */
void policy_resolve_principals(struct compilation *c);
/* The kernel's overflow user (or group) id. */
uint32_t policy_overflow_id(bool group);

/* check.c: rules to clauses, clauses and constraints into the image. */
void policy_check(struct compilation *c);

/* condition.c: `value` of condition->attribute into terms of the image; false after an error. */
bool policy_condition(struct compilation *c, struct condition *condition, const struct node *value);

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
/* An attribute of an operation: kind and, for arguments, position; false if it has none such. */
bool vocabulary_attribute(const struct xm_op *op, const char *word, enum image_attribute *kindp,
			  unsigned int *argp);

/* emit.c */
uint32_t emit_text(struct compilation *c, const char *text);
/* The finished image, or NULL after an error. */
void *policy_emit(struct compilation *c, size_t *lenp);

#endif
