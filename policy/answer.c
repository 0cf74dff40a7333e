// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pieces of answers.  Owns how a rule, a grant and a witness look in all of them.  Must never let
 * anything out of a policy act on a terminal, or on the shell that a command line is pasted into.
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/answer.h"
#include "policy/image_layout.h"
#include "policy/shell_word.h"

#define ROOM 8192
#define ROOMS 8

/* ---- making ------------------------------------------------------------------------------------ */

void answer_set(json_t *object, const char *name, json_t *value)
{
	if (!value || json_object_set_new(object, name, value))
		abort();
}

void answer_add(json_t *array, json_t *value)
{
	if (!value || json_array_append_new(array, value))
		abort();
}

json_t *answer_string(const char *s)
{
	json_t *value;
	size_t cap;
	struct text t;

	if (!s)
		return json_null();
	value = json_string(s);
	if (value)
		return value;
	cap = 4 * strlen(s) + 1;
	t = (struct text){ malloc(cap), cap, 0, false };
	if (!t.buf)
		abort();
	text_safe(&t, s, strlen(s));
	value = json_string(t.buf);
	free(t.buf);
	return value;
}

static json_t *place(const char *file, uint32_t line, uint32_t column)
{
	json_t *at = json_object();

	answer_set(at, "file", answer_string(file));
	answer_set(at, "line", json_integer(line));
	answer_set(at, "column", json_integer(column));
	return at;
}

json_t *answer_rule(const struct policy_image *image, uint32_t rule)
{
	struct policy_source source;
	json_t *value;

	if (!policy_image_source(image, rule, &source))
		return json_null();
	value = json_object();
	answer_set(value, "at", place(source.file, source.line, source.column));
	answer_set(value, "role", answer_string(source.role));
	answer_set(value, "because", answer_string(*source.because ? source.because : NULL));
	return value;
}

json_t *answer_grant(const struct policy_image *image, uint32_t grant)
{
	const struct image_grant *g = image_table(image, IMAGE_GRANTS);
	const char *text = image_table(image, IMAGE_TEXT);
	json_t *value;

	if (grant >= image->table[IMAGE_GRANTS].count)
		return json_null();
	g += grant;
	value = json_object();
	answer_set(value, "at", place(text + g->file, g->line, g->column));
	answer_set(value, "to", answer_string(text + g->text));
	return value;
}

json_t *answer_witness(const struct prove_witness *witness)
{
	static void (*const put[])(struct text *, const struct prove_witness *) = {
		prove_witness_call, prove_witness_as, prove_witness_at
	};
	static const char *const names[] = { "call", "as", "at" };
	json_t *value = json_object();
	char room[ROOM];

	for (unsigned int i = 0; i < 3; i++) {
		struct text t = TEXT_INIT(room);

		room[0] = '\0';
		put[i](&t, witness);
		answer_set(value, names[i], answer_string(room));
	}
	answer_set(value, "partition", json_integer(witness->self));
	return value;
}

static bool is_printable(const char *word)
{
	for (; *word; word++)
		if (*word < ' ' || *word > '~')
			return false;
	return true;
}

json_t *answer_command(const char *const *policies, size_t n, const char *system,
		       const struct prove_witness *witness)
{
	char room[ROOM];
	struct text t = TEXT_INIT(room);

	text_puts(&t, "xmpolicy explain");
	for (size_t i = 0; i < n; i++) {
		text_puts(&t, " --policy ");
		shell_word(&t, policies[i]);
	}
	if (system) {
		text_puts(&t, " --system ");
		shell_word(&t, system);
	}
	text_char(&t, ' ');
	prove_witness_command(&t, witness);
	return t.truncated ? json_null() : answer_string(room);
}

/* ---- printing ---------------------------------------------------------------------------------- */

/* One of several rooms, in turn. */
static struct text next_room(void)
{
	static char rooms[ROOMS][ROOM];
	static unsigned int n;
	struct text t = { rooms[n++ % ROOMS], ROOM, 0, false };

	t.buf[0] = '\0';
	return t;
}

static void put_safe(struct text *t, const json_t *string)
{
	if (json_is_string(string))
		text_safe(t, json_string_value(string), json_string_length(string));
}

const char *answer_text(const json_t *object, const char *name)
{
	struct text t = next_room();

	put_safe(&t, json_object_get(object, name));
	return t.buf;
}

/* Words of a shell are printable; what is not, is none that a shell would read again. */
const char *answer_command_text(const json_t *object)
{
	const char *command = json_string_value(json_object_get(object, "command"));
	struct text t = next_room();

	if (!command || !is_printable(command))
		return "(too long to be shown)";
	text_puts(&t, command);
	return t.buf;
}

static void put_place(struct text *t, const json_t *object)
{
	const json_t *at = json_object_get(object, "at");

	put_safe(t, json_object_get(at, "file"));
	text_printf(t, ":%lld:%lld", (long long)json_integer_value(json_object_get(at, "line")),
		    (long long)json_integer_value(json_object_get(at, "column")));
}

const char *answer_place_text(const json_t *object)
{
	struct text t = next_room();

	put_place(&t, object);
	return t.buf;
}

const char *answer_rule_text(const json_t *rule)
{
	struct text t = next_room();

	if (!json_is_object(rule)) {
		text_puts(&t, "no rule");
		return t.buf;
	}
	put_place(&t, rule);
	text_puts(&t, " in role '");
	put_safe(&t, json_object_get(rule, "role"));
	text_char(&t, '\'');
	return t.buf;
}
