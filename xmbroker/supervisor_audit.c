// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The supervisor's side of the audit log: store.h wired to options, server and loop.  Owns nothing of
 * its own.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "xmbroker/log.h"
#include "xmbroker/options.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_internal.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define DAY 86400

static void tell(void *data, const struct channel_message *message)
{
	children_tell_server(data, message);
}

static void end(void *data)
{
	struct supervisor *s = data;

	if (s->server.pid > 0)
		kill(s->server.pid, SIGKILL);
}

int supervisor_open_audit(struct supervisor *s)
{
	const struct options *opts = s->opts;
	const struct store_settings set = {
		.path = opts->audit,
		.key = opts->audit_key,
		.key_optional = opts->audit_key && !strcmp(opts->audit_key, OPTIONS_AUDIT_KEY),
		.rotate_size = MIB(opts->audit_rotate_size),
		.rotate_age = opts->audit_rotate_age,
		.keep_size = MIB(opts->audit_keep_size),
		.keep_age = (int64_t)opts->audit_keep_age * DAY,
		.reserve = MIB(opts->audit_reserve),
		.anchor = opts->audit_anchor,
		.syslog_anchors = opts->audit_syslog != OPTIONS_SYSLOG_NONE,
		.syslog_records = opts->audit_syslog == OPTIONS_SYSLOG_RECORDS,
	};
	const struct store_links links = { tell, end, s };
	int r;

	if (!opts->audit) {
		log_warning("there is no audit log (--audit none)");
		return 0;
	}
	r = store_open(&s->store, &set, &links);
	if (r == -EKEYREJECTED)
		s->exit_code = SUPERVISOR_BAD_POLICY; /* as with any other setting that is wrong */
	return r;
}
