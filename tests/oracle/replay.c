// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Replays a file of the oracle line by line and compares, in TAP, a test a line.
 *
 *	replay --socket SOCKET --peers DIR [--differences FILE] ORACLE
 *
 * SOCKET is the probe's hypervisor, or a broker; DIR has the sockets of the other partitions.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/oracle/replay.h"

#define LINES_MAX 4096

struct replay {
	const char *socket, *peers, *differences, *path;
	char *texts[LINES_MAX]; /* of the calls so far */
	unsigned int n_texts;
	unsigned int line, replayed, different, reviewed, skipped;
	char *waiting; /* a line of the partition Helper that is not compared yet */
	unsigned int waiting_line;
};

/* ---- comparing ---------------------------------------------------------------------------------------- */

static void compare(struct replay *r, unsigned int line, const char *text, const char *recorded,
		    const char *got)
{
	const char *reason;

	r->replayed++;
	if (!strcmp(recorded, got)) {
		printf("ok - %s:%u %s = %s\n", r->path, line, text, got);
		return;
	}
	reason = differences_find(text, recorded, got);
	if (reason) {
		r->reviewed++;
		printf("ok - %s:%u %s = %s, not %s: %s\n", r->path, line, text, got, recorded,
		       reason);
		return;
	}
	r->different++;
	printf("not ok - %s:%u %s\n# recorded: %s\n# got:      %s\n", r->path, line, text, recorded,
	       got);
}

static bool skip(struct replay *r, const char *text)
{
	const char *reason = rules_not_applicable(text);

	if (!reason)
		return false;
	r->skipped++;
	printf("ok - %s:%u %s # SKIP %s\n", r->path, r->line, text, reason);
	return true;
}

/* "before = after", at the last such place; after is without what is blank at its end. */
static bool split(const char *line, const char *separator, char *before, char *after)
{
	const char *at = NULL;

	for (const char *next = line; (next = strstr(next, separator)); next++)
		at = next;
	if (!at)
		return false;
	snprintf(before, TEXT_MAX, "%.*s", (int)(at - line), line);
	snprintf(after, TEXT_MAX, "%s", at + strlen(separator));
	for (size_t n = strlen(after); n && after[n - 1] == ' '; n--)
		after[n - 1] = '\0';
	return true;
}

/* ---- calls -------------------------------------------------------------------------------------------- */

static unsigned int times_before(struct replay *r, const char *text)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->n_texts; i++)
		n += !strcmp(r->texts[i], text);
	if (r->n_texts < LINES_MAX)
		r->texts[r->n_texts++] = strdup(text);
	return n;
}

static void put_result(char *got, int64_t value)
{
	const char *code = env_code(value);

	snprintf(got, TEXT_MAX, "%lld%s%s", (long long)value, *code ? " " : "", code);
}

/* Sizes of records as they would be where it was recorded. */
static int64_t as_recorded(const char *text, const struct result *result)
{
	bool size = !strncmp(text, "sizeof(", 7) ||
		    (result->call && call_counts_records(result->call, result->args));
	int64_t here = sizeof(xmTraceEvent_t);

	if (!size || here == RECORD_THERE || result->value < here || result->value % here)
		return result->value;
	rule_used(RULE_RECORD);
	return result->value / here * RECORD_THERE;
}

static void run_call(struct replay *r, const char *text, const char *recorded)
{
	struct result result;
	char got[TEXT_MAX];
	const char *error;

	if (skip(r, text))
		return;
	env_clear();
	rules_prepare(text, times_before(r, text));
	if (expr_run(text, &result, &error))
		put_result(got, as_recorded(text, &result));
	else
		snprintf(got, sizeof(got), "cannot be replayed: %s", error);
	compare(r, r->line, text, recorded, got);
}

static void run_registers(struct replay *r, const char *text, char *recorded)
{
	char got[TEXT_MAX];
	const char *error;

	if (skip(r, text))
		return;
	env_clear();
	registers_normalize(text + 3, recorded, TEXT_MAX);
	if (!registers_run(text + 3, got, sizeof(got), &error))
		snprintf(got, sizeof(got), "cannot be replayed: %s", error);
	compare(r, r->line, text, recorded, got);
}

/* ---- what is no call ------------------------------------------------------------------------------------ */

#if XM_FAMILY == 2
#define get_status XM_partition_get_status
#else
#define get_status XM_get_partition_status
#endif

/* "state(1) -> 1 opmode 3 reset_counter 0 reset_status 0x0" */
static void run_state(struct replay *r, const char *line)
{
	char text[TEXT_MAX], recorded[TEXT_MAX], got[TEXT_MAX];
	xmPartitionStatus_t s = { 0 };
	xm_s32_t result;

	split(line, " -> ", text, recorded);
	result = get_status((xmId_t)strtoul(text + strlen("state("), NULL, 0), &s);
	if (result < 0)
		put_result(got, result);
	else
		snprintf(got, sizeof(got), "%u opmode %u reset_counter %u reset_status 0x%x",
			 s.state,
#if XM_PROFILE == XM_PROFILE_2_4
			 0,
#else
			 s.opMode,
#endif
			 s.resetCounter, s.resetStatus);
	compare(r, r->line, text, recorded, got);
}

#define CACHES 0x180u /* of the flags, in which no process has a part */

static void put_start(char *got)
{
#if XM_FAMILY == 2
	const partitionInformationTable_t *t = XM_params_get_PIT();

	snprintf(got, TEXT_MAX, "reset_status %u reset_counter %u", t->resetStatus,
		 t->resetCounter);
#else
	const partitionControlTable_t *t = XM_get_PCT();

	rule_used(RULE_CACHES);
	snprintf(got, TEXT_MAX, "reset_status %u reset_counter %u flags 0x%x", t->resetStatus,
		 t->resetCounter, t->flags | CACHES);
#endif
}

