// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The text of a recorded call: what C expressions the probe's source had, and no more.  Evaluates the
 * arguments and makes the call.
 *
 *	line     := [NAME " = "] product [" [d=" CLASS ":" NUMBER ":" NUMBER "]"]
 *	sum      := product { ("+" | "-" | "|") product }
 *	product  := primary { "*" primary }
 *	primary  := NUMBER | "-" primary | STRING | "&" NAME | "(" TYPE ")" primary | NAME
 *		  | "sizeof" NAME | "sizeof(" NAME ")" | "D(" CLASS "," sum "," sum ")" | CALL(sum, ...)
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/replay.h"

#define NAME_MAX_ 64

struct parser {
	const char *at;
	const char *error;
	struct result *result;
};

static uint64_t sum(struct parser *p);

static uint64_t fail(struct parser *p, const char *error)
{
	if (!p->error)
		p->error = error;
	return 0;
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ')
		p->at++;
}

static bool accept(struct parser *p, char c)
{
	skip_blanks(p);
	if (*p->at != c)
		return false;
	p->at++;
	return true;
}

static void expect(struct parser *p, char c)
{
	if (!accept(p, c))
		fail(p, "another character is expected");
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void name(struct parser *p, char *out)
{
	size_t n = 0;

	skip_blanks(p);
	while (is_name(p->at[n]))
		n++;
	if (!n || n >= NAME_MAX_) {
		fail(p, "a name is expected");
		n = 0;
	}
	memcpy(out, p->at, n);
	out[n] = '\0';
	p->at += n;
}

/* ---- primaries -------------------------------------------------------------------------------------- */

static uint64_t number(struct parser *p)
{
	char *end;
	uint64_t value = strtoull(p->at, &end, 0);

	p->at = end;
	return value;
}

static uint64_t string(struct parser *p)
{
	char text[NAME_MAX_];
	size_t n = 0;

	for (p->at++; *p->at && *p->at != '"' && n < sizeof(text) - 1; p->at++) {
		if (*p->at == '\\' && p->at[1] == 'n') {
			text[n++] = '\n';
			p->at++;
		} else {
			text[n++] = *p->at;
		}
	}
	expect(p, '"');
	return env_string(text, n);
}

static uint64_t address(struct parser *p)
{
	char variable[NAME_MAX_];
	uint64_t value = 0;

	name(p, variable);
	return env_address(variable, &value) ? value : fail(p, "no such variable");
}

static uint64_t size_of(struct parser *p)
{
	bool type = accept(p, '(');
	char of[NAME_MAX_];
	uint64_t value = 0;

	name(p, of);
	if (type)
		expect(p, ')');
	return env_size(of, &value) ? value : fail(p, "no such type");
}

static uint64_t descriptor(struct parser *p)
{
	char class[NAME_MAX_];
	uint64_t partition, id, value = 0;

	expect(p, '(');
	name(p, class);
	expect(p, ',');
	partition = sum(p);
	expect(p, ',');
	id = sum(p);
	expect(p, ')');
	return env_descriptor(class, partition, id, &value) ? value : fail(p, "no such class");
}

static uint64_t call(struct parser *p, const struct call *function)
{
	struct result *result = p->result;
	unsigned int n = 0;

	expect(p, '(');
	while (!p->error && !accept(p, ')')) {
		if (n == CALL_ARGS)
			return fail(p, "too many arguments");
		if (n)
			expect(p, ',');
		result->args[n++] = sum(p);
	}
	if (n < function->min || n > function->max)
		return fail(p, "the function has another number of arguments");
	if (p->error)
		return 0;
	result->call = function;
	return (uint64_t)(int64_t)function->make(result->args);
}

static uint64_t named(struct parser *p)
{
	const struct call *function;
	char what[NAME_MAX_];
	uint64_t value = 0;

	name(p, what);
	if (!strcmp(what, "sizeof"))
		return size_of(p);
	if (!strcmp(what, "D"))
		return descriptor(p);
	if (*p->at != '(')
		return env_get(what, &value) ? value : fail(p, "no such name");
	function = call_find(what);
	return function ? call(p, function) : fail(p, "no such function");
}

static uint64_t primary(struct parser *p);

/* A pointer as a number is the physical address that the probe had there. */
static uint64_t cast(struct parser *p)
{
	bool physical = !strncmp(p->at, "prtos_u32_t)", 12) || !strncmp(p->at, "xm_u32_t)", 9);
	const char *end = strchr(p->at, ')');

	if (!end)
		return fail(p, "a type is expected");
	p->at = end + 1;
	return physical ? env_physical(primary(p)) : primary(p);
}

static uint64_t primary(struct parser *p)
{
	skip_blanks(p);
	if (isdigit((unsigned char)*p->at))
		return number(p);
	if (*p->at == '"')
		return string(p);
	if (accept(p, '-'))
		return -primary(p);
	if (accept(p, '&'))
		return address(p);
	if (accept(p, '('))
		return cast(p);
	return named(p);
}

/* ---- operators -------------------------------------------------------------------------------------- */

static uint64_t product(struct parser *p)
{
	uint64_t value = primary(p);

	while (!p->error && accept(p, '*'))
		value *= primary(p);
	return value;
}

static uint64_t sum(struct parser *p)
{
	uint64_t value = product(p);

	while (!p->error) {
		if (accept(p, '+'))
			value += product(p);
		else if (accept(p, '-'))
			value -= product(p);
		else if (accept(p, '|'))
			value |= product(p);
		else
			break;
	}
	return value;
}

/* ---- lines ------------------------------------------------------------------------------------------ */

/* " [d=CLASS:partition:id]" says which descriptor d is. */
static void find_object(const char *text, struct parser *p)
{
	const char *at = strstr(text, " [d=");
	unsigned int partition, id;
	uint64_t value = 0;
	char class[32];

	if (!at)
		return;
	if (sscanf(at, " [d=%31[A-Za-z0-9_]:%u:%u]", class, &partition, &id) != 3 ||
	    !env_descriptor(class, partition, id, &value))
		fail(p, "not an object");
	env_set_object(value);
}

/* "NAME = CALL(...)": the name, which receives the result. */
static bool assigned(struct parser *p, char *variable)
{
	const char *start = p->at;

	name(p, variable);
	if (!strncmp(p->at, " = ", 3)) {
		p->at += 3;
		return true;
	}
	p->at = start;
	return false;
}

bool expr_run(const char *text, struct result *result, const char **errorp)
{
	struct parser p = { .at = text, .result = result };
	char variable[NAME_MAX_];
	bool assign;

	memset(result, 0, sizeof(*result));
	find_object(text, &p);
	assign = assigned(&p, variable);
	result->value = (int64_t)sum(&p);
	skip_blanks(&p);
	if (!p.error && *p.at && strncmp(p.at, "[d=", 3))
		fail(&p, "nothing more is expected");
	if (assign && !p.error)
		env_set(variable, (uint64_t)result->value);
	*errorp = p.error;
	return !p.error;
}
