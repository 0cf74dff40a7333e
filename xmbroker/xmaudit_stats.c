// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmaudit stats: how much of what is in a log.  Memory is bounded whatever the log holds: what finds
 * no place in a table is counted under "others".
 */

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmaudit_command.h"

#define TABLE_SLOTS 4096 /* a power of two; half of them are used */
#define NAME_BYTES 128
#define SHOWN 20   /* rows of a table for people */
#define SUB_BITS 5 /* a latency is known to one part in 32 */
#define BUCKETS ((64 - SUB_BITS + 1) << SUB_BITS)

struct row {
	char name[NAME_BYTES]; /* empty: free */
	uint64_t allowed, denied;
};

struct table {
	const char *title, *key;
	struct row *rows; /* owned */
	size_t n;
	struct row others;
};

enum { USERS, OPS, RULES, OBSERVED, RESULTS, N_TABLES };

struct stats {
	struct table table[N_TABLES];
	uint64_t records, type[XMAUDIT_N_TYPES];
	uint64_t allowed, denied; /* decisions, the folded ones included */
	uint64_t guarded, folded, lost, latencies;
	uint64_t latency[BUCKETS], slowest;
};

/* ---- counting ---------------------------------------------------------------------------------------- */

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

static struct row *find_row(struct table *table, const char *name)
{
	uint32_t i = hash_of(name) % TABLE_SLOTS;

	for (; table->rows[i].name[0]; i = (i + 1) % TABLE_SLOTS)
		if (!strcmp(table->rows[i].name, name))
			return &table->rows[i];
	if (table->n >= TABLE_SLOTS / 2)
		return &table->others;
	table->n++;
	strcpy(table->rows[i].name, name);
	return &table->rows[i];
}

static void count(struct table *table, const struct xmaudit_slice *slice, bool allowed, uint64_t n)
{
	char name[NAME_BYTES];
	struct row *row;

	xmaudit_slice_copy(slice, name, sizeof(name));
	if (!name[0])
		return;
	row = find_row(table, name);
	if (allowed)
		row->allowed += n;
	else
		row->denied += n;
}

/* Which of the buckets: exact to 2^SUB_BITS, then that many in each power of two. */
static unsigned int bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value >> SUB_BITS == 0)
		return (unsigned int)value;
	shift = 63u - (unsigned int)__builtin_clzll(value) - SUB_BITS;
	return ((shift + 1) << SUB_BITS) + (unsigned int)((value >> shift) - (1u << SUB_BITS));
}

/* The greatest value of a bucket. */
static uint64_t value_of(unsigned int bucket)
{
	unsigned int shift = bucket >> SUB_BITS;

	if (!shift)
		return bucket;
	shift--;
	return ((((uint64_t)1 << SUB_BITS) + (bucket & ((1u << SUB_BITS) - 1)) + 1) << shift) - 1;
}

static void count_decision(struct stats *s, const struct xmaudit_record *record, uint64_t n)
{
	const struct xmaudit_slice *member = record->member;
	bool allowed = xmaudit_slice_is(&member[XMAUDIT_DECISION], "allow");
	bool guarded = member[XMAUDIT_GUARD].s != NULL;

	if (allowed)
		s->allowed += n;
	else
		s->denied += n;
	if (guarded)
		s->guarded += n;
	count(&s->table[USERS], &member[XMAUDIT_UID], allowed, n);
	count(&s->table[OPS], &member[XMAUDIT_OP], allowed, n);
	count(&s->table[RULES], &member[member[XMAUDIT_RULE].s ? XMAUDIT_RULE : XMAUDIT_WHY],
	      allowed, n);
	count(&s->table[OBSERVED], &member[XMAUDIT_OBSERVED], allowed, n);
	if (guarded)
		count(&s->table[RESULTS], &member[XMAUDIT_GUARD], allowed, n);
}

static void count_result(struct stats *s, const struct xmaudit_record *record)
{
	uint64_t us;

	count(&s->table[RESULTS], &record->member[XMAUDIT_RESULT], true, 1);
	if (!xmaudit_slice_number(&record->member[XMAUDIT_LATENCY], &us))
		return;
	s->latencies++;
	s->latency[bucket_of(us)]++;
	if (us > s->slowest)
		s->slowest = us;
}

