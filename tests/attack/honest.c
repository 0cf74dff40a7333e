// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A client that asks for nothing but its due, while others attack:
 *
 *	honest CONTROL NOTES NUMBER PAUSE
 *
 * Reads the time, sets a timer, writes to its port, reads what it wrote, and asks for what it may not
 * have, over and over, with PAUSE microseconds between calls.  It knows the right answer to each.
 * CONTROL is a file that begins with the number of the phase that whoever tests is in; UINT32_MAX
 * ends the program.  NOTES gets a line for each call that can be told apart in the audit log by an
 * argument that no other call has: before it is made, and when it was answered.  At the end a line of
 * JSON for each phase is printed.  Must never judge whether a refusal was to be expected: it counts.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <xm.h>

#define PHASES 64
#define BUCKETS 320  /* 8 for each doubling of the nanoseconds */
#define REFUSALS 160 /* errno values that are counted */
#define SIZE 64      /* of a message, as in the system description */
#define NUMBERS 100000000ull
#define FLUSH 16 /* calls after which notes are there to be read */

enum kind { GET_TIME, SET_TIMER, OPEN_PORT, WRITE, READ, DENIED, KINDS };

static const char *const kind_names[KINDS] = {
	"XM_get_time",
	"XM_set_timer",
	"XM_create_sampling_port",
	"XM_write_sampling_message",
	"XM_read_sampling_message",
	"XM_suspend_partition",
};

struct phase {
	unsigned long made[KINDS], answered[KINDS];
	unsigned long wrong, reopened, interrupted, backwards;
	unsigned long refused[REFUSALS];
	unsigned long histogram[BUCKETS];
	int64_t longest;
	char first_wrong[160];
};

struct honest {
	const volatile uint32_t *control;
	FILE *notes;
	uint64_t number;     /* of this client */
	uint64_t counter;    /* of the calls that are noted */
	xm_s32_t out, in;    /* -1: not open */
	char written[SIZE];  /* the last message that was accepted */
	char doubtful[SIZE]; /* one that may have been */
	bool has_written, has_doubtful;
	xmTime_t last_time;
	bool broken; /* the last call was not answered */
	int64_t started;
	uint32_t at; /* the phase in which it started */
	struct phase phases[PHASES];
};

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static unsigned int bucket(int64_t ns)
{
	unsigned int doublings = 0;
	uint64_t value = ns < 8 ? 8 : (uint64_t)ns;

	while (value >> doublings >= 16)
		doublings++;
	doublings = doublings * 8 + (unsigned int)(value >> doublings) - 8;
	return doublings < BUCKETS ? doublings : BUCKETS - 1;
}

static struct phase *phase_of(struct honest *h)
{
	return &h->phases[h->at];
}

static void begin(struct honest *h, enum kind kind)
{
	uint32_t at = *h->control;

	h->at = at < PHASES ? at : PHASES - 1;
	phase_of(h)->made[kind]++;
	errno = 0;
	h->started = now();
}

static void wrong(struct honest *h, enum kind kind, long value, int error, const char *what)
{
	struct phase *p = phase_of(h);

	if (!p->wrong++)
		snprintf(p->first_wrong, sizeof(p->first_wrong), "%s: %s (%ld, errno %d)",
			 kind_names[kind], what, value, error);
}

/* The broker or the hypervisor could not be asked, or a call that is allowed was not made. */
static void refused(struct honest *h, long value, int error)
{
	struct phase *p = phase_of(h);

	if (!h->broken)
		p->interrupted++;
	h->broken = true;
	p->refused[value == XM_PERM_ERROR ? EPERM : error < REFUSALS ? error : 0]++;
}

/* The call came back as it should. */
static void right(struct honest *h, enum kind kind)
{
	struct phase *p = phase_of(h);
	int64_t took = now() - h->started;

	p->answered[kind]++;
	p->histogram[bucket(took)]++;
	if (took > p->longest)
		p->longest = took;
	if (kind != DENIED) /* which does not need the hypervisor */
		h->broken = false;
}

