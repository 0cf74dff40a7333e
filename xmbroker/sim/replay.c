// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making recorded calls again, of a fresh simulator and at the recorded times.  Owns both for the
 * while.  Must never hand the simulator a call that could not have come from a program: each goes
 * through the codec of the protocol first.
 */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "libxm/core/wire.h"
#include "libxm/system/value.h"
#include "xmbroker/sim/record.h"
#include "xmbroker/sim/replay.h"

struct replay {
	const char *path;
	unsigned int line;
	const struct system *sys;
	uint32_t n_partitions;
	struct sim *sim; /* owned */
	uint8_t *msg;    /* owned; XM_WIRE_MAX: the call in hand, as it would come */
	uint8_t *space;  /* owned; XM_WIRE_DATA_MAX */
	uint8_t *bytes;  /* owned; XM_WIRE_MAX: data of its arguments */
	size_t used;     /* of them */
	unsigned long long calls;
	int64_t now;
	struct xm_reply reply;
};

/* A file may hold what a terminal would obey, and what is said of it may quote that. */
static enum replay_result wrong(const struct replay *r, const char *what)
{
	char safe[256] = "";
	struct text text = TEXT_INIT(safe);

	text_safe(&text, what, strlen(what));
	fprintf(stderr, "%s:%u: %s\n", r->path, r->line, safe);
	return REPLAY_WRONG;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- arguments -------------------------------------------------------------------------------------- */

static uint8_t *take_bytes(struct replay *r, size_t n)
{
	uint8_t *p = r->bytes + r->used;

	if (n > XM_WIRE_MAX - r->used)
		return NULL;
	r->used += n;
	return p;
}

static bool get_hex(struct replay *r, const char *text, struct xm_value *v)
{
	size_t n = strlen(text) / 2;
	uint8_t *p = take_bytes(r, n);

	if (!p || strlen(text) % 2)
		return false;
	v->data = p;
	v->len = (uint32_t)n;
	return value_bytes(text, p);
}

static bool get_words(struct replay *r, const json_t *array, struct xm_value *v)
{
	size_t n = json_array_size(array);
	uint8_t *p = take_bytes(r, n * XM_WORD_BYTES);

	if (!json_is_array(array) || !p)
		return false;
	v->data = p;
	v->len = (uint32_t)n;
	for (size_t i = 0; i < n; i++, p += XM_WORD_BYTES) {
		const json_t *word = json_array_get(array, i);

		if (!json_is_integer(word))
			return false;
		xm_put_word(p, (uint64_t)json_integer_value(word));
	}
	return true;
}

static bool get_state(const json_t *value, struct xm_value *v)
{
	const char *name = text_of(value, "state");

	for (unsigned int i = 0; i < XM_N_STATES; i++)
		if (record_state(i) && !strcmp(record_state(i), name)) {
			v->state = (uint8_t)i;
			return true;
		}
	return false;
}

static bool get_name(struct replay *r, const json_t *value, struct xm_value *v)
{
	if (json_is_object(value))
		return get_hex(r, text_of(value, "bytes"), v);
	v->data = (const uint8_t *)json_string_value(value);
	v->len = (uint32_t)json_string_length(value);
	return v->data;
}

/* An output that is not there is one whose pointer is as it should be. */
static bool get_argument(struct replay *r, const struct xm_arg *arg, const json_t *value,
			 struct xm_value *v)
{
	*v = (struct xm_value){ .state = XM_ST_OK };
	if (!value)
		return !xm_type_is_in(arg->type);
	if (json_object_get(value, "state"))
		return get_state(value, v);
	if (arg->type == XM_T_NAME)
		return get_name(r, value, v);
	if (arg->type == XM_T_DATA_IN)
		return json_is_string(value) && get_hex(r, json_string_value(value), v);
	if (arg->type == XM_T_STRUCT_IN || arg->type == XM_T_RECORDS_IN)
		return get_words(r, value, v);
	v->num = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && xm_type_is_scalar(arg->type);
}

/* Fills a request that points into the replay's memory. */
static bool get_request(struct replay *r, const json_t *line, struct xm_request *req)
{
	const json_t *arguments = json_object_get(line, "arguments");
	int op = xm_op_by_name(text_of(line, "call")), len;
	struct xm_request given = { 0 };

	r->used = 0;
	if (op < 0 || !json_is_object(arguments))
		return false;
	given.op = (unsigned int)op;
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++) {
		const struct xm_arg *arg = &xm_ops[op].args[i];

		if (!get_argument(r, arg, json_object_get(arguments, arg->name), &given.arg[i]))
			return false;
	}
	len = xm_wire_put_call(r->msg, XM_WIRE_MAX, 1, &given);
	return len > 0 && xm_wire_get_call(r->msg, (size_t)len, req) == 0;
}

/* ---- lines ------------------------------------------------------------------------------------------ */

static bool is_same(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "outcome", "result", "value", "outputs" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	return true;
}

static void print_word(const char *word)
{
	char safe[64] = "";
	struct text text = TEXT_INIT(safe);

	text_safe(&text, word, strlen(word));
	printf("%s, ", safe);
}

static void print_answer(const char *when, const json_t *line)
{
	char *outputs =
		json_dumps(json_object_get(line, "outputs"), JSON_COMPACT | JSON_ENSURE_ASCII);

	printf("  %s: ", when);
	print_word(text_of(line, "outcome"));
	print_word(text_of(line, "result"));
	printf("value %lld, outputs %.2000s\n",
	       (long long)json_integer_value(json_object_get(line, "value")),
	       outputs ? outputs : "none");
	free(outputs);
}

static enum replay_result compare(const struct replay *r, const json_t *line, const char *now)
{
	json_t *again = now ? json_loads(now, 0, NULL) : NULL;
	enum replay_result result = again && is_same(line, again) ? REPLAY_SAME : REPLAY_DIFFERENT;

