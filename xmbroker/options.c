// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Options and configuration of the supervisor.  Owns where settings come from, and which wins.  Must
 * never act on them, and never see YAML: the compiler process reads the file.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/log.h"
#include "xmbroker/options_internal.h"

/* ---- defaults ---------------------------------------------------------------------------------------- */

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy) {
		log_error("out of memory");
		exit(2); /* at start: nothing runs yet */
	}
	return copy;
}

void options_init(struct options *opts)
{
	*opts = (struct options){
		.socket = copy_of("/run/xmbroker/socket"),
		.audit = copy_of("/var/log/xmbroker/audit.jsonl"),
		.audit_key = copy_of(OPTIONS_AUDIT_KEY),
		.audit_syslog = OPTIONS_SYSLOG_ANCHORS,
	};
	options_set_numbers(opts);
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
	free(opts->audit_key);
	free(opts->user);
	free(opts->console);
	free(opts->config);
	free(opts->backend_path);
}

int options_finish(struct options *opts)
{
	if (!opts->policy[0])
		opts->policy[0] = copy_of("/etc/xmbroker/policy.yaml");
	/* Without one, the boxes of both are tried. */
	if (!opts->backend_given && opts->self_test)
		return 0;
	if (!opts->backend_given) {
		log_error("no backend: give --backend device, sim:XM_CF.xml, xmsim:SOCKET or "
			  "loopback, or "
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
	if (opts->max_setup > opts->max_sessions)
		opts->max_setup = opts->max_sessions;
	if (opts->max_setup_per_user > opts->max_setup)
		opts->max_setup_per_user = opts->max_setup;
	return 0;
}

/* ---- command line ------------------------------------------------------------------------------------ */

enum {
	OPT_SETTING = 0x100,
	OPT_CONFIG = 0x200,
	OPT_CHECK,
	OPT_SELF_TEST,
	OPT_JSON,
	OPT_HELP,
	OPT_VERSION
};

static const char help[] =
	"Usage: xmbroker [OPTION]...\n"
	"Decides by a policy which user may issue which hypercall, and issues it.\n"
	"\n"
	"  --policy PATH               policy file; may be repeated\n"
	"                              (default /etc/xmbroker/policy.yaml)\n"
	"  --backend device[:PATH]     the hypervisor behind the device (default /dev/xmctl)\n"
	"            sim:XM_CF.xml     simulated hypervisor on this system description\n"
	"            xmsim:SOCKET      a running xmsim\n"
	"            loopback          a fixed hypervisor of three partitions, for tests\n"
	"  --socket PATH               where clients connect (default /run/xmbroker/socket)\n"
	"  --audit PATH|none           audit log (default /var/log/xmbroker/audit.jsonl)\n"
	"  --on-audit-failure deny|allow\n"
	"                              calls that cannot be recorded (default deny)\n"
	"  --user NAME|UID[:GID]       whom the server runs as (default xmbroker; not root: you)\n"
	"  --console PATH              where the simulated console goes, with sim:\n"
	"  --audit-key PATH|none       what seals the log (default /var/lib/xmbroker/audit.key)\n"
	"  --audit-syslog none|anchors|records\n"
	"                              what of the log syslog gets (default anchors)\n";

static const char help_end[] =
	"  --config FILE               (default " OPTIONS_CONFIG ", if there)\n"
	"  --check                     check policy and settings, start nothing\n"
	"  --self-test [--json]        try to break out of the boxes, print what happens\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 stopped or good, 1 failed, 2 wrong usage, configuration or policy.\n";

static void fill_long_options(struct option *table)
{
	size_t n = 0;

	for (; n < options_n_settings; n++)
		table[n] = (struct option){ options_settings[n].name, required_argument, NULL,
					    OPT_SETTING + (int)n };
	table[n++] = (struct option){ "config", required_argument, NULL, OPT_CONFIG };
	table[n++] = (struct option){ "check", no_argument, NULL, OPT_CHECK };
	table[n++] = (struct option){ "self-test", no_argument, NULL, OPT_SELF_TEST };
	table[n++] = (struct option){ "json", no_argument, NULL, OPT_JSON };
	table[n++] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	table[n++] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
	table[n] = (struct option){ NULL, 0, NULL, 0 };
}

static int take_option(struct options *opts, int opt)
{
	struct options_origin from = { NULL, "config" };
	int id = opt - OPT_SETTING;

	if (id >= 0 && (size_t)id < options_n_settings) {
		from.key = options_settings[id].name;
		opts->given |= (uint64_t)1 << id;
		return options_settings[id].set(opts, &options_settings[id], optarg, &from);
	}
	switch (opt) {
	case OPT_CONFIG:
		return options_set_string(&opts->config, optarg, &from);
	case OPT_CHECK:
		opts->check = true;
		return 0;
	case OPT_SELF_TEST:
		opts->self_test = true;
		return 0;
	case OPT_JSON:
		opts->json = true;
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		options_print_numbers();
		fputs(help_end, stdout);
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
	struct option table[OPTIONS_SETTINGS_MAX + 7];
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
	if (opts->json && !opts->self_test) {
		log_error("--json: only with --self-test");
		return -EINVAL;
	}
	return 0;
}

/* ---- configuration file ------------------------------------------------------------------------------ */

static int setting_by_key(const char *key)
{
	for (size_t id = 0; id < options_n_settings; id++) {
		const char *a = options_settings[id].name, *b = key;

		while (*a && (*a == *b || (*a == '-' && *b == '_')))
			a++, b++;
		if (!*a && !*b)
			return (int)id;
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
		if (opts->given & ((uint64_t)1 << id))
			continue;
		r = options_settings[id].set(opts, &options_settings[id], equals + 1,
					     &(struct options_origin){ file, line });
		if (r < 0)
			return r;
	}
	return 0;
}

const char *options_backend_text(const struct options *opts)
{
	static const char *const names[] = {
		[OPTIONS_LOOPBACK] = "loopback",
		[OPTIONS_DEVICE] = "device",
		[OPTIONS_SIM] = "sim",
		[OPTIONS_XMSIM] = "xmsim",
	};
	static char text[256];

	if (opts->backend == OPTIONS_LOOPBACK)
		return names[opts->backend];
	snprintf(text, sizeof(text), "%s:%s", names[opts->backend], opts->backend_path);
	return text;
}
