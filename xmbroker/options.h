/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_OPTIONS_H
#define XMBROKER_OPTIONS_H

/*
 * What the supervisor is told: by options, by the configuration file, by defaults; in this order of
 * precedence.  xmbroker(8), xmbroker.yaml(5).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OPTIONS_POLICIES_MAX 16
#define OPTIONS_CONFIG "/etc/xmbroker/xmbroker.yaml"
#define OPTIONS_AUDIT_KEY "/var/lib/xmbroker/audit.key"

enum options_backend {
	OPTIONS_LOOPBACK,
	OPTIONS_DEVICE, /* the device `backend_path` of xmctl.ko */
	OPTIONS_SIM,    /* an xmsim of ours on the system description `backend_path` */
	OPTIONS_XMSIM,  /* somebody's xmsim behind the socket `backend_path` */
};

/* What of the audit log goes to the system's log as well. */
enum options_syslog {
	OPTIONS_SYSLOG_NONE,
	OPTIONS_SYSLOG_ANCHORS,
	OPTIONS_SYSLOG_RECORDS,
};

/* All strings are owned. */
struct options {
	char *policy[OPTIONS_POLICIES_MAX + 1]; /* ends with NULL */
	char *socket;
	char *audit;     /* NULL: no log */
	char *audit_key; /* NULL: the log is not sealed */
	char *user;
	char *console; /* NULL: none */
	char *config;  /* NULL: the default one, if it is there */
	char *backend_path;
	enum options_backend backend;
	enum options_syslog audit_syslog;
/* uint32_t partition, max_sessions, ...: the fields and their units are listed there. */
#define NUMBER(field, ...) uint32_t field;
#include "xmbroker/settings.def"
#undef NUMBER
	bool allow_on_audit_failure;
	bool check;
	bool self_test;
	bool json; /* of --self-test */
	bool backend_given;
	uint64_t given; /* settings that somebody made, one bit each */
};

/* Who the server and xmsim run as. */
struct options_user {
	uid_t uid; /* (uid_t)-1: stay who we are */
	gid_t gid;
};

void options_init(struct options *opts);
void options_deinit(struct options *opts);

/*
 * Reads the command line.  0: go on; 1: --help or --version was answered; -EINVAL: wrong, and said so
 * on standard error.
 */
int options_parse(struct options *opts, int argc, char *argv[]);

/*
 * Takes lines "key=value" of the configuration file, as xmbroker-compiler --print-config writes them,
 * where the command line was silent.  -EINVAL: wrong, and said so.
 */
int options_apply_config(struct options *opts, const char *file, char *lines);

/* Fills what nobody gave, and checks that it fits together.  0 or -EINVAL, said so. */
int options_finish(struct options *opts);

/* Whom to become.  0 or -EINVAL, said so on standard error with what to do. */
int options_resolve_user(const struct options *opts, struct options_user *userp);

/* "loopback", "sim:/etc/...", for messages; valid until the next call. */
const char *options_backend_text(const struct options *opts);

#endif
