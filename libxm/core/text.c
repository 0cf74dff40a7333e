// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text into a bounded buffer.  Owns nothing.  Must never let a byte of a client reach a terminal or
 * a log record other than through text_json() or text_safe().
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libxm/core/text.h"

static const char digits[] = "0123456789abcdef";

static void append(struct text *t, const char *s, size_t len)
{
	size_t room = t->cap ? t->cap - 1 - t->len : 0;

	if (len > room) {
		t->truncated = true;
		len = room;
	}
	if (len)
		memcpy(t->buf + t->len, s, len);
	t->len += len;
	if (t->cap)
		t->buf[t->len] = '\0';
}

void text_char(struct text *t, char c)
{
	append(t, &c, 1);
}

void text_puts(struct text *t, const char *s)
{
	append(t, s, strlen(s));
}

void text_u64(struct text *t, uint64_t value)
{
	char buf[20];
	size_t i = sizeof(buf);

	do {
		buf[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	append(t, buf + i, sizeof(buf) - i);
}

void text_s64(struct text *t, int64_t value)
{
	if (value < 0)
		text_char(t, '-');
	text_u64(t, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void text_hex(struct text *t, uint64_t value)
{
	char buf[18];
	size_t i = sizeof(buf);

	do {
		buf[--i] = digits[value & 15];
		value >>= 4;
	} while (value);
	buf[--i] = 'x';
	buf[--i] = '0';
	append(t, buf + i, sizeof(buf) - i);
}

void text_digits(struct text *t, uint64_t value, unsigned int width)
{
	char buf[20];

	for (size_t i = width; i > 0; value /= 10)
		buf[--i] = (char)('0' + value % 10);
	append(t, buf, width);
}

void text_bytes(struct text *t, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char buf[2] = { digits[data[i] >> 4], digits[data[i] & 15] };

		append(t, buf, sizeof(buf));
	}
}

void text_printf(struct text *t, const char *format, ...)
{
	size_t room = t->cap - t->len;
	va_list args;
	int len;

	if (!t->cap)
		return;
	va_start(args, format);
	len = vsnprintf(t->buf + t->len, room, format, args);
	va_end(args);
	if (len < 0)
		len = 0;
	if ((size_t)len >= room) {
		t->truncated = true;
		len = (int)room - 1;
	}
	t->len += (size_t)len;
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none (or it encodes a C1 control). */
static size_t utf8_length(const uint8_t *s, size_t len)
{
	uint32_t code;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		code = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		n = 3;
		code = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		code = s[0] & 0x07;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code <= 0xdfff) || code < 0xa0)
		return 0;
	/* Marks that turn the direction of text around can make a record read as another one. */
	if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	    code == 0x200e || code == 0x200f || code == 0x2028 || code == 0x2029)
		return 0;
	return n;
}

static void json_escape(struct text *t, uint8_t c)
{
	char buf[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

	append(t, buf, sizeof(buf));
}

/* How many bytes from here stand for themselves in a JSON string. */
static size_t plain_length(const uint8_t *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

void text_json(struct text *t, const void *data, size_t len)
{
	const uint8_t *s = data;

	text_char(t, '"');
	for (size_t i = 0; i < len;) {
		size_t n = plain_length(s + i, len - i);

		if (n) {
			append(t, (const char *)s + i, n);
			i += n;
			continue;
		}
		n = utf8_length(s + i, len - i);
		if (s[i] == '"' || s[i] == '\\') {
			text_char(t, '\\');
			text_char(t, (char)s[i++]);
		} else if (s[i] < 0x20 || s[i] == 0x7f || !n) {
			json_escape(t, s[i++]);
		} else {
			append(t, (const char *)s + i, n);
			i += n;
		}
	}
	text_char(t, '"');
}

void text_safe(struct text *t, const void *data, size_t len)
{
	const uint8_t *s = data;

	for (size_t i = 0; i < len; i++) {
		if (s[i] >= 0x20 && s[i] < 0x7f && s[i] != '\\') {
			text_char(t, (char)s[i]);
		} else {
			char buf[4] = { '\\', 'x', digits[s[i] >> 4], digits[s[i] & 15] };

			append(t, buf, sizeof(buf));
		}
	}
}

/* ---- requests -------------------------------------------------------------------------------------- */

static const char *state_name(unsigned int state)
{
	static const char *const names[XM_N_STATES] = {
		[XM_ST_OK] = "ok",         [XM_ST_NULL] = "null",
		[XM_ST_FAULT] = "fault",   [XM_ST_UNALIGNED] = "unaligned",
		[XM_ST_ABSENT] = "absent", [XM_ST_OVERSIZE] = "oversize",
	};

	return state < XM_N_STATES ? names[state] : "?";
}

static const char *value_name(const struct xm_arg *arg, uint64_t num)
{
	if (arg->domain != XM_D_ENUM && arg->domain != XM_D_RESOURCE_ENUM)
		return NULL;
	return xm_enum_name(arg->ref, num);
}

static void number(struct text *t, const struct xm_arg *arg, uint64_t num)
{
	if (arg->type == XM_T_S32 || arg->type == XM_T_S64)
		text_s64(t, (int64_t)num);
	else
		text_u64(t, num);
}

static void scalar_json(struct text *t, const struct xm_arg *arg, uint64_t num)
{
	const char *name = value_name(arg, num);

	if (name)
		text_json(t, name, strlen(name));
	else
		number(t, arg, num);
}

/* The fields of a structure that came in, from word `first` on. */
static void fields_json(struct text *t, const struct xm_struct *type, const struct xm_value *v,
			uint32_t first)
{
	for (unsigned int i = 0; i < type->n_fields; i++) {
		text_char(t, i ? ',' : '{');
		text_json(t, type->fields[i], strlen(type->fields[i]));
		text_char(t, ':');
		text_u64(t, xm_value_word(v, first + i));
	}
	text_char(t, '}');
}

static void records_json(struct text *t, const struct xm_struct *type, const struct xm_value *v)
{
	text_char(t, '[');
	for (uint32_t first = 0; first < v->len; first += type->n_fields) {
		if (first)
			text_char(t, ',');
		fields_json(t, type, v, first);
	}
	text_char(t, ']');
}

static void value_json(struct text *t, const struct xm_arg *arg, const struct xm_value *v)
{
	if (v->state != XM_ST_OK)
		text_printf(t, "\"%s\"", state_name(v->state));
	else if (xm_type_is_scalar(arg->type))
		scalar_json(t, arg, v->num);
	else if (arg->type == XM_T_NAME)
		text_json(t, v->data, v->len);
	else if (arg->type == XM_T_STRUCT_IN)
		fields_json(t, &xm_structs[arg->ref], v, 0);
	else if (arg->type == XM_T_RECORDS_IN)
		records_json(t, &xm_structs[arg->ref], v);
	else
		text_printf(t, "{\"length\":%u}", v->len);
}

void text_args_json(struct text *t, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];
	const char *between = "";

	text_char(t, '{');
	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_arg *arg = &op->args[i];
		const struct xm_value *v = &req->arg[i];

		if (!xm_type_is_in(arg->type) && v->state == XM_ST_OK)
			continue;
		text_puts(t, between);
		text_json(t, arg->name, strlen(arg->name));
		text_char(t, ':');
		value_json(t, arg, v);
		between = ",";
	}
	text_char(t, '}');
}

/* "{low=1, high=2}"; records one after the other. */
static void fields(struct text *t, const struct xm_struct *type, const struct xm_value *v)
{
	for (uint32_t i = 0; i < v->len; i++) {
		text_puts(t, i % type->n_fields ? ", " : "{");
		text_puts(t, type->fields[i % type->n_fields]);
		text_char(t, '=');
		text_u64(t, xm_value_word(v, i));
		if ((i + 1) % type->n_fields == 0)
			text_char(t, '}');
	}
	if (!v->len)
		text_puts(t, "{}");
}

static void argument(struct text *t, const struct xm_arg *arg, const struct xm_value *v)
{
	const char *name = value_name(arg, v->num);

	if (v->state != XM_ST_OK) {
		text_puts(t, state_name(v->state));
	} else if (xm_type_is_scalar(arg->type)) {
		if (name)
			text_puts(t, name);
		else
			number(t, arg, v->num);
	} else if (arg->type == XM_T_NAME) {
		text_char(t, '"');
		text_safe(t, v->data, v->len);
		text_char(t, '"');
	} else if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN) {
		fields(t, &xm_structs[arg->ref], v);
	} else {
		text_printf(t, "{%u bytes}", v->len);
	}
}

void text_call(struct text *t, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];
	const char *between = "";

	text_puts(t, op->name);
	text_char(t, '(');
	for (unsigned int i = 0; i < op->n_args; i++) {
		if (!xm_type_is_in(op->args[i].type) && req->arg[i].state == XM_ST_OK)
			continue;
		text_puts(t, between);
		argument(t, &op->args[i], &req->arg[i]);
		between = ", ";
	}
	text_char(t, ')');
}
