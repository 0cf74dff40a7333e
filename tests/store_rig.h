/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TESTS_STORE_RIG_H
#define XM_TESTS_STORE_RIG_H

/*
 * A store in a folder of its own, with a writer that stands for the server: it keeps account of the
 * chain it writes, so that a test can see that nothing of it is lost.
 */

#include <sys/types.h>

#include "xmbroker/audit_chain.h"
#include "xmbroker/store_internal.h"

extern char folder[32], path[64], key_path[64]; /* of the log, and its key */
extern struct store store, second;
extern struct store_settings set;
extern const struct store_links links; /* which note what they are told, here */
extern struct channel_message sent[16];
extern size_t n_sent;
extern unsigned int n_ended; /* times that the server was */
/* What the writer wrote last. */
extern uint64_t seq;
extern uint8_t chain[AUDIT_CHAIN_BYTES];
/* What was handed over last. */
extern struct channel_message handed;
extern struct audit_state state;

/* A new folder; what the store says goes nowhere. */
void store_rig_setup(void);
void store_rig_teardown(void);

/* Files of the folder. */
void append(const char *name, const char *text);
bool is_there(const char *name);
off_t size_of(const char *name);
void remove_file(const char *name);
/* The number of its first record. */
uint64_t first_of(const char *name);

/* The writer: its next record as text; one, and n of them, into a file. */
size_t make_line(char text[512], const char *type);
void record(int fd, const char *type);
void records(int fd, unsigned int n);

void open_store(void);
/* The process is killed: descriptors go, nothing else happens. */
void killed(void);
/* To a server, which then is there. */
void hand_over(void);
void serve(void);
/* That nothing was lost: the log goes on where the writer left it. */
void expect_continued(void);
/* What the server says to a request. */
void answer(uint8_t type, uint32_t number, bool ok, int64_t now);

#endif
