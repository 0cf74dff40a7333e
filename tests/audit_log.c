// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes audit logs for tests.  Knows the form of a log by itself: uses nothing of the broker but the
 * list of files that the reader takes.
 */

#include "tests/audit_log.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LINE 8192

/* ---- lines ------------------------------------------------------------------------------------------- */

void audit_log_init(struct audit_log *log, const uint8_t key[32])
{
	*log = (struct audit_log){ .mono = 1000000000 };
	log_chain_init(&log->chain, key);
}

void audit_log_free(struct audit_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->lines[i].text);
	free(log->lines);
	log->lines = NULL;
	log->n = log->cap = 0;
}

void audit_log_insert(struct audit_log *log, size_t at, const char *text, unsigned int file)
{
	if (log->n == log->cap) {
		log->cap = log->cap ? 2 * log->cap : 64;
		log->lines = reallocarray(log->lines, log->cap, sizeof(*log->lines));
	}
	memmove(log->lines + at + 1, log->lines + at, (log->n++ - at) * sizeof(*log->lines));
	log->lines[at] = (struct log_line){ .text = strdup(text), .file = file };
}

void audit_log_remove(struct audit_log *log, size_t at)
{
	free(log->lines[at].text);
	memmove(log->lines + at, log->lines + at + 1, (--log->n - at) * sizeof(*log->lines));
}

void audit_log_add(struct audit_log *log, const char *type, const char *members)
{
	const struct log_chain before = log->chain;
	char body[LINE], line[LINE], when[32];
	time_t seconds = 1800000000 + (time_t)(log->mono / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(body, sizeof(body), ",\"type\":\"%s\",\"time\":\"%s.%06lluZ\",\"mono\":%llu%s",
		 type, when, (unsigned long long)(log->mono / 1000 % 1000000),
		 (unsigned long long)log->mono, members);
	log->mono += 1234567;
	log_chain_line(&log->chain, body, line, sizeof(line));
	audit_log_insert(log, log->n, line, log->file);
	log->lines[log->n - 1].seq = log->chain.seq;
	log->lines[log->n - 1].before = before;
}

static void put_epoch(const struct audit_log *log, char text[40])
{
	text[0] = '\0';
	if (log->chain.sealed)
		sprintf(text, ",\"epoch\":%llu", (unsigned long long)log->chain.epoch);
}

void audit_log_start(struct audit_log *log, const char *previous)
{
	char members[512], epoch[40];

	log_chain_segment(&log->chain);
	log->id = 0;
	put_epoch(log, epoch);
	snprintf(members, sizeof(members),
		 ",\"version\":\"1\",\"pid\":9,\"backend\":\"loopback\",\"partition\":0,"
		 "\"previous\":\"%s\"%s,"
		 "\"policy\":\"0011223344556677\",\"generation\":1",
		 previous, epoch);
	audit_log_add(log, "start", members);
}

void audit_log_rotate(struct audit_log *log)
{
	char members[512], epoch[40];

	audit_log_add(log, "rotate", ",\"reason\":\"size\"");
	log_chain_segment(&log->chain);
	log->file++;
	put_epoch(log, epoch);
	snprintf(members, sizeof(members),
		 ",\"file\":%u,\"reason\":\"size\"%s,\"policy\":\"0011223344556677\","
		 "\"generation\":1",
		 log->file + 1, epoch);
	audit_log_add(log, "continue", members);
}

void audit_log_decision(struct audit_log *log, unsigned int uid, const char *op, bool allowed)
{
	char members[1024];

	log_chain_decision(members, sizeof(members), ++log->id, uid, op, allowed);
	audit_log_add(log, "decision", members);
}

void audit_log_result(struct audit_log *log)
{
	char members[256];

	snprintf(members, sizeof(members),
		 ",\"id\":%llu,\"result\":\"XM_OK\",\"value\":0,\"latency_us\":%u",
		 (unsigned long long)log->id, (unsigned int)(log->id * 7 % 400));
	audit_log_add(log, "result", members);
}

void audit_log_crash(struct audit_log *log, size_t bytes)
{
	struct audit_log other = *log;
	char piece[LINE], members[128], hex[33] = "";
	uint8_t digest[16];

	other.lines = NULL;
	other.n = other.cap = 0;
	audit_log_decision(&other, 7, "XM_get_time", true);
	snprintf(piece, bytes + 1 < sizeof(piece) ? bytes + 1 : sizeof(piece), "%s",
		 other.lines[0].text);
	audit_log_free(&other);
	crypto_generichash(digest, sizeof(digest), (const uint8_t *)piece, strlen(piece), NULL, 0);
	log_chain_hex(hex, digest, sizeof(digest));
	snprintf(members, sizeof(members), ",\"bytes\":%zu,\"hash\":\"%s\"", strlen(piece), hex);
	strcat(piece, " torn");
	audit_log_insert(log, log->n, piece, log->file);
	audit_log_start(log, "ended");
	audit_log_add(log, "recovered", members);
}

void audit_log_random(struct audit_log *log, unsigned int *seed, size_t n)
{
	static const char *const ops[] = { "XM_get_time", "XM_reset_partition",
					   "XM_write_console" };

	log->mono += (uint64_t)rand_r(seed) * 1000; /* no two logs are alike */
	audit_log_start(log, "none");
	while (log->n < n) {
		unsigned int what = (unsigned int)rand_r(seed) % 40;
		unsigned int uid = 1000 + (unsigned int)rand_r(seed) % 5;

		if (what == 0) {
			audit_log_rotate(log);
		} else if (what == 1) {
			audit_log_crash(log, 1 + (unsigned int)rand_r(seed) % 300);
		} else if (what == 2) {
			audit_log_add(log, "stop", ",\"reason\":\"SIGTERM\"");
			audit_log_start(log, "stopped");
		} else if (what == 3) {
			audit_log_add(log, "lost", ",\"records\":3");
		} else if (what == 4) {
			audit_log_add(log, "folded",
				      ",\"uid\":1001,\"op\":\"XM_get_time\",\"decision\":\"deny\","
				      "\"why\":"
				      "\"no rule\",\"records\":500,\"from\":12");
		} else {
			audit_log_decision(log, uid, ops[uid % 3], what % 3 != 0);
			if (what % 3)
				audit_log_result(log);
		}
	}
}

/* ---- making it anew ---------------------------------------------------------------------------------- */

void audit_log_rechain(struct audit_log *log, size_t from, size_t reseal)
{
	struct log_chain chain = { 0 };

	memcpy(chain.chain, log->lines[from].before.chain, 32);
	for (size_t i = from; i < log->n; i++) {
		struct log_line *line = &log->lines[i];
		char *end = strstr(line->text, ",\"chain\":\""),
		     *seal = strstr(line->text, ",\"seal\":\"");
		bool segment = strstr(line->text, "\"type\":\"start\"") ||
			       strstr(line->text, "\"type\":\"continue\"");
		char hex[64];

		if (!end || !line->seq)
			continue;
		log_chain_link(&chain, line->text, (size_t)(end - line->text));
		log_chain_hex(hex, chain.chain, 32);
		memcpy(end + 10, hex, 64);
		if (i < reseal || !seal)
			continue;
		if (i == reseal || segment)
			memcpy(chain.key, line->before.key, 32);
		log_chain_seal(&chain, hex);
		memcpy(seal + 9, hex, 32);
	}
}

/* ---- files ------------------------------------------------------------------------------------------- */

char *audit_log_text(const struct audit_log *log, unsigned int file, size_t *lenp)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, lenp);

	for (size_t i = 0; i < log->n; i++)
		if (log->lines[i].file == file)
			fprintf(out, "%s\n", log->lines[i].text);
	fclose(out);
	return text;
}