/* Whoever is between comes back when the partition does. */
static void wait_for_partition(void)
{
	xmTime_t now;

	for (unsigned int i = 0; i < 100 && XM_get_time(XM_HW_CLOCK, &now) < 0; i++)
		usleep(100000);
}

static void run_start(struct replay *r, const char *line)
{
	char got[TEXT_MAX];

	wait_for_partition();
	put_start(got);
	compare(r, r->line, "--- start", line + strlen("--- start "), got);
}

/* "reset_partition(0,1,0x10) ..." does not return. */
static void run_reset(struct replay *r, const char *line)
{
	unsigned int mode = 0, status = 0;
	char got[TEXT_MAX];
	xm_s32_t result;

	sscanf(line, "reset_partition(0,%u,%x)", &mode, &status);
	result = XM_reset_partition(0, mode, status);
	put_result(got, result);
	compare(r, r->line, line, "does not return",
		result == XM_INVALID_MODE ? "does not return" : got);
}

/* It is compared when the call of the probe that it ends has returned. */
static void run_helper(struct replay *r, const char *line)
{
	free(r->waiting);
	r->waiting = strdup(line);
	r->waiting_line = r->line;
	if (!peer_resume_later(r->peers))
		printf("Bail out! no process for the other partition\n");
}

static void finish_helper(struct replay *r)
{
	char text[TEXT_MAX], recorded[TEXT_MAX], got[TEXT_MAX];
	int32_t result;

	split(r->waiting, " = ", text, recorded);
	if (peer_resumed(&result))
		snprintf(got, sizeof(got), "%d", result);
	else
		snprintf(got, sizeof(got), "never came");
	compare(r, r->waiting_line, text, recorded, got);
	free(r->waiting);
	r->waiting = NULL;
}

/* ---- lines ---------------------------------------------------------------------------------------------- */

static void run_text(struct replay *r, char *line)
{
	char text[TEXT_MAX], recorded[TEXT_MAX];

	if (!strncmp(line, "--- start", 9))
		run_start(r, line);
	else if (!strncmp(line, "state(", 6))
		run_state(r, line);
	else if (!strncmp(line, "reset_partition(", 16))
		run_reset(r, line);
	else if (!strncmp(line, "cur=", 4))
		snprintf(recorded, sizeof(recorded), "%u", env.cur),
			compare(r, r->line, "cur", line + 4, recorded);
	else if (split(line, " = ", text, recorded))
		run_call(r, text, recorded);
	else if (strcmp(line, "END") && strcmp(line, "suspend self..."))
		compare(r, r->line, line, "a line", "none that is known");
}

/* "ORA|S|0|text"; the number is the status that the probe was started with. */
static void run_oracle(struct replay *r, char *line)
{
	unsigned int status;
	bool waited = r->waiting;
	int at = 0;
	char who;

	if (sscanf(line, "ORA|%c|%u|%n", &who, &status, &at) != 2 || !at) {
		compare(r, r->line, line, "a line", "none that is known");
		return;
	}
	if (who == 'H') {
		run_helper(r, line + at);
		return;
	}
	run_text(r, line + at);
	if (waited)
		finish_helper(r);
}

static void run_line(struct replay *r, char *line)
{
	char text[TEXT_MAX], recorded[TEXT_MAX];

	r->line++;
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "ORA|", 4))
		run_oracle(r, line);
	else if (!strncmp(line, "HC ", 3) && split(line, " = ", text, recorded))
		run_registers(r, text, recorded);
	/* What else there is are headings. */
	rules_end_line();
}

static int run(struct replay *r)
{
	FILE *f = fopen(r->path, "r");
	const char *slash = strrchr(r->path, '/');
	char line[TEXT_MAX];

	if (!f) {
		perror(r->path);
		return EXIT_FAILURE;
	}
	r->path = slash ? slash + 1 : r->path;
	while (fgets(line, sizeof(line), f))
		run_line(r, line);
	fclose(f);
	r->different += differences_left();
	rules_print();
	printf("# summary: %s: %u lines replayed, %u differences, %u reviewed, %u not applicable\n",
	       r->path, r->replayed, r->different, r->reviewed, r->skipped);
	return r->different || !r->replayed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- start ---------------------------------------------------------------------------------------------- */

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "peers", required_argument, NULL, 'p' },
	{ "differences", required_argument, NULL, 'd' },
	{ NULL, 0, NULL, 0 },
};

static bool parse(struct replay *r, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			r->socket = optarg;
		else if (option == 'p')
			r->peers = optarg;
		else if (option == 'd')
			r->differences = optarg;
		else
			return false;
	}
	r->path = argv[optind];
	return r->socket && r->peers && r->path;
}

static bool prepare(struct replay *r)
{
	const char *slash = strrchr(r->path, '/');
	int failed;

	env_init();
	if (r->differences && !differences_read(r->differences, slash ? slash + 1 : r->path))
		return false;
	failed = peer_start(r->peers);
	if (failed)
		fprintf(stderr, "replay: the other partition could not do its part: %d\n", failed);
	setenv("XM_BROKER_SOCKET", r->socket, 1);
	if (!failed && !env_connect())
		perror("replay: the partition has no memory");
	else if (!failed)
		return true;
	return false;
}

int main(int argc, char **argv)
{
	static struct replay r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse(&r, argc, argv)) {
		fprintf(stderr,
			"usage: replay --socket SOCKET --peers DIR [--differences FILE] ORACLE\n");
		return 2;
	}
	return prepare(&r) ? run(&r) : EXIT_FAILURE;
}
