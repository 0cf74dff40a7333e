// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Options and configuration of the supervisor.  Owns the table of settings, which both come from.
 * Must never act on them, and never see YAML: the compiler process reads the file.
 */

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/options.h"

#define DEFAULT_USER "xmbroker"

/* ---- values ------------------------------------------------------------------------------------------ */

/* Where a setting came from, for messages. */
struct origin {
	const char *file; /* NULL: the command line */
	const char *key;
};

__attribute__((format(printf, 2, 3))) static int wrong(const struct origin *from,
						       const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (from->file)
		log_error("%s: %s: %s", from->file, from->key, text);
	else
		log_error("--%s: %s", from->key, text);
	return -EINVAL;
}

static int set_string(char **stringp, const char *value, const struct origin *from)
{
	char *copy;

	if (!*value)
		return wrong(from, "is empty");
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*stringp);
	*stringp = copy;
	return 0;
}

static int set_number(uint32_t *numberp, const char *value, uint32_t min, uint32_t max,
		      const struct origin *from)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || number < min || number > max)
		return wrong(from, "\"%s\" is not a number from %" PRIu32 " to %" PRIu32, value,
			     min, max);
	*numberp = (uint32_t)number;
	return 0;
}

static int set_policy(struct options *opts, const char *value, const struct origin *from)
{
	for (size_t i = 0; i < OPTIONS_POLICIES_MAX; i++)
		if (!opts->policy[i])
			return set_string(&opts->policy[i], value, from);
	return wrong(from, "more than %d policies", OPTIONS_POLICIES_MAX);
}

static int set_backend(struct options *opts, const char *value, const struct origin *from)
{
	const char *colon = strchr(value, ':');
	size_t len = colon ? (size_t)(colon - value) : strlen(value);
	const char *path = colon ? colon + 1 : "";

	if (len == 6 && !memcmp(value, "device", 6))
		return wrong(from, "the device /dev/xmctl comes with the kernel module, which this "
				   "version does not have; use sim:XM_CF.xml, xmsim:SOCKET or "
				   "loopback");
	if (!strcmp(value, "loopback")) {
		opts->backend = OPTIONS_LOOPBACK;
		opts->backend_given = true;
		return 0;
	}
	if (len == 3 && !memcmp(value, "sim", 3) && *path)
		opts->backend = OPTIONS_SIM;
	else if (len == 5 && !memcmp(value, "xmsim", 5) && *path)
		opts->backend = OPTIONS_XMSIM;
	else
		return wrong(from, "\"%s\" is none of sim:XM_CF.xml, xmsim:SOCKET, loopback",
			     value);
	opts->backend_given = true;
	return set_string(&opts->backend_path, path, from);
}

static int set_audit(struct options *opts, const char *value, const struct origin *from)
{
	if (strcmp(value, "none"))
		return set_string(&opts->audit, value, from);
	free(opts->audit);
	opts->audit = NULL;
	return 0;
}

static int set_audit_failure(struct options *opts, const char *value, const struct origin *from)
{
	if (strcmp(value, "deny") && strcmp(value, "allow"))
		return wrong(from, "\"%s\" is neither deny nor allow", value);
	opts->allow_on_audit_failure = !strcmp(value, "allow");
	return 0;
}

/* ---- settings ---------------------------------------------------------------------------------------- */

enum setting_id {
	POLICY,
	SOCKET,
	BACKEND,
	AUDIT,
	USER,
	PARTITION,
	CONSOLE,
	SESSION_MAX_AGE,
	MAX_SESSIONS,
	MAX_SESSIONS_PER_USER,
	LARGE_MEMORY,
	LARGE_MEMORY_PER_USER,
	ON_AUDIT_FAILURE,
	N_SETTINGS
};

/* Names of options; the configuration file writes them with an underscore for a hyphen. */
static const char *const settings[N_SETTINGS] = {
	[POLICY] = "policy",
	[SOCKET] = "socket",
	[BACKEND] = "backend",
	[AUDIT] = "audit",
	[USER] = "user",
	[PARTITION] = "partition",
	[CONSOLE] = "console",
	[SESSION_MAX_AGE] = "session-max-age",
	[MAX_SESSIONS] = "max-sessions",
	[MAX_SESSIONS_PER_USER] = "max-sessions-per-user",
	[LARGE_MEMORY] = "large-memory",
	[LARGE_MEMORY_PER_USER] = "large-memory-per-user",
	[ON_AUDIT_FAILURE] = "on-audit-failure",
};