void audit_log_open(const struct audit_log *log, struct xmaudit_log *files)
{
	*files = (struct xmaudit_log){ .name = "log", .n = log->file + 1 };
	files->files = calloc(files->n, sizeof(*files->files));
	for (unsigned int i = 0; i < files->n; i++) {
		struct xmaudit_file *file = &files->files[i];
		size_t len;
		char *text = audit_log_text(log, i, &len);

		file->fd = memfd_create("log", MFD_CLOEXEC);
		cr_assert_eq(write(file->fd, text, len), (ssize_t)len);
		file->path = strdup("log");
		file->regular = true;
		file->size = len;
		file->number = i + 1 < files->n ? i + 1 : XMAUDIT_CURRENT;
		free(text);
	}
}

void audit_log_poke(const struct xmaudit_log *files, size_t file, size_t at, char value)
{
	cr_assert_eq(pwrite(files->files[file].fd, &value, 1, (off_t)at), 1);
}

void audit_log_write(const struct audit_log *log, const char *name)
{
	char path[4096];

	for (unsigned int i = 0; i <= log->file; i++) {
		size_t len;
		char *text = audit_log_text(log, i, &len);
		FILE *out;

		if (i < log->file)
			snprintf(path, sizeof(path), "%s.%06u", name, i + 1);
		else
			snprintf(path, sizeof(path), "%s", name);
		out = fopen(path, "we");
		cr_assert(out && fwrite(text, 1, len, out) == len && fclose(out) == 0, "%s", path);
		free(text);
	}
}
