// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The quick way of reading a line against the JSON library: on records of all sorts, and on what comes
 * of them when bytes are altered, put in and left out.  What the quick way takes, the library takes,
 * and reads alike.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/audit_log.h"
#include "xmbroker/xmaudit_scan.h"

#define LINE 4096

static unsigned int seed = 1;

static unsigned int below(size_t n)
{
	return (unsigned int)rand_r(&seed) % (unsigned int)n;
}

/* Every sort of record, with hostile text where clients have a say. */
static const char *const records[] = {
	"{\"seq\":7,\"type\":\"decision\",\"time\":\"2027-01-31T12:00:00.250000Z\",\"mono\":"
	"81234567890,\"id\":3,"
	"\"session\":2,\"uid\":1000,\"gid\":1000,\"groups\":[100,1000],\"groups_omitted\":3,"
	"\"pid\":4242,"
	"\"comm\":\"h\\u001b[2J\\\"\\\\\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"cgroup\":\"/"
	"a\\u009bb\",\"profile\":\"2.4\","
	"\"op\":\"XM_suspend_partition\",\"args\":{\"partitionId\":1,\"name\":\"x\\u0007\xc3\xa9\","
	"\"buffer\":{\"length\":14},"
	"\"neg\":-5,\"list\":[{\"low\":1,\"high\":18446744073709551615},{\"low\":2,\"high\":3}],"
	"\"e\":{}},"
	"\"decision\":\"allow\",\"why\":\"rule\",\"rule\":\"policy.yaml:12:7\",\"role\":"
	"\"operator\",\"because\":\"b\","
	"\"guard\":\"XM_INVALID_PARAM\",\"policy\":\"9f86d081884c7d65\",\"generation\":1,\"batch\":"
	"4,\"element\":0,"
	"\"chain\":\"00\",\"seal\":\"11\"}",
	"{\"seq\":8,\"type\":\"result\",\"time\":\"2027-01-31T12:00:00.250100Z\",\"mono\":"
	"81234667890,\"id\":3,"
	"\"result\":\"XM_OK\",\"value\":18446744073709551615,\"latency_us\":12,\"chain\":\"00\"}",
	"{\"seq\":9,\"type\":\"session\",\"time\":\"2027-01-31T12:00:00.250100Z\",\"mono\":1,"
	"\"event\":\"open\",\"session\":3,"
	"\"uid\":1,\"gid\":1,\"pid\":7,\"reason\":\"hello\"}",
	"{\"seq\":10,\"type\":\"folded\",\"time\":\"T\",\"mono\":1,\"uid\":7,\"op\":\"*\","
	"\"decision\":\"deny\",\"why\":\"no rule\","
	"\"rule\":\"p:1:2\",\"guard\":\"XM_OP_NOT_ALLOWED\",\"records\":5,\"from\":1,"
	"\"interrupted\":true,\"chain\":\"a\"}",
	"{\"seq\":1,\"type\":\"start\",\"time\":\"T\",\"mono\":0,\"version\":\"1\",\"pid\":9,"
	"\"backend\":\"sim\",\"partition\":0,"
	"\"previous\":\"none\",\"epoch\":1,\"policy\":\"00\",\"generation\":1}",
	"{\"seq\":2,\"type\":\"continue\",\"time\":\"T\",\"mono\":0,\"file\":2,\"reason\":\"size\","
	"\"epoch\":2,\"policy\":\"0\","
	"\"generation\":0}",
	"{\"seq\":3,\"type\":\"recovered\",\"time\":\"T\",\"mono\":0,\"bytes\":12,\"hash\":\"00\"}",
	"{\"seq\":3,\"type\":\"retention\",\"time\":\"T\",\"mono\":0,\"first\":12,\"files\":1,"
	"\"reason\":\"age\"}",
	"{\"seq\":3,\"type\":\"lost\",\"time\":\"T\",\"mono\":0,\"records\":3}",
	"{\"seq\":3,\"type\":\"rotate\",\"time\":\"T\",\"mono\":0,\"reason\":\"size\"}",
	"{\"seq\":3,\"type\":\"stop\",\"time\":\"T\",\"mono\":0,\"reason\":\"\"}",
	"{\"seq\":3,\"type\":\"policy\",\"time\":\"T\",\"mono\":0,\"policy\":\"00\",\"generation\":"
	"2}",
};

#define N_RECORDS (sizeof(records) / sizeof(records[0]))

static json_t *json_of(const struct xmaudit_slice *slice)
{
	char text[LINE];
	json_t *value;

	cr_assert_lt(slice->len + 2, sizeof(text));
	snprintf(text, sizeof(text), "{\"type\":\"x\",\"v\":%.*s}", (int)slice->len, slice->s);
	value = xmaudit_json_read(text, strlen(text));
	cr_assert(value, "%s", text);
	return value;
}

