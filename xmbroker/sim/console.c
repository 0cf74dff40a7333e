// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Console output of the simulated partitions.  Owns the stream.  Must never block, and never pass on
 * a byte from a partition that is not printable ASCII or the end of a line.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/sim/console.h"

int console_open(struct console *console, const struct system *sys, const char *path)
{
	int fd = STDOUT_FILENO;

	if (strcmp(path, "-")) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			  0600);
		if (fd < 0)
			return -errno;
	}
	*console = (struct console){ .sys = sys, .fd = fd, .line = -1 };
	return 0;
}

static void put(const struct console *console, const struct text *text)
{
	struct pollfd ready = { .fd = console->fd, .events = POLLOUT };

	if (text->len && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) &&
	    write(console->fd, text->buf, text->len) < 0)
		return; /* output that cannot be written is lost, as on a line without a reader */
}

void console_close(struct console *console)
{
	char buf[2];
	struct text text = TEXT_INIT(buf);

	if (console->line >= 0)
		text_char(&text, '\n');
	put(console, &text);
	if (console->fd != STDOUT_FILENO)
		close(console->fd);
	console->fd = -1;
}

static void begin_line(struct console *console, struct text *text, uint32_t partition)
{
	const struct system_partition *p = system_partition(console->sys, partition);

	if (console->line == partition)
		return;
	if (console->line >= 0)
		text_char(text, '\n');
	text_printf(text, *p->name ? "[P%u %s] " : "[P%u%s] ", partition, p->name);
	console->line = partition;
}

static void put_byte(struct console *console, struct text *text, uint32_t partition, uint8_t byte)
{
	/* C programs send their final NUL along, terminals want a carriage return: neither shows. */
	if (byte == '\0' || byte == '\r')
		return;
	begin_line(console, text, partition);
	if (byte == '\n') {
		text_char(text, '\n');
		console->line = -1;
	} else if (byte == '\t') {
		text_char(text, ' ');
	} else {
		text_safe(text, &byte, 1);
	}
}

size_t console_write(void *arg, uint32_t partition, const uint8_t *data, size_t len)
{
	struct console *console = arg;
	char buf[4096];
	struct text text = TEXT_INIT(buf);

	for (size_t i = 0; i < len; i++) {
		put_byte(console, &text, partition, data[i]);
		if (text.len + 64 < sizeof(buf))
			continue;
		put(console, &text);
		text.len = 0;
	}
	put(console, &text);
	return len;
}
