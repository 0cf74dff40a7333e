// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The other end of the control socket.  Owns its connection.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/sim/control_send.h"

int control_path(const char *dir, struct sockaddr_un *addr)
{
	int n;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/control", dir);
	return n < 0 || (size_t)n >= sizeof(addr->sun_path) ? -ENAMETOOLONG : 0;
}

static int print_answer(const char *answer)
{
	if (!strncmp(answer, "ok", 2)) {
		answer += answer[2] == '\n' ? 3 : 2;
		if (*answer)
			puts(answer);
		return 0;
	}
	fprintf(stderr, "xmsim: %s\n", answer);
	return 1;
}

static int ask(int fd, const struct sockaddr_un *addr, const struct text *command)
{
	char answer[CONTROL_ANSWER_MAX];
	ssize_t n;

	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ||
	    send(fd, command->buf, command->len, MSG_NOSIGNAL) < 0)
		return -errno;
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	answer[n] = '\0';
	return print_answer(answer);
}

int control_send(const char *dir, char *const *words)
{
	char buf[512];
	struct text command = TEXT_INIT(buf);
	struct sockaddr_un addr;
	int r = control_path(dir, &addr), fd;

	for (; *words; words++) {
		if (command.len)
			text_char(&command, ' ');
		text_puts(&command, *words);
	}
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = ask(fd, &addr, &command);
	close(fd);
	return r;
}
