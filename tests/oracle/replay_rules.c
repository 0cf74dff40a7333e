// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What was reviewed, as tables: what the text of a line does not say and its result does, which lines no
 * process of Linux can replay, and where a broker between makes a difference on purpose.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/replay.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* '*' stands for anything; all other characters for themselves. */
static bool matches(const char *pattern, const char *text)
{
	for (; *pattern && *pattern != '*'; pattern++, text++)
		if (*pattern != *text)
			return false;
	if (!*pattern)
		return !*text;
	for (;; text++) {
		if (matches(pattern + 1, text))
			return true;
		if (!*text)
			return false;
	}
}

/* ---- rules -------------------------------------------------------------------------------------------- */

static const char *const rule_texts[N_RULES] = {
	[RULE_AGAIN] = "made again, with flags, criticality or name that the result tells",
	[RULE_FRAME] = "made again, after a major frame",
	[RULE_PHYSICAL] = "an address in the probe's memory, where it is a physical one",
	[RULE_SWAPPED] = "XM_memory_copy as the library of 2.x made it: XM_memory_copy_swapped",
	[RULE_RECORD] = "bytes of records of a log, which are longer in a 64-bit program",
	[RULE_VALIDITY] = "a descriptor with the bit that only the library looks at, without it",
	[RULE_CLOCK] = "a clock, of which only the sign counts",
	[RULE_COUNTER] = "a count of interrupts, where the hypervisor was built not to count them",
	[RULE_CACHES] = "flags of a running partition, but for its processor's caches",
};

static unsigned int rule_lines[N_RULES];
static bool in_line[N_RULES];

void rule_used(enum rule rule)
{
	in_line[rule] = true;
}

void rules_end_line(void)
{
	for (unsigned int i = 0; i < N_RULES; i++) {
		rule_lines[i] += in_line[i];
		in_line[i] = false;
	}
}

void rules_print(void)
{
	for (unsigned int i = 0; i < N_RULES; i++)
		if (rule_lines[i])
			printf("# rule, on %u lines: %s\n", rule_lines[i], rule_texts[i]);
}

/* ---- what the text does not say ------------------------------------------------------------------------- */

static void all_flags(void)
{
	env.fl = ~0U;
	rule_used(RULE_AGAIN);
}

static void let_frame_pass(void)
{
	rule_used(RULE_FRAME);
	XM_idle_self();
}

#if XM_FAMILY == 3

static void unrecoverable(void)
{
	env.ev.opCodeH |= XM_TRACE_UNRECOVERABLE << TRACE_OPCODE_CRIT_BIT;
	rule_used(RULE_AGAIN);
}

static void ask_for(const char *name)
{
	uint64_t value = 0;

	env_get(name, &value);
	env.qs.info.portName = (char *)(uintptr_t)value;
}

static void ask_for_own(void)
{
	ask_for("nQ");
}

static void ask_for_absent(void)
{
	ask_for("nX");
	rule_used(RULE_AGAIN);
}

static void ask_for_other_type(void)
{
	ask_for("nS");
	rule_used(RULE_AGAIN);
}

#endif

#define INFO "prtos_ctrl_object(D(QUEUING_PORT, 0, 0), PRTOS_COMM_GET_PORT_INFO, &qs)"

static const struct {
	const char *pattern;
	unsigned int before; /* how often it came */
	void (*prepare)(void);
} preparations[] = {
	{ "*write_object(d, buf, 64, &fl) [d=TRACE:*", 1, all_flags },
	{ "XM_set_plan(1)", 2, let_frame_pass },
#if XM_FAMILY == 3
	{ "prtos_switch_sched_plan(1, &cur)", 2, let_frame_pass },
	{ "prtos_write_object(D(TRACE, 0, 0), &ev, sizeof ev, &bm)", 1, unrecoverable },
	{ INFO, 0, ask_for_own },
	{ INFO, 1, ask_for_absent },
	{ INFO, 2, ask_for_other_type },
#endif
};