static void on_record(void *data, const struct xmaudit_record *record)
{
	struct stats *s = data;
	uint64_t n = 0;

	s->records++;
	s->type[record->type]++;
	if (record->type == XMAUDIT_IS_DECISION) {
		count_decision(s, record, 1);
	} else if (record->type == XMAUDIT_IS_RESULT) {
		count_result(s, record);
	} else if (xmaudit_slice_number(&record->member[XMAUDIT_RECORDS], &n)) {
		if (record->type == XMAUDIT_IS_LOST)
			s->lost += n;
		if (record->type != XMAUDIT_IS_FOLDED)
			return;
		s->folded += n;
		count_decision(s, record, n);
	}
}

/* The latency that `percent` of the calls do not exceed. */
static uint64_t percentile(const struct stats *s, double percent)
{
	uint64_t wanted = (uint64_t)((double)s->latencies * percent / 100), seen = 0;

	for (unsigned int i = 0; i < BUCKETS; i++) {
		seen += s->latency[i];
		if (seen > wanted || (seen && seen == s->latencies))
			return value_of(i) < s->slowest ? value_of(i) : s->slowest;
	}
	return 0;
}

/* ---- output ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	double percent;
} percentiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 } };
#define N_PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint64_t of_x = x->allowed + x->denied, of_y = y->allowed + y->denied;

	if (of_x != of_y)
		return of_x < of_y ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void print_name(const char *key, const char *name)
{
	char safe[4 * NAME_BYTES + 64];
	struct text t = TEXT_INIT(safe);
	const struct passwd *pw = NULL;

	safe[0] = '\0';
	if (!strcmp(key, "users") && strcmp(name, "*"))
		pw = getpwuid((uid_t)strtoul(name, NULL, 10));
	if (pw) {
		text_safe(&t, pw->pw_name, strlen(pw->pw_name));
		text_char(&t, '(');
	}
	text_safe(&t, name, strlen(name));
	if (pw)
		text_char(&t, ')');
	printf("  %-44s", safe);
}

static void print_table(struct table *table, bool decisions)
{
	if (!table->n)
		return;
	if (decisions)
		printf("\n%-46s%14s %14s\n", table->title, "allowed", "denied");
	else
		printf("\n%-46s\n", table->title);
	for (size_t i = 0; i < table->n && i < SHOWN; i++) {
		const struct row *row = &table->rows[i];

		print_name(table->key, row->name);
		if (decisions)
			printf("%14" PRIu64 " %14" PRIu64 "\n", row->allowed, row->denied);
		else
			printf("%14" PRIu64 "\n", row->allowed + row->denied);
	}
	for (size_t i = SHOWN; i < table->n; i++) {
		table->others.allowed += table->rows[i].allowed;
		table->others.denied += table->rows[i].denied;
	}
	if (table->others.allowed + table->others.denied == 0)
		return;
	if (decisions)
		printf("  %-44s%14" PRIu64 " %14" PRIu64 "\n", "others", table->others.allowed,
		       table->others.denied);
	else
		printf("  %-44s%14" PRIu64 "\n", "others",
		       table->others.allowed + table->others.denied);
}

static void print_stats(struct stats *s)
{
	printf("%-46s%14" PRIu64 "\n", "Records", s->records);
	printf("%-46s%14" PRIu64 "\n", "Decisions: allowed", s->allowed);
	printf("%-46s%14" PRIu64 "\n", "  of them answered by the guard", s->guarded);
	printf("%-46s%14" PRIu64 "\n", "Decisions: denied", s->denied);
	printf("%-46s%14" PRIu64 "\n", "  counted without a record of their own (folded)",
	       s->folded);
	printf("%-46s%14" PRIu64 "\n", "Records that could not be written (lost)", s->lost);
	for (unsigned int i = 0; i < N_TABLES; i++)
		print_table(&s->table[i], i != RESULTS);
	if (!s->latencies)
		return;
	printf("\n%-46s%14s\n", "Duration of calls", "us");
	for (size_t i = 0; i < N_PERCENTILES; i++)
		printf("  %-44s%14" PRIu64 "\n", percentiles[i].name,
		       percentile(s, percentiles[i].percent));
	printf("  %-44s%14" PRIu64 "\n", "longest", s->slowest);
}

static json_t *table_json(const struct table *table, bool decisions)
{
	json_t *object = json_object();

	for (size_t i = 0; i < table->n; i++) {
		const struct row *row = &table->rows[i];
		json_int_t allowed = (json_int_t)row->allowed, denied = (json_int_t)row->denied;

		/* A name that was cut may end within a character, and then has no place in JSON. */
		json_object_set_new(
			object, row->name,
			decisions ? json_pack("{s:I,s:I}", "allow", allowed, "deny", denied)
				  : json_integer(allowed + denied));
	}
	if (table->others.allowed + table->others.denied)
		json_object_set_new(object, "(others)",
				    decisions ? json_pack("{s:I,s:I}", "allow",
							  (json_int_t)table->others.allowed, "deny",
							  (json_int_t)table->others.denied)
					      : json_integer((json_int_t)(table->others.allowed +
									  table->others.denied)));
	return object;
}

