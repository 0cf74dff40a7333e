// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bench of reading: a long audit log, searched and verified by xmaudit.  Owns the log, which is in
 * the page cache when it is read.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/log_chain.h"

#define FILE_RECORDS 150000 /* about 64 MiB */
#define RUNS 3
#define RARE 20000 /* one decision in so many is by the user who is looked for */

extern char **environ;

static const uint8_t key[32] = "this one is kept on the host";

/* Writes a record with its newline. */
static void put(FILE *out, struct log_chain *chain, uint64_t mono, const char *type,
		const char *members)
{
	static char body[2048], line[4096];
	time_t seconds = 1800000000 + (time_t)(mono / 1000000000);
	char when[32];
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(body, sizeof(body), ",\"type\":\"%s\",\"time\":\"%s.%06uZ\",\"mono\":%llu%s", type,
		 when, (unsigned int)(mono / 1000 % 1000000), (unsigned long long)mono, members);
	len = log_chain_line(chain, body, line, sizeof(line) - 1);
	line[len++] = '\n';
	fwrite(line, 1, len, out);
}

/* A file begins: the first of the log, or one after rotation. */
static void put_begin(FILE *out, struct log_chain *chain, uint64_t mono, unsigned int file)
{
	char members[256];

	log_chain_segment(chain);
	snprintf(members, sizeof(members),
		 file ? ",\"file\":%u,\"reason\":\"size\",\"epoch\":%u,\"policy\":\"00\","
			"\"generation\":1"
		      : ",\"version\":\"1\",\"pid\":%u,\"backend\":\"sim\",\"partition\":0,"
			"\"previous\":"
			"\"none\",\"epoch\":%u,\"policy\":\"00\",\"generation\":1",
		 file + 1, (unsigned int)chain->epoch);
	put(out, chain, mono, file ? "continue" : "start", members);
}

static void put_pair(FILE *out, struct log_chain *chain, uint64_t *monop, uint64_t id)
{
	static const char *const ops[] = { "XM_get_time", "XM_write_console",
					   "XM_reset_partition" };
	unsigned int uid = id % RARE ? 1000 + (unsigned int)(id % 7) : 4242;
	char members[1024];

	log_chain_decision(members, sizeof(members), id, uid, ops[id % 3], true);
	put(out, chain, *monop, "decision", members);
	snprintf(members, sizeof(members),
		 ",\"id\":%llu,\"result\":\"XM_OK\",\"value\":0,\"latency_us\":%u",
		 (unsigned long long)id, (unsigned int)(id % 97));
	put(out, chain, *monop + 90000, "result", members);
	*monop += 100000;
}

static FILE *create(const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		bench_die("cannot write %s: %s", path, strerror(errno));
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	return out;
}

static void finish(FILE *out, const char *path)
{
	if (ferror(out) || fclose(out) == EOF)
		bench_die("cannot write %s: %s", path, strerror(errno));
}

static void write_log(const char *name, unsigned int records)
{
	char path[PEER_PATH + 16];
	struct log_chain chain;
	uint64_t mono = 1000000000, id = 0;
	unsigned int file = 0;

	log_chain_init(&chain, key);
	while (chain.seq < records) {
		uint64_t to =
			chain.seq + FILE_RECORDS < records ? chain.seq + FILE_RECORDS : records;
		FILE *out;

		snprintf(path, sizeof(path), to < records ? "%s.%06u" : "%s", name, file + 1);
		out = create(path);
		put_begin(out, &chain, mono, file++);
		while (chain.seq + 2 < to)
			put_pair(out, &chain, &mono, ++id);
		put(out, &chain, mono, to < records ? "rotate" : "stop", ",\"reason\":\"size\"");
		finish(out, path);
		if (to == records)
			break;
	}
}

/* Seconds that the program takes, its peak of memory in KiB, and the end of what it prints. */
static double run(const char *build, const char *name, const char *const *args, char *said,
		  size_t size, double *kibp)
{
	char program[PEER_PATH + 16], out[PEER_PATH];
	const char *argv[16] = { program };
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int64_t start = bench_now();
	unsigned int n = 1;
	int status;
	pid_t pid;
	FILE *file;

	snprintf(program, sizeof(program), "%s/xmaudit", build);
	peers_file(out, "xmaudit.out", NULL);
	while (*args)
		argv[n++] = *args++;
	argv[n] = name;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out, O_WRONLY | O_CREAT | O_TRUNC,
					 0600);
	if (posix_spawn(&pid, program, &actions, NULL, (char **)(uintptr_t)argv, environ) != 0)
		bench_die("cannot run %s", program);
	posix_spawn_file_actions_destroy(&actions);
	if (wait4(pid, &status, 0, &usage) < 0 || status != 0)
		bench_die("%s %s fails", program, argv[1]);
	*kibp = (double)usage.ru_maxrss;
	file = fopen(out, "re");
	said[0] = '\0';
	while (file && fgets(said, (int)size, file))
		;
	if (file)
		fclose(file);
	return (double)(bench_now() - start) / 1e9;
}

/* The best of some runs: what disturbs one makes it only longer. */
static double best(const char *build, const char *name, const char *const *args, char *said,
		   size_t size, double *kibp)
{
	double seconds = 0;

	for (unsigned int i = 0; i < RUNS; i++) {
		double kib, s = run(build, name, args, said, size, &kib);

		seconds = i && seconds < s ? seconds : s;
		*kibp = *kibp > kib ? *kibp : kib;
	}
	return seconds;
}

void audit_bench(const char *build, unsigned int records, struct audit_results *results)
{
	static const char *const selective[] = { "search", "--user", "4242", NULL };
	static const char *const count[] = { "search", "--decision", "allow", "--count", NULL };
	char name[PEER_PATH], key_path[PEER_PATH], hex[65] = "", said[1024];
	const char *const verify[] = { "verify", "--key", key_path, NULL };

	log_chain_hex(hex, key, sizeof(key));
	peers_file(name, "long.jsonl", NULL);
	peers_file(key_path, "long.key", hex);
	write_log(name, records);
	results->records = records;
	results->selective = best(build, name, selective, said, sizeof(said), &results->kib);
	if (!strstr(said, "(4242)"))
		bench_die("xmaudit search does not find what it should");
	results->count = best(build, name, count, said, sizeof(said), &results->kib);
	if (strtoul(said, NULL, 10) < records / 2 - 100)
		bench_die("xmaudit search counts wrong: %s", said);
	results->verify = best(build, name, verify, said, sizeof(said), &results->kib);
}

static void row(const char *title, double seconds, unsigned int records, const char *aim)
{
	printf("%-40s %9.2f s  %17s\n", title, seconds * 1e6 / records, aim);
}

void audit_print(const struct audit_results *r)
{
	printf("\n%-40s %11s\n", "a million audit records, from the cache",
	       r->records == 1000000 ? "" : "(reckoned)");
	row("  search for one user's few calls", r->selective, r->records, "1 s");
	row("  search that counts what was allowed", r->count, r->records, "1 s");
	row("  verify: chain and seals", r->verify, r->records, "5 s");
	printf("%-40s %7.1f MiB %19s\n", "  memory", r->kib / 1024, "64 MiB");
}

void audit_print_json(const struct audit_results *r)
{
	printf(",\"audit_records\":%u,\"audit_search_s\":%.3f,\"audit_count_s\":%.3f,"
	       "\"audit_verify_s\":%.3f,\"audit_kib\":%.0f",
	       r->records, r->selective, r->count, r->verify, r->kib);
}
