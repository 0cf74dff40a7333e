// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Processes of the conformance suite in other partitions: forked from it, so that a function of ours
 * can be named by its address, and told where their hypervisor is by their environment.
 */

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define PEERS 16
#define ANSWER_MS 10000

struct message {
	peer_fn *fn;
	long value;
	int error;
	size_t len;
	char arg[PEER_ARGUMENT];
};

static struct peer {
	unsigned int id;
	const char *socket;
	pid_t pid, parent; /* of whose it is a child: a forked suite starts its own */
	int fd;
	void *arg; /* where the answer's goes */
} peers[PEERS];
static unsigned int n_peers;

static struct peer *find(long id)
{
	for (unsigned int i = 0; i < n_peers; i++)
		if ((long)peers[i].id == id)
			return &peers[i];
	return NULL;
}

void peer_add(unsigned int id, const char *socket)
{
	if (n_peers < PEERS)
		peers[n_peers++] = (struct peer){ .id = id, .socket = socket, .fd = -1 };
}

bool peer_has(long id)
{
	return id >= 0 && find(id);
}

static _Noreturn void serve(int fd)
{
	static struct message m;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (recv(fd, &m, sizeof(m), 0) == (ssize_t)sizeof(m)) {
		errno = 0;
		m.value = m.fn(m.arg);
		m.error = errno;
		if (send(fd, &m, sizeof(m), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

static void start(struct peer *peer)
{
	int pair[2];

	fflush(NULL);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	peer->pid = fork();
	peer->parent = getpid();
	if (peer->pid == 0) {
		close(pair[0]);
		setenv("XM_BROKER_SOCKET", peer->socket, 1);
		serve(pair[1]);
	}
	close(pair[1]);
	peer->fd = pair[0];
}

static void stop(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	if (peer->fd >= 0 && peer->parent == getpid()) {
		kill(peer->pid, SIGKILL);
		waitpid(peer->pid, NULL, 0);
	}
	peer->fd = -1;
}

void peers_end(void)
{
	for (unsigned int i = 0; i < n_peers; i++)
		stop(&peers[i]);
}

void peer_renew(long id)
{
	struct peer *peer = find(id);

	if (peer)
		stop(peer);
}

void peer_begin(long id, peer_fn *fn, void *arg, size_t len)
{
	struct peer *peer = find(id);
	struct message m = { .fn = fn, .len = len };

	if (peer->fd >= 0 && peer->parent != getpid())
		stop(peer);
	if (peer->fd < 0)
		start(peer);
	memcpy(m.arg, arg, len);
	peer->arg = arg;
	if (send(peer->fd, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		stop(peer);
}

bool peer_end(long id, long *valuep, unsigned int timeout_ms)
{
	struct peer *peer = find(id);
	struct pollfd wait = { .fd = peer->fd, .events = POLLIN };
	struct message m;

	if (peer->fd < 0 || poll(&wait, 1, (int)timeout_ms) != 1 ||
	    recv(peer->fd, &m, sizeof(m), 0) != (ssize_t)sizeof(m))
		return false;
	memcpy(peer->arg, m.arg, m.len);
	*valuep = m.value;
	errno = m.error;
	return true;
}

long peer_run(long id, peer_fn *fn, void *arg, size_t len)
{
	long value;

	peer_begin(id, fn, arg, len);
	if (peer_end(id, &value, ANSWER_MS))
		return value;
	check_true(__FILE__, __LINE__, "a process in another partition answers", false);
	peer_renew(id);
	errno = ETIMEDOUT;
	return -1000;
}

struct hcall {
	int nr;
	unsigned long word[3];
};

static long do_hcall(void *arg)
{
	const struct hcall *call = arg;

	return XM_hcall(call->nr, call->word[0], call->word[1], call->word[2], 0, 0);
}

long peer_hcall(long id, unsigned int nr, unsigned long a0, unsigned long a1, unsigned long a2)
{
	struct hcall call = { (int)nr, { a0, a1, a2 } };

	return peer_run(id, do_hcall, &call, sizeof(call));
}
