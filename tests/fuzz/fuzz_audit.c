// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An audit log as xmaudit reads it: both ways of taking a line apart, which have to agree; entries as
 * they are printed, of which nothing may act on a terminal; and the verifier.  The first byte says with
 * which filter, and whether there is a key.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "xmbroker/xmaudit_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[32] = "the key of the seeds";
static const struct xmaudit_filter filters[] = {
	{ .decision = NULL },
	{ .decisions_only = true, .decision = "deny" },
	{ .decisions_only = true, .rule = "policy.yaml:12", .has_user = true, .user = 1000 },
	{ .n_args = 1, .arg = { { "partitionId", "1" } }, .decisions_only = true },
	{ .has_since = true, .since = 1, .has_group = true, .group = 100 },
	{ .result = "XM_OK", .has_seq = true, .first = 1, .last = 5 },
};
#define N_FILTERS (sizeof(filters) / sizeof(filters[0]))

static struct xmaudit_file file = { .path = (char *)(uintptr_t) "log",
				    .regular = true,
				    .number = XMAUDIT_CURRENT };
static struct xmaudit_reader *reader;
static struct xmaudit_lines lines;

static void must(bool good)
{
	if (!good)
		abort();
}

static void is_printable(const char *s)
{
	for (; *s; s++)
		must(*s >= 0x20 && *s < 0x7f);
}

static void print(void *data, const struct xmaudit_entry *entry)
{
	static char line[32768];
	struct text t = TEXT_INIT(line);
	char *json = xmaudit_json(entry);

	(void)data;
	line[0] = '\0';
	xmaudit_line(&t, entry);
	is_printable(line);
	if (json)
		is_printable(json);
	free(json);
}

static void prepare(void)
{
	must(sodium_init() >= 0);
	file.fd = memfd_create("log", MFD_CLOEXEC);
	reader = calloc(1, sizeof(*reader));
	must(file.fd >= 0 && reader && xmaudit_lines_init(&lines) == 0);
}

static void read_both_ways(const char *line, size_t len)
{
	struct xmaudit_record quick, slow;
	char text[4096];

	if (!xmaudit_scan(line, len, &quick))
		return;
	must(xmaudit_scan_json(line, len, &slow) && quick.type == slow.type);
	for (unsigned int i = 0; i < XMAUDIT_N_MEMBERS; i++) {
		must(!quick.member[i].s == !slow.member[i].s);
		if (!quick.member[i].s || i == XMAUDIT_ARGS || i == XMAUDIT_GROUPS ||
		    quick.member[i].len >= sizeof(text))
			continue;
		xmaudit_slice_copy(&quick.member[i], text, sizeof(text));
		must(xmaudit_slice_is(&slow.member[i], text));
	}
	for (unsigned int i = 0; i < N_FILTERS; i++)
		must(xmaudit_matches(&filters[i], &quick) == xmaudit_matches(&filters[i], &slow));
	xmaudit_record_release(&slow);
}

static void read_all(const struct xmaudit_filter *filter)
{
	const char *line;
	size_t len;

	xmaudit_lines_at(&lines, &file, 0);
	while (xmaudit_lines_next(&lines, &line, &len) == XMAUDIT_LINE)
		read_both_ways(line, len);
	memset(reader, 0, sizeof(*reader));
	reader->file = "log";
	reader->filter = filter;
	reader->lines = reader->quiet = true;
	reader->on_entry = print;
	xmaudit_lines_at(&lines, &file, 0);
	must(xmaudit_read_lines(reader, &lines, UINT64_MAX) == 0);
	xmaudit_read_end(reader);
	must(!reader->n_open && !reader->open_bytes && !reader->n_wanted);
}

static void verify(bool with_key)
{
	const struct xmaudit_log log = { .name = "log", .files = &file, .n = 1 };
	const struct xmaudit_check check = { .key = with_key ? key : NULL };
	struct xmaudit_verdict verdict;

	must(xmaudit_verify_log(&log, &check, &verdict) == 0);
	must(verdict.finding.kind < XMAUDIT_N_KINDS);
	is_printable(verdict.finding.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!reader)
		prepare();
	if (!size)
		return 0;
	must(ftruncate(file.fd, 0) == 0);
	must(pwrite(file.fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
	file.size = size - 1;
	read_all(&filters[(data[0] & 0x7f) % N_FILTERS]);
	verify(data[0] & 0x80);
	return 0;
}
