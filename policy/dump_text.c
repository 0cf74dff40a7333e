// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A dump for a person.  Must never print a text of the image other than through safe().
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/dump.h"

#define LINE 96

static const char *safe(const json_t *value)
{
	static char room[4][4096];
	static unsigned int next;
	char *out = room[next++ % 4];
	struct text t = { out, sizeof(room[0]), 0, false };
	const char *s = json_string_value(value);

	*out = '\0';
	if (s)
		text_safe(&t, s, strlen(s));
	return out;
}

static long long number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *member(const json_t *object, const char *name)
{
	return safe(json_object_get(object, name));
}

static void put_place(FILE *out, const json_t *object)
{
	const json_t *at = json_object_get(object, "at");

	fprintf(out, "%s:%lld:%lld", member(at, "file"), number(at, "line"), number(at, "column"));
}

static void put_because(FILE *out, const json_t *object)
{
	if (!json_is_null(json_object_get(object, "because")))
		fprintf(out, "    because: %s\n", member(object, "because"));
}

static void put_clauses(FILE *out, const json_t *list)
{
	const json_t *clause, *constraint, *where;
	size_t i, j;

	json_array_foreach(list, i, clause)
	{
		const char *covers = json_string_value(json_object_get(clause, "covers"));

		fprintf(out, "    %s", member(clause, "op"));
		if (covers && strcmp(covers, "all"))
			fprintf(out, " of %s",
				!strcmp(covers, "self") ? "the own partition" : "other partitions");
		fputc('\n', out);
		where = json_object_get(clause, "where");
		json_array_foreach(where, j, constraint)
		{
			fprintf(out, "        %s: %s\n", member(constraint, "attribute"),
				member(constraint, "compiled"));
		}
	}
}

static const char *period_name(long long seconds)
{
	return seconds == 1 ? "s" : seconds == 60 ? "min" : seconds == 3600 ? "h" : "d";
}

static void put_rule(FILE *out, size_t number_of, const json_t *rule)
{
	const json_t *limit = json_object_get(rule, "limit"), *grant;
	const char *comma = " ";
	size_t i;

	fprintf(out, "rule %zu: %s, role %s, at ", number_of, member(rule, "effect"),
		member(rule, "role"));
	put_place(out, rule);
	fprintf(out, ", audit %s\n", member(rule, "audit"));
	put_because(out, rule);
	if (json_is_object(limit))
		fprintf(out, "    limit: %lld/%s, burst %lld, key %s\n", number(limit, "count"),
			period_name(number(limit, "period")), number(limit, "burst"),
			member(limit, "key"));
	if (!json_is_null(json_object_get(rule, "observe_until")))
		fprintf(out, "    observe until: %s\n", member(rule, "observe_until"));
	fputs("    grants:", out);
	json_array_foreach(json_object_get(rule, "grants"), i, grant)
	{
		fprintf(out, "%s%lld", comma, (long long)json_integer_value(grant));
		comma = ", ";
	}
	fputs(i ? "\n" : " none\n", out);
	put_clauses(out, json_object_get(rule, "clauses"));
}

static void put_grants(FILE *out, const json_t *list)
{
	const json_t *grant;
	size_t i;

	json_array_foreach(list, i, grant)
	{
		fprintf(out, "grant %zu: %s", i, member(grant, "to"));
		if (json_object_get(grant, "id"))
			fprintf(out, " (%lld)", number(grant, "id"));
		fputs(", at ", out);
		put_place(out, grant);
		fputc('\n', out);
		if (!json_is_null(json_object_get(grant, "when")))
			fprintf(out, "    %s\n", member(grant, "when"));
	}
}

static void put_nevers(FILE *out, const json_t *list)
{
	const json_t *never, *excepts, *except;
	size_t i, j;

	json_array_foreach(list, i, never)
	{
		fprintf(out, "never %zu, at ", i);
		put_place(out, never);
		fputc('\n', out);
		put_because(out, never);
		excepts = json_object_get(never, "except");
		json_array_foreach(excepts, j, except)
		{
			fprintf(out, "    except %s\n", member(except, "to"));
		}
		put_clauses(out, json_object_get(never, "clauses"));
	}
}

static void put_hypercalls(FILE *out, const json_t *list)
{
	const json_t *name;
	size_t i, column = 4;

	fprintf(out, "hypercalls that it can lead to: %zu\n", json_array_size(list));
	json_array_foreach(list, i, name)
	{
		const char *text = safe(name);

		if (column > 4 && column + strlen(text) > LINE) {
			fputc('\n', out);
			column = 4;
		}
		fprintf(out, "%s%s", column == 4 ? "    " : " ", text);
		column += strlen(text) + 1;
	}
	if (i)
		fputc('\n', out);
}

static void put_index(FILE *out, const json_t *dump)
{
	const json_t *index = json_object_get(dump, "index"), *table;
	size_t i;

	fprintf(out,
		"index: %lld of %lld slots used; %lld deny, %lld allow, %lld shadow entries, at "
		"most "
		"%lld a slot; found in %.2f steps, at most %lld\n",
		number(index, "used"), number(index, "slots"), number(index, "deny_entries"),
		number(index, "allow_entries"), number(index, "shadow_entries"),
		number(index, "most_entries"),
		json_real_value(json_object_get(index, "mean_probe")),
		number(index, "longest_probe"));
	fprintf(out, "%-16s %10s %12s\n", "table", "records", "bytes");
	json_array_foreach(json_object_get(dump, "tables"), i, table)
	{
		fprintf(out, "%-16s %10lld %12lld\n", member(table, "name"),
			number(table, "records"), number(table, "bytes"));
	}
}

void policy_dump_print(FILE *out, const json_t *dump)
{
	const json_t *system = json_object_get(dump, "system"), *rules, *rule;
	size_t i;

	fprintf(out, "image of version %lld, %lld bytes, compiled at %s\ndigest %s\n",
		number(dump, "version"), number(dump, "bytes"), member(dump, "compiled_at"),
		member(dump, "digest"));
	if (json_is_object(system))
		fprintf(out, "system: %s, %lld partitions, %lld plans, %lld ports\n",
			member(system, "hypervisor"), number(system, "partitions"),
			number(system, "plans"), number(system, "ports"));
	else
		fputs("system: none\n", out);
	put_hypercalls(out, json_object_get(dump, "hypercalls"));
	rules = json_object_get(dump, "rules");
	json_array_foreach(rules, i, rule)
	{
		put_rule(out, i, rule);
	}
	put_grants(out, json_object_get(dump, "grants"));
	put_nevers(out, json_object_get(dump, "never"));
	put_index(out, dump);
}
