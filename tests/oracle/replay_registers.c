// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Calls that were recorded as they enter the hypervisor: number and arguments in registers, and what
 * the buffer B held on entry and afterwards.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/replay.h"

#define WORDS 5

/* "number a1 a2 ... [=text]": all of it is words with blanks between. */
static bool parse(const char *text, uint64_t *words, const char **errorp)
{
	char copy[TEXT_MAX];
	char *save = NULL, *word;
	unsigned int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (*word == '=') {
			memcpy(env.buf, word + 1, strlen(word + 1));
			continue;
		}
		if (n > WORDS) {
			*errorp = "too many arguments";
			return false;
		}
		words[n++] =
			strcmp(word, "B") ? strtoull(word, NULL, 0) : (uint64_t)(uintptr_t)env.buf;
	}
	return n > 0;
}

static bool reads_clock(const char *text)
{
	return strtoull(text, NULL, 0) == get_time_nr;
}

/* The status of a partition counts its interrupts; where this was recorded, nothing was counted. */
static void forget_counter(const uint64_t *w)
{
	xmPartitionStatus_t status;
	xmObjDesc_t descriptor = (xmObjDesc_t)w[1];

	if (w[0] != ctrl_object_nr || OBJDESC_GET_CLASS(descriptor) != OBJ_CLASS_STATUS ||
	    OBJDESC_GET_PARTITIONID(descriptor) == XM_HYPERVISOR_ID || w[2])
		return;
	memcpy(&status, env.buf, sizeof(status));
	if (status.noVIrqs)
		rule_used(RULE_COUNTER);
	status.noVIrqs = 0;
	memcpy(env.buf, &status, sizeof(status));
}

static void put_words(char *got, size_t cap)
{
	uint32_t w[WORDS];

	memcpy(w, env.buf, sizeof(w));
	snprintf(got, cap, "  [%08x %08x %08x %08x %08x]", w[0], w[1], w[2], w[3], w[4]);
}

bool registers_run(const char *text, char *got, size_t cap, const char **errorp)
{
	uint64_t w[1 + WORDS] = { 0 };
	int32_t r;
	int n;

	*errorp = "a number is expected";
	if (!parse(text, w, errorp))
		return false;
	r = XM_hcall((int)w[0], w[1], w[2], w[3], w[4], w[5]);
	n = snprintf(got, cap, "%d", r);
	if (r == XM_OK && reads_clock(text)) {
		xmTime_t time;

		memcpy(&time, env.buf, sizeof(time));
		rule_used(RULE_CLOCK);
		snprintf(got + n, cap - (size_t)n, time > 0 ? "  [time]" : "  [no time]");
		return true;
	}
	if (r == XM_OK)
		forget_counter(w);
	put_words(got + n, cap - (size_t)n);
	return true;
}

void registers_normalize(const char *text, char *recorded, size_t cap)
{
	char *words = strstr(recorded, "  [");

	if (words && reads_clock(text) && !strncmp(recorded, "0 ", 2))
		snprintf(words, cap - (size_t)(words - recorded), "  [time]");
}