static void print_json(const struct stats *s)
{
	json_t *latency = json_object(), *object;
	char *text;

	for (size_t i = 0; i < N_PERCENTILES && s->latencies; i++)
		json_object_set_new(
			latency, percentiles[i].name,
			json_integer((json_int_t)percentile(s, percentiles[i].percent)));
	if (s->latencies)
		json_object_set_new(latency, "max", json_integer((json_int_t)s->slowest));
	object = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "records", (json_int_t)s->records,
			   "allowed", (json_int_t)s->allowed, "denied", (json_int_t)s->denied,
			   "guarded", (json_int_t)s->guarded, "folded", (json_int_t)s->folded,
			   "lost", (json_int_t)s->lost, "latency_us", latency);
	for (unsigned int i = 0; i < N_TABLES; i++)
		json_object_set_new(object, s->table[i].key,
				    table_json(&s->table[i], i != RESULTS));
	text = object ? xmaudit_json_text(object) : NULL;
	if (text)
		puts(text);
	free(text);
}

/* ---- the command ------------------------------------------------------------------------------------- */

static const char *const titles[N_TABLES] = { "Decisions by user", "Decisions by operation",
					      "Decisions by rule, or why there is none",
					      "Decisions that shadow rules would change",
					      "Answers to allowed calls" };
static const char *const keys[N_TABLES] = { "users", "operations", "rules", "observed", "results" };

/* The rows to the front, the greatest first. */
static void sort(struct table *table)
{
	size_t n = 0;

	for (size_t i = 0; i < TABLE_SLOTS; i++)
		if (table->rows[i].name[0])
			table->rows[n++] = table->rows[i];
	qsort(table->rows, n, sizeof(*table->rows), compare);
}

static struct stats *new_stats(void)
{
	struct stats *s = calloc(1, sizeof(*s));
	bool good = s != NULL;

	for (unsigned int i = 0; s && i < N_TABLES; i++) {
		s->table[i].title = titles[i];
		s->table[i].key = keys[i];
		s->table[i].rows = calloc(TABLE_SLOTS, sizeof(struct row));
		good = good && s->table[i].rows;
	}
	if (!good)
		fprintf(stderr, "xmaudit: %s\n", strerror(ENOMEM));
	return good ? s : NULL;
}

static void free_stats(struct stats *s)
{
	for (unsigned int i = 0; s && i < N_TABLES; i++)
		free(s->table[i].rows);
	free(s);
}

int xmaudit_stats(const struct xmaudit_options *o)
{
	struct xmaudit_reader *reader = calloc(1, sizeof(*reader));
	struct stats *s = new_stats();
	struct xmaudit_log log;
	int r, code = XMAUDIT_EXIT_USAGE;

	if (!reader || !s)
		goto out;
	reader->filter = &o->filter;
	reader->on_record = on_record;
	reader->data = s;
	r = xmaudit_log_open(o->file, &log);
	if (r < 0)
		goto out;
	r = xmaudit_read_log(reader, &log, true);
	xmaudit_log_close(&log);
	if (r < 0)
		goto out;
	for (unsigned int i = 0; i < N_TABLES; i++)
		sort(&s->table[i]);
	if (o->json)
		print_json(s);
	else
		print_stats(s);
	code = reader->bad ? XMAUDIT_EXIT_BAD : XMAUDIT_EXIT_GOOD;
out:
	free_stats(s);
	free(reader);
	return code;
}
