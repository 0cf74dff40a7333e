/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_POLICY_HELPER_H
#define TESTS_POLICY_HELPER_H

/*
 * For tests of the policy core: compiling a text against the loopback system, and deciding a call
 * that is written as a person would.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/call.h"
#include "policy/compile.h"
#include "policy/eval.h"
#include "policy/image.h"

/* What every policy of a test begins with; 3 lines. */
#define PREAMBLE "version: 1\nsystem: \"loopback:\"\n\n"

struct compiled {
	const struct policy_image *image; /* NULL: it has errors */
	void *block;
	size_t len;
	int ret;
	char *messages; /* as diag_print() prints them */
};

static inline char *printed(const struct diag *diag)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	diag_print(diag, out);
	fclose(out);
	return text;
}

static inline struct compiled compile_with(const char *text, const struct policy_options *options)
{
	struct compiled c = { 0 };
	struct diag diag;

	diag_init(&diag);
	c.ret = policy_compile_text("p.yaml", text, strlen(text), options, &diag, &c.block, &c.len);
	c.messages = printed(&diag);
	cr_assert_eq(!c.ret, !diag.n_errors);
	diag_free(&diag);
	if (!c.ret) {
		c.image = policy_image_verify(c.block, c.len);
		cr_assert_not_null(c.image);
	}
	return c;
}

static inline struct compiled compile_text(const char *text)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION };

	return compile_with(text, &options);
}

/* The same, and it must be good. */
static inline struct compiled compile_good(const char *text)
{
	struct compiled c = compile_text(text);

	cr_assert_eq(c.ret, 0, "%s", c.messages);
	return c;
}

/* It must be bad, and the messages must contain `expected`. */
static inline void expect_error(const char *text, const char *expected)
{
	struct compiled c = compile_text(text);

	cr_assert_neq(c.ret, 0, "it compiles:\n%s", text);
	cr_assert(strstr(c.messages, expected), "expected '%s' in:\n%s", expected, c.messages);
	free(c.messages);
}

static inline void compiled_free(struct compiled *c)
{
	free(c->block);
	free(c->messages);
}

static inline struct policy_decision decide_request(const struct policy_image *image, uint32_t uid,
						    uint32_t *gids, size_t n,
						    const struct xm_request *req, uint32_t self)
{
	struct policy_subject subject = { .uid = uid, .gids = gids };
	struct policy_time time = { .determined = false };

	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, n);
	return policy_decide(image, &subject, req, self, time, NULL);
}

/* How `uid`, of group `gid`, is answered on partition 0. */
static inline struct policy_decision decide(const struct compiled *c, uint32_t uid, uint32_t gid,
					    const char *call)
{
	char error[CALL_ERROR_MAX];
	struct call parsed;

	cr_assert_eq(call_parse(call, policy_image_system(c->image), 0, &parsed, error), 0,
		     "%s: %s", call, error);
	return decide_request(c->image, uid, &gid, 1, &parsed.req, 0);
}

static inline bool allows(const struct compiled *c, uint32_t uid, const char *call)
{
	return decide(c, uid, 100, call).effect == POLICY_ALLOW;
}

#endif
