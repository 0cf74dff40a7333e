/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_XMAUDIT_RIG_H
#define TESTS_XMAUDIT_RIG_H

/* A log in a folder of its own, and the commands of xmaudit on it. */

#include "tests/audit_log.h"
#include "xmbroker/xmaudit_command.h"

#define OUTPUT_BYTES (1 << 20)

extern const uint8_t log_key[32];
extern char folder[], name[64]; /* of the log */
extern struct audit_log whole;
extern struct xmaudit_options options;
extern char output[OUTPUT_BYTES];
extern size_t output_len;

void rig_setup(void);
void rig_teardown(void);
/* What a command prints, and how it ends. */
int run(int (*command)(const struct xmaudit_options *));
unsigned int printed_lines(void);
/* Three files with a decision each; a call has its result behind a rotation. */
void write_three(void);

#endif
