// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A system as tables and as JSON, against the files of tests/system/list.
 */

#include <jansson.h>

#include "tests/system_loading.h"
#include "xmbroker/sim/list.h"

static char *listed(const struct system *sys, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(list_print(sys, json, out), 0);
	fclose(out);
	return text;
}

static void check(const char *name, bool json)
{
	struct system *sys = load_good(name);
	size_t len;
	char *expected = read_file("system/list", name, json ? ".json" : ".txt", &len);
	char *text = listed(sys, json);

	cr_expect_str_eq(text, expected, "%s:\n%s", name, text);
	free(text);
	free(expected);
	free(sys);
}

Test(list, tables)
{
	check("everything", false);
	check("minimal", false);
	check("traced", false);
	check("xm-2", false);
}

Test(list, json)
{
	check("everything", true);
	check("traced", true);
	check("xm-2", true);
}

Test(list, json_is_json)
{
	struct system *sys = load_good("everything");
	char *text;
	json_t *json, *name;

	memcpy(sys->name, "a\"b\\c", 6);
	text = listed(sys, true);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(json);
	name = json_object_get(json, "name");
	cr_assert_str_eq(json_string_value(name), "a\"b\\c");
	cr_assert_eq(json_array_size(json_object_get(json, "partitions")), 4);
	json_decref(json);
	free(text);
	free(sys);
}

Test(list, failure_of_the_output)
{
	struct system *sys = load_good("minimal");
	FILE *full = fopen("/dev/full", "we");

	cr_assert_not_null(full);
	cr_assert_eq(list_print(sys, false, full), -EIO);
	fclose(full);
	free(sys);
}
