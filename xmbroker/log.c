// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operator messages.  Owns how a line looks and how many lines clients may cause.  Must never
 * allocate, block on anything but standard error, or let a control character through.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/log.h"

#define LINE_MAX_BYTES 1024

static bool with_priority;

void log_init(void)
{
	with_priority = getenv("JOURNAL_STREAM") || getenv("INVOCATION_ID");
}

static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

__attribute__((format(printf, 2, 0))) static void log_line(int priority, const char *format,
							   va_list ap)
{
	char line[LINE_MAX_BYTES];
	size_t cap = sizeof(line) - 1; /* room for the newline */
	int head = with_priority ? snprintf(line, cap, "<%d>xmbroker: ", priority)
				 : snprintf(line, cap, "xmbroker: ");
	size_t len;

	vsnprintf(line + head, cap - (size_t)head, format, ap);
	make_printable(line);
	len = strlen(line);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nobody is left to tell */
}

#define LOG_FUNCTION(name, priority)                                                               \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, format);                                                              \
		log_line(priority, format, ap);                                                    \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_ERR)
LOG_FUNCTION(log_warning, LOG_WARNING)
LOG_FUNCTION(log_notice, LOG_NOTICE)
LOG_FUNCTION(log_info, LOG_INFO)

/* Whether one more line of clients fits into the current window. */
static bool client_line_fits(void)
{
	static time_t window;
	static unsigned int lines, left_out;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!window || now.tv_sec - window >= LOG_CLIENT_SECONDS) {
		unsigned int n = left_out;

		window = now.tv_sec;
		lines = left_out = 0;
		if (n)
			log_warning("%u more messages about clients were left out", n);
	}
	if (lines < LOG_CLIENT_BURST) {
		lines++;
		return true;
	}
	left_out++;
	return false;
}

void log_client(const char *format, ...)
{
	va_list ap;

	if (!client_line_fits())
		return;
	va_start(ap, format);
	log_line(LOG_WARNING, format, ap);
	va_end(ap);
}
