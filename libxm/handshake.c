// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening a connection to the broker.  What the process says about itself (command name, control
 * group) is a claim for the log; who it is, the broker learns from the kernel.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxm/transport.h"

#define SOCKET_PATH "/run/xmbroker/socket"
#define MESSAGE_MAX 512

_Static_assert(XM_WIRE_HEAD + 16 + XM_WIRE_COMM_MAX + XM_WIRE_CGROUP_MAX < MESSAGE_MAX, "hello");
_Static_assert(XM_WIRE_HEAD + 16 + XM_WIRE_REASON_MAX < MESSAGE_MAX, "refused");

/* The path of the line "0::PATH" of /proc/self/cgroup; empty if there is none. */
static void claim_cgroup(char *cgroup, size_t cap)
{
	char text[4096] = "\n";
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text + 1, sizeof(text) - 2);
	const char *line;
	size_t len;

	if (fd >= 0)
		close(fd);
	cgroup[0] = '\0';
	if (n <= 0)
		return;
	text[n + 1] = '\0';
	line = strstr(text, "\n0::");
	if (!line)
		return;
	line += strlen("\n0::");
	len = strcspn(line, "\n");
	if (len >= cap)
		len = cap - 1;
	memcpy(cgroup, line, len);
	cgroup[len] = '\0';
}

static int put_hello(uint8_t *msg, size_t cap, enum xm_profile profile)
{
	struct xm_wire_hello hello = {
		.version_min = XM_WIRE_VERSION,
		.version_max = XM_WIRE_VERSION,
		.profile = (uint8_t)profile,
	};

	_Static_assert(sizeof(hello.comm) >= 16, "PR_GET_NAME needs 16 bytes");
	prctl(PR_GET_NAME, hello.comm);
	hello.comm[XM_WIRE_COMM_MAX] = '\0';
	claim_cgroup(hello.cgroup, sizeof(hello.cgroup));
	return xm_wire_put_hello(msg, cap, &hello);
}

/* What a refusal says, as an error that a caller can be given. */
static int refusal(const uint8_t *msg, size_t len)
{
	struct xm_wire_refused refused;

	if (xm_wire_get_refused(msg, len, &refused) < 0)
		return -EPROTO;
	return refused.error ? -(int)refused.error : -EACCES;
}

static int shake_hands(int fd, enum xm_profile profile, const struct transport_ids *ids,
		       struct xm_wire_welcome *welcomep)
{
	uint8_t msg[MESSAGE_MAX];
	int len = put_hello(msg, sizeof(msg), profile);
	int sent = len < 0 ? len : transport_send(fd, ids, msg, (size_t)len);
	ssize_t n = transport_receive(fd, msg, sizeof(msg));
	struct xm_wire_head head;

	/* A broker that has no place for us refuses before it reads: the error comes before the answer. */
	if (n == -ECONNRESET)
		n = transport_receive(fd, msg, sizeof(msg));
	if (n <= 0)
		return sent < 0 ? sent : n < 0 ? (int)n : -ECONNRESET;
	if (xm_wire_get_head(msg, (size_t)n, &head) < 0)
		return -EPROTO;
	if (head.type == XM_WIRE_REFUSED)
		return refusal(msg, (size_t)n);
	if (sent < 0)
		return sent;
	if (xm_wire_get_welcome(msg, (size_t)n, welcomep) < 0)
		return -EPROTO;
	return welcomep->version == XM_WIRE_VERSION ? 0 : -EPROTO;
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	do
		r = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* Never 0 to 2: a program that closed its standard streams expects to get those. */
static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int higher;

	if (fd < 0)
		return -errno;
	if (fd > STDERR_FILENO)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (higher < 0)
		higher = -errno;
	close(fd);
	return higher;
}

int transport_open(enum xm_profile profile, const struct transport_ids *ids,
		   struct xm_wire_welcome *welcomep)
{
	const char *path = secure_getenv("XM_BROKER_SOCKET");
	int fd = new_socket();
	int r;

	if (fd < 0)
		return fd;
	r = connect_to(fd, path && *path ? path : SOCKET_PATH);
	if (!r)
		r = shake_hands(fd, profile, ids, welcomep);
	if (!r)
		return fd;
	close(fd);
	return r;
}
