// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Service manager.  Owns what it said in the environment at start.  Must never wait for it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "xmbroker/notify.h"

static char notify_path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
static unsigned int listen_fds; /* how many sockets it passed to us */

static bool is_for_us(const char *pid)
{
	char own[16];

	snprintf(own, sizeof(own), "%d", (int)getpid());
	return pid && !strcmp(pid, own);
}

void notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET"), *count = getenv("LISTEN_FDS");

	snprintf(notify_path, sizeof(notify_path), "%s", path ? path : "");
	listen_fds = 0;
	if (count && is_for_us(getenv("LISTEN_PID")))
		listen_fds = (unsigned int)strtoul(count, NULL, 10);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

unsigned int notify_passed(void)
{
	return listen_fds;
}

static int fill_address(struct sockaddr_un *address, socklen_t *lenp)
{
	const char *path = notify_path;
	size_t len = strlen(path);

	if (len == 0)
		return 0;
	if (len < 2 || len >= sizeof(address->sun_path) || (path[0] != '/' && path[0] != '@'))
		return -EINVAL;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, len);
	if (path[0] == '@')
		address->sun_path[0] = '\0';
	*lenp = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 1;
}

int notify_send(const char *format, ...)
{
	struct sockaddr_un address;
	socklen_t len;
	char text[1024];
	va_list ap;
	int fd, r;

	r = fill_address(&address, &len);
	if (r <= 0)
		return r;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&address, len) < 0
		    ? -errno
		    : 0;
	close(fd);
	return r;
}

static int get_option(int fd, int option)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

int notify_take_socket(int *fdp)
{
	if (listen_fds == 0)
		return 0;
	if (listen_fds != 1 || get_option(NOTIFY_FIRST, SO_DOMAIN) != AF_UNIX ||
	    get_option(NOTIFY_FIRST, SO_TYPE) != SOCK_SEQPACKET ||
	    get_option(NOTIFY_FIRST, SO_ACCEPTCONN) != 1)
		return -EINVAL;
	if (fcntl(NOTIFY_FIRST, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(NOTIFY_FIRST, F_SETFL, O_NONBLOCK) < 0)
		return -EINVAL;
	*fdp = NOTIFY_FIRST;
	return 1;
}