static int set(struct options *opts, enum setting_id id, const char *value,
	       const struct origin *from)
{
	switch (id) {
	case POLICY:
		return set_policy(opts, value, from);
	case SOCKET:
		return set_string(&opts->socket, value, from);
	case BACKEND:
		return set_backend(opts, value, from);
	case AUDIT:
		return set_audit(opts, value, from);
	case USER:
		return set_string(&opts->user, value, from);
	case PARTITION:
		return set_number(&opts->partition, value, 0, 254, from);
	case CONSOLE:
		return set_string(&opts->console, value, from);
	case SESSION_MAX_AGE:
		return set_number(&opts->session_max_age, value, 0, INT32_MAX, from);
	case MAX_SESSIONS:
		return set_number(&opts->max_sessions, value, 1, 1000000, from);
	case MAX_SESSIONS_PER_USER:
		return set_number(&opts->max_sessions_per_user, value, 1, 1000000, from);
	case LARGE_MEMORY:
		return set_number(&opts->large_memory, value, 0, 65536, from);
	case LARGE_MEMORY_PER_USER:
		return set_number(&opts->large_memory_per_user, value, 0, 65536, from);
	case ON_AUDIT_FAILURE:
		return set_audit_failure(opts, value, from);
	default:
		return -EINVAL;
	}
}

/* ---- defaults ---------------------------------------------------------------------------------------- */

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort(); /* at start: nothing runs yet */
	return copy;
}

void options_init(struct options *opts)
{
	*opts = (struct options){
		.socket = copy_of("/run/xmbroker/socket"),
		.audit = copy_of("/var/log/xmbroker/audit.jsonl"),
		.session_max_age = 86400,
		.max_sessions = 4096,
		.max_sessions_per_user = 1024,
		.large_memory = 256,
		.large_memory_per_user = 48,
	};
}

static void drop_policies(struct options *opts)
{
	for (size_t i = 0; i < OPTIONS_POLICIES_MAX; i++) {
		free(opts->policy[i]);
		opts->policy[i] = NULL;
	}
}

void options_deinit(struct options *opts)
{
	drop_policies(opts);
	free(opts->socket);
	free(opts->audit);
	free(opts->user);
	free(opts->console);
	free(opts->config);
	free(opts->backend_path);
}

int options_finish(struct options *opts)
{
	if (!opts->policy[0])
		opts->policy[0] = copy_of("/etc/xmbroker/policy.yaml");
	if (!opts->backend_given) {
		log_error("no backend: give --backend sim:XM_CF.xml, xmsim:SOCKET or loopback, or "
			  "`backend:` in %s",
			  opts->config ? opts->config : OPTIONS_CONFIG);
		return -EINVAL;
	}
	if (opts->console && opts->backend != OPTIONS_SIM) {
		log_error("--console: only with --backend sim:XM_CF.xml, whose console it is");
		return -EINVAL;
	}
	if (opts->max_sessions_per_user > opts->max_sessions)
		opts->max_sessions_per_user = opts->max_sessions;
	return 0;
}

/* ---- command line ------------------------------------------------------------------------------------ */

enum { OPT_SETTING = 0x100, OPT_CONFIG = 0x200, OPT_CHECK, OPT_HELP, OPT_VERSION };

static const char help[] =
	"Usage: xmbroker [OPTION]...\n"
	"Decides by a policy which user may issue which hypercall, and issues it.\n"
	"\n"
	"  --policy PATH               policy file; may be repeated\n"
	"                              (default /etc/xmbroker/policy.yaml)\n"
	"  --backend sim:XM_CF.xml     simulated hypervisor on this system description\n"
	"            xmsim:SOCKET      a running xmsim\n"
	"            loopback          a fixed hypervisor of three partitions, for tests\n"
	"  --socket PATH               where clients connect (default /run/xmbroker/socket)\n"
	"  --audit PATH|none           audit log (default /var/log/xmbroker/audit.jsonl)\n"
	"  --on-audit-failure deny|allow\n"
	"                              calls that cannot be recorded (default deny)\n"
	"  --user NAME|UID[:GID]       whom the server runs as (default xmbroker; not root: you)\n"
	"  --partition N               partition that this Linux is, with sim: (default 0)\n"
	"  --console PATH              where the simulated console goes, with sim:\n"
	"  --session-max-age SECONDS   0: no end (default 86400)\n"
	"  --max-sessions N            (default 4096)\n"
	"  --max-sessions-per-user N   (default 1024)\n"
	"  --large-memory MIB          for long messages under way (default 256)\n"
	"  --large-memory-per-user MIB (default 48)\n"
	"  --config FILE               (default " OPTIONS_CONFIG ", if there)\n"
	"  --check                     check policy and settings, start nothing\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 stopped or good, 1 failed, 2 wrong usage, configuration or policy.\n";

static void fill_long_options(struct option *table)
{
	size_t n = 0;

	for (; n < N_SETTINGS; n++)
		table[n] = (struct option){ settings[n], required_argument, NULL,
					    OPT_SETTING + (int)n };
	table[n++] = (struct option){ "config", required_argument, NULL, OPT_CONFIG };
	table[n++] = (struct option){ "check", no_argument, NULL, OPT_CHECK };
	table[n++] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	table[n++] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
	table[n] = (struct option){ NULL, 0, NULL, 0 };
}