	if (result == REPLAY_DIFFERENT) {
		printf("%s:%u: %s of partition %lld at %lld us answers differently\n", r->path,
		       r->line, text_of(line, "call"),
		       (long long)json_integer_value(json_object_get(line, "partition")),
		       (long long)r->now);
		print_answer("recorded", line);
		print_answer("now", again);
	}
	json_decref(again);
	return result;
}

static bool get_partition(const struct replay *r, const json_t *line, bool or_system, uint32_t *idp)
{
	const json_t *number = json_object_get(line, "partition");
	json_int_t id = json_integer_value(number);

	*idp = (uint32_t)id;
	return json_is_integer(number) && id >= 0 &&
	       (id < r->n_partitions || (or_system && id == XM_HYPERVISOR_ID));
}

static enum replay_result replay_call(struct replay *r, const json_t *line)
{
	struct xm_request req;
	enum sim_result outcome;
	enum replay_result result;
	uint32_t partition;
	char *now;

	if (!get_partition(r, line, false, &partition) || !get_request(r, line, &req))
		return wrong(r, "this is no call of the system");
	if (json_object_get(line, "fault"))
		return REPLAY_SAME; /* it never reached the simulator */
	xm_reply_init(&r->reply, r->space, XM_WIRE_DATA_MAX);
	outcome = sim_call(r->sim, partition, &req, &r->reply, r->now);
	now = record_format(r->now, partition, &req, outcome, &r->reply);
	result = compare(r, line, now);
	free(now);
	r->calls++;
	return result;
}

static enum replay_result replay_event(struct replay *r, const json_t *line)
{
	json_int_t event = json_integer_value(json_object_get(line, "event"));
	uint32_t partition;

	if (!get_partition(r, line, true, &partition) || event < 0 || event > UINT16_MAX)
		return wrong(r, "this is no event of the system");
	sim_run(r->sim, r->now);
	sim_hm_event(r->sim, partition, (uint32_t)event);
	return REPLAY_SAME;
}

static enum replay_result replay_line(struct replay *r, const json_t *line)
{
	const json_t *time = json_object_get(line, "time");

	if (!json_is_integer(time) || json_integer_value(time) < r->now ||
	    json_integer_value(time) > SYSTEM_MAX_TIME)
		return wrong(r, "the time is missing, or goes backwards");
	r->now = json_integer_value(time);
	if (json_object_get(line, "call"))
		return replay_call(r, line);
	if (json_object_get(line, "event"))
		return replay_event(r, line);
	sim_run(r->sim, r->now);
	return REPLAY_SAME;
}

/* ---- the file --------------------------------------------------------------------------------------- */

static enum xm_profile profile_named(const char *name)
{
	for (unsigned int i = XM_PROFILE_ID_2_4; i <= XM_PROFILE_ID_PRTOS; i++)
		if (!strcmp(name, xm_profile_name(i)))
			return i;
	return 0;
}

/* A description may have changed since, but not its name, family and partitions. */
static bool is_of_system(const struct replay *r, const json_t *head)
{
	unsigned int recorded = profile_named(text_of(head, "profile"));
	bool is_2x = recorded <= XM_PROFILE_ID_2_6;

	return !strcmp(text_of(head, "system"), r->sys->name) &&
	       json_integer_value(json_object_get(head, "partitions")) == r->n_partitions &&
	       (recorded == r->sys->profile || (is_2x && r->sys->profile <= XM_PROFILE_ID_2_6));
}

static enum replay_result begin(struct replay *r, const json_t *head)
{
	struct sim_options options = {
		.profile = profile_named(text_of(head, "profile")),
		.quirks = !strcmp(text_of(head, "quirks"), "original"),
	};

	if (json_integer_value(json_object_get(head, "recording")) != RECORD_VERSION ||
	    !options.profile)
		return wrong(r, "this is no recording");
	if (!is_of_system(r, head) || sim_new(r->sys, &options, 0, &r->sim) < 0)
		return wrong(r, "the recording is of another system");
	return REPLAY_SAME;
}

static enum replay_result replay_lines(struct replay *r, FILE *file)
{
	enum replay_result result = REPLAY_SAME;
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	while (result == REPLAY_SAME && (n = getline(&text, &cap, file)) > 0) {
		json_error_t error;
		json_t *line = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &error);

		r->line++;
		if (!json_is_object(line))
			result = wrong(r, line ? "this is no JSON object" : error.text);
		else
			result = r->sim ? replay_line(r, line) : begin(r, line);
		json_decref(line);
	}
	free(text);
	if (result == REPLAY_SAME && !r->sim)
		return wrong(r, "the recording is empty");
	return result;
}

enum replay_result replay_file(const char *path, const struct system *sys)
{
	struct replay r = { .path = path, .sys = sys };
	enum replay_result result = REPLAY_WRONG;
	FILE *file = fopen(path, "re");

	system_partitions(sys, &r.n_partitions);
	r.msg = malloc(XM_WIRE_MAX);
	r.space = malloc(XM_WIRE_DATA_MAX);
	r.bytes = malloc(XM_WIRE_MAX);
	if (!file)
		fprintf(stderr, "xmsim: %s: %s\n", path, strerror(errno));
	else if (!r.msg || !r.space || !r.bytes)
		fprintf(stderr, "xmsim: no memory\n");
	else
		result = replay_lines(&r, file);
	if (result == REPLAY_SAME)
		printf("%s: %llu calls answered as recorded\n", path, r.calls);
	if (file)
		fclose(file);
	sim_free(r.sim);
	free(r.msg);
	free(r.space);
	free(r.bytes);
	return result;
}
