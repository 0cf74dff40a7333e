/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

/* Parts of the bench: what is measured (bench.c), and against what it runs (peers.c). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libxm/core/wire.h"
#include "policy/image.h"

/* Says why and ends the bench, with all that it started. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t bench_now(void); /* ns */

/* ---- large.c ------------------------------------------------------------------------------------------ */

#define PEER_PATH 100 /* fits into a socket's address */

/* Writes the description of a system with 64 partitions and 256 channels. */
void large_write(char path[PEER_PATH]);
/* ms that reading it takes. */
double large_load(const char *path);

/* ---- peers.c ------------------------------------------------------------------------------------------ */

/* One xmbroker with its files, in a folder of the bench. */
struct peer {
	pid_t pid; /* of the supervisor; 0: none */
	char socket[PEER_PATH];
};

/* The folder for everything, removed at the end. */
const char *peers_folder(void);
void peers_cleanup(void);
/* A path in the folder; `text` is written to it unless NULL. */
void peers_file(char path[PEER_PATH], const char *name, const char *text);

/* Runs this thread, and from now on everything started by it, on one processor; which one. */
int peers_pin(void);

/* Whether there is another processor than that, and to go there; nothing happens if there is none. */
bool peers_apart(void);
void peers_move(void);

/* Starts xmbroker of `build` on `backend` and waits until it is ready. */
void peer_start(struct peer *peer, const char *build, const char *name, const char *backend,
		const char *policy);
/* The server process of it. */
pid_t peer_server(const struct peer *peer);
/* A session on it. */
int peer_connect(const struct peer *peer);

/* An echo through epoll in a process of its own: reads anything, answers `answer` bytes. */
int peer_echo(size_t answer);

/* Compiles `policy` for the loopback system and maps the image. */
const struct policy_image *peer_compile(const char *build, const char *policy);

/* ---- flood.c ------------------------------------------------------------------------------------------ */

struct latency {
	double median, late; /* ns; the 99th of a hundred; 0: not measured */
};

struct floods {
	bool apart; /* the clients had another processor than the server */
	struct latency quiet, many, calls, batches;
};

/* What one user waits for the answer to a call: alone, with many sessions open, with another user's
 * calls and batches. */
void floods_measure(const struct peer *peer, unsigned int calls, struct floods *floods);
void floods_print(const struct floods *floods);
void floods_print_json(const struct floods *floods);

/* ---- policy.c ------------------------------------------------------------------------------------------ */

#define POLICY_SIZES 5

struct policy_size {
	unsigned int rules, files;
	double compile_s, bytes;
	double cold_ns, warm_ns; /* one decision */
};

struct policy_results {
	struct policy_size size[POLICY_SIZES];
	unsigned int n;
	double flat; /* the dearest cold decision to the cheapest */
	double check_s, check_mib;
	unsigned int reload_calls;
	double reload_ms, quiet_ms; /* the longest wait of one client, during reloads and without */
};

/* Large policies; expects large_write() to have been called. */
void policies_measure(const char *build, bool quick, unsigned int rounds,
		      struct policy_results *results);
void policies_print(const struct policy_results *results);
void policies_print_json(const struct policy_results *results);

/* ---- audit.c ------------------------------------------------------------------------------------------ */

/* xmaudit on a log of so many records, which is in the page cache. */
struct audit_results {
	unsigned int records;
	double selective, count,
		verify; /* s: a search for little, one that counts much, and verify */
	double kib;     /* the most memory of one of them */
};

void audit_bench(const char *build, unsigned int records, struct audit_results *results);
void audit_print(const struct audit_results *results);
void audit_print_json(const struct audit_results *results);

#endif
