/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_LOG_H
#define XMBROKER_LOG_H

/*
 * Messages for the operator on standard error, one line each: "xmbroker: text", with the priority of
 * sd-daemon(3) in front when the service manager reads them.  Not the security record: that is
 * audit.h.  Bytes from a client are passed through text_safe() by the caller; whatever control
 * characters are left are replaced here.
 */

/* Looks at the environment once: whether priorities are wanted.  Without it there are none. */
void log_init(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The same at level warning, for what a client can cause at will: at most LOG_CLIENT_BURST lines in
 * LOG_CLIENT_SECONDS; what was left out is counted and said with the next line.
 */
#define LOG_CLIENT_BURST 50
#define LOG_CLIENT_SECONDS 10
void log_client(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
