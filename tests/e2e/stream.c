// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One end of a queue whose messages are numbered:
 *
 *	stream send|receive PORT DEPTH SIZE COUNT
 *
 * Sends, or receives and checks, COUNT messages, however long the queue is full or empty and however
 * often the hypervisor goes away.  Prints "messages N interruptions I lost L": messages that passed,
 * how often a call did not come back, and numbers that never came.  What comes twice or in the wrong
 * order ends it with 1.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xm.h>

struct stream {
	char *name;
	xm_u32_t depth, size, direction;
	xm_s32_t port;
	unsigned long interruptions, lost;
	char *buffer;
};

static void pause_us(long us)
{
	nanosleep(&(struct timespec){ us / 1000000, us % 1000000 * 1000 }, NULL);
}

static _Noreturn void fail(const char *what, long value)
{
	fprintf(stderr, "stream: %s %ld: %s\n", what, value, strerror(errno));
	exit(1);
}

/* Opens the port, as soon as the hypervisor is there. */
static void open_port(struct stream *s)
{
	for (int i = 0; i < 2000; i++) {
		s->port = XM_create_queuing_port(s->name, s->depth, s->size, s->direction);
		if (s->port != XM_INVALID_MODE)
			break;
		pause_us(10000);
	}
	if (s->port < 0)
		fail("the port cannot be opened:", s->port);
}

/* After a reset of the partition the connection is gone, and then the port is not open. */
static int is_interruption(xm_s32_t code)
{
	return code == XM_INVALID_MODE || code == XM_INVALID_PARAM;
}

/* One message; the number that it has. */
static unsigned long exchange(struct stream *s, unsigned long number)
{
	for (;;) {
		xm_s32_t code;

		memcpy(s->buffer, &number, sizeof(number));
		code = s->direction == XM_SOURCE_PORT
			       ? XM_send_queuing_message(s->port, s->buffer, s->size)
			       : XM_receive_queuing_message(s->port, s->buffer, s->size);
		if (code >= 0)
			break;
		if (code == XM_OP_NOT_ALLOWED) {
			pause_us(300);
		} else if (is_interruption(code)) {
			s->interruptions++;
			open_port(s);
		} else {
			fail("a message did not pass:", code);
		}
	}
	memcpy(&number, s->buffer, sizeof(number));
	return number;
}

static void run(struct stream *s, unsigned long count)
{
	unsigned long passed = 0;

	for (unsigned long number = 0; number < count; number++, passed++) {
		unsigned long got = exchange(s, number);

		if (got < number || got >= count)
			fail("a message came twice, or in the wrong order:", (long)got);
		s->lost += got - number;
		number = got;
		if (passed == 0) {
			puts("begun");
			fflush(stdout);
		}
	}
	printf("messages %lu interruptions %lu lost %lu\n", passed, s->interruptions, s->lost);
}

int main(int argc, char *argv[])
{
	struct stream s = { 0 };

	if (argc != 6) {
		fputs("usage: stream send|receive PORT DEPTH SIZE COUNT\n", stderr);
		return 2;
	}
	s.name = argv[2];
	s.direction = strcmp(argv[1], "send") ? XM_DESTINATION_PORT : XM_SOURCE_PORT;
	s.depth = (xm_u32_t)strtoul(argv[3], NULL, 10);
	s.size = (xm_u32_t)strtoul(argv[4], NULL, 10);
	s.buffer = calloc(1, s.size);
	if (!s.buffer || s.size < sizeof(unsigned long))
		return 2;
	open_port(&s);
	run(&s, strtoul(argv[5], NULL, 10));
	return 0;
}
