/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_LAUNCH_H
#define XMBROKER_LAUNCH_H

/* The command lines and descriptors of server and xmsim, and connections between the two. */

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "xmbroker/options.h"

/* Everything that starting a helper needs to know; made once. */
struct launch {
	const struct options *opts;
	struct options_user user;
	uint32_t overflow_uid, overflow_gid;
	char compiler[PATH_MAX];
	char server[PATH_MAX];
	char sim[PATH_MAX];
	int device; /* owned; the node, with a device as backend; -1: none */
	int root;   /* owned; what server and xmsim get as their root; -1: they keep ours */
};

/* Finds the helpers and whom to run them as.  0 or -errno, said so in the log. */
int launch_init(struct launch *launch, const struct options *opts);

/* What the compiler takes for --system: the system description behind the backend, or NULL. */
const char *launch_system(const struct launch *launch);

struct launch_server {
	int listen, ledger, image, backend; /* borrowed; ledger and backend may be -1 */
	uint32_t generation;
};

/* Starts the server; *channelp is our end of the channel.  0 or -errno. */
int launch_server(const struct launch *launch, const struct launch_server *with, int *channelp,
		  pid_t *pidp);

/* Starts xmsim: *attachp takes connections, *readyp gives a byte once it serves.  0 or -errno. */
int launch_sim(const struct launch *launch, int *attachp, int *readyp, pid_t *pidp);

/* A new connection to the hypervisor: through our xmsim, or to the socket of somebody's.  A
 * descriptor or -errno. */
int launch_attach(int attach);
int launch_connect(const char *path);

#endif
