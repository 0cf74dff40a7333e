/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_ORACLE_REPLAY_H
#define TESTS_ORACLE_REPLAY_H

/*
 * Replays what was recorded on real hypervisors, through libxm, on a simulated one.  Compiled once for
 * each profile; README.md says what the lines mean.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xm-linux.h>

#define TEXT_MAX 512

/* ---- replay_env.c: what the calls name ------------------------------------------------------------ */

#define BUFFER_SIZE 16384

/* The memory of the probe, which has physical addresses as well. */
struct env_memory {
	uint8_t buf[BUFFER_SIZE];
	xmTime_t t;
	xm_u32_t fl, cur, bm, bm0;
	union queuingPortCmd qs;
	union samplingPortCmd ss;
	xmTraceEvent_t ev;
};

extern struct env_memory env;

void env_init(void);
/* Asks the hypervisor where the partition's memory is: false if it cannot. */
bool env_connect(void);
/* Everything as it is before each call; what calls open and set stays. */
void env_clear(void);
/* A variable, constant or string by name. */
bool env_get(const char *name, uint64_t *valuep);
/* The address of a variable. */
bool env_address(const char *name, uint64_t *valuep);
bool env_size(const char *type, uint64_t *valuep);
void env_set(const char *name, uint64_t value);
/* The descriptor D(class, partition, id). */
bool env_descriptor(const char *class, uint64_t partition, uint64_t id, uint64_t *valuep);
/* The descriptor that a line calls d. */
void env_set_object(uint64_t descriptor);
/* A string that lives as long as the program. */
uint64_t env_string(const char *s, size_t len);
/* What an address of the probe's memory is physically; others stay. */
uint64_t env_physical(uint64_t address);
/* The name that a result has, "" for a count or identifier. */
const char *env_code(int64_t value);

/* ---- replay_calls.c: functions of the library ------------------------------------------------------- */

#define CALL_ARGS 6

struct call {
	const char *name; /* without its prefix */
	unsigned int min, max;
	int32_t (*make)(const uint64_t *a);
};

const struct call *call_find(const char *name);
/* Whether a result of this call counts bytes of records of a log, so that their size matters. */
bool call_counts_records(const struct call *call, const uint64_t *a);
/* The bytes of a record where it was recorded. */
#define RECORD_THERE (XM_FAMILY == 2 ? 32 : 36)

/* ---- replay_expr.c: the text of a call ---------------------------------------------------------------- */

struct result {
	const struct call *call; /* NULL: an expression without one */
	uint64_t args[CALL_ARGS];
	int64_t value;
};

/* Makes the calls that a text asks for.  On a mistake false, and *errorp says which. */
bool expr_run(const char *text, struct result *result, const char **errorp);

/* ---- replay_registers.c: calls by number ---------------------------------------------------------------- */

/* Makes the call "HC number arguments [=text]"; writes "value [words]" as they were recorded. */
bool registers_run(const char *text, char *got, size_t cap, const char **errorp);
/* Words that depend on when the call was made become "time". */
void registers_normalize(const char *text, char *recorded, size_t cap);

/* ---- replay_peer.c: the other partitions ------------------------------------------------------------------ */

/* Does at DIR/p2.ctl what the partition Helper did when it started: 0, or what went wrong. */
int peer_start(const char *dir);
/* Has it resume partition 0 as soon as that is suspended. */
bool peer_resume_later(const char *dir);
/* The result of that, once partition 0 runs again. */
bool peer_resumed(int32_t *resultp);

/* ---- replay_rules.c: what was reviewed -------------------------------------------------------------------- */

enum rule {
	RULE_AGAIN,    /* what the probe did again, it did in another way */
	RULE_FRAME,    /* it let a major frame pass before */
	RULE_PHYSICAL, /* addresses of its memory are physical ones */
	RULE_SWAPPED,  /* memory_copy as that library had it */
	RULE_RECORD,   /* records have another size here */
	RULE_VALIDITY, /* the library, not the hypervisor, looks at the validity bit */
	RULE_CLOCK,    /* a clock: only its sign counts */
	RULE_COUNTER,  /* a counter that only some builds of a hypervisor keep */
	RULE_CACHES,   /* bits for the caches of a processor */
	N_RULES
};

/* The line that is being replayed takes it. */
void rule_used(enum rule rule);
void rules_end_line(void);
/* Writes a comment for each rule that was used, and on how many lines. */
void rules_print(void);
/* Does what the line needs that its text does not say; `before` is how often the text came before. */
void rules_prepare(const char *text, unsigned int before);
/* Why a line cannot be replayed by a process of Linux; NULL: it can. */
const char *rules_not_applicable(const char *text);

/* Reads the reviewed differences of this file of the oracle: false after a message. */
bool differences_read(const char *path, const char *oracle);
/* Whether this difference is a reviewed one; says why. */
const char *differences_find(const char *text, const char *recorded, const char *got);
/* Prints those that came not as often as they should: how many. */
unsigned int differences_left(void);

#endif
