// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writing a recording.  Owns the file.  Must never leave a line out silently: when it cannot write it
 * says so and stops for good.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/sim/record.h"

struct record {
	int fd; /* owned */
	int error;
};

/* More than a line takes, apart from its bytes of data and its words. */
#define LINE_ASIDE 4096
#define WORD_TEXT 24 /* characters of a number, with a comma */

/* ---- writing ---------------------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Unless there is no error, or there was one. */
static void give_up(struct record *record, int error)
{
	if (record->error || !error)
		return;
	record->error = error;
	fprintf(stderr, "xmsim: the recording ends here: %s\n", strerror(-error));
}

/* The text and the end of its line; its room has one character more. */
static void put_line(struct record *record, char *text, size_t len)
{
	if (record->error)
		return;
	text[len] = '\n';
	give_up(record, write_all(record->fd, text, len + 1));
}

static void put_short(struct record *record, struct text *text)
{
	put_line(record, text->buf, text->len);
}

/* A file that was there before is emptied, and loses what others may do with it. */
static int open_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && (!S_ISREG(st.st_mode) || (!fchmod(fd, 0600) && !ftruncate(fd, 0))))
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int record_open(const char *path, const struct system *sys, const struct sim_options *options,
		struct record **recordp)
{
	struct record *record = calloc(1, sizeof(*record));
	char line[512];
	struct text text = TEXT_INIT(line);
	uint32_t n, profile = options->profile ? options->profile : sys->profile;

	if (!record)
		return -ENOMEM;
	record->fd = open_private(path);
	if (record->fd < 0) {
		int r = record->fd;

		free(record);
		return r;
	}
	system_partitions(sys, &n);
	text_printf(&text, "{\"recording\":%d,\"system\":", RECORD_VERSION);
	text_json(&text, sys->name, strnlen(sys->name, sizeof(sys->name)));
	text_printf(&text, ",\"partitions\":%u,\"profile\":\"%s\",\"quirks\":\"%s\"}", n,
		    xm_profile_name(profile), options->quirks ? "original" : "fixed");
	put_short(record, &text);
	*recordp = record;
	return 0;
}

int record_close(struct record *record)
{
	int r;

	if (!record)
		return 0;
	r = record->error;
	close(record->fd);
	free(record);
	return r;
}

/* ---- values ----------------------------------------------------------------------------------------- */

const char *record_state(unsigned int state)
{
	static const char *const names[XM_N_STATES] = {
		[XM_ST_NULL] = "null",           [XM_ST_FAULT] = "fault",
		[XM_ST_UNALIGNED] = "unaligned", [XM_ST_ABSENT] = "absent",
		[XM_ST_OVERSIZE] = "oversize",
	};

	return state < XM_N_STATES ? names[state] : NULL;
}

static bool is_printable(const struct xm_value *v)
{
	for (uint32_t i = 0; i < v->len; i++)
		if (v->data[i] < 0x20 || v->data[i] > 0x7e)
			return false;
	return true;
}

static void put_words(struct text *t, const struct xm_value *v)
{
	text_char(t, '[');
	for (uint32_t i = 0; i < v->len; i++) {
		if (i)
			text_char(t, ',');
		text_s64(t, (int64_t)(v->words ? v->words[i] : xm_value_word(v, i)));
	}
	text_char(t, ']');
}

/* Numbers are signed, as readers of JSON have them. */
static void put_value(struct text *t, const struct xm_arg *arg, const struct xm_value *v)
{
	switch (arg->type) {
	case XM_T_STRUCT_IN:
	case XM_T_RECORDS_IN:
	case XM_T_STRUCT_OUT:
	case XM_T_RECORDS_OUT:
		put_words(t, v);
		break;
	case XM_T_NAME:
		if (is_printable(v)) {
			text_json(t, v->data, v->len);
			break;
		}
		text_puts(t, "{\"bytes\":\"");
		text_bytes(t, v->data, v->len);
		text_puts(t, "\"}");
		break;
	case XM_T_DATA_IN:
	case XM_T_DATA_OUT:
	case XM_T_TEXT_OUT:
		text_char(t, '"');
		text_bytes(t, v->data, v->len);
		text_char(t, '"');
		break;
	default:
		text_s64(t, (int64_t)v->num);
	}
}

static void put_key(struct text *t, const char *name, const char *between)
{
	text_puts(t, between);
	text_json(t, name, strlen(name));
	text_char(t, ':');
}