static int take_option(struct options *opts, int opt)
{
	struct origin from = { NULL, "config" };
	int id = opt - OPT_SETTING;

	if (id >= 0 && id < N_SETTINGS) {
		from.key = settings[id];
		opts->given |= 1u << id;
		return set(opts, (enum setting_id)id, optarg, &from);
	}
	switch (opt) {
	case OPT_CONFIG:
		return set_string(&opts->config, optarg, &from);
	case OPT_CHECK:
		opts->check = true;
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		return 1;
	case OPT_VERSION:
		puts("xmbroker " XM_VERSION);
		return 1;
	default:
		fputs("Try xmbroker --help.\n", stderr);
		return -EINVAL;
	}
}

int options_parse(struct options *opts, int argc, char *argv[])
{
	struct option table[N_SETTINGS + 5];
	int opt, r;

	fill_long_options(table);
	optind = 0;
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		r = take_option(opts, opt);
		if (r != 0)
			return r;
	}
	if (optind < argc) {
		log_error("\"%s\" is not an option", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

/* ---- configuration file ------------------------------------------------------------------------------ */

static int setting_by_key(const char *key)
{
	for (int id = 0; id < N_SETTINGS; id++) {
		const char *a = settings[id], *b = key;

		while (*a && (*a == *b || (*a == '-' && *b == '_')))
			a++, b++;
		if (!*a && !*b)
			return id;
	}
	return -1;
}

int options_apply_config(struct options *opts, const char *file, char *lines)
{
	char *next;

	for (char *line = lines; *line; line = next) {
		char *end = strchrnul(line, '\n');
		char *equals;
		int id, r;

		next = *end ? end + 1 : end;
		*end = '\0';
		equals = strchr(line, '=');
		if (!equals) {
			log_error("%s: line without a value from the compiler", file);
			return -EINVAL;
		}
		*equals = '\0';
		id = setting_by_key(line);
		if (id < 0) {
			log_error("%s: %s: no such setting", file, line);
			return -EINVAL;
		}
		if (opts->given & (1u << id))
			continue;
		r = set(opts, (enum setting_id)id, equals + 1, &(struct origin){ file, line });
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- user -------------------------------------------------------------------------------------------- */

static int parse_id(const char *text, const char **endp, uint32_t *idp)
{
	unsigned long long id;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	id = strtoull(text, &end, 10);
	if (errno || id >= UINT32_MAX)
		return -EINVAL;
	*endp = end;
	*idp = (uint32_t)id;
	return 0;
}

static int resolve(const char *user, struct options_user *userp)
{
	struct passwd *pw;
	const char *end;

	if (parse_id(user, &end, &userp->uid) == 0) {
		pw = getpwuid(userp->uid);
		userp->gid = pw ? pw->pw_gid : userp->uid;
		if (*end == ':' && parse_id(end + 1, &end, &userp->gid) < 0)
			return -EINVAL;
		return *end ? -EINVAL : 0;
	}
	pw = getpwnam(user);
	if (!pw)
		return -ENOENT;
	userp->uid = pw->pw_uid;
	userp->gid = pw->pw_gid;
	return 0;
}

int options_resolve_user(const struct options *opts, struct options_user *userp)
{
	const char *name = opts->user ? opts->user : DEFAULT_USER;
	int r;

	*userp = (struct options_user){ (uid_t)-1, (gid_t)-1 };
	if (geteuid() != 0 && !opts->user)
		return 0;
	r = resolve(name, userp);
	if (r == -ENOENT) {
		log_error("there is no user \"%s\" to run the server as; create it with "
			  "`systemd-sysusers` "
			  "or `useradd --system --user-group --no-create-home --shell "
			  "/usr/sbin/nologin %s`"
			  ", or give --user NAME|UID[:GID]",
			  name, name);
		return -EINVAL;
	}
	if (r < 0) {
		log_error("--user: \"%s\" is neither a user nor UID[:GID]", name);
		return -EINVAL;
	}
	if (geteuid() != 0) {
		if (userp->uid != geteuid()) {
			log_error("--user: only root can run the server as another user");
			return -EINVAL;
		}
		*userp = (struct options_user){ (uid_t)-1, (gid_t)-1 };
		return 0;
	}
	if (userp->uid == 0 || userp->gid == 0) {
		log_error("--user: the server must not run as root");
		return -EINVAL;
	}
	return 0;
}

const char *options_backend_text(const struct options *opts)
{
	static char text[256];

	if (opts->backend == OPTIONS_LOOPBACK)
		return "loopback";
	snprintf(text, sizeof(text), "%s:%s", opts->backend == OPTIONS_SIM ? "sim" : "xmsim",
		 opts->backend_path);
	return text;
}
