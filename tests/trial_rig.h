/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_TRIAL_RIG_H
#define TESTS_TRIAL_RIG_H

/*
 * What a supervisor knows of the policy in force, driven by hand: policies are letters, the server is
 * the other end of the channel.
 */

#include "xmbroker/supervisor_internal.h"

#define BAD 0 /* no policy, since its files have an error */
/* As waitpid() has it. */
#define EXITED(code) ((code) << 8)

extern struct supervisor s;
extern struct channel_message m; /* the last that told() found */
extern char path[64], kept[128]; /* of the audit log, and of the confirmed policy */

/* A broker whose files have policy A. */
void trial_setup(void);
void trial_teardown(void);

char in_force(void);
void connect_server(void);
/* With this status. */
void server_ends(int status);
/* By SIGKILL. */
void disconnect_server(void);
/* The compiler made it, and the server is to take it. */
void compiled(char digest, uint32_t seconds);
/* And takes it. */
void reload(char digest, uint32_t seconds);
void let_pass(int64_t seconds);
/* The last message of this type that the server got. */
bool told(enum channel_type type);
/* 0: whatever is in force. */
bool confirm(uint32_t generation);
bool is_kept(void);
/* As it would be after a start with these files, whatever ended the one before. */
int start_again(char files);

#endif