/* Of outputs only what is wrong with the pointers. */
static void put_arguments(struct text *t, const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];
	const char *between = "{";

	text_puts(t, ",\"arguments\":");
	for (unsigned int i = 0; i < op->n_args; i++) {
		const struct xm_value *v = &req->arg[i];

		if (v->state == XM_ST_OK && !xm_type_is_in(op->args[i].type))
			continue;
		put_key(t, op->args[i].name, between);
		between = ",";
		if (v->state == XM_ST_OK)
			put_value(t, &op->args[i], v);
		else
			text_printf(t, "{\"state\":\"%s\"}", record_state(v->state));
	}
	text_puts(t, *between == '{' ? "{}" : "}");
}

static void put_outputs(struct text *t, const struct xm_request *req, const struct xm_reply *reply)
{
	const struct xm_op *op = &xm_ops[req->op];
	const char *between = "{";

	text_puts(t, ",\"outputs\":");
	for (unsigned int i = 0; i < op->n_args; i++) {
		if (xm_type_is_in(op->args[i].type) || reply->code != XM_C_OK ||
		    reply->out[i].state != XM_ST_OK)
			continue;
		put_key(t, op->args[i].name, between);
		between = ",";
		put_value(t, &op->args[i], &reply->out[i]);
	}
	text_puts(t, *between == '{' ? "{}" : "}");
}

/* ---- calls ------------------------------------------------------------------------------------------ */

/* Bytes take two characters each, or as part of a name up to six; words take more. */
static size_t room_for(const struct xm_arg *arg, const struct xm_value *v)
{
	bool bytes = arg->type == XM_T_DATA_IN || arg->type == XM_T_DATA_OUT ||
		     arg->type == XM_T_TEXT_OUT;

	return v->state == XM_ST_OK ? (size_t)v->len * (bytes ? 2 : WORD_TEXT) : 0;
}

/* Room for the line of a call, or NULL. */
static char *make_room(const struct xm_request *req, const struct xm_reply *reply, size_t *capp)
{
	const struct xm_op *op = &xm_ops[req->op];
	size_t cap = LINE_ASIDE;

	for (unsigned int i = 0; i < op->n_args; i++) {
		cap += room_for(&op->args[i], &req->arg[i]);
		if (reply)
			cap += room_for(&op->args[i], &reply->out[i]);
	}
	*capp = cap;
	return malloc(cap);
}

static void begin_call(struct text *t, int64_t time, uint32_t partition,
		       const struct xm_request *req)
{
	text_printf(t, "{\"time\":%" PRId64 ",\"partition\":%u,\"call\":\"%s\"", time, partition,
		    xm_ops[req->op].name);
	put_arguments(t, req);
}

static const char *outcome(enum sim_result result)
{
	switch (result) {
	case SIM_REPLY:
		return "reply";
	case SIM_DEFERRED:
		return "deferred";
	case SIM_GONE:
		return "gone";
	default:
		return "stopped";
	}
}

char *record_format(int64_t time, uint32_t partition, const struct xm_request *req,
		    enum sim_result result, const struct xm_reply *reply)
{
	struct text t = { NULL, 0, 0, false };

	t.buf = make_room(req, reply, &t.cap);
	if (!t.buf)
		return NULL;
	begin_call(&t, time, partition, req);
	text_printf(&t, ",\"outcome\":\"%s\",\"result\":\"%s\",\"value\":%u", outcome(result),
		    xm_code_name(reply->code), reply->value);
	put_outputs(&t, req, reply);
	text_char(&t, '}');
	if (!t.truncated)
		return t.buf;
	free(t.buf);
	return NULL;
}

static void put_allocated(struct record *record, char *line)
{
	if (line)
		put_line(record, line, strlen(line));
	else
		give_up(record, -ENOMEM);
	free(line);
}

void record_call(struct record *record, int64_t time, uint32_t partition,
		 const struct xm_request *req, enum sim_result result, const struct xm_reply *reply)
{
	if (!record->error)
		put_allocated(record, record_format(time, partition, req, result, reply));
}

void record_fault(struct record *record, int64_t time, uint32_t partition,
		  const struct xm_request *req, enum xm_code code)
{
	struct text t = { NULL, 0, 0, false };

	t.buf = make_room(req, NULL, &t.cap);
	if (t.buf) {
		begin_call(&t, time, partition, req);
		text_printf(&t, ",\"fault\":\"%s\"}", xm_code_name(code));
	}
	put_allocated(record, t.buf);
}

void record_event(struct record *record, int64_t time, uint32_t partition, uint32_t event)
{
	char line[160];
	struct text t = TEXT_INIT(line);

	text_printf(&t, "{\"time\":%" PRId64 ",\"partition\":%u,\"event\":%u}", time, partition,
		    event);
	put_short(record, &t);
}

void record_time(struct record *record, int64_t time)
{
	char line[64];
	struct text t = TEXT_INIT(line);

	text_printf(&t, "{\"time\":%" PRId64 "}", time);
	put_short(record, &t);
}
