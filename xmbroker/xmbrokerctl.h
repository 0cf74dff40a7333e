/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_XMBROKERCTL_H
#define XMBROKER_XMBROKERCTL_H

/*
 * What the parts of xmbrokerctl know of each other: commands (xmbrokerctl.c, xmbrokerctl_reload.c), tables and JSON
 * (xmbrokerctl_print.c), and a small blocking client of the protocol in wire.h (xmbrokerctl_client.c).
 * Everything that goes wrong is said on stderr where it happens.
 */

#include "libxm/core/wire.h"

struct ctl {
	int fd;
	const char *socket;
	bool json, users, force;
	const char *confirm; /* seconds; NULL: for good */
	const char *output;  /* NULL: standard output */
	uint32_t serial;
	struct xm_reply reply;
	uint8_t msg[XM_WIRE_PACKET]; /* what a reply points to stays in here until the next call */
};

#define EXIT_REFUSED 1
#define EXIT_USAGE 2

#define CTL_FIELDS_MAX 24

struct ctl_field {
	const char *key;
	const char *value;
};

struct ctl_row {
	struct ctl_field field[CTL_FIELDS_MAX];
	size_t n;
};

/* ---- xmbrokerctl.c ----------------------------------------------------------------------------------- */

/* Of what ctl_call() returned. */
int ctl_exit_code(int r);

/* ---- xmbrokerctl_reload.c ---------------------------------------------------------------------------- */

/* Commands; their exit codes. */
int ctl_reload(struct ctl *ctl, const char *arg);
int ctl_confirm(struct ctl *ctl, const char *arg);

/* ---- xmbrokerctl_print.c ----------------------------------------------------------------------------- */

void ctl_add(struct ctl_row *row, const char *key, const char *value);
/* The value of a field; "": there is no such. */
const char *ctl_get(const struct ctl_row *row, const char *key);
void ctl_print_json_string(const char *s);
void ctl_print_json(const struct ctl_row *row);
/* All as a table, or as a list of objects. */
void ctl_print_rows(const struct ctl_row *rows, size_t n, bool json);

/* ---- xmbrokerctl_client.c ---------------------------------------------------------------------------- */

/* Says what is wrong; -1. */
int ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Connects and shakes hands. */
int ctl_open(struct ctl *ctl);
/* Issues a request; 0 when it was done, 1 when it was refused or failed, -1 without an answer. */
int ctl_call(struct ctl *ctl, const struct xm_request *req);
/* The text of the reply as a string of the caller, with line ends but nothing else unprintable. */
char *ctl_text(const struct ctl *ctl, unsigned int arg);

#endif
