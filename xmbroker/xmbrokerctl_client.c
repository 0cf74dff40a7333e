// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmbrokerctl's side of the protocol.  Owns the connection.  Must never hand on a byte from the broker
 * that a terminal could act on.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/xmbrokerctl.h"

#define TIMEOUT_SECONDS 90 /* longer than a policy may take to compile */

int ctl_complain(const char *format, ...)
{
	va_list ap;

	fputs("xmbrokerctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

/* ---- connection -------------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return ctl_complain("%s: the path is too long for a socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ctl_complain("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	ctl_complain("cannot reach xmbroker at %s: %s%s", path, strerror(errno),
		     errno == ENOENT || errno == ECONNREFUSED ? " (is it running?)" : "");
	close(fd);
	return -1;
}

static int say_refused(const uint8_t *msg, size_t len)
{
	struct xm_wire_refused refused;
	char line[2 * XM_WIRE_REASON_MAX];
	struct text t = TEXT_INIT(line);

	if (xm_wire_get_refused(msg, len, &refused) < 0)
		return ctl_complain("the broker speaks another protocol");
	line[0] = '\0';
	text_safe(&t, refused.reason, strlen(refused.reason));
	return ctl_complain("the broker closed the session: %s (%s)", line,
			    strerror(refused.error));
}

/* One message of the broker, which must be of this type; its length or -1, said so. */
static int receive(struct ctl *ctl, enum xm_wire_type type)
{
	struct xm_wire_head head;
	ssize_t n;

	do
		n = recv(ctl->fd, ctl->msg, sizeof(ctl->msg), 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return ctl_complain("the broker closed the connection");
	if (n < 0)
		return ctl_complain("no answer: %s",
				    errno == EAGAIN ? "it took too long" : strerror(errno));
	if (xm_wire_get_head(ctl->msg, (size_t)n, &head) < 0)
		return ctl_complain("the broker speaks another protocol");
	if (head.type == XM_WIRE_REFUSED)
		return say_refused(ctl->msg, (size_t)n);
	if (head.type != type || (type == XM_WIRE_RESULT && head.serial != ctl->serial))
		return ctl_complain("the broker's answer is out of order");
	return (int)n;
}

static int transmit(struct ctl *ctl, int len)
{
	if (len < 0 || send(ctl->fd, ctl->msg, (size_t)len, MSG_NOSIGNAL) < 0)
		return ctl_complain("cannot send to the broker: %s",
				    strerror(len < 0 ? -len : errno));
	return 0;
}

int ctl_open(struct ctl *ctl)
{
	const struct xm_wire_hello hello = {
		.version_min = XM_WIRE_VERSION,
		.version_max = XM_WIRE_VERSION,
		.profile = XM_PROFILE_ID_3_X,
		.comm = "xmbrokerctl",
	};
	struct xm_wire_welcome welcome;
	int len;

	ctl->fd = connect_to(ctl->socket);
	if (ctl->fd < 0)
		return -1;
	if (transmit(ctl, xm_wire_put_hello(ctl->msg, sizeof(ctl->msg), &hello)) < 0)
		return -1;
	len = receive(ctl, XM_WIRE_WELCOME);
	if (len < 0)
		return -1;
	if (xm_wire_get_welcome(ctl->msg, (size_t)len, &welcome) < 0)
		return ctl_complain("the broker speaks another protocol");
	return 0;
}

int ctl_call(struct ctl *ctl, const struct xm_request *req)
{
	const char *name = xm_ops[req->op].name;
	int len;

	if (transmit(ctl, xm_wire_put_call(ctl->msg, sizeof(ctl->msg), ++ctl->serial, req)) < 0)
		return -1;
	len = receive(ctl, XM_WIRE_RESULT);
	if (len < 0)
		return -1;
	if (xm_wire_get_result(ctl->msg, (size_t)len, req, &ctl->reply) < 0)
		return ctl_complain("the broker speaks another protocol");
	if (ctl->reply.code == XM_C_OK)
		return 0;
	if (ctl->reply.code == XM_C_PERM_ERROR)
		ctl_complain("permission denied: the policy must allow %s (or @broker) to you",
			     name);
	else
		ctl_complain("%s failed: %s", name, xm_code_name(ctl->reply.code));
	return 1;
}

char *ctl_text(const struct ctl *ctl, unsigned int arg)
{
	const struct xm_value *v = &ctl->reply.out[arg];
	size_t len = v->state == XM_ST_OK ? v->len : 0;
	char *text = malloc(len + 1);

	if (!text) {
		ctl_complain("no memory");
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < len; i++) {
		char c = (char)v->data[i];

		text[i] = (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' ? c : '?';
	}
	text[len] = '\0';
	return text;
}