/* What every call but the forbidden one may get instead of its answer. */
static bool was_refused(struct honest *h, long value)
{
	int error = errno;

	if (value != XM_INVALID_MODE && value != XM_PERM_ERROR)
		return false;
	refused(h, value, error);
	return true;
}

/* An argument that no other call of any client has. */
static uint64_t unique(struct honest *h, char kind)
{
	uint64_t n = h->number * NUMBERS + ++h->counter;

	fprintf(h->notes, "%c %llu\n", kind, (unsigned long long)n);
	return n;
}

static void answered(struct honest *h, uint64_t n)
{
	fprintf(h->notes, "+ %llu\n", (unsigned long long)n);
}

/* ---- calls --------------------------------------------------------------------------------------- */

static void ask_time(struct honest *h)
{
	xmTime_t time = -1;
	long ret;

	begin(h, GET_TIME);
	ret = XM_get_time(XM_HW_CLOCK, &time);
	if (was_refused(h, ret))
		return;
	if (ret != XM_OK || time < 0) {
		wrong(h, GET_TIME, ret, errno, "no time");
		return;
	}
	/* A hypervisor that was started anew begins anew. */
	if (time < h->last_time)
		phase_of(h)->backwards++;
	h->last_time = time;
	right(h, GET_TIME);
}

static void set_timer(struct honest *h)
{
	uint64_t n = unique(h, 'A');
	long ret;

	begin(h, SET_TIMER);
	ret = XM_set_timer(XM_HW_CLOCK, 1000000000000000000 + (xmTime_t)n, 0);
	if (was_refused(h, ret))
		return;
	if (ret != XM_OK) {
		wrong(h, SET_TIMER, ret, errno, "not set");
		return;
	}
	right(h, SET_TIMER);
	answered(h, n);
}

static void ask_too_much(struct honest *h)
{
	uint64_t n = unique(h, 'D');
	long ret;
	int error;

	begin(h, DENIED);
	ret = XM_suspend_partition((xm_u32_t)n);
	error = errno;
	if (ret == XM_INVALID_MODE) {
		refused(h, ret, error);
		return;
	}
	if (ret != XM_PERM_ERROR || error != EPERM) {
		wrong(h, DENIED, ret, error, "was not denied");
		return;
	}
	right(h, DENIED);
	answered(h, n);
}

static xm_s32_t open_port(struct honest *h, const char *way, xm_u32_t direction)
{
	char name[32];
	xm_s32_t port;

	snprintf(name, sizeof(name), "%s-%u", way, (unsigned int)(h->number % 4));
	begin(h, OPEN_PORT);
	port = XM_create_sampling_port(name, SIZE, direction, 0);
	if (was_refused(h, port))
		return -1;
	if (port < 0)
		wrong(h, OPEN_PORT, port, errno, name);
	else
		right(h, OPEN_PORT);
	return port < 0 ? -1 : port;
}

static bool open_ports(struct honest *h)
{
	if (h->out < 0)
		h->out = open_port(h, "out", XM_SOURCE_PORT);
	if (h->in < 0)
		h->in = open_port(h, "in", XM_DESTINATION_PORT);
	return h->out >= 0 && h->in >= 0;
}

/* A hypervisor that was started anew knows no port. */
static void lost_ports(struct honest *h)
{
	phase_of(h)->reopened++;
	h->out = h->in = -1;
	h->has_written = h->has_doubtful = false;
}

static void write_port(struct honest *h)
{
	char message[SIZE] = "";
	long ret;

	if (!open_ports(h))
		return;
	snprintf(message, sizeof(message), "%llu of %llu", (unsigned long long)++h->counter,
		 (unsigned long long)h->number);
	begin(h, WRITE);
	ret = XM_write_sampling_message(h->out, message, SIZE);
	if (was_refused(h, ret)) {
		memcpy(h->doubtful, message, SIZE);
		h->has_doubtful = true;
		return;
	}
	if (ret == XM_INVALID_PARAM) {
		lost_ports(h);
		return;
	}
	if (ret < 0) {
		wrong(h, WRITE, ret, errno, "not written");
		return;
	}
	memcpy(h->written, message, SIZE);
	h->has_written = true;
	h->has_doubtful = false;
	right(h, WRITE);
}