static void expect_same(const struct xmaudit_slice *quick, const struct xmaudit_slice *slow,
			unsigned int member, const char *line)
{
	char text[LINE];
	json_t *a, *b;

	cr_assert_eq(quick->s == NULL, slow->s == NULL, "%s: %s", xmaudit_member_name(member),
		     line);
	if (!quick->s)
		return;
	if (member == XMAUDIT_ARGS || member == XMAUDIT_GROUPS) {
		a = json_of(quick);
		b = json_of(slow);
		cr_assert(json_equal(a, b), "%s", line);
		json_decref(a);
		json_decref(b);
		return;
	}
	xmaudit_slice_copy(quick, text, sizeof(text));
	cr_assert(xmaudit_slice_is(slow, text), "%s: \"%s\" in %s", xmaudit_member_name(member),
		  text, line);
	cr_assert(xmaudit_slice_is(quick, text));
}

/* true: the quick way took it. */
static bool compare(const char *line, size_t len)
{
	struct xmaudit_record quick, slow;

	if (!xmaudit_scan(line, len, &quick))
		return false;
	cr_assert(xmaudit_scan_json(line, len, &slow), "taken, but no JSON: %.*s", (int)len, line);
	cr_assert_eq(quick.type, slow.type);
	for (unsigned int i = 0; i < XMAUDIT_N_MEMBERS; i++)
		expect_same(&quick.member[i], &slow.member[i], i, line);
	xmaudit_record_release(&slow);
	return true;
}

Test(xmaudit_scan, our_own_records_go_the_quick_way)
{
	for (size_t i = 0; i < N_RECORDS; i++)
		cr_expect(compare(records[i], strlen(records[i])), "%s", records[i]);
}

Test(xmaudit_scan, so_do_those_of_a_whole_log)
{
	struct audit_log log;

	audit_log_init(&log, NULL);
	audit_log_random(&log, &seed, 2000);
	for (size_t i = 0; i < log.n; i++)
		if (log.lines[i].seq)
			cr_assert(compare(log.lines[i].text, strlen(log.lines[i].text)), "%s",
				  log.lines[i].text);
	audit_log_free(&log);
}

static const char *const pieces[] = {
	"\"",
	"\\",
	"\\u0000",
	"\\ud800",
	"\\ud83d\\ude00",
	"\\n",
	"\xff",
	"\xc0\x80",
	"\xed\xa0\x80",
	"\xf4\x90\x80\x80",
	"\xe2\x82",
	",",
	"{",
	"}",
	"[",
	"]",
	":",
	"-",
	"0",
	"00",
	"1e5",
	"1.5",
	"true",
	"null",
	"\x1b",
	"\x7f",
	"\n",
	" ",
	"99999999999999999999999",
	"18446744073709551616",
	"\"seq\":1,",
	",\"uid\":0",
	"\"a\":1,\"a\":2",
	"\\u001F",
};
#define N_PIECES (sizeof(pieces) / sizeof(pieces[0]))

/* One to three changes anywhere in the line. */
static size_t mutate(char *line, size_t len)
{
	for (unsigned int n = 1 + below(3); n && len > 8; n--) {
		size_t at = below(len), cut = below(8);
		const char *piece = pieces[below(N_PIECES)];
		size_t add = strlen(piece);

		switch (below(4)) {
		case 0:
			line[at] = (char)below(256);
			break;
		case 1:
			cut = cut < len - at ? cut : len - at;
			memmove(line + at, line + at + cut, len - at - cut);
			len -= cut;
			break;
		default:
			if (len + add >= LINE)
				break;
			memmove(line + at + add, line + at, len - at);
			memcpy(line + at, piece, add);
			len += add;
			break;
		}
	}
	line[len] = '\0';
	return len;
}

Test(xmaudit_scan, hostile_lines_are_read_alike)
{
	unsigned int taken = 0;
	char line[LINE + 16];

	for (unsigned int i = 0; i < 300000; i++) {
		const char *record = records[below(N_RECORDS)];
		size_t len = strlen(record);

		memcpy(line, record, len);
		len = mutate(line, len);
		if (!memchr(line, 0, len))
			taken += compare(line, len);
	}
	cr_expect_gt(taken, 10000); /* the test is about something */
}

Test(xmaudit_scan, nothing_behind_the_line_is_read)
{
	/* A byte too far is seen by the address sanitizer. */
	for (size_t i = 0; i < N_RECORDS; i++) {
		size_t len = strlen(records[i]);

		for (size_t cut = 0; cut <= len; cut++) {
			char *line = malloc(cut ? cut : 1);
			struct xmaudit_record record;

			memcpy(line, records[i], cut);
			cr_assert_eq(xmaudit_scan(line, cut, &record), cut == len);
			free(line);
		}
	}
}

Test(xmaudit_scan, arguments_are_found_by_name)
{
	struct xmaudit_record record;
	struct xmaudit_slice value;

	cr_assert(xmaudit_scan(records[0], strlen(records[0]), &record));
	cr_assert(xmaudit_object_get(&record.member[XMAUDIT_ARGS], "buffer", &value));
	cr_expect_eq(value.len, strlen("{\"length\":14}"));
	cr_expect_not(xmaudit_object_get(&record.member[XMAUDIT_ARGS], "length", &value));
	cr_expect_not(xmaudit_object_get(&record.member[XMAUDIT_ARGS], "partition", &value));
	cr_assert(xmaudit_object_get(&record.member[XMAUDIT_ARGS], "e", &value));
}
