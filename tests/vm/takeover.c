// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Asks a server that has the hook of tests (xmbroker/takeover.c) to do something, and prints what it
 * answers: "ended" if that was its end.
 *
 * usage: takeover SOCKET ATTEMPT
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[256];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), len;
	ssize_t n;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	len = snprintf(text, sizeof(text), "XM-TAKEOVER %s", argv[2]);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
		perror("takeover");
		return 1;
	}
	n = recv(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	puts(n > 0 ? text : "ended");
	return 0;
}