static void read_port(struct honest *h)
{
	char message[SIZE] = "";
	xm_u32_t flags;
	long ret;

	if (!h->has_written)
		return;
	begin(h, READ);
	ret = XM_read_sampling_message(h->in, message, SIZE, &flags);
	if (was_refused(h, ret))
		return;
	if (ret == XM_INVALID_PARAM) {
		lost_ports(h);
	} else if (ret == SIZE && (!memcmp(message, h->written, SIZE) ||
				   (h->has_doubtful && !memcmp(message, h->doubtful, SIZE)))) {
		right(h, READ);
	} else {
		wrong(h, READ, ret, errno, message);
	}
}

/* ---- report --------------------------------------------------------------------------------------- */

static void print_kinds(const char *name, const unsigned long *counts)
{
	printf(",\"%s\":{", name);
	for (int i = 0; i < KINDS; i++)
		printf("%s\"%s\":%lu", i ? "," : "", kind_names[i], counts[i]);
	printf("}");
}

static void print_sparse(const char *name, const unsigned long *counts, unsigned int n)
{
	const char *comma = "";

	printf(",\"%s\":{", name);
	for (unsigned int i = 0; i < n; i++) {
		if (!counts[i])
			continue;
		printf("%s\"%u\":%lu", comma, i, counts[i]);
		comma = ",";
	}
	printf("}");
}

static void print_phase(const struct honest *h, unsigned int i)
{
	const struct phase *p = &h->phases[i];

	printf("{\"phase\":%u", i);
	print_kinds("made", p->made);
	print_kinds("answered", p->answered);
	printf(",\"wrong\":%lu,\"reopened\":%lu,\"interrupted\":%lu,\"backwards\":%lu"
	       ",\"longest\":%lld",
	       p->wrong, p->reopened, p->interrupted, p->backwards, (long long)p->longest);
	print_sparse("refused", p->refused, REFUSALS);
	print_sparse("histogram", p->histogram, BUCKETS);
	/* It is made of numbers and names, but for a message, whose bytes anybody may have sent. */
	printf(",\"first_wrong\":\"");
	for (const char *c = p->first_wrong; *c; c++)
		putchar(*c < 32 || *c > 126 || *c == '"' || *c == '\\' ? '?' : *c);
	printf("\"}\n");
}

static void run(struct honest *h, long pause_us)
{
	static void (*const calls[])(struct honest *) = { ask_time, set_timer, write_port,
							  read_port, ask_too_much };
	struct timespec pause = { pause_us / 1000000, pause_us % 1000000 * 1000 };
	struct timespec patience = { 0, 2000000 };

	for (unsigned int i = 0; *h->control != UINT32_MAX; i++) {
		calls[i % (sizeof(calls) / sizeof(calls[0]))](h);
		if (i % FLUSH == 0)
			fflush(h->notes);
		if (pause_us || h->broken)
			nanosleep(h->broken ? &patience : &pause, NULL);
	}
}

int main(int argc, char **argv)
{
	static struct honest h = { .out = -1, .in = -1 };
	int fd = argc == 5 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	h.control = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	h.notes = argc == 5 ? fopen(argv[2], "ae") : NULL;
	if (h.control == MAP_FAILED || !h.notes) {
		fprintf(stderr, "usage: honest CONTROL NOTES NUMBER PAUSE\n");
		return 2;
	}
	h.number = strtoull(argv[3], NULL, 10);
	run(&h, strtol(argv[4], NULL, 10));
	for (unsigned int i = 0; i < PHASES; i++)
		print_phase(&h, i);
	return ferror(h.notes) || fclose(h.notes) ? 1 : 0;
}