void rules_prepare(const char *text, unsigned int before)
{
	for (size_t i = 0; i < COUNT(preparations); i++)
		if (preparations[i].before == before && matches(preparations[i].pattern, text))
			preparations[i].prepare();
}

/* ---- what cannot be replayed ------------------------------------------------------------------------------ */

static const struct {
	const char *pattern, *reason;
} not_applicable[] = {
	{ "rawhc(NR_HYPERCALLS)",
	  "a Linux program asks with this number which partition it is in; the device answers it" },
#if XM_PROFILE == XM_PROFILE_PRTOS
	{ "rawhc(NR_HYPERCALLS + 1)", "raise_partition_trap but on the processor where this was "
				      "recorded, which no description names" },
	{ "HC 9 0 0x60f0000", "a process has no address in the memory of another partition" },
#endif
};

const char *rules_not_applicable(const char *text)
{
	for (size_t i = 0; i < COUNT(not_applicable); i++)
		if (matches(not_applicable[i].pattern, text))
			return not_applicable[i].reason;
	return NULL;
}

/* ---- with a broker between ---------------------------------------------------------------------------------- */

#define DIFFERENCES 128

struct difference {
	char *times, *pattern, *recorded, *got, *reason;
	unsigned int came;
};

static struct difference differences[DIFFERENCES];
static unsigned int n_differences;

/* The next field, which ends at "|" or with the line, without blanks around it. */
static char *field(char **atp)
{
	char *start = *atp, *end;

	if (!start)
		return NULL;
	end = strchr(start, '|');
	*atp = end ? end + 1 : NULL;
	end = end ? end : start + strlen(start);
	while (*start == ' ' || *start == '\t')
		start++;
	while (end > start && strchr(" \t\n", end[-1]))
		end--;
	return strndup(start, (size_t)(end - start));
}

static void forget(struct difference *d)
{
	free(d->times);
	free(d->pattern);
	free(d->recorded);
	free(d->got);
	free(d->reason);
	*d = (struct difference){ 0 };
}

static bool read_difference(char *line, const char *oracle)
{
	struct difference *d = &differences[n_differences];
	char *at = line;
	char *of = field(&at);
	bool wanted = of && !strcmp(of, oracle);

	free(of);
	*d = (struct difference){ 0 };
	d->times = field(&at);
	d->pattern = field(&at);
	d->recorded = field(&at);
	d->got = field(&at);
	d->reason = field(&at);
	if (!d->reason || !*d->reason || at || n_differences + 1 == DIFFERENCES)
		return false;
	if (wanted)
		n_differences++;
	else
		forget(d);
	return true;
}

bool differences_read(const char *path, const char *oracle)
{
	FILE *f = fopen(path, "r");
	char line[TEXT_MAX];
	bool good = f;

	while (good && fgets(line, sizeof(line), f))
		if (*line != '#' && *line != '\n')
			good = read_difference(line, oracle);
	if (!good)
		fprintf(stderr, "replay: %s: %s\n", path, f ? "not a difference" : strerror(errno));
	if (f)
		fclose(f);
	return good;
}

const char *differences_find(const char *text, const char *recorded, const char *got)
{
	for (unsigned int i = 0; i < n_differences; i++) {
		struct difference *d = &differences[i];

		if (matches(d->pattern, text) && matches(d->recorded, recorded) &&
		    matches(d->got, got)) {
			d->came++;
			return d->reason;
		}
	}
	return NULL;
}

unsigned int differences_left(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < n_differences; i++) {
		const struct difference *d = &differences[i];

		if (d->came == strtoul(d->times, NULL, 10))
			continue;
		printf("not ok - %s %s is %s: came %u times, not %s\n", d->pattern, d->recorded,
		       d->got, d->came, d->times);
		n++;
	}
	return n;
}
