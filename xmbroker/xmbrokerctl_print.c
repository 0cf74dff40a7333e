// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tables and JSON of xmbrokerctl.  Owns how values look.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "xmbroker/xmbrokerctl.h"

void ctl_add(struct ctl_row *row, const char *key, const char *value)
{
	if (row->n < CTL_FIELDS_MAX)
		row->field[row->n++] = (struct ctl_field){ key, value };
}

const char *ctl_get(const struct ctl_row *row, const char *key)
{
	for (size_t i = 0; i < row->n; i++)
		if (!strcmp(row->field[i].key, key))
			return row->field[i].value;
	return "";
}

static bool is_number(const char *s)
{
	size_t len = strspn(s, "0123456789");

	return len > 0 && len < 16 && !s[len] && (s[0] != '0' || len == 1);
}

void ctl_print_json_string(const char *s)
{
	char buf[8192];
	struct text t = TEXT_INIT(buf);

	buf[0] = '\0';
	text_json(&t, s, strnlen(s, sizeof(buf) / 6 - 2)); /* at most six bytes for one */
	fputs(buf, stdout);
}

/* "a,b" as ["a","b"], "-" as []; "hm:12" as {"log":"hm","position":12}; "+3" is a number, of more. */
static void print_json_list(const char *list, bool positions)
{
	char item[256];
	const char *comma = "";
	size_t len;

	putchar('[');
	for (; *list && strcmp(list, "-"); list += len + (list[len] == ',')) {
		char *colon;

		len = strcspn(list, ",");
		snprintf(item, sizeof(item), "%.*s", (int)len, list);
		colon = positions ? strchr(item, ':') : NULL;
		fputs(comma, stdout);
		comma = ",";
		if (colon)
			*colon = '\0';
		fputs(colon ? "{\"log\":" : "", stdout);
		if (*item == '+' && is_number(item + 1))
			fputs(item + 1, stdout);
		else
			ctl_print_json_string(item);
		if (colon)
			printf(",\"position\":%llu}", strtoull(colon + 1, NULL, 10));
	}
	putchar(']');
}

static void print_json_value(const struct ctl_field *field)
{
	if (!strcmp(field->key, "ports") || !strcmp(field->key, "logs"))
		print_json_list(field->value, !strcmp(field->key, "logs"));
	else if (is_number(field->value) && strcmp(field->key, "comm"))
		fputs(field->value, stdout);
	else
		ctl_print_json_string(field->value);
}

void ctl_print_json(const struct ctl_row *row)
{
	putchar('{');
	for (size_t i = 0; i < row->n; i++) {
		if (i)
			putchar(',');
		ctl_print_json_string(row->field[i].key);
		putchar(':');
		print_json_value(&row->field[i]);
	}
	putchar('}');
}

static void print_cells(const struct ctl_row *row, const size_t *width, bool keys)
{
	for (size_t i = 0; i < row->n; i++) {
		const char *cell = keys ? row->field[i].key : row->field[i].value;

		if (i + 1 == row->n)
			printf("%s\n", cell);
		else
			printf("%-*s  ", (int)width[i], cell);
	}
}

static void print_table(const struct ctl_row *rows, size_t n)
{
	size_t width[CTL_FIELDS_MAX] = { 0 };

	for (size_t r = 0; r < n; r++)
		for (size_t i = 0; i < rows[r].n; i++) {
			size_t a = strlen(rows[r].field[i].key), b = strlen(rows[r].field[i].value);

			width[i] = width[i] > a ? width[i] : a;
			width[i] = width[i] > b ? width[i] : b;
		}
	for (size_t r = 0; r < n; r++) {
		if (r == 0)
			print_cells(&rows[r], width, true);
		print_cells(&rows[r], width, false);
	}
}

void ctl_print_rows(const struct ctl_row *rows, size_t n, bool json)
{
	if (!json) {
		print_table(rows, n);
		return;
	}
	putchar('[');
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ",\n" : "", stdout);
		ctl_print_json(&rows[i]);
	}
	puts("]");
}
